"""What the notifications service publishes on `care.notifications.v1`."""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import UNSET, UnsetType

from careloop.contracts.terms import EnteredInError, Role
from careloop.kernel.events import Instant, topics
from careloop.kernel.ids import EventId, FactId


class Priority(StrEnum):
    """FHIR RequestPriority, the part used here."""

    STAT = "stat"
    URGENT = "urgent"
    ROUTINE = "routine"


class Channel(StrEnum):
    """How a notice travels. `inbox` is the list inside Careloop; only there may a notice name what it is about."""

    EMAIL = "email"
    INBOX = "inbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """One person who must hear it. Step 0 hears it at once, later steps when nobody acknowledged in time."""

    person: str
    role: Role
    channels: tuple[Channel, ...]
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDecided:
    """Who must hear what by when: exactly one for each cause. `fact_id` is the notice's id.

    The clock starts at `cause_recorded_at`. `acknowledge_by` is None where nobody needs to acknowledge.
    `suppressed` names why nobody hears it, '' if they do: `imported` (a named importer recorded the cause),
    `cause-entered-in-error`, or `old-news` (only for information, and recorded more than a day after it happened; of
    builds before there was `imported`, anything that late and all that an importer recorded). Addressees of later
    steps are the plan of this moment; NoticeEscalated says who heard it in fact.
    """

    fact_id: FactId
    cause: EventId
    cause_fact: FactId
    cause_type: str
    cause_recorded_at: Instant
    subject: str
    priority: Priority
    addressees: tuple[Addressee, ...]
    acknowledge_by: Instant | None
    suppressed: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSent:
    """One attempt reached the next hop, or the entry lies in the person's inbox.

    `message_id` is the same for every attempt at telling this person in one step of this notice.
    """

    notice: FactId
    person: str
    channel: Channel
    attempt: int
    message_id: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFailed:
    """One attempt failed, or its outcome is unknown; `final` if it will not be tried again.

    `reason` is outcome-unknown, unreachable, refused or no-address.
    """

    notice: FactId
    person: str
    channel: Channel
    attempt: int
    message_id: str
    reason: str
    final: bool
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeAcknowledged:
    """A person took the notice on. From `resumes_at` on others are paged again unless what it asks for was done; absent
    where to take it on is enough, as it always was in builds that did not say it."""

    notice: FactId
    acknowledged_by: str
    occurred_at: Instant
    resumes_at: Instant | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeEscalated:
    """Nobody acknowledged in time, or nothing was done since somebody did: the next people hear it. `acknowledge_by` is
    their clock, None at the last page."""

    notice: FactId
    step: int
    persons: tuple[str, ...]
    acknowledge_by: Instant | None
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeHandedOver:
    """`left` holds the role no more for which they heard it, so these hear it in their place. Its clock runs on."""

    notice: FactId
    left: str
    persons: tuple[str, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeWithdrawn:
    """The notice asks for nothing more: its cause was struck, a clinician resolved the side effect it was about,
    learned how the client at risk is, or screened since, or the question that was left blank was asked."""

    notice: FactId
    reason: str
    occurred_at: Instant


Published = (
    NoticeDecided
    | NoticeSent
    | NoticeFailed
    | NoticeAcknowledged
    | NoticeEscalated
    | NoticeHandedOver
    | NoticeWithdrawn
    | EnteredInError
)
TYPES = topics("care.notifications", Published)
"""Every event type on the topic, by its name on the wire."""
