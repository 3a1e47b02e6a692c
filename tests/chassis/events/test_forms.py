"""When two classes have one form, when one text says more than another, and what of a stored form may be newer."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from careloop.chassis.events.codec import Codec, Upcaster
from careloop.chassis.events.json_form import form_of, says_more
from careloop.chassis.events.stored_form import StoredByNewer, StoredForm
from careloop.kernel.events import Instant

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Grade(StrEnum):
    LOW = "low"
    HIGH = "high"


class SameGrade(StrEnum):
    HIGH = "high"
    LOW = "low"


class MoreGrades(StrEnum):
    LOW = "low"
    HIGH = "high"
    SEVERE = "severe"


class Number(IntEnum):
    ONE = 1


def made(name: str, *fields: tuple[str, Any] | tuple[str, Any, Any]) -> type:
    """A frozen dataclass of keyword fields."""
    names = {one[0]: one[1] for one in fields}
    defaults = {one[0]: one[2] for one in fields if len(one) == 3}
    return dataclass(frozen=True, kw_only=True)(type(name, (), {"__annotations__": names, **defaults}))


PART: Any = made("Part", ("grade", Grade))
MORE_GRADES: Any = made("Part", ("grade", MoreGrades))
ANY_GRADE: Any = made("Part", ("grade", str))
PLAIN = made("Plain", ("text", str), ("count", int, 0), ("parts", tuple[PART, ...], ()))


def test_the_names_of_classes_do_not_matter_at_any_depth() -> None:
    other: Any = made("Other", ("grade", SameGrade))
    assert form_of(PLAIN) == form_of(
        made("Another", ("text", str), ("count", int, 0), ("parts", tuple[other, ...], ()))
    )


@pytest.mark.parametrize(
    "other",
    [
        made("Plain", ("words", str), ("count", int, 0), ("parts", tuple[PART, ...], ())),
        made("Plain", ("text", int), ("count", int, 0), ("parts", tuple[PART, ...], ())),
        made("Plain", ("text", str | None), ("count", int, 0), ("parts", tuple[PART, ...], ())),
        made("Plain", ("text", Annotated[str, Meta(min_length=1)]), ("count", int, 0), ("parts", tuple[PART, ...], ())),
        made("Plain", ("text", str), ("count", int, 1), ("parts", tuple[PART, ...], ())),
        made("Plain", ("text", str), ("count", int), ("parts", tuple[PART, ...], ())),
        made("Plain", ("count", int, 0), ("text", str), ("parts", tuple[PART, ...], ())),
        made("Plain", ("text", str), ("count", int, 0)),
        made("Plain", ("text", str), ("count", int, 0), ("parts", list[PART], ())),
        made("Plain", ("text", str), ("count", int, 0), ("parts", tuple[MORE_GRADES, ...], ())),
        made("Plain", ("text", str), ("count", int, 0), ("parts", tuple[ANY_GRADE, ...], ())),
        made("Plain", ("text", str), ("count", int, 0), ("parts", tuple[PART, ...], ()), ("more", str, "")),
    ],
)
def test_anything_else_does(other: type) -> None:
    assert form_of(PLAIN) != form_of(other)


@pytest.mark.parametrize(
    ("one", "other", "more"),
    [
        (b'{"a":1}', b'{"a":1}', False),
        (b'{"a":1}', b'{"a":2}', False),
        (b'{"a":1}', b'{"a":1,"b":2}', False),
        (b'{"a":1,"b":2}', b'{"a":1}', True),
        (b'{"b":null,"a":1}', b'{"a":1}', True),
        (b'{"a":{"b":1,"c":2}}', b'{"a":{"b":1}}', True),
        (b'{"a":{"b":1}}', b'{"a":{"b":1,"c":2}}', False),
        (b'{"a":[{"b":1},{"b":1,"c":2}]}', b'{"a":[{"b":1},{"b":1}]}', True),
        (b'{"a":[{"b":1}]}', b'{"a":[{"b":2}]}', False),
        (b'{"a":{"b":1}}', b'{"a":1}', False),
        (b'{"a":[1]}', b'{"a":{"b":1}}', False),
    ],
)
def test_a_text_says_more_when_it_has_a_field_that_the_other_has_not(one: bytes, other: bytes, more: bool) -> None:
    assert says_more(one, other) is more


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    occurred_at: Instant
    grade: Grade
    number: Number = Number.ONE
    others: tuple[Grade, ...] = ()
    by_day: dict[str, Grade] = field(default_factory=dict)
    amount: Decimal | None = None
    bounded: Annotated[int, Meta(ge=0)] = 0


FORM: StoredForm[Stored] = StoredForm("test.Stored.v1", Stored)
WHOLE = b'{"occurred_at":"2026-11-23T12:00:00Z","grade":"low"'


def test_what_is_whole_is_decoded_from_bytes_and_from_text() -> None:
    expected = Stored(occurred_at=NOON, grade=Grade.LOW)
    assert FORM.decode(WHOLE + b"}") == FORM.decode((WHOLE + b"}").decode()) == expected


@pytest.mark.parametrize(
    "newer",
    [
        WHOLE.replace(b"low", b"severe") + b"}",
        WHOLE + b',"number":2}',
        WHOLE + b',"others":["low","severe"]}',
        WHOLE + b',"by_day":{"mon":"severe"}}',
        WHOLE.replace(b"low", b"severe") + b',"number":9,"amount":"1.5","bounded":0}',
    ],
)
def test_an_unknown_code_was_stored_by_a_newer_build(newer: bytes) -> None:
    with pytest.raises(StoredByNewer) as raised:
        FORM.decode(newer)
    assert (raised.value.what, raised.value.slug) == ("test.Stored.v1", "stored-by-newer")


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        WHOLE,
        b'{"grade":"low"}',
        WHOLE.replace(b"Z", b"") + b"}",
        WHOLE.replace(b"low", b"severe").replace(b"Z", b"") + b"}",
        WHOLE.replace(b'"low"', b"1") + b"}",
        WHOLE + b',"number":"1"}',
        WHOLE + b',"others":"low"}',
        WHOLE + b',"by_day":{"mon":1}}',
        WHOLE + b',"amount":"many"}',
        WHOLE.replace(b"low", b"severe") + b',"bounded":-1}',
        WHOLE.replace(b"low", b"\xff") + b"}",
    ],
)
def test_what_no_build_stores_is_told_apart_from_it(broken: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        FORM.decode(broken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dosed:
    occurred_at: Instant
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    occurred_at: Instant


def lifted(old: dict[str, Any]) -> dict[str, Any]:
    return {"occurred_at": old["occurred_at"], "amount": old["dose"]}


CODEC: Codec[Dosed | Struck] = Codec(
    {"test.Dosed.v3": Dosed, "test.Struck.v1": Struck},
    {
        "test.Dosed.v1": Upcaster("test.Dosed.v2", lambda old: {**old, "dose": old["strength"]}),
        "test.Dosed.v2": Upcaster("test.Dosed.v3", lifted),
    },
)
AT = '"occurred_at":"2026-11-23T12:00:00Z"'


def test_every_topic_of_a_class_is_known_by_it_and_none_of_another() -> None:
    assert CODEC.topics_of(Dosed) == {"test.Dosed.v1", "test.Dosed.v2", "test.Dosed.v3"}
    assert CODEC.topics_of(Struck) == {"test.Struck.v1"}
    assert (CODEC.topic_of(Struck), CODEC.topic(Struck(occurred_at=NOON))) == ("test.Struck.v1", "test.Struck.v1")


@pytest.mark.parametrize(
    ("topic", "state"),
    [
        ("test.Dosed.v1", f'{{{AT},"strength":"1.50"}}'),
        ("test.Dosed.v2", f'{{{AT},"dose":"1.50"}}'),
        ("test.Dosed.v3", f'{{{AT},"amount":"1.50"}}'),
    ],
)
def test_every_version_is_read_as_the_newest_with_its_decimals_as_they_were(topic: str, state: str) -> None:
    decoded = CODEC.decode(topic, state.encode())
    assert decoded == Dosed(occurred_at=NOON, amount=Decimal("1.50"))
    assert CODEC.encode(decoded) == ("test.Dosed.v3", f'{{{AT},"amount":"1.50"}}'.encode())
    assert CODEC.knows(topic)
    assert CODEC.knows_all_of(topic, state.encode())


@pytest.mark.parametrize(
    ("topic", "state", "known"),
    [
        ("test.Dosed.v3", f'{{{AT},"amount":"1","more":0}}', False),
        ("test.Dosed.v3", f'{{"amount":"1",{AT}}}', True),
        ("test.Dosed.v2", f'{{{AT},"dose":"1","more":0}}', True),
        ("test.Dosed.v4", "{}", False),
        ("test.Other.v1", "{}", False),
    ],
)
def test_whether_all_of_an_event_is_known(topic: str, state: str, known: bool) -> None:
    assert CODEC.knows_all_of(topic, state.encode()) is known


def test_what_is_stored_is_what_can_be_read_again() -> None:
    with pytest.raises(msgspec.ValidationError):
        CODEC.encode(Struck(occurred_at=NOON.replace(tzinfo=None)))
    with pytest.raises(KeyError):
        CODEC.encode(Stored(occurred_at=NOON, grade=Grade.LOW))  # type: ignore[arg-type]
