"""The rating scales of the pack: their items and ranges, bands, flags and criteria, checked when they are read."""

from collections.abc import Iterator, Mapping
from functools import cache

import msgspec

from careloop.kernel.errors import InvalidInput
from careloop.knowledge.pack.reading import PackInvalid, parse, read_data
from careloop.knowledge.pack.shapes.entries import Basis, Entry

SUM = "sum"
RULES = frozenset({SUM, "columbia-screener", "mood-disorder", "involuntary-movement", "tolerability"})
"""The ways to score."""


class Item(Entry, frozen=True, kw_only=True):
    """One question, or `count` like ones; answers are 0 to `most`."""

    name: str
    most: int
    count: int = 1


class Band(Entry, frozen=True, kw_only=True):
    """Holds from this total up to the next band."""

    name: str
    from_: int = msgspec.field(name="from")
    action: str = ""


class ItemFlag(Entry, frozen=True, kw_only=True):
    """Raised when the answer to `item` (from 1) is at least `from`."""

    name: str
    item: int
    from_: int = msgspec.field(name="from")
    action: str = ""
    basis: Basis | None = None


class ItemLimit(Entry, frozen=True, kw_only=True):
    """From which answer one item counts."""

    item: int
    from_: int = msgspec.field(name="from")


class Cluster(Entry, frozen=True, kw_only=True):
    """How many of these items (from 1) must count, and may."""

    items: tuple[int, ...]
    at_least: int
    at_most: int | None = None


class Criterion(Entry, frozen=True, kw_only=True):
    """A reading of single answers: met when every cluster has as many counting answers as it asks for."""

    name: str
    source: str
    basis: Basis
    from_: int = msgspec.field(name="from")
    clusters: tuple[Cluster, ...]
    action: str
    but: tuple[ItemLimit, ...] = ()

    def limit(self, item: int) -> int:
        """From which answer this item counts."""
        return next((other.from_ for other in self.but if other.item == item), self.from_)


class Instrument(Entry, frozen=True, kw_only=True):
    """One rating scale and how it is scored. `ranks` are the bands of one without a total, the best first.
    `safety_items` (from 1) ask for a danger: one of them that is missing is no no."""

    id: str
    version: int
    source: str
    basis: Basis
    reviewed: bool
    items: tuple[Item, ...]
    score: str
    totalled: tuple[int, ...] = ()
    missing_allowed: int = 0
    bands: tuple[Band, ...] = ()
    bands_by_sex: dict[str, tuple[Band, ...]] = msgspec.field(default_factory=dict)
    flags: tuple[ItemFlag, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    ranks: tuple[str, ...] = ()
    safety_items: tuple[int, ...] = ()

    @property
    def most(self) -> tuple[int, ...]:
        """The highest answer of each item, in order."""
        return tuple(item.most for item in self.items for _ in range(item.count))

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each item, in order."""
        return tuple(item.name for item in self.items for _ in range(item.count))

    @property
    def counted(self) -> tuple[int, ...]:
        """The indexes, from 0, of the items that make the total."""
        return tuple(item - 1 for item in self.totalled) or tuple(range(len(self.most)))

    @property
    def highest_total(self) -> int:
        most = self.most
        return sum(most[index] for index in self.counted)


def read_instruments(content: Mapping[str, bytes]) -> Mapping[str, Instrument]:
    """The instruments of these data files by id. Raises PackInvalid on what does not fit together."""
    found = parse(content, "instruments.yaml", Instrument)
    known = {instrument.id: instrument for instrument in found}
    if len(known) != len(found):
        raise PackInvalid("instruments.yaml: an instrument is given twice")
    for instrument in found:
        if fault := next(_faults(instrument), None):
            raise PackInvalid(f"instruments.yaml: {instrument.id}: {fault}")
    return known


@cache
def instruments() -> Mapping[str, Instrument]:
    """Every instrument of the pack by its id."""
    return read_instruments(read_data())


def instrument_of(instrument_id: str) -> Instrument:
    """The instrument of this id. Raises InvalidInput naming those that there are."""
    found = instruments().get(instrument_id)
    if found is None:
        known = ", ".join(instruments())
        raise InvalidInput("unknown-instrument", f"instrument must be one of: {known}.", field="instrument")
    return found


def _faults(instrument: Instrument) -> Iterator[str]:
    if instrument.score not in RULES:
        yield "no such way to score"
    if any(one.most < 1 or one.count < 1 for one in instrument.items) or not instrument.items:
        yield "every item needs a range"
    if not _items_named(instrument) <= set(range(1, len(instrument.most) + 1)):
        yield "an item is named that it does not have"
    if instrument.bands_by_sex.keys() - {"female", "male"}:
        yield "bands are by female and male"
    for bands in (instrument.bands, *instrument.bands_by_sex.values()):
        starts = [band.from_ for band in bands]
        if starts and (starts[0] != 0 or starts != sorted(set(starts)) or starts[-1] > instrument.highest_total):
            yield "bands must rise from 0 within the range"


def _items_named(instrument: Instrument) -> set[int]:
    named = {*instrument.totalled, *instrument.safety_items, *(flag.item for flag in instrument.flags)}
    for criterion in instrument.criteria:
        named.update(*(cluster.items for cluster in criterion.clusters), (one.item for one in criterion.but))
    return named
