"""The shapes of the rules of urgency: how soon a side effect or a suicide risk needs a person."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from careloop.knowledge.pack.shapes.entries import Entry, Sourced


class Level(StrEnum):
    """How urgent a side effect is, the most urgent first."""

    EMERGENCY_NOW = "emergency-now"
    SAME_DAY = "same-day"
    WITHIN_72_HOURS = "within-72-hours"
    NEXT_VISIT = "next-visit"

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return list(Level).index(self)


class RiskLevel(StrEnum):
    """Suicide risk in the bands of the C-SSRS screener."""

    NONE = "none"
    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for none, 3 for high."""
        return list(RiskLevel).index(self)


class Reads(StrEnum):
    """What a triage rule goes by: a grade, the third item of the FIBSER, or that something is not known."""

    CTCAE_GRADE = "ctcae-grade"
    FIBSER_BURDEN = "fibser-burden"
    MEDICINES_UNKNOWN = "medicines-unknown"
    UNGRADED = "ungraded"


GRADED: Mapping[Reads, tuple[int, int]] = {Reads.CTCAE_GRADE: (1, 5), Reads.FIBSER_BURDEN: (0, 6)}
"""The lowest and the highest answer of what is graded."""


class Span(Entry, frozen=True, kw_only=True):
    """Answers from the one to the other, both included."""

    from_: int = msgspec.field(name="from")
    through: int

    def distance(self, answer: int) -> int:
        """0 for an answer within."""
        return max(self.from_ - answer, answer - self.through, 0)


class TriageRule(Sourced, frozen=True, kw_only=True):
    """The level of a side effect whose answer lies within `answers`.

    Without `answers`: of one that has no answer and no red flag (`ungraded`), or whose words are a red flag with some
    medicine while nobody knows what is taken (`medicines-unknown`).
    """

    reads: Reads
    answers: Span | None = None
    level: Level
    action: str


class RedFlag(Sourced, frozen=True, kw_only=True):
    """Words that ask for attention at once, with the medicines they concern (none: whatever is taken)."""

    drugs: tuple[str, ...]
    all_of: tuple[tuple[str, ...], ...]
    level: Level = Level.EMERGENCY_NOW


class RiskReading(Entry, frozen=True, kw_only=True):
    """A band of the instrument, or answers to the item that the rule reads; and the risk they are read as."""

    band: str = ""
    answers: Span | None = None
    level: RiskLevel


class RiskRule(Sourced, frozen=True, kw_only=True):
    """How one instrument is read as suicide risk, by its band or by one `item` (from 1).

    From the level `contact_from` on a clinician makes contact. A yes to `history_item` alone is history: a clinician
    makes contact once, to say how high the risk is.
    """

    instrument: str
    item: int | None = None
    history_item: int | None = None
    readings: tuple[RiskReading, ...]
    contact_from: RiskLevel
    action: str


class ResponseClock(Sourced, frozen=True, kw_only=True):
    """Within how many minutes after it became known a clinician has looked at a side effect of the level `triage`, or
    made contact for a suicide risk of the level `risk`: one of the two."""

    triage: Level | None = None
    risk: RiskLevel | None = None
    minutes: int
