"""How soon somebody must read what a client wrote, as the view shows it."""

from msgspec import UnsetType

from careloop.contracts.terms import Triage


def level_of(triage: Triage | UnsetType) -> str:
    """The level; '' where nobody graded the words."""
    return triage.level if isinstance(triage, Triage) else ""
