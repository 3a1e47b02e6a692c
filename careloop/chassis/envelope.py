"""One published event on the wire: CloudEvents 1.0 binary mode, value as JSON, context in headers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from careloop.chassis.event_store import StoredEvent
from careloop.kernel.ids import EventId, PatientId, PersonId

Value = TypeVar("Value")

SPECVERSION = "1.0"
CONTENT_TYPE = "application/json"


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
"""Names and values in the order they are sent."""


class MalformedEnvelope(Exception):
    """Headers that are not a published event's. `header` names the one that is wrong, never its value."""

    def __init__(self, header: str) -> None:
        super().__init__(header)
        self.header = header


def envelope_of(stored: StoredEvent, *, wire_type: str, source: str, previous: int) -> Envelope:
    """The context under which `source` publishes this event of its log."""
    meta = stored.meta
    return Envelope(
        event_id=meta.event_id,
        type=wire_type,
        source=source,
        patient_id=PatientId(meta.stream_id),
        occurred_at=meta.occurred_at,
        recorded_at=meta.recorded_at,
        position=meta.position,
        previous=previous,
        actor=meta.actor,
        correlation_id=meta.correlation_id,
        causation_id=meta.causation_id,
        key_id=meta.key_id,
    )


def to_headers(envelope: Envelope) -> list[tuple[str, bytes]]:
    """The record's headers; absent context has no header. The same envelope gives the same bytes."""
    texts = {
        "ce_specversion": SPECVERSION,
        "ce_id": str(envelope.event_id),
        "ce_type": envelope.type,
        "ce_source": envelope.source,
        "ce_subject": str(envelope.patient_id),
        "ce_time": _written(envelope.occurred_at),
        "content-type": CONTENT_TYPE,
        "ce_position": str(envelope.position),
        "ce_previous": str(envelope.previous),
        "ce_recordedtime": _written(envelope.recorded_at),
        "ce_correlationid": str(envelope.correlation_id),
        "ce_causationid": None if envelope.causation_id is None else str(envelope.causation_id),
        "ce_actor": envelope.actor,
        "ce_keyid": envelope.key_id,
    }
    return [(name, text.encode()) for name, text in texts.items() if text is not None]


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def from_headers(headers: Iterable[tuple[str, bytes]]) -> Envelope:
    """The envelope that `to_headers` wrote. Headers that are not CloudEvents' are ignored.

    Raises MalformedEnvelope for what is missing, doubled, not UTF-8 or not of its kind, and when `previous` is not
    less than `position`.
    """
    texts = _texts(headers)
    _require(texts, "ce_specversion", SPECVERSION)
    _require(texts, "content-type", CONTENT_TYPE)
    position, previous = _read(texts, "ce_position", _count), _read(texts, "ce_previous", _count)
    if previous >= position:
        raise MalformedEnvelope("ce_previous")
    return Envelope(
        event_id=EventId(_read(texts, "ce_id", UUID)),
        type=_read(texts, "ce_type", _words),
        source=_read(texts, "ce_source", _words),
        patient_id=PatientId(_read(texts, "ce_subject", UUID)),
        occurred_at=_read(texts, "ce_time", _moment),
        recorded_at=_read(texts, "ce_recordedtime", _moment),
        position=position,
        previous=previous,
        actor=PersonId(_read(texts, "ce_actor", _words)),
        correlation_id=_read(texts, "ce_correlationid", UUID),
        causation_id=_read(texts, "ce_causationid", UUID) if "ce_causationid" in texts else None,
        key_id=texts.get("ce_keyid"),
    )


def _texts(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in headers:
        if not (name.startswith("ce_") or name == "content-type"):
            continue
        if name in texts:
            raise MalformedEnvelope(name)
        texts[name] = _decoded(name, value)
    return texts


def _decoded(name: str, value: bytes | None) -> str:
    try:
        return (value or b"").decode()
    except UnicodeDecodeError:
        raise MalformedEnvelope(name) from None


def _require(texts: Mapping[str, str], name: str, wanted: str) -> None:
    if texts.get(name) != wanted:
        raise MalformedEnvelope(name)


def _read(texts: Mapping[str, str], name: str, read: Callable[[str], Value]) -> Value:
    try:
        return read(texts[name])
    except (KeyError, ValueError):
        raise MalformedEnvelope(name) from None


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError("not a count")
    return int(text)


def _words(text: str) -> str:
    if not text:
        raise ValueError("empty")
    return text


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment.astimezone(UTC)
