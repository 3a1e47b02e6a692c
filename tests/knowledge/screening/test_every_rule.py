"""Every rule that judges an order speaks where it must and keeps silent just beside it, whatever rules the pack holds.

The examples come from the rule's own data: each of its drugs, both sides of every bound. A new rule is under test as
soon as it is in a data file; a new kind of rule fails here until it is told how to make its examples.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import singledispatch
from itertools import product

import pytest

from careloop.knowledge.chart import (
    Allergy,
    Chart,
    Condition,
    Genotype,
    Lab,
    Medication,
    OrderedMedicine,
    Pregnancy,
    StoppedFor,
    SuicideRisk,
    Trial,
)
from careloop.knowledge.pack.index import condition_groups
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.pack.shapes import entries
from careloop.knowledge.pack.shapes import screening as schema
from careloop.knowledge.pack.shapes.dangers import OverdoseDanger
from careloop.knowledge.pack.shapes.follow_up import Measure, Titration
from careloop.knowledge.pack.shapes.screening import Relation, TrialOutcome
from careloop.knowledge.pack.shapes.supply import TelehealthRule
from careloop.knowledge.pack.telehealth import last_day_supplied
from careloop.knowledge.screening.screen import screen
from tests.support.knowledge import KNOWN, TODAY, of, order, taking

PACK = current_pack()
INNOCENT = "metformin"
WORST_ALONE = (schema.PairRule, schema.WashoutRule)
"""Kinds of which only the worst finding per pair and cause is shown."""
LITTLE = Decimal("0.001")
JUDGING = tuple(rule for rule in PACK.rules() if isinstance(rule, entries.Rule))


@dataclass(frozen=True, slots=True)
class Example:
    """An order, and whether the rule has to speak of it."""

    speaks: bool
    order: OrderedMedicine
    chart: Chart = KNOWN


def drugs(*names: str) -> list[str]:
    return sorted({drug for name in names for drug in PACK.members[name]})


def born(age: int, days: int = 0) -> date:
    """The birthday of someone who turns `age` today, moved by some days."""
    return TODAY.replace(year=TODAY.year - age) + timedelta(days=days)


def code_of(group: str) -> Condition:
    found = PACK.conditions[group]
    return Condition(icd10=found.icd10[0]) if found.icd10 else Condition(text=found.words[0])


def stopped(drug: str, days: int) -> Chart:
    return replace(KNOWN, medications=(Medication(name=drug, stopped_on=TODAY - timedelta(days=days)),))


@singledispatch
def examples(rule: object) -> Iterator[Example]:
    """Orders beside charts, on both sides of every bound the rule has."""
    raise TypeError(f"no examples can be made for {type(rule).__name__}")


@examples.register
def _(rule: schema.AgeRule) -> Iterator[Example]:
    for drug in drugs(*rule.drugs):
        if rule.from_age is not None:
            yield Example(True, order(drug), of(birth_date=born(rule.from_age)))
            yield Example(True, order(drug), of(birth_date=born(rule.from_age, -1)))
            yield Example(False, order(drug), of(birth_date=born(rule.from_age, 1)))
        if rule.to_age is not None:
            yield Example(True, order(drug), of(birth_date=born(rule.to_age)))
            yield Example(True, order(drug), of(birth_date=born(rule.to_age + 1, 1)))
            yield Example(False, order(drug), of(birth_date=born(rule.to_age + 1)))


@examples.register
def _(rule: schema.ConditionRule) -> Iterator[Example]:
    for drug in drugs(*rule.drugs):
        yield Example(False, order(drug), of(conditions=(Condition(text="sprained ankle"),)))
        for group in rule.conditions:
            for chart, accompanied in accompanying(rule, code_of(group)):
                yield Example(accompanied and not overruled(rule, drug, chart), order(drug), chart)
            yield Example(False, order(INNOCENT), of(conditions=(code_of(group),)))


def accompanying(rule: schema.ConditionRule, met: Condition) -> Iterator[tuple[Chart, bool]]:
    """The condition alone, and with each of what the rule asks for besides; and whether the rule then holds."""
    yield of(conditions=(met,)), not (rule.together_with or rule.risks)
    yield from ((of(conditions=(met, code_of(other))), True) for other in rule.together_with)
    yield from ((of(conditions=(met,), suicide_risk=risk), risk in rule.risks) for risk in SuicideRisk if rule.risks)


def overruled(rule: schema.ConditionRule, drug: str, chart: Chart) -> bool:
    """Whether a worse rule about one mechanism is told of the same condition."""
    code = (chart.patient.conditions or ())[0]
    groups = condition_groups(PACK, code.icd10, code.snomed, code.text)
    return any(
        PACK.among(drug, other.drugs) and not groups.isdisjoint(other.conditions) and holds_besides(other, chart)
        for other in PACK.drug_conditions
        if other.mechanism == rule.mechanism and other.severity.rank < rule.severity.rank
    )


def holds_besides(rule: schema.ConditionRule, chart: Chart) -> bool:
    named = {
        group
        for one in chart.patient.conditions or ()
        for group in condition_groups(PACK, one.icd10, one.snomed, one.text)
    }
    alone = not (rule.together_with or rule.risks)
    return alone or not named.isdisjoint(rule.together_with) or chart.patient.suicide_risk in rule.risks


@examples.register
def _(rule: schema.GenotypeRule) -> Iterator[Example]:
    normal = of(genotypes=(Genotype(gene=rule.gene, phenotype="normal"),))
    for drug in drugs(*rule.drugs):
        yield Example(False, order(drug), normal)
        yield Example(rule.untested, order(drug))
        for phenotype in rule.phenotypes:
            yield Example(True, order(drug), of(genotypes=(Genotype(gene=rule.gene, phenotype=phenotype),)))
            yield Example(False, order(drug), of(genotypes=(Genotype(gene="NAT2", phenotype=phenotype),)))


@examples.register
def _(rule: schema.PregnancyRule) -> Iterator[Example]:
    for drug in drugs(*rule.drugs):
        for state in Pregnancy:
            foreseen = rule.childbearing and state not in (Pregnancy.PREGNANT, Pregnancy.POSSIBLE)
            yield Example(state in rule.states or foreseen, order(drug), of(pregnancy=state))
            past = of(pregnancy=state, birth_date=born(56))
            yield Example(state in rule.states, order(drug), past)


@examples.register
def _(rule: schema.LabRule) -> Iterator[Example]:
    conditions = tuple(code_of(group) for group in rule.conditions[:1])
    for drug in (one for one in drugs(*rule.drugs) if not outdone(rule, one)):
        for loinc, unit in ((code, one.unit) for one in map(measure, rule.measures) for code in one.codes):
            for speaks, value, days in lab_bounds(rule):
                result = Lab(loinc=loinc, value=value, unit=unit, at=TODAY - timedelta(days=days))
                chart = of(labs=(result,), conditions=conditions)
                yield Example(speaks, order(drug), chart if rule.starting else taking(drug, chart=chart))
                for gap in (rule.restart_days - 1, rule.restart_days) if rule.starting else ():
                    chart = replace(chart, medications=stopped(drug, gap).medications)
                    yield Example(speaks and gap >= rule.restart_days, order(drug), chart)
        yield Example(rule.within_days is not None, order(drug), of(labs=(), conditions=conditions))


def outdone(rule: schema.LabRule, drug: str) -> bool:
    """Whether a worse rule about the same results of this drug has a bound that is crossed first."""
    return any(
        PACK.among(drug, other.drugs) and other.severity.rank < rule.severity.rank and other.above < rule.above
        for other in PACK.labs
        if other.measures == rule.measures and other.above is not None and rule.above is not None
    )


def measure(name: str) -> Measure:
    return next(one for one in PACK.entries(Measure) if one.name == name)


def lab_bounds(rule: schema.LabRule) -> Iterator[tuple[bool, Decimal, int]]:
    """Whether it must speak of a value so many days old. A bound that a worse rule shares is shown as that one."""
    if rule.within_days is not None:
        yield from ((days > rule.within_days, Decimal(1), days) for days in (0, rule.within_days, rule.within_days + 1))
    if rule.below is not None:
        yield from ((value < rule.below, value, 0) for value in (rule.below - LITTLE, rule.below, rule.below + 1))
    if rule.above is not None:
        yield from ((value > rule.above, value, 0) for value in (rule.above - 1, rule.above, rule.above + LITTLE))


@examples.register
def _(rule: schema.SupplyRule) -> Iterator[Example]:
    for drug, beside in limited(rule):
        for risk in SuicideRisk:
            for days in (rule.max_days - 1, rule.max_days, rule.max_days + 1):
                speaks = risk in rule.risks and days > rule.max_days
                chart = taking(*beside, chart=of(suicide_risk=risk))
                yield Example(speaks, order(drug, days_supply=days), chart)
                yield Example(speaks and not beside, order(drug, days_supply=days), of(suicide_risk=risk))


def limited(rule: schema.SupplyRule) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each drug it limits, and what must be taken beside it."""
    yield from ((drug, ()) for drug in drugs(*rule.drugs))
    for row in PACK.entries(OverdoseDanger) if rule.of_overdose_danger else ():
        for drug in set(drugs(*row.drugs)) - set(drugs(*row.drugs_except)):
            yield drug, tuple(drugs(*row.with_drugs)[:1])


