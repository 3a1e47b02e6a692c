"""The shape of the list of what is dangerous in overdose."""

from careloop.knowledge.pack.shapes.entries import Sourced


class OverdoseDanger(Sourced, frozen=True, kw_only=True):
    """Drugs that are dangerous in overdose, with `with_drugs` only beside one of these; why, and what comes first.

    A drug is in one row on any day.
    """

    drugs: tuple[str, ...]
    drugs_except: tuple[str, ...] = ()
    with_drugs: tuple[str, ...] = ()
    why: str
    first: str
