"""How many orders of a set were checked in full, and what was missing for the others."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from careloop.knowledge.findings import Check, Screening, without_notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """In how many orders a check lacked something, for one reason."""

    check: Check
    reason: str
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """`fully_checked` counts orders with every check made and nothing left out; `clear` those without alerts too."""

    orders: int
    fully_checked: int
    clear: int
    with_alerts: int
    missing: tuple[Missing, ...]


def coverage(screenings: Iterable[Screening]) -> Coverage:
    """Most frequent gaps first."""
    answers = list(screenings)
    complete = [answer for answer in answers if fully_checked(answer)]
    missed = ({(gap.check, gap.reason) for gap in without_notes(answer.not_checked)} for answer in answers)
    gaps = Counter(gap for found in missed for gap in found)
    ranked = sorted(gaps.items(), key=lambda item: (-item[1], item[0]))
    return Coverage(
        orders=len(answers),
        fully_checked=len(complete),
        clear=sum(not answer.alerts for answer in complete),
        with_alerts=sum(bool(answer.alerts) for answer in answers),
        missing=tuple(Missing(check=check, reason=reason, orders=times) for (check, reason), times in ranked),
    )


def fully_checked(answer: Screening) -> bool:
    """Whether every check was made, with nothing that could not be looked at; notes do not count."""
    return not without_notes(answer.not_checked) and set(answer.checked) == set(Check)