@examples.register
def _(rule: schema.ControlledRule) -> Iterator[Example]:
    if rule.telehealth:
        yield from at_a_distance(rule)
        return
    day = max(rule.effective_from, TODAY)
    listed = {drug.name for drug in PACK.drugs.values() if drug.schedule in rule.schedules} | set(drugs(*rule.drugs))
    for drug in sorted(listed):
        meant = drug not in drugs(*rule.drugs_except)
        bound = 30 if rule.above_days is None else rule.above_days
        for days in (bound - 1, bound, bound + 1):
            speaks = meant and (rule.above_days is None or days > rule.above_days)
            yield Example(speaks, order(drug, days_supply=days, starts_on=day))
        yield Example(False, order(drug, days_supply=bound, starts_on=rule.effective_from - timedelta(days=1)))
    yield Example(False, order(INNOCENT, days_supply=999, starts_on=day))


def at_a_distance(rule: schema.ControlledRule) -> Iterator[Example]:
    """On the last day of the flexibilities and the day after, for six calendar months and a day more."""
    ends = next(one.effective_to for one in PACK.entries(TelehealthRule) if one.effective_to is not None)
    after = ends + timedelta(days=1)
    listed = {drug.name for drug in PACK.drugs.values() if drug.schedule in rule.schedules} | set(drugs(*rule.drugs))
    disorder = of(conditions=(code_of("opioid-use"),))
    for drug in sorted(listed - set(drugs(*rule.drugs_except))):
        within = (last_day_supplied(after, 6) - after).days + 1
        yield Example(False, order(drug, days_supply=within, starts_on=ends))
        yield Example(True, order(drug, days_supply=within, starts_on=after))
        yield Example(drug != "buprenorphine", order(drug, days_supply=within, starts_on=after), disorder)
        yield Example(True, order(drug, days_supply=within + 1, starts_on=after), disorder)
    yield Example(False, order(INNOCENT, days_supply=999, starts_on=after))


