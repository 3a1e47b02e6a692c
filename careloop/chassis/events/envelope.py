"""One published event on the wire: CloudEvents 1.0 binary mode, value as JSON, context in headers."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from careloop.chassis.log.protocol import StoredEvent
from careloop.kernel.events import Instant
from careloop.kernel.ids import EventId, PatientId, PersonId

NonEmptyText = Annotated[str, msgspec.Meta(min_length=1)]

SPECVERSION = "1.0"
CONTENT_TYPE = "application/json"
_SAME_IN_ALL = (("ce_specversion", SPECVERSION.encode()), ("content-type", CONTENT_TYPE.encode()))


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The context of a published event.

    `previous` is the position of the preceding published event of the same source that maps to this partition,
    0 for the first: by it a consumer knows the next from a duplicate and from a hole.
    """

    event_id: EventId
    type: NonEmptyText
    source: NonEmptyText
    patient_id: PatientId
    occurred_at: Instant
    recorded_at: Instant
    position: int
    previous: int
    actor: Annotated[PersonId, msgspec.Meta(min_length=1)]
    correlation_id: UUID
    causation_id: UUID | None = None
    key_id: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a consumer is handed: context and undecoded value."""

    envelope: Envelope
    value: bytes


_FIELDS: Mapping[str, str] = {
    "ce_specversion": "specversion",
    "content-type": "content_type",
    "ce_id": "event_id",
    "ce_type": "type",
    "ce_source": "source",
    "ce_subject": "patient_id",
    "ce_time": "occurred_at",
    "ce_recordedtime": "recorded_at",
    "ce_position": "position",
    "ce_previous": "previous",
    "ce_actor": "actor",
    "ce_correlationid": "correlation_id",
    "ce_causationid": "causation_id",
    "ce_keyid": "key_id",
}

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
    headers = [
        *_SAME_IN_ALL,
        ("ce_id", str(envelope.event_id).encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_subject", str(envelope.patient_id).encode()),
        ("ce_time", _written(envelope.occurred_at)),
        ("ce_position", b"%d" % envelope.position),
        ("ce_previous", b"%d" % envelope.previous),
        ("ce_recordedtime", _written(envelope.recorded_at)),
        ("ce_correlationid", str(envelope.correlation_id).encode()),
        ("ce_actor", envelope.actor.encode()),
    ]
    if envelope.causation_id is not None:
        headers.append(("ce_causationid", str(envelope.causation_id).encode()))
    if envelope.key_id is not None:
        headers.append(("ce_keyid", envelope.key_id.encode()))
    return headers


def _written(moment: datetime) -> bytes:
    at_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return msgspec.json.encode(at_utc)[1:-1]


def from_headers(headers: Iterable[tuple[str, bytes]]) -> Envelope:
    """The envelope that `to_headers` wrote. Headers that are not CloudEvents' are ignored.

    Raises MalformedEnvelope for what is missing, doubled, not UTF-8 or not of its kind, and when `previous` is not
    less than `position`.
    """
    texts = _texts(headers)
    _require(texts, "ce_specversion", SPECVERSION)
    _require(texts, "content-type", CONTENT_TYPE)
    for name in ("ce_position", "ce_previous"):
        texts[_FIELDS[name]] = _count(name, texts.get(_FIELDS[name], ""))
    envelope = _converted(texts)
    if envelope.previous >= envelope.position:
        raise MalformedEnvelope("ce_previous")
    return envelope


def _texts(headers: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
    """By field, what the headers say of it."""
    texts: dict[str, Any] = {}
    name = ""
    try:
        for name, value in headers:
            field = _FIELDS.get(name)
            if field is not None:
                if field in texts:
                    raise MalformedEnvelope(name)
                texts[field] = (value or b"").decode()
    except UnicodeDecodeError:
        raise MalformedEnvelope(name) from None
    return texts


def _require(texts: Mapping[str, Any], name: str, wanted: str) -> None:
    if texts.get(_FIELDS[name]) != wanted:
        raise MalformedEnvelope(name)


def _count(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise MalformedEnvelope(name)
    return int(text)


def _converted(texts: Mapping[str, Any]) -> Envelope:
    """One call into C for all fields: a consumer reads a hundred thousand of these in a second."""
    try:
        return msgspec.convert(texts, Envelope)
    except msgspec.ValidationError as invalid:
        raise MalformedEnvelope(_named(str(invalid))) from None


def _named(complaint: str) -> str:
    """The header that msgspec complains of, which it names as the path to a field, or as a field that is missing."""
    found = re.search(r"`\$\.(\w+)`$|required field `(\w+)`", complaint)
    field = (found[1] or found[2]) if found else ""
    return next((name for name, of in _FIELDS.items() if of == field), "")
