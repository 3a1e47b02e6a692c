"""A field marked Private stays in the service that stores it."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import pytest

from careloop.chassis.events.codec import Codec
from careloop.chassis.events.private_fields import without_private
from careloop.chassis.events.publishing import Publishing, published_as
from careloop.kernel.events import Instant, Private, topics
from tests.support.histories.log import rows_of
from tests.support.histories.writes import NOON


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    name: str
    phone: Annotated[str, Private()] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    place: str
    address: Annotated[str | None, Private()] = None
    contact: Contact | None = None
    contacts: tuple[Contact, ...] = ()
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    VERSION = 2

    occurred_at: Instant


VISITED = Visited(
    place="home",
    address="1 High Street",
    contact=Contact(name="Ann", phone="555-1"),
    contacts=(Contact(name="Bob", phone="555-2"), Contact(name="Cy")),
    occurred_at=NOON,
)


def test_topics_are_the_classes_of_the_union_at_their_versions() -> None:
    assert topics("visits", Visited | Called) == {"visits.Visited.v1": Visited, "visits.Called.v2": Called}


async def test_what_is_private_is_stored_and_not_published() -> None:
    stored = topics("visits", Visited | Called)
    contracts = topics("care.visits", Visited | Called)
    codec: Codec[Any] = Codec(stored)
    publishing = Publishing("visits", codec, published_as(stored, contracts), contracts)
    (row,) = await rows_of(codec.encode(VISITED))
    assert b"High Street" in row.state
    record = publishing.record(row, previous=0)
    assert record.envelope.type == "care.visits.Visited.v1"
    assert b"High Street" not in record.value
    assert b"555" not in record.value
    read = msgspec.json.decode(record.value, type=Visited)
    assert (read.place, read.address, read.contact) == ("home", None, Contact(name="Ann"))
    assert read.contacts == (Contact(name="Bob"), Contact(name="Cy"))


def test_where_nothing_is_private_nothing_is_taken_away() -> None:
    assert without_private(Called) is None


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    address: Annotated[str, Private()]


def test_a_private_field_needs_a_default() -> None:
    with pytest.raises(TypeError, match=r"Unreadable\.address"):
        without_private(Unreadable)