@examples.register
def _(rule: schema.TrialRule) -> Iterator[Example]:
    ended = {
        TrialOutcome.FAILED: StoppedFor.INEFFICACY,
        TrialOutcome.NOT_TOLERATED: StoppedFor.INTOLERANCE,
        TrialOutcome.ALLERGIC: StoppedFor.ALLERGY,
    }[rule.outcome]
    weeks = rule.at_least_weeks or Decimal(8)
    for drug in drugs("ssri", "antipsychotic"):
        trial = Trial(
            name=drug, weeks=weeks, daily_dose_mg=PACK.drugs[drug].adequate_mg or Decimal(1), stopped_for=ended
        )
        yield Example(True, order(drug), replace(KNOWN, trials=(trial,)))
        yield Example(False, order(INNOCENT), replace(KNOWN, trials=(trial,)))
        yield Example(False, order(drug), replace(KNOWN, trials=(replace(trial, stopped_for=StoppedFor.OTHER),)))
        if rule.at_least_weeks is not None:
            short = replace(trial, weeks=weeks - LITTLE)
            yield Example(False, order(drug), replace(KNOWN, trials=(short,)))


@examples.register
def _(rule: schema.AllergyRule) -> Iterator[Example]:
    substances = {Relation.SAME: "sertraline", Relation.RELATED: "phenytoin", Relation.CAUTION: "lamotrigine"}
    ordered = "sertraline" if rule.relation is Relation.SAME else "carbamazepine"
    entry = Allergy(substance=substances[rule.relation], type=rule.type, criticality=next(iter(rule.criticality), None))
    yield Example(True, order(ordered), of(allergies=(entry,), no_known_allergies=False))
    yield Example(False, order(INNOCENT), of(allergies=(entry,), no_known_allergies=False))
    yield Example(False, order(ordered), of(allergies=(), no_known_allergies=True))


