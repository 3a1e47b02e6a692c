"""Shapes of what clients learn, and of what a stop asks for."""

from enum import StrEnum

from careloop.knowledge.pack.shapes.entries import Sourced


class EducationPoint(Sourced, frozen=True, kw_only=True):
    """One thing a client who takes one of `drugs` should have heard; `boxed` when the label has it in a box."""

    drugs: tuple[str, ...]
    text: str
    boxed: bool = False


class MissedDoseRule(Sourced, frozen=True, kw_only=True):
    """What to do after `from_hours` or more without one of `drugs`; the longest gap reached is the one that counts.

    A rule without drugs holds for every drug without one of its own. `with_drugs` narrows it to people who also take
    one of these. `prescriber` means that no dose is taken before the prescriber was asked.
    """

    drugs: tuple[str, ...] = ()
    with_drugs: tuple[str, ...] = ()
    from_hours: int
    advice: str
    prescriber: bool = False


class StopLevel(StrEnum):
    """What stopping from one day to the next does."""

    DANGEROUS = "dangerous"
    UNPLEASANT = "unpleasant"
    NONE = "none"


class AbruptStop(Sourced, frozen=True, kw_only=True):
    """One of `drugs` is not stopped abruptly once it was taken for `after_days`: why, and what to do first."""

    drugs: tuple[str, ...]
    level: StopLevel
    after_days: int
    why: str
    first: str
