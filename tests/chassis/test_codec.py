"""Stored forms: named by topic and version, the same bytes for the same event, readable for ever."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest

from careloop.chassis.codec import Codec, UnknownTopic, Upcaster
from careloop.kernel.events import Instant

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dosed:
    occurred_at: Instant
    amount: Decimal
    unit: str
    routes: tuple[str, ...] = ()
    dose_id: UUID | None = None
    notes: dict[str, str] = field(default_factory=dict)


def rename_strength(old: dict[str, Any]) -> dict[str, Any]:
    return {"amount": old["strength"], **{key: value for key, value in old.items() if key != "strength"}}


def name_the_unit(old: dict[str, Any]) -> dict[str, Any]:
    return {**old, "unit": "mg"}


CODEC: Codec[Dosed] = Codec(
    {"test.Dosed.v3": Dosed},
    {
        "test.Dosed.v1": Upcaster(topic="test.Dosed.v2", upcast=rename_strength),
        "test.Dosed.v2": Upcaster(topic="test.Dosed.v3", upcast=name_the_unit),
    },
)
EVENT = Dosed(
    occurred_at=NOON,
    amount=Decimal("12.50"),
    unit="mg",
    routes=("oral",),
    dose_id=UUID(int=7),
    notes={"b": "2", "a": "1"},
)


def test_an_event_is_stored_as_these_very_bytes() -> None:
    stored = (
        b'{"occurred_at":"2026-11-23T12:00:00Z","amount":"12.50","unit":"mg","routes":["oral"],'
        b'"dose_id":"00000000-0000-0000-0000-000000000007","notes":{"a":"1","b":"2"}}'
    )
    assert CODEC.encode(EVENT) == ("test.Dosed.v3", stored)
    assert CODEC.encode(replace(EVENT, notes={"a": "1", "b": "2"}))[1] == stored


def test_what_is_encoded_decodes_to_the_same_event() -> None:
    decoded = CODEC.decode(*CODEC.encode(EVENT))
    assert decoded == EVENT
    assert str(decoded.amount) == "12.50"


def test_a_retired_version_is_lifted_step_by_step() -> None:
    old = b'{"occurred_at": "2026-11-23T12:00:00Z", "strength": "12.50"}'
    assert CODEC.decode("test.Dosed.v1", old) == Dosed(occurred_at=NOON, amount=Decimal("12.50"), unit="mg")


@pytest.mark.parametrize("topic", ["test.Dosed.v4", "other.Dosed.v3", "tests.chassis.test_codec:Dosed"])
def test_an_unknown_topic_is_named(topic: str) -> None:
    assert not CODEC.knows(topic)
    with pytest.raises(UnknownTopic) as raised:
        CODEC.decode(topic, b"{}")
    assert raised.value.topic == topic


def test_known_topics_are_the_current_and_the_retired() -> None:
    assert all(CODEC.knows(f"test.Dosed.v{version}") for version in (1, 2, 3))
    assert CODEC.topic(EVENT) == CODEC.topic_of(Dosed) == "test.Dosed.v3"


def test_a_time_without_a_zone_is_refused_both_ways() -> None:
    with pytest.raises(msgspec.ValidationError, match="timezone"):
        CODEC.decode("test.Dosed.v3", b'{"occurred_at": "2026-11-23T12:00:00", "amount": "1", "unit": "mg"}')
    with pytest.raises(msgspec.ValidationError, match="timezone"):
        CODEC.encode(Dosed(occurred_at=NOON.replace(tzinfo=None), amount=Decimal(1), unit="mg"))


def test_a_moment_in_another_zone_stays_the_same_moment() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-6)))
    event = Dosed(occurred_at=elsewhere, amount=Decimal(1), unit="mg")
    assert CODEC.decode(*CODEC.encode(event)).occurred_at == NOON


def test_fields_of_a_later_build_are_passed_over() -> None:
    later = b'{"occurred_at": "2026-11-23T12:00:00Z", "amount": "1", "unit": "mg", "speed": 3}'
    assert CODEC.decode("test.Dosed.v3", later) == Dosed(occurred_at=NOON, amount=Decimal(1), unit="mg")


def test_two_topics_never_name_one_class() -> None:
    with pytest.raises(ValueError, match="one class"):
        Codec({"test.Dosed.v1": Dosed, "test.Dosed.v2": Dosed})