@examples.register
def _(rule: schema.StoppingRule) -> Iterator[Example]:
    for drug in drugs(*rule.affected):
        for other in set(drugs(*rule.stopped)) - {drug}:
            for days in (0, rule.days, rule.days + 1):
                yield Example(days <= rule.days, order(drug), stopped(other, days))


@examples.register
def _(rule: schema.WashoutRule) -> Iterator[Example]:
    after = sorted(set(drugs(*rule.after)) - set(drugs(*rule.after_except)))
    for old, new in ((old, new) for old in after for new in drugs(*rule.before)):
        yield Example(False, order(new), stopped(old, rule.days))


@examples.register
def _(rule: schema.LoadRule) -> Iterator[Example]:
    heavy, *rest = sorted(rule.weights, key=lambda weight: -weight.points)
    known = drugs(*(rest or [heavy])[0].drugs)
    first, second, third = drugs(*heavy.drugs)[0], *[drug for drug in known if drug != drugs(*heavy.drugs)[0]][:2]
    for ordered, others in ((first, (second, third)), (second, (first, third)), (third, (second, first))):
        yield Example(True, order(ordered), taking(*others))
        yield Example(False, order(ordered), taking(others[0]))
        yield Example(False, order(INNOCENT), taking(ordered, *others))


@examples.register
def _(rule: schema.DoseRule) -> Iterator[Example]:
    if rule.titrated:
        yield from along_the_titration()
        return
    for drug in drugs(*rule.drugs) if rule.drugs else [d.name for d in PACK.drugs.values() if d.max_daily_mg]:
        limit = rule.max_daily_mg if rule.max_daily_mg is not None else PACK.drugs[drug].max_daily_mg
        assert limit is not None
        for chart in charts_of(rule.when or schema.Circumstances()):
            yield Example(True, order(drug, str(limit + LITTLE)), chart)
            yield Example(False, order(drug, str(limit)), chart)
        for chart in restarts(rule.when, drug):
            yield Example(True, order(drug, str(limit + LITTLE)), chart)
        for chart in charts_beside(rule.when, drug):
            yield Example(False, order(drug, str(limit + LITTLE)), chart)


