"""Stored forms: named by topic and version, the same bytes for the same event, readable for ever."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from careloop.chassis.events.codec import Codec, Upcaster
from careloop.chassis.events.stored_form import StoredByNewer
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


@pytest.mark.parametrize("topic", ["test.Dosed.v4", "other.Dosed.v3", "tests.chassis.events.test_codec:Dosed"])
def test_an_unknown_topic_is_named(topic: str) -> None:
    assert not CODEC.knows(topic)
    with pytest.raises(StoredByNewer) as raised:
        CODEC.decode(topic, b"{}")
    assert raised.value.what == topic


class Unit(StrEnum):
    MG = "mg"


class Meal(IntEnum):
    BEFORE = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    unit: Unit
    meal: Meal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    name: str
    occurred_at: Instant
    parts: tuple[Part, ...]
    by_day: dict[str, Unit] = field(default_factory=dict)
    whole: Part | UnsetType = UNSET


KITS: Codec[Kit] = Codec({"test.Kit.v2": Kit}, {"test.Kit.v1": Upcaster("test.Kit.v2", lambda old: old)})
KIT = Kit(
    name="kit",
    occurred_at=NOON,
    parts=(Part(unit=Unit.MG), Part(unit=Unit.MG, meal=Meal.BEFORE)),
    by_day={"mon": Unit.MG},
    whole=Part(unit=Unit.MG),
)
OF_A_NEWER = [
    (b'[{"unit":"mg"', b'[{"unit":"g"'),
    (b'"meal":1', b'"meal":2'),
    (b'{"mon":"mg"}', b'{"mon":"g"}'),
    (b'"whole":{"unit":"mg"', b'"whole":{"unit":"g"'),
]
BROKEN = [
    (b'"name":"kit",', b""),
    (b'"name":"kit"', b'"name":7'),
    (b'[{"unit":"mg"', b'[{"unit":3'),
    (b'"meal":1', b'"meal":"1"'),
    (b'{"mon":"mg"}', b'["mg"]'),
    (b"12:00:00Z", b"12:00:00"),
    (b'"parts":[', b'"parts":'),
    (b'"meal":null}}', b'"meal":null'),
    (b'"kit"', b'"\xff"'),
]


@pytest.mark.parametrize("topic", ["test.Kit.v1", "test.Kit.v2"])
@pytest.mark.parametrize(("old", "new"), OF_A_NEWER)
def test_a_code_that_this_build_does_not_know_was_stored_by_a_newer_one(topic: str, old: bytes, new: bytes) -> None:
    _, state = KITS.encode(KIT)
    assert state.count(old) == 1
    newer = state.replace(old, new)
    with pytest.raises(StoredByNewer) as raised:
        KITS.decode(topic, newer)
    assert raised.value.what == "test.Kit.v2"
    assert not KITS.knows_all_of("test.Kit.v2", newer)
    assert KITS.decode(topic, state) == KIT


@pytest.mark.parametrize(("old", "new"), BROKEN)
def test_what_no_build_stores_is_an_error_of_its_own_whatever_codes_are_beside_it(old: bytes, new: bytes) -> None:
    _, state = KITS.encode(KIT)
    assert state.count(old) == 1
    broken = state.replace(old, new)
    for one in (broken, broken.replace(b'{"unit":"mg","meal":1', b'{"unit":"g","meal":1')):
        with pytest.raises(msgspec.DecodeError):
            KITS.decode("test.Kit.v2", one)
        with pytest.raises(msgspec.DecodeError):
            KITS.knows_all_of("test.Kit.v2", one)


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
