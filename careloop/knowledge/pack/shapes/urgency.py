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
    NOT_UNDERSTOOD = "not-understood"
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

    Without `answers`: of one that has no answer and no red flag (`ungraded`), of one whose words are not understood
    (`not-understood`), or whose words are a red flag with some medicine while nobody knows what is taken
    (`medicines-unknown`).
    """

    reads: Reads
    answers: Span | None = None
    level: Level
    action: str


class RedFlag(Sourced, frozen=True, kw_only=True):
    """Words that ask for attention, with the medicines they concern (none: whatever is taken).

    Each group of `all_of` is met by one of its phrases; between two words of a phrase stand at most `apart` others.
    `unless` are phrases around the words that make them harmless. `denied`, `of_others`, `past` and `supposed` are the
    levels of words that the text denies, says of somebody else, of long ago, or only asks about; None is no flag.
    """

    drugs: tuple[str, ...]
    all_of: tuple[tuple[str, ...], ...]
    level: Level = Level.EMERGENCY_NOW
    apart: int = 3
    unless: tuple[str, ...] = ()
    denied: Level | None = None
    of_others: Level | None = None
    past: Level | None = None
    supposed: Level | None = None


class Language(StrEnum):
    """A language that clients write in, as BCP 47 names it."""

    ENGLISH = "en"
    SPANISH = "es"


class TextContext(Entry, frozen=True, kw_only=True):
    """How one language denies, and says that something is long ago, somebody else's or only supposed.

    `spelled` are pairs of what is written and what it is read as. A denial reaches over `fillers`, and along a list
    with one of `either` in it; `ends` end it, and after `undenied` it is none. `present` voids what is past, and `own`
    words what is somebody else's. `numbers` are the words that count.
    """

    language: Language
    spelled: tuple[tuple[str, str], ...]
    numbers: dict[str, int]
    denials: tuple[str, ...]
    fillers: tuple[str, ...]
    undenied: tuple[str, ...]
    either: tuple[str, ...]
    ends: tuple[str, ...]
    others: tuple[str, ...]
    own: tuple[str, ...]
    past: tuple[str, ...]
    present: tuple[str, ...]
    supposed: tuple[str, ...]


class WordKind(StrEnum):
    """What a known word is: the name of something felt, or a plain word that names nothing of concern."""

    SYMPTOM = "symptom"
    PLAIN = "plain"


class KnownWords(Entry, frozen=True, kw_only=True):
    """Words of one language that are understood, with spaces between; those of five letters and more are beginnings of
    words."""

    language: Language
    kind: WordKind
    words: str


class CardPart(StrEnum):
    """What a sentence to a client in an emergency is about."""

    CALL_911 = "call-911"
    POISON_HELP = "poison-help"
    CALL_988 = "call-988"
    ON_CALL = "on-call"
    EMERGENCY_DEPARTMENT = "emergency-department"
    NO_EMERGENCY_DEPARTMENT = "no-emergency-department"
    TEAM_HEARS = "team-hears"


class ClientWords(Sourced, frozen=True, kw_only=True):
    """One sentence that a client reads in an emergency; with `flags` only where one of these was recognised."""

    part: CardPart
    language: Language
    text: str
    flags: tuple[str, ...] = ()


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