@examples.register
def _(rule: schema.CeilingRule) -> Iterator[Example]:
    always = [other for other in PACK.entries(schema.CeilingRule) if not other.conditions]
    own = {drug for other in always for drug in drugs(*other.drugs)}
    charts = [of(conditions=(code_of(name),)) for name in rule.conditions] or [KNOWN]
    for drug, chart in product(drugs(*rule.drugs) if rule.drugs else sorted(PACK.drugs.keys() - own), charts):
        most = PACK.drugs[drug].max_daily_mg
        limit = rule.never_above_mg if rule.times_maximum is None else most and rule.times_maximum * most
        if limit is not None:
            yield Example(True, order(drug, str(limit + LITTLE)), chart)
            yield Example(False, order(drug, str(limit)), chart)
        if limit is not None and rule.conditions:
            yield Example(False, order(drug, str(limit + LITTLE)))


@examples.register
def _(rule: schema.NoIndicationRule) -> Iterator[Example]:
    """Of every drug of which something is said: an earache, and each condition that it is given for."""
    earache, hearing = Condition(icd10="H92.0"), Condition(icd10="H90.3", clinical_status="resolved")
    for drug in sorted({drug for entry in PACK.entries(schema.Indication) for drug in drugs(*entry.drugs)}):
        known = [entry for entry in PACK.entries(schema.Indication) if PACK.among(drug, entry.drugs)]
        fitting = [Condition(icd10=code) for entry in known for code in entry.icd10]
        fitting += [code_of(group) for entry in known for group in entry.conditions]
        yield Example(not rule.named, order(drug, indication=None), of(conditions=(earache,)))
        yield Example(rule.named, order(drug, indication=earache), of(conditions=tuple(fitting)))
        yield Example(rule.named, order(drug, indication=earache), of(conditions=None))
        for one in fitting:
            yield Example(False, order(drug, indication=None), of(conditions=(earache, one)))
            yield Example(False, order(drug, indication=one), of(conditions=(earache,)))
        for silent in ((), None, (hearing,)):
            yield Example(False, order(drug, indication=None), of(conditions=silent))
        yield Example(False, order(INNOCENT, indication=None), of(conditions=(earache,)))


def along_the_titration() -> Iterator[Example]:
    """On the first day of every step, at its dose and above it; the day before, the dose of the step is too much."""
    for titration in PACK.entries(Titration):
        beside = [Medication(name=drug, daily_dose_mg=Decimal(1)) for drug in drugs(*titration.with_drugs)[:1]]
        for drug, step in product(drugs(*titration.drugs), titration.steps):
            most = step.dose_mg / step.every_days
            for speaks, mg, day in ((True, most + LITTLE, 0), (False, most, 0), (step.from_day > 0, most, -1)):
                since = TODAY - timedelta(days=step.from_day + day)
                taken = Medication(name=drug, daily_dose_mg=Decimal(1), started_on=since)
                yield Example(speaks, order(drug, str(mg)), replace(KNOWN, medications=(taken, *beside)))


def charts_of(when: schema.Circumstances) -> Iterator[Chart]:
    """A patient for each of the ways in which the limit holds."""
    ways: list[Chart] = []
    if when.age_over is not None:
        ways += [of(birth_date=born(when.age_over + 1))]
    ways += [of(sex=when.sex)] if when.sex is not None else []
    ways += [taking(drug) for drug in drugs(*when.with_drugs)]
    ways += [of(genotypes=(Genotype(gene=when.gene, phenotype=one),)) for one in when.phenotypes if when.gene]
    ways += [of(conditions=(code_of(group),)) for group in when.conditions]
    if when.egfr_below is not None:
        ways += [filtering(when.egfr_below - LITTLE), filtering(when.egfr_from or Decimal(0))]
    yield from ways or [KNOWN]


