"""One published event on the wire: CloudEvents 1.0 binary mode, value as JSON, context in headers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from careloop.kernel.ids import EventId, PatientId, PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The context of a published event.

    `previous` is the position of the preceding published event of the same source that maps to this partition,
    0 for the first: by it a consumer tells the next from a duplicate and from a hole.
    """

    event_id: EventId
    type: str
    source: str
    patient_id: PatientId
    occurred_at: datetime
    recorded_at: datetime
    position: int
    previous: int
    actor: PersonId
    correlation_id: UUID
    causation_id: UUID | None
    key_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a consumer is handed: context and undecoded value."""

    envelope: Envelope
    value: bytes


Headers = Sequence[tuple[str, bytes]]
