"""K8: every dose can be made from the strengths there are."""

from collections.abc import Iterator
from decimal import Decimal
from functools import cache

from careloop.knowledge.dosing.checker.case import PlanCase
from careloop.knowledge.dosing.checker.findings import Constraint, Found, PlanGap, Weight, finding
from careloop.knowledge.dosing.rules import drug_named, strength_rule
from careloop.knowledge.regimen.days import dated


def check(case: PlanCase) -> Iterator[Found]:
    told: set[tuple[str, Decimal]] = set()
    for segment in sorted(case.segments, key=lambda one: one.from_on):
        drug = drug_named(segment.drug, case.pack)
        if drug is None:
            continue
        pieces = pieces_of(case, drug)
        if not pieces:
            yield PlanGap(constraint=Constraint.STRENGTHS, reason="strength-unknown", subject=drug)
            continue
        for one in dated(segment.regimen, segment.from_on):
            needed = (one.phase.as_needed.amount_mg,) if one.phase.as_needed else ()
            for amount in (*(dose.amount_mg for dose in one.phase.doses), *needed):
                if (drug, amount) not in told and not _sums_to(amount, pieces):
                    told.add((drug, amount))
                    message = "The dose cannot be made from the strengths there are."
                    rule = None if case.given(drug) else strength_rule(case.pack, drug, case.as_of)
                    found = finding(
                        Constraint.STRENGTHS,
                        rule,
                        drug,
                        one.from_on,
                        message,
                        found=amount,
                        allowed=pieces[0],
                        unit="mg",
                    )
                    yield Weight.VIOLATION, found


def pieces_of(case: PlanCase, drug: str) -> tuple[Decimal, ...]:
    """Strengths and permitted halves, the smallest first; none where nothing is known."""
    given, rule = case.given(drug), strength_rule(case.pack, drug, case.as_of)
    if given is not None:
        halves = [mg / 2 for mg in given.strengths_mg if given.splittable]
        return tuple(sorted({*given.strengths_mg, *halves}))
    if rule is None:
        return ()
    return tuple(sorted({one.mg for one in rule.strengths} | {one.mg / 2 for one in rule.strengths if one.halves}))


def _sums_to(amount: Decimal, pieces: tuple[Decimal, ...]) -> bool:
    """Whether the amount is a sum of pieces: they are taken off one by one, the largest first."""

    @cache
    def left(rest: Decimal, upto: int) -> bool:
        if rest == 0:
            return True
        if upto < 0:
            return False
        piece = pieces[upto]
        most = int(rest // piece)
        return any(left(rest - piece * count, upto - 1) for count in range(most, -1, -1))

    return left(amount, len(pieces) - 1)
