"""Dose: the order against the drug's daily maximum, and the lower limits of some patients."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from careloop.knowledge.findings import Alert, Check, NotChecked, Reason
from careloop.knowledge.pack.index import lowering
from careloop.knowledge.pack.shapes.screening import DoseRule
from careloop.knowledge.pack.shapes.vocabulary import LongActing
from careloop.knowledge.pack.text import tokens
from careloop.knowledge.screening.case import Case, CheckResult, ListedMedication, alert, amount, figure, missing
from careloop.knowledge.screening.checks import titrations
from careloop.knowledge.screening.checks.circumstances import holds, unknown
from careloop.knowledge.screening.results import ADULT, weight_kg


def check(case: Case) -> CheckResult:
    """The limits are those of adults; the dose of a product of several ingredients is not the dose of each."""
    alerts, gaps = _inhibited(case)
    if len(case.ingredients) > 1:
        gaps.append(_gap(Reason.DOSE_OF_COMBINATION, " / ".join(case.ingredients)))
        return CheckResult(tuple(alerts), tuple(gaps))
    if case.depot is not None:
        gaps.append(_of_depot(case.depot))
        return CheckResult(tuple(alerts), tuple(gaps))
    dose = amount(case.order.daily_dose_mg)
    if dose is None:
        gaps.append(_gap(Reason.DOSE_MISSING, case.ingredients[0]))
        return CheckResult(tuple(alerts), tuple(gaps))
    ordered = _ordered(case, case.ingredients[0], dose)
    risen = titrations.check(case, case.ingredients[0], dose)
    found = (*alerts, *ordered.alerts, *risen.alerts), (*gaps, *ordered.not_checked, *risen.not_checked)
    return CheckResult(*found, ordered.done)


def _of_depot(depot: LongActing) -> NotChecked:
    """What is given once for weeks is no dose of a day."""
    days = " or ".join(map(str, depot.every_days))
    settled = f"the label of {depot.name}, given every {days} days"
    return NotChecked(check=Check.DOSE, reason=Reason.DOSE_OF_DEPOT, subject=depot.drug, settled_by=settled)


def _gap(reason: Reason, subject: str) -> NotChecked:
    return NotChecked(check=Check.DOSE, reason=reason, subject=subject)


def _ordered(case: Case, drug: str, dose: Decimal) -> CheckResult:
    limit = max_daily_mg(case, drug)
    if limit is None:
        by_weight = case.pack.drugs[drug].max_daily_mg_per_kg is not None
        return missing(Check.DOSE, Reason.WEIGHT_MISSING if by_weight else Reason.NOT_IN_PACK, drug)
    too_young = case.age is not None and case.age < ADULT
    gaps = [_too_young(case, drug)] if too_young else []
    alerts: list[Alert] = []
    for rule, _ in case.rules("doses"):
        if rule.titrated:
            continue
        if rule.when is None:
            alerts += [_dose_alert(rule, dose, limit, drug)] if dose > limit else []
        elif (most := _exceeded(case, rule, drug, dose)) is not None:
            alerts += [_dose_alert(rule, dose, most, drug, *others) for others in holds(case, rule.when)]
            gaps += [_gap(reason, drug) for reason in unknown(case, rule.when)]
    return CheckResult(tuple(alerts), tuple(gaps), frozenset({Check.DOSE}))


def max_daily_mg(case: Case, drug: str) -> Decimal | None:
    """The drug's own daily maximum for this patient, in the form ordered; None where the pack has none, or the weight
    is not known."""
    known = case.pack.drugs[drug]
    if known.forms:
        said = frozenset(part for word in tokens(case.order.name or "") for part in word.split("-"))
        for form in known.forms:
            if any(said >= set(words.split()) for words in form.words):
                return form.max_daily_mg
    if known.max_daily_mg is not None or known.max_daily_mg_per_kg is None:
        return known.max_daily_mg
    weight = weight_kg(case)
    return known.max_daily_mg_per_kg * weight if weight else None


def _too_young(case: Case, drug: str) -> NotChecked:
    """A pack from before gaps named their medicine says it of doses in general."""
    if case.pack.title.results_count_days is None:
        return _gap(Reason.NOT_IN_PACK, "doses under 18")
    return _gap(Reason.DOSE_UNDER_18, drug)


def _exceeded(case: Case, rule: DoseRule, drug: str, dose: Decimal) -> Decimal | None:
    """The limit of the rule, where the dose of the drug is above it."""
    most = rule.max_daily_mg
    return most if most is not None and case.pack.among(drug, rule.drugs) and dose > most else None


def _dose_alert(rule: DoseRule, dose: Decimal, limit: Decimal, *involves: str) -> Alert:
    return alert(rule, Check.DOSE, *involves, dose=figure(dose), limit=figure(limit))


def _inhibited(case: Case) -> tuple[list[Alert], list[NotChecked]]:
    """A drug already taken whose limit falls because of the drug now ordered."""
    met = list(case.overlapping())
    found = [
        one
        for inhibitor in case.ingredients
        for rule in (lowering(case.pack, inhibitor) if met else ())
        if case.in_force(rule) and _first_of(case, rule) == inhibitor
        for one in _lowered(case, rule, inhibitor, met)
    ]
    alerts = [one for one in found if isinstance(one, Alert)]
    return alerts, [one for one in found if isinstance(one, NotChecked)]


def _first_of(case: Case, rule: DoseRule) -> str:
    """Of several ordered ingredients that lower a limit the first is told."""
    return case.concerned(rule.when.with_drugs if rule.when is not None else ())[0]


def _lowered(
    case: Case, rule: DoseRule, inhibitor: str, met: Iterable[ListedMedication]
) -> Iterator[Alert | NotChecked]:
    for taken in met:
        for drug in (name for name in taken.ingredients if case.pack.among(name, rule.drugs)):
            dose = amount(taken.medication.daily_dose_mg)
            if dose is None:
                yield _gap(Reason.DOSE_MISSING, drug)
            elif (most := _exceeded(case, rule, drug, dose)) is not None:
                yield _dose_alert(rule, dose, most, drug, inhibitor)
