"""How much of a period a client had the medicine in hand, from what pharmacies handed out.

PDC, proportion of days covered: a fill of a drug that is still in hand starts when the supply before it ends (PQA), and
a day counts once whichever of the drugs covers it. MPR, medication possession ratio: days handed out over the days in
the period, not capped. Adherent means a PDC of 0.80 or more (PQA; V).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from careloop.kernel.errors import InvalidInput

ADHERENT = Fraction(80, 100)
EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)
"""Between which days a period may lie."""
MOST_DAYS = 1000
"""The longest supply of one fill that is believed."""
MOST_DAYS_IN_ALL = 100_000
"""The most days of supply that are counted."""
METHOD = (
    "PDC over the days from the first fill in the period to its end; fills outside the period are not counted; "
    "overlapping fills of one drug are shifted forward, different drugs cover a day together; inpatient days are taken "
    "out of both counts and use up supply; MPR is all days handed out over the same days, not capped."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredPeriod:
    """From `start` to `end`, both included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """What was handed out on a day. Fills with the same text for `drug` are of one drug."""

    drug: str
    on: date
    days_supply: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Adherence:
    """`pdc` and `mpr` are None where no day is counted. `run_out_on` is the last covered day, also after the period."""

    pdc: Fraction | None
    days_covered: int
    days_in_period: int
    mpr: Fraction | None
    run_out_on: date | None

    @property
    def adherent(self) -> bool | None:
        return None if self.pdc is None else self.pdc >= ADHERENT


def adherence(period: CoveredPeriod, fills: Iterable[Fill], inpatient: Iterable[CoveredPeriod] = ()) -> Adherence:
    """PDC, MPR and run-out. Raises InvalidInput naming the field of a period or fill that cannot be."""
    stays, listed = tuple(inpatient), tuple(fills)
    _require_sound(period, listed, stays)
    counted = [fill for fill in listed if period.start <= fill.on <= period.end]
    if not counted:
        return Adherence(pdc=None, days_covered=0, days_in_period=0, mpr=None, run_out_on=None)
    covered = covered_days(counted)
    first = min(fill.on for fill in counted)
    at_home = _days(first, period.end) - {day for stay in stays for day in _days(max(stay.start, first), stay.end)}
    total = sum(fill.days_supply for fill in counted)
    days = len(at_home)
    return Adherence(
        pdc=Fraction(len(covered & at_home), days) if days else None,
        days_covered=len(covered & at_home),
        days_in_period=days,
        mpr=Fraction(total, days) if days else None,
        run_out_on=max(covered, default=None),
    )


def covered_days(fills: Iterable[Fill]) -> frozenset[date]:
    """Every day on which at least one of the drugs is in hand."""
    by_drug: dict[str, list[Fill]] = defaultdict(list)
    for fill in fills:
        by_drug[fill.drug].append(fill)
    spans = (span for one in by_drug.values() for span in supply_spans(one))
    return frozenset(day for start, end in spans for day in _days(start, end))


def supply_spans(fills: Iterable[Fill]) -> list[tuple[date, date]]:
    """First and last day that each fill of one drug covers, shifted forward past the fill before it."""
    spans: list[tuple[date, date]] = []
    for fill in sorted(fills, key=lambda one: (one.on, one.days_supply)):
        start = max(fill.on, spans[-1][1] + timedelta(days=1)) if spans else fill.on
        if fill.days_supply:
            spans.append((start, start + timedelta(days=fill.days_supply - 1)))
    return spans


def _days(start: date, end: date) -> frozenset[date]:
    return frozenset(start + timedelta(days=number) for number in range((end - start).days + 1))


def _require_sound(period: CoveredPeriod, fills: tuple[Fill, ...], stays: tuple[CoveredPeriod, ...]) -> None:
    named = [("period", period), *((f"inpatient[{index}]", stay) for index, stay in enumerate(stays))]
    for place, span in named:
        if not EARLIEST <= span.start <= span.end <= LATEST:
            sentence = f"{place}.end must be on or after its start, both from {EARLIEST} to {LATEST}."
            raise InvalidInput("period-out-of-range", sentence, field=f"{place}.end")
    for index, fill in enumerate(fills):
        if not 0 <= fill.days_supply <= MOST_DAYS:
            sentence = f"fills[{index}].days_supply must be from 0 to {MOST_DAYS}."
            raise InvalidInput("out-of-range", sentence, field=f"fills[{index}].days_supply")
    if sum(fill.days_supply for fill in fills) > MOST_DAYS_IN_ALL:
        raise InvalidInput("out-of-range", f"fills hold more than {MOST_DAYS_IN_ALL} days of supply.", field="fills")
