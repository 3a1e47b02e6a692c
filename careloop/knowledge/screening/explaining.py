"""Why an alert speaks: its mechanism, and what in this chart it stands on. Pure, so it explains old alerts too."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from careloop.knowledge.chart import Chart, Lab, Medication, OrderedMedicine
from careloop.knowledge.findings import Alert, Check
from careloop.knowledge.pack.drugs import Unresolved, resolve
from careloop.knowledge.pack.index import condition_groups, measure_named, mechanisms, membership, rule_of
from careloop.knowledge.pack.pack import Pack, current_pack
from careloop.knowledge.pack.shapes.entries import Rule
from careloop.knowledge.pack.shapes.follow_up import Measure
from careloop.knowledge.pack.shapes.screening import (
    Circumstances,
    GenotypeRule,
    LabRule,
    LoadRule,
    NoIndicationRule,
    PairRule,
    StoppingRule,
    WashoutRule,
)
from careloop.knowledge.screening.case import Case, open_case
from careloop.knowledge.screening.checks import allergies, indications
from careloop.knowledge.screening.checks.circumstances import rates
from careloop.knowledge.screening.checks.conditions import results_of
from careloop.knowledge.screening.checks.labs import codes_of
from careloop.knowledge.screening.results import last


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`mechanism` is a sentence on why such a finding holds; `evidence` are the facts of this chart it stands on."""

    mechanism: str
    evidence: tuple[str, ...]


def explain(alert: Alert, chart: Chart, order: OrderedMedicine, as_of: date, pack: Pack | None = None) -> Explanation:
    """Never raises: of a rule that the pack no longer holds the mechanism is empty."""
    pack = pack or current_pack()
    rule = rule_of(pack, alert.rule, alert.version)
    ordered = resolve(order.name, order.rxcui, pack)
    if isinstance(ordered, Unresolved) or rule is None:
        return Explanation(mechanism="", evidence=())
    case = open_case(pack, chart, order, ordered, as_of)
    facts = [*_drugs(case, alert), *_classes(case, alert, rule), *_OF_KIND.get(alert.kind, _nothing)(case, alert, rule)]
    return Explanation(mechanism=mechanisms(pack)[rule.mechanism], evidence=tuple(dict.fromkeys(facts)))


def _drugs(case: Case, alert: Alert) -> Iterator[str]:
    """How each drug of the alert is ordered or taken."""
    for drug in alert.involves:
        if drug in case.ingredients:
            dose = f"{case.order.daily_dose_mg} mg a day" if case.order.daily_dose_mg is not None else "dose not told"
            yield f"{drug}: ordered, {dose}, from {case.starts_on}"
        for taken in case.taken or ():
            if drug in taken.ingredients:
                yield f"{drug}: {_taken(taken.medication)}"


def _taken(medication: Medication) -> str:
    dose = f"{medication.daily_dose_mg} mg a day" if medication.daily_dose_mg is not None else "dose not told"
    since = f", since {medication.started_on}" if medication.started_on else ""
    return f"{dose}{since}, " + (f"last dose {medication.stopped_on}" if medication.stopped_on else "still taken")


def _classes(case: Case, alert: Alert, rule: Rule) -> Iterator[str]:
    """By which class each drug is meant."""
    sides: tuple[tuple[str, ...], ...]
    match rule:
        case PairRule():
            sides = (rule.left, rule.right)
        case WashoutRule():
            sides = (rule.after, rule.before)
        case StoppingRule():
            sides = (rule.affected, rule.stopped)
        case LoadRule():
            sides = tuple(weight.drugs for weight in rule.weights)
        case _:
            return
    for drug in alert.involves:
        for side in sides:
            path = membership(case.pack, drug, side) if drug in case.pack.drugs else ()
            if path:
                yield f"{drug}: {' > '.join(path)}"
                break


def _nothing(case: Case, alert: Alert, rule: Rule) -> Iterator[str]:
    return iter(())


def _conditions(case: Case, alert: Alert, rule: Rule) -> Iterator[str]:
    if isinstance(rule, NoIndicationRule):
        yield from (f"on record: {one.text or one.icd10 or one.snomed}" for one in indications.standing(case))
    sought = set(getattr(rule, "conditions", ()))
    for one in case.chart.patient.conditions or ():
        met = sought & condition_groups(case.pack, one.icd10, one.snomed, one.text)
        if met:
            yield f"{one.text or one.icd10 or one.snomed}: {', '.join(sorted(met))}"
    gene = getattr(rule, "gene", None)
    yield from (f"{one.gene}: {one.phenotype}" for one in results_of(case, gene or ""))
    if isinstance(rule, GenotypeRule) and rule.untested:
        yield f"no result of {rule.gene}"


