"""Which doses can be made of the strengths there are, and how a day's dose is spread over its times."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from math import gcd

from careloop.knowledge.dosing.plan import OnHand
from careloop.knowledge.pack.shapes.dosing import StrengthRule
from careloop.knowledge.regimen.regimen import Phase, Regimen, ScheduledDose

_SCALE = 10_000
"""A dose is counted in ten-thousandths of a milligram."""


@dataclass(frozen=True, slots=True)
class Makeable:
    """Doses that are sums of `pieces`: whole tablets or capsules and the halves of those that may be split."""

    pieces: tuple[Decimal, ...]
    times: tuple[str, ...]

    @property
    def smallest(self) -> Decimal:
        return min(self.pieces)

    def can(self, dose: Decimal) -> bool:
        unit = self._unit
        count, rest = divmod(int(dose * _SCALE), unit)
        return dose > 0 and not rest and bool(_sums(self._counts, count) >> count & 1)

    def above(self, least: Decimal, below: Decimal) -> Decimal | None:
        """The smallest dose that is at least `least`, and below `below`."""
        return min((dose for dose in self._up_to(below) if least <= dose < below), default=None)

    def below(self, dose: Decimal) -> Decimal | None:
        """The largest dose below this one."""
        return max((made for made in self._up_to(dose) if made < dose), default=None)

    def at_most(self, most: Decimal, above: Decimal = Decimal(0)) -> Decimal | None:
        """The largest dose up to `most` that is above `above`."""
        return max((made for made in self._up_to(most) if above < made <= most), default=None)

    def regimen(self, dose: Decimal) -> Regimen:
        """The dose every day, over its usual times as evenly as it can be made, the larger part later; at fewer times
        where it cannot."""
        for first in range(len(self.times)):
            parts = self._spread(dose, len(self.times) - first)
            if parts is not None:
                doses = (ScheduledDose(at=at, amount_mg=mg) for at, mg in zip(self.times[first:], parts, strict=True))
                return Regimen(phases=(Phase(doses=tuple(doses)),))
        return Regimen(phases=(Phase(doses=(ScheduledDose(at=self.times[-1], amount_mg=dose),)),))

    def _spread(self, dose: Decimal, times: int) -> tuple[Decimal, ...] | None:
        if times == 1:
            return (dose,) if self.can(dose) else None
        for part in sorted((made for made in self._up_to(dose) if made * times <= dose), reverse=True):
            rest = self._spread(dose - part, times - 1)
            if rest is not None:
                return (part, *rest)
        return None

    @property
    def _counts(self) -> tuple[int, ...]:
        return tuple(int(piece * _SCALE) // self._unit for piece in self.pieces)

    @property
    def _unit(self) -> int:
        return gcd(*(int(piece * _SCALE) for piece in self.pieces))

    def _up_to(self, most: Decimal) -> Iterable[Decimal]:
        count = int(most * _SCALE) // self._unit
        return _doses(self._counts, count, self._unit)


@lru_cache(1024)
def _sums(counts: tuple[int, ...], most: int) -> int:
    """A bit for every sum of the counts up to `most`."""
    found, limit = 1, (1 << most + 1) - 1
    for count in counts:
        shift = count
        while shift <= most:
            found = (found | found << shift) & limit
            shift *= 2
    return found


@lru_cache(1024)
def _doses(counts: tuple[int, ...], most: int, unit: int) -> tuple[Decimal, ...]:
    found = _sums(counts, most)
    return tuple(Decimal(number * unit) / _SCALE for number in range(1, most + 1) if found >> number & 1)


def made_of(rule: StrengthRule | None, on_hand: OnHand | None) -> Makeable | None:
    """What is on hand, else what the drug usually comes in; None where neither is known."""
    times = rule.times if rule is not None else ("morning",)
    if on_hand is not None:
        halves = tuple(mg / 2 for mg in on_hand.strengths_mg) if on_hand.splittable else ()
        return Makeable(tuple(sorted({*on_hand.strengths_mg, *halves})), times)
    if rule is None:
        return None
    halved = {one.mg / 2 for one in rule.strengths if one.halves}
    return Makeable(tuple(sorted({one.mg for one in rule.strengths} | halved)), times)
