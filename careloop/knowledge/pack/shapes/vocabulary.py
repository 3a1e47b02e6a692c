"""The shapes of the data files that name things: the pack itself, drugs, classes, products, units, routes."""

from decimal import Decimal

from careloop.knowledge.pack.shapes.entries import Entry


class Title(Entry, frozen=True, kw_only=True):
    """Name and version of the pack, and the drugs for which an unchecked order must not pass without a reason.

    Of these an order passes with what is not checked for a reason of `passes`. Results older than `results_count_days`
    before the order settle nothing; a pack without it is from before results were read by measure.
    """

    name: str
    version: str
    high_risk: tuple[str, ...]
    passes: tuple[str, ...] = ()
    results_count_days: int | None = None


class Mechanism(Entry, frozen=True, kw_only=True):
    """Why something happens, in a sentence that findings show. Rules of all files name it."""

    name: str
    text: str


class Code(Entry, frozen=True, kw_only=True):
    """An RxNorm concept and where it was seen: a and c are published mappings, each x other public code, m memory."""

    rxcui: str
    seen: str

    @property
    def verified(self) -> bool:
        """Whether two sources that can be looked up agree."""
        return len(self.seen.replace("m", "")) >= 2


class FormMaximum(Entry, frozen=True, kw_only=True):
    """The daily maximum of a form of a drug: of one whose name has all words of one of `words`."""

    words: tuple[str, ...]
    max_daily_mg: Decimal


class Drug(Entry, frozen=True, kw_only=True):
    """One ingredient. Doses are adult, oral, milligrams a day; `adequate_mg` is what a fair trial needs at least.

    `forms` are those with a maximum of their own; the first that the name of an order fits counts.
    """

    name: str
    codes: tuple[Code, ...] = ()
    atc: tuple[str, ...] = ()
    adequate_mg: Decimal | None = None
    max_daily_mg: Decimal | None = None
    max_daily_mg_per_kg: Decimal | None = None
    forms: tuple[FormMaximum, ...] = ()
    schedule: str | None = None
    classes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


class DrugClass(Entry, frozen=True, kw_only=True):
    """A named set of drugs: those that list it, and every member of what it `includes` (classes or drugs)."""

    name: str
    includes: tuple[str, ...] = ()


class Named(Entry, frozen=True, kw_only=True):
    """A word the pack knows."""

    name: str


class NotDrug(Named, frozen=True, kw_only=True):
    """A word of allergy lists that is no medicine. Of an `excipient` the pack does not know which products hold it."""

    excipient: bool = False


class Combination(Entry, frozen=True, kw_only=True):
    """A product of several ingredients under one name or code."""

    name: str
    drugs: tuple[str, ...]
    codes: tuple[Code, ...] = ()
    also: tuple[str, ...] = ()


class LongActing(Entry, frozen=True, kw_only=True):
    """An injection that acts for weeks: the words of its texts, the days between two doses, and how long one acts.

    It gives no daily dose, and after its last dose it acts on for `lasts_days`.
    """

    name: str
    drug: str
    words: tuple[str, ...]
    every_days: tuple[int, ...]
    lasts_days: int
    source: str


class Words(Entry, frozen=True, kw_only=True):
    """Words of one kind."""

    name: str
    words: tuple[str, ...]


class UnitOf(Entry, frozen=True, kw_only=True):
    """How many `unit` one of each `written` unit is."""

    unit: str
    written: tuple[str, ...]
    factor: Decimal


class Route(Entry, frozen=True, kw_only=True):
    """A route of administration by the words of product texts, and by brands that come in that form only."""

    name: str
    words: tuple[str, ...]
