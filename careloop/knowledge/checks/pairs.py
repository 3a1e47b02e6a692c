"""Drug-drug, washout and duplicate-therapy: what the ordered drug meets, or followed too closely."""

from collections.abc import Iterator
from datetime import date

from careloop.knowledge.case import Case, Found, Taken, alert, doubts
from careloop.knowledge.findings import Alert, Check, NotChecked, Reason
from careloop.knowledge.pack import Pack
from careloop.knowledge.schema import PairRule, Relation, WashoutRule

CHECKS = (Check.DRUG_DRUG, Check.WASHOUT, Check.DUPLICATE_THERAPY)


def check(case: Case) -> Found:
    """Every medication by itself, so that adding one never takes an alert away."""
    if case.taken is None:
        gaps = [NotChecked(check=kind, reason=Reason.MEDICATIONS_NOT_RECORDED) for kind in CHECKS]
        return Found(not_checked=tuple(gaps))
    alerts = [
        found
        for taken in case.taken
        for ordered in case.ingredients
        for other in taken.ingredients
        for found in _worst_per_cause(case, ordered, other, taken)
    ]
    gaps = [gap for taken in case.taken for gap in _gaps(case, taken)]
    return Found(tuple(alerts), tuple(gaps), frozenset(CHECKS))


def same_molecule(pack: Pack, drug: str, other: str) -> bool:
    """The same ingredient, or an enantiomer or metabolite of it."""
    return drug == other or any(
        group.relation is Relation.SAME and pack.among(drug, group.members) and pack.among(other, group.members)
        for group in pack.groups
    )


def _worst_per_cause(case: Case, ordered: str, other: str, taken: Taken) -> list[Alert]:
    """One finding per cause; of equals a washout first, then a duplicate, then in the order of the pack."""
    if same_molecule(case.pack, ordered, other):
        rule = case.pack.same_ingredient
        return [alert(rule, Check.DUPLICATE_THERAPY, ordered, other)] if taken.overlaps else []
    worst: dict[str, Alert] = {}
    for cause, found in _candidates(case, ordered, other, taken):
        if cause not in worst or found.severity.rank < worst[cause].severity.rank:
            worst[cause] = found
    return list(worst.values())


def _candidates(case: Case, ordered: str, other: str, taken: Taken) -> Iterator[tuple[str, Alert]]:
    for washout in case.pack.washouts:
        if case.in_force(washout) and _too_soon(case.pack, washout, ordered, other, taken):
            until = _first_day(taken.medication.stopped_on, washout.days)
            yield washout.cause, alert(washout, Check.WASHOUT, ordered, other, until=until)
    if not taken.overlaps:
        return
    kinds = ((Check.DUPLICATE_THERAPY, case.pack.duplicates), (Check.DRUG_DRUG, case.pack.interactions))
    for kind, rules in kinds:
        for rule in rules:
            if case.in_force(rule) and meet(case.pack, rule, ordered, other):
                yield rule.cause, alert(rule, kind, ordered, other)


def meet(pack: Pack, rule: PairRule, drug: str, other: str) -> bool:
    """Whether the rule speaks of these two, in either direction."""
    return _in_this_order(pack, rule, drug, other) or _in_this_order(pack, rule, other, drug)


def _in_this_order(pack: Pack, rule: PairRule, left: str, right: str) -> bool:
    excepted = pack.among(left, rule.left_except) or pack.among(right, rule.right_except)
    return pack.among(left, rule.left) and pack.among(right, rule.right) and not excepted


def _too_soon(pack: Pack, rule: WashoutRule, ordered: str, other: str, taken: Taken) -> bool:
    """An interval of n days is kept from the n-th day after the last dose on; before the last dose drugs overlap."""
    since = taken.days_since_last_dose
    if since is None or not 0 <= since < rule.days:
        return False
    followed = pack.among(other, rule.after) and not pack.among(other, rule.after_except)
    return followed and pack.among(ordered, rule.before)


def _first_day(stopped: date | None, days: int) -> str:
    last = stopped or date.max
    return date.fromordinal(min(last.toordinal() + days, date.max.toordinal())).isoformat()


def _gaps(case: Case, taken: Taken) -> Iterator[NotChecked]:
    """A drug not known may interact, repeat or linger; once the longest washout has passed it concerns no order."""
    if taken.overlaps:
        concerned: tuple[Check, ...] = (Check.DRUG_DRUG, Check.DUPLICATE_THERAPY)
    else:
        longest = max(rule.days for rule in case.pack.washouts)
        concerned = (Check.WASHOUT,) if (taken.days_since_last_dose or 0) < longest else ()
    for reason, subject in doubts(taken.drug):
        for kind in concerned:
            yield NotChecked(check=kind, reason=reason, subject=subject)
