"""Drug-drug, washout and duplicate-therapy: what the ordered drug meets, or followed too closely."""

from collections.abc import Iterator
from datetime import date

from careloop.knowledge.findings import Alert, Check, NotChecked, Reason
from careloop.knowledge.pack.index import between, same_molecule
from careloop.knowledge.pack.shapes.screening import PairRule, WashoutRule
from careloop.knowledge.screening.case import Case, CheckResult, ListedMedication, alert, doubts
from careloop.knowledge.screening.checks import forms

CHECKS = (Check.DRUG_DRUG, Check.WASHOUT, Check.DUPLICATE_THERAPY)


def check(case: Case) -> CheckResult:
    """Every medication by itself, so that adding one never takes an alert away."""
    found = [
        one
        for taken in case.met()
        for ordered in case.ingredients
        for other in taken.ingredients
        for one in _met(case, ordered, other, taken)
    ]
    alerts = tuple(one for one in found if isinstance(one, Alert))
    if case.taken is None:
        unknown = (NotChecked(check=kind, reason=Reason.MEDICATIONS_NOT_RECORDED) for kind in CHECKS)
        return CheckResult(alerts, tuple(unknown))
    gaps = [one for one in found if isinstance(one, NotChecked)]
    gaps += [gap for taken in case.taken for gap in _gaps(case, taken)]
    return CheckResult(alerts, tuple(gaps), frozenset(CHECKS))


def _met(case: Case, ordered: str, other: str, taken: ListedMedication) -> Iterator[Alert | NotChecked]:
    """One finding per cause; of equals a washout first, then a duplicate, then in the order of the pack."""
    if same_molecule(case.pack, ordered, other):
        if taken.overlaps:
            yield alert(case.pack.same_ingredient, Check.DUPLICATE_THERAPY, ordered, other)
        return
    worst: dict[str, Alert] = {}
    for cause, found in _candidates(case, ordered, other, taken):
        if isinstance(found, NotChecked):
            yield found
        elif cause not in worst or found.severity.rank < worst[cause].severity.rank:
            worst[cause] = found
    yield from worst.values()


def _candidates(
    case: Case, ordered: str, other: str, taken: ListedMedication
) -> Iterator[tuple[str, Alert | NotChecked]]:
    for washout in case.pack.washouts if taken.ended else ():
        if case.in_force(washout) and _too_soon(case, washout, ordered, other, taken):
            until = _first_day(taken.medication.stopped_on, washout.days)
            yield washout.cause, alert(washout, Check.WASHOUT, ordered, other, until=until)
    if not taken.overlaps:
        return
    for kind, rule, ordered_is_left in between(case.pack, ordered, other):
        held = case.in_force(rule) and _in_form(case, rule, ordered, other, taken, ordered_is_left=ordered_is_left)
        if held is None:
            yield (
                rule.cause,
                NotChecked(check=kind, reason=Reason.DOSE_OR_ROUTE_MISSING, subject=f"{ordered} / {other}"),
            )
        elif held:
            yield rule.cause, alert(rule, kind, ordered, other)


def _in_form(
    case: Case, rule: PairRule, ordered: str, other: str, taken: ListedMedication, *, ordered_is_left: bool
) -> bool | None:
    """Whether both are taken in the forms the rule speaks of; None when what was stated does not decide it."""
    sides = (forms.ordered(case, ordered), forms.of(taken, other))
    left, right = sides if ordered_is_left else sides[::-1]
    for form, intake in ((rule.left_unless, left), (rule.right_unless, right)):
        if form is not None and forms.fits(case.pack, form, intake):
            return False
    needed = ((rule.left_at, left), (rule.right_at, right))
    known = [forms.fits(case.pack, form, intake) for form, intake in needed if form is not None]
    return False if False in known else (None if None in known else True)


def _too_soon(case: Case, rule: WashoutRule, ordered: str, other: str, taken: ListedMedication) -> bool:
    """An interval of n days is over from the n-th day after the last dose on; before the last dose drugs overlap."""
    since = taken.days_since_last_dose
    if since is None or not 0 <= since < rule.days:
        return False
    followed = case.pack.among(other, rule.after) and not case.pack.among(other, rule.after_except)
    return followed and case.pack.among(ordered, rule.before)


def _first_day(stopped: date | None, days: int) -> str:
    last = stopped or date.max
    return date.fromordinal(min(last.toordinal() + days, date.max.toordinal())).isoformat()


def _gaps(case: Case, taken: ListedMedication) -> Iterator[NotChecked]:
    """A drug not known may interact, repeat or linger; once the longest washout has passed it concerns no order."""
    if taken.overlaps:
        concerned: tuple[Check, ...] = (Check.DRUG_DRUG, Check.DUPLICATE_THERAPY)
    else:
        longest = max(rule.days for rule in case.pack.washouts)
        concerned = (Check.WASHOUT,) if (taken.days_since_last_dose or 0) < longest else ()
    for reason, subject in doubts(taken.drug):
        for kind in concerned:
            yield NotChecked(check=kind, reason=reason, subject=subject)