def charts_beside(when: schema.Circumstances | None, drug: str) -> Iterator[Chart]:
    """Patients who miss each of its bounds by the least."""
    if when is None:
        return
    if when.age_over is not None:
        yield of(birth_date=born(when.age_over + 1, 1))
    if when.egfr_below is not None:
        yield filtering(when.egfr_below)
    if when.egfr_from is not None:
        yield filtering(when.egfr_from - LITTLE)
    for group in when.without_conditions:
        yield of(conditions=(*(code_of(one) for one in when.conditions), code_of(group)))
    yield from (taking(other) for other in drugs(*when.without_drugs))
    if when.starting:
        yield taking(drug, *drugs(*when.with_drugs)[:1])
        yield after_gap(when, drug, when.restart_days - 1)


def restarts(when: schema.Circumstances | None, drug: str) -> Iterator[Chart]:
    """The drug was taken before, and the gap is just long enough to be a new start."""
    if when is not None and when.starting and when.gene is None:
        yield after_gap(when, drug, when.restart_days)


def after_gap(when: schema.Circumstances, drug: str, days: int) -> Chart:
    beside = taking(*drugs(*when.with_drugs)[:1]).medications or ()
    return replace(KNOWN, medications=(*(stopped(drug, days).medications or ()), *beside))


def filtering(rate: Decimal) -> Chart:
    return of(labs=(Lab(loinc="33914-3", value=rate, unit="mL/min/{1.73_m2}", at=TODAY),))


@examples.register
def _(rule: schema.PairRule) -> Iterator[Example]:
    for drug in drugs(*rule.left, *rule.right):
        yield Example(False, order(drug))
        yield Example(False, order(drug), taking(INNOCENT))


@examples.register(entries.Rule)
def _(rule: entries.Rule) -> Iterator[Example]:
    assert rule is PACK.same_ingredient, f"no examples can be made for {type(rule).__name__}"
    for drug in PACK.drugs:
        yield Example(True, order(drug), taking(drug))
        yield Example(False, order(drug), taking(INNOCENT) if drug != INNOCENT else KNOWN)


def fires(rule: entries.Rule, example: Example) -> bool:
    found = screen(example.chart, example.order, TODAY).alerts
    return any(told.rule == rule.id and told.version == rule.version for told in found)


@pytest.mark.parametrize("rule", JUDGING, ids=lambda rule: rule.id)
def test_a_rule_speaks_where_it_must_and_nowhere_beside(rule: entries.Rule) -> None:
    made = list(examples(rule))
    assert any(not example.speaks for example in made)
    assert isinstance(rule, WORST_ALONE) or any(example.speaks for example in made)
    wrong = [example for example in made if fires(rule, example) is not example.speaks]
    assert wrong == []


def meetings(rule: schema.PairRule | schema.WashoutRule) -> Iterator[Example]:
    """Every two drugs of which the rule speaks."""
    if isinstance(rule, schema.WashoutRule):
        after = set(drugs(*rule.after)) - set(drugs(*rule.after_except))
        for old, new in product(after, drugs(*rule.before)):
            yield Example(True, order(new), stopped(old, rule.days - 1))
        return
    for left in set(drugs(*rule.left)) - set(drugs(*rule.left_except)):
        for right in set(drugs(*rule.right)) - set(drugs(*rule.right_except)) - {left}:
            name, mg = in_form(left, rule.left_at)
            other, other_mg = in_form(right, rule.right_at)
            taken = (Medication(name=other, daily_dose_mg=other_mg),)
            yield Example(True, order(name, str(mg)), replace(KNOWN, medications=taken))


def in_form(drug: str, form: schema.Form | None) -> tuple[str, Decimal]:
    texts = {"injection": f"{drug} injection", "oral": f"{drug} oral tablet"}
    text = texts[form.routes[0]] if form is not None and form.routes else drug
    return text, Decimal(1) if form is None or form.from_mg is None else form.from_mg


@pytest.mark.parametrize("rule", [rule for rule in JUDGING if isinstance(rule, WORST_ALONE)], ids=lambda rule: rule.id)
def test_a_rule_between_two_drugs_is_the_one_shown_for_some_of_them(
    rule: schema.PairRule | schema.WashoutRule,
) -> None:
    assert any(fires(rule, example) for example in meetings(rule))
