"""Headers on the wire: what was written is read, and anything else is named."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from careloop.chassis.events.envelope import Envelope, MalformedEnvelope, from_headers, to_headers
from careloop.kernel.ids import EventId, PatientId, PersonId
from tests.support.histories.log import patient, record

ENVELOPE = record(7, 3, patient(1)).envelope

moments = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))
words = st.text(min_size=1, max_size=40)
envelopes = st.builds(
    lambda position, gap, **others: Envelope(position=position, previous=max(0, position - gap), **others),
    position=st.integers(1, 2**62),
    gap=st.integers(1, 2**62),
    event_id=st.uuids().map(EventId),
    type=words,
    source=words,
    patient_id=st.uuids().map(PatientId),
    occurred_at=moments,
    recorded_at=moments,
    actor=words.map(PersonId),
    correlation_id=st.uuids(),
    causation_id=st.none() | st.uuids(),
    key_id=st.none() | words,
)


@given(envelopes)
def test_what_is_written_is_read(envelope: Envelope) -> None:
    assert from_headers(to_headers(envelope)) == envelope
    assert to_headers(from_headers(to_headers(envelope))) == to_headers(envelope)


def test_it_is_cloudevents_in_binary_mode() -> None:
    headers = dict(to_headers(ENVELOPE))
    assert headers["ce_specversion"] == b"1.0"
    assert headers["content-type"] == b"application/json"
    assert headers["ce_time"] == b"2026-03-01T12:00:00Z"
    assert headers["ce_subject"] == str(patient(1)).encode()
    assert "ce_causationid" not in headers


def test_times_are_sent_in_utc() -> None:
    at_two = ENVELOPE.occurred_at.astimezone(timezone(timedelta(hours=2)))
    assert to_headers(structs.replace(ENVELOPE, occurred_at=at_two)) == to_headers(ENVELOPE)


def test_headers_of_others_are_ignored() -> None:
    assert from_headers([*to_headers(ENVELOPE), ("traceparent", b"\xff")]) == ENVELOPE


@pytest.mark.parametrize("name", [name for name, _value in to_headers(ENVELOPE)])
def test_no_header_may_be_missing(name: str) -> None:
    with pytest.raises(MalformedEnvelope) as malformed:
        from_headers([(other, value) for other, value in to_headers(ENVELOPE) if other != name])
    assert malformed.value.header == name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_specversion", b"0.3"),
        ("content-type", b"text/plain"),
        ("ce_id", b"seven"),
        ("ce_type", b""),
        ("ce_subject", b"\xff\xfe"),
        ("ce_time", b"2026-03-01T12:00:00"),
        ("ce_recordedtime", b"yesterday"),
        ("ce_position", b"-7"),
        ("ce_position", "\N{ARABIC-INDIC DIGIT SEVEN}".encode()),
        ("ce_previous", b"7"),
        ("ce_causationid", b"x"),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(name: str, value: bytes) -> None:
    headers = [(other, old) for other, old in to_headers(ENVELOPE) if other != name]
    with pytest.raises(MalformedEnvelope) as malformed:
        from_headers([*headers, (name, value)])
    assert malformed.value.header == name
    assert str(malformed.value) == name


def test_a_header_may_not_come_twice() -> None:
    with pytest.raises(MalformedEnvelope, match="ce_id"):
        from_headers([*to_headers(ENVELOPE), ("ce_id", str(UUID(int=1)).encode())])
