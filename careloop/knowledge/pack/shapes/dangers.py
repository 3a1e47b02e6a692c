"""Shapes of two lists that others rest on: what must not stop abruptly, and what is dangerous in overdose."""

from enum import StrEnum

from careloop.knowledge.pack.shapes.entries import Sourced


class StopLevel(StrEnum):
    """What an abrupt stop does, worst first."""

    DANGEROUS = "dangerous"
    UNPLEASANT = "unpleasant"
    NONE = "none"


class AbruptStop(Sourced, frozen=True, kw_only=True):
    """What stopping one of `drugs` from one day to the next does, why, and what comes first instead.

    A drug is in one row on any day.
    """

    drugs: tuple[str, ...]
    drugs_except: tuple[str, ...] = ()
    level: StopLevel
    why: str
    first: str


class OverdoseDanger(Sourced, frozen=True, kw_only=True):
    """Drugs that are dangerous in overdose, with `with_drugs` only beside one of these; why, and what comes first.

    A drug is in one row on any day.
    """

    drugs: tuple[str, ...]
    drugs_except: tuple[str, ...] = ()
    with_drugs: tuple[str, ...] = ()
    why: str
    first: str