def _allergies(case: Case, alert: Alert, rule: Rule) -> Iterator[str]:
    for entry in case.chart.patient.allergies or ():
        if alert in allergies.of_entry(case, entry).alerts:
            about = (entry.type or "type not told", f"criticality {entry.criticality or 'not told'}")
            yield f"on the allergy list: {entry.substance or entry.rxcui}, {', '.join(about)}"


def _age(case: Case, alert: Alert, rule: Rule) -> Iterator[str]:
    yield f"{case.age} years on {case.starts_on}"


def _pregnancy(case: Case, alert: Alert, rule: Rule) -> Iterator[str]:
    patient = case.chart.patient
    stated = (patient.pregnancy or "not told", patient.sex or "not told", "not told" if case.age is None else case.age)
    yield "pregnancy: {}; sex: {}; age: {}".format(*stated)


def _labs(case: Case, alert: Alert, rule: Rule) -> Iterator[str]:
    codes, measures = (codes_of(case, rule), rule.measures) if isinstance(rule, LabRule) else ((), ())
    known = [*_last_results(case, codes), *_computed(case, measures)]
    if not known:
        yield f"no result of {' or '.join(measures or (_measured(case.pack, code) for code in codes))}"
    yield from known
    if isinstance(rule, LabRule) and rule.conditions:
        yield from _conditions(case, alert, rule)


def _last_results(case: Case, codes: tuple[str, ...]) -> list[str]:
    """Those of the last day on which any of these codes was measured."""
    known = [lab for lab in case.chart.patient.labs or () if lab.loinc in codes and lab.at <= case.as_of]
    last = max((lab.at for lab in known), default=None)
    return [_result(case.pack, lab) for lab in known if lab.at == last]


def _computed(case: Case, measures: tuple[str, ...]) -> Iterator[str]:
    """What was computed for want of a result, and of which day."""
    for name in measures:
        reading = last(case, name)
        if reading is not None and reading.computed:
            yield f"{name}: {min(reading.values)} computed from creatinine of {reading.on}"


def _result(pack: Pack, lab: Lab) -> str:
    return f"{_measured(pack, lab.loinc)}: {lab.value} {lab.unit or 'without unit'} on {lab.at}"


def _measured(pack: Pack, code: str) -> str:
    named = (measure.name for measure in pack.entries(Measure) if code in measure.codes)
    return next((f"{name} ({code})" for name in named), code)


def _trials(case: Case, alert: Alert, rule: Rule) -> Iterator[str]:
    for trial in case.chart.trials or ():
        named = resolve(trial.name, trial.rxcui, case.pack)
        if not isinstance(named, Unresolved) and set(named.ingredients) & set(alert.involves):
            weeks = f"{trial.weeks} weeks" if trial.weeks is not None else "duration not told"
            dose = f"{trial.daily_dose_mg} mg a day" if trial.daily_dose_mg is not None else "dose not told"
            ended = f"response {trial.response or 'not told'}, stopped for {trial.stopped_for or 'no reason told'}"
            yield f"earlier trial of {', '.join(named.ingredients)}: {dose}, {weeks}, {ended}"


def _supply(case: Case, alert: Alert, rule: Rule) -> Iterator[str]:
    yield f"{case.order.days_supply} days; suicide risk {case.chart.patient.suicide_risk or 'not told'}"


def _schedule(case: Case, alert: Alert, rule: Rule) -> Iterator[str]:
    for drug in case.ingredients:
        if case.pack.drugs[drug].schedule:
            yield f"{drug}: schedule {case.pack.drugs[drug].schedule}, starts {case.starts_on}"


def _dose(case: Case, alert: Alert, rule: Rule) -> Iterator[str]:
    when = getattr(rule, "when", None)
    if when is not None and when.age_over is not None and case.age is not None:
        yield f"{case.age} years on {case.starts_on}"
    if when is not None and when.egfr_below is not None:
        yield from _filtration(case, when)
    if when is not None:
        yield from _conditions(case, alert, when)


def _filtration(case: Case, when: Circumstances) -> Iterator[str]:
    """The results that the rate was taken or computed from."""
    for name in rates(when):
        reading = last(case, name)
        if reading is not None and reading.values:
            measure = measure_named(case.pack, name)
            yield from _last_results(case, measure.codes if measure and not reading.computed else ())
            yield from _computed(case, (name,))
            return


_OF_KIND: Mapping[Check, Callable[[Case, Alert, Rule], Iterator[str]]] = {
    Check.DRUG_CONDITION: _conditions,
    Check.ALLERGY: _allergies,
    Check.AGE: _age,
    Check.PREGNANCY: _pregnancy,
    Check.LAB: _labs,
    Check.PRIOR_TRIAL: _trials,
    Check.SUPPLY: _supply,
    Check.CONTROLLED_SUBSTANCE: _schedule,
    Check.DOSE: _dose,
}
