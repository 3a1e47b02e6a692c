"""Each header of a published event by its name: what it carries, and what is refused in its place."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from msgspec import structs

from careloop.chassis.events.envelope import Envelope, MalformedEnvelope, Record, envelope_of, from_headers, to_headers
from careloop.chassis.log.protocol import StoredEvent
from careloop.kernel.events import EventMetadata
from careloop.kernel.ids import EventId, PatientId, PersonId

ENVELOPE = Envelope(
    event_id=EventId(UUID(int=1)),
    type="care.monitoring.Noted.v1",
    source="monitoring",
    patient_id=PatientId(UUID(int=2)),
    occurred_at=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
    recorded_at=datetime(2026, 11, 23, 9, 31, 0, 5, tzinfo=UTC),
    position=7,
    previous=3,
    actor=PersonId("rita.registrar"),
    correlation_id=UUID(int=3),
    causation_id=UUID(int=4),
    key_id="k1",
)
HEADERS = {
    "ce_specversion": b"1.0",
    "content-type": b"application/json",
    "ce_id": b"00000000-0000-0000-0000-000000000001",
    "ce_type": b"care.monitoring.Noted.v1",
    "ce_source": b"monitoring",
    "ce_subject": b"00000000-0000-0000-0000-000000000002",
    "ce_time": b"2026-11-23T09:30:00Z",
    "ce_position": b"7",
    "ce_previous": b"3",
    "ce_recordedtime": b"2026-11-23T09:31:00.000005Z",
    "ce_correlationid": b"00000000-0000-0000-0000-000000000003",
    "ce_actor": b"rita.registrar",
    "ce_causationid": b"00000000-0000-0000-0000-000000000004",
    "ce_keyid": b"k1",
}
OPTIONAL = {"ce_causationid": "causation_id", "ce_keyid": "key_id"}


def read(**changes: bytes | None) -> Envelope:
    """The envelope when these headers are otherwise; `content_type` stands for `content-type`."""
    named = {name.replace("content_type", "content-type"): value for name, value in changes.items()}
    return from_headers([(name, value) for name, value in (HEADERS | named).items()])  # type: ignore[misc]


def refused(**changes: bytes | None) -> str:
    with pytest.raises(MalformedEnvelope) as malformed:
        read(**changes)
    assert str(malformed.value) == malformed.value.header
    return malformed.value.header


def test_every_field_has_its_header() -> None:
    assert to_headers(ENVELOPE) == list(HEADERS.items())
    assert from_headers(HEADERS.items()) == ENVELOPE


@pytest.mark.parametrize(("header", "field"), OPTIONAL.items())
def test_what_is_not_known_has_no_header(header: str, field: str) -> None:
    without = structs.replace(ENVELOPE, **{field: None})
    assert dict(to_headers(without)) == {name: value for name, value in HEADERS.items() if name != header}
    assert from_headers(to_headers(without)) == without


@pytest.mark.parametrize("header", [name for name in HEADERS if name not in OPTIONAL])
def test_no_other_header_may_be_missing(header: str) -> None:
    with pytest.raises(MalformedEnvelope) as malformed:
        from_headers((name, value) for name, value in HEADERS.items() if name != header)
    assert malformed.value.header == header


@pytest.mark.parametrize("header", HEADERS)
def test_no_header_may_come_twice(header: str) -> None:
    with pytest.raises(MalformedEnvelope) as malformed:
        from_headers([*HEADERS.items(), (header, HEADERS[header])])
    assert malformed.value.header == header


@pytest.mark.parametrize("header", HEADERS)
def test_every_header_is_utf_8(header: str) -> None:
    assert refused(**{header.replace("-", "_"): b"\xff"}) == header


@pytest.mark.parametrize("header", [name for name in HEADERS if name != "ce_keyid"])
@pytest.mark.parametrize("nothing", [b"", None])
def test_no_header_is_empty(header: str, nothing: bytes | None) -> None:
    assert refused(**{header.replace("-", "_"): nothing}) == header


@pytest.mark.parametrize("header", ["ce_id", "ce_subject", "ce_correlationid", "ce_causationid"])
def test_ids_are_uuids(header: str) -> None:
    assert refused(**{header: b"seven"}) == header


@pytest.mark.parametrize("header", ["ce_time", "ce_recordedtime"])
@pytest.mark.parametrize("value", [b"2026-11-23T09:30:00", b"2026-11-23", b"now", b"1764061200"])
def test_moments_have_a_zone(header: str, value: bytes) -> None:
    assert refused(**{header: value}) == header


@pytest.mark.parametrize("header", ["ce_position", "ce_previous"])
@pytest.mark.parametrize("value", [b"-1", b"+1", b"1.0", b" 1", b"0x1", b"1e3", b"one", "\u0667".encode(), b"\xc2\xb2"])
def test_positions_are_digits(header: str, value: bytes) -> None:
    assert refused(**{header: value}) == header


@pytest.mark.parametrize("version", [b"0.3", b"1", b"1.0.1"])
def test_it_is_version_1_of_cloudevents(version: bytes) -> None:
    assert refused(ce_specversion=version) == "ce_specversion"


def test_its_value_is_json() -> None:
    assert refused(content_type=b"application/avro") == "content-type"


def test_previous_is_less_than_the_position() -> None:
    assert read(ce_previous=b"6").previous == 6
    assert read(ce_previous=b"0").previous == 0
    assert refused(ce_previous=b"7") == refused(ce_previous=b"8") == "ce_previous"


def test_a_moment_of_another_zone_is_the_same_moment_in_utc() -> None:
    there = timezone(timedelta(hours=-5))
    moved = structs.replace(
        ENVELOPE, occurred_at=ENVELOPE.occurred_at.astimezone(there), recorded_at=ENVELOPE.recorded_at.astimezone(there)
    )
    assert to_headers(moved) == list(HEADERS.items())


def test_a_record_is_of_its_stored_event() -> None:
    meta = EventMetadata(
        event_id=ENVELOPE.event_id,
        stream_id=ENVELOPE.patient_id,
        version=99,
        position=ENVELOPE.position,
        topic="monitoring.Noted.v1",
        occurred_at=ENVELOPE.occurred_at,
        recorded_at=ENVELOPE.recorded_at,
        actor=ENVELOPE.actor,
        command_id="a-command",
        correlation_id=ENVELOPE.correlation_id,
        causation_id=ENVELOPE.causation_id,
        key_id=ENVELOPE.key_id,
    )
    stored = StoredEvent(meta=meta, state=b"{}")
    told = envelope_of(stored, wire_type=ENVELOPE.type, source=ENVELOPE.source, previous=ENVELOPE.previous)
    assert told == ENVELOPE
    assert Record(envelope=told, value=b"{}") == Record(envelope=ENVELOPE, value=b"{}")
