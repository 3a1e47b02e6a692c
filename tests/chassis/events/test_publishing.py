"""What a service publishes of its log, and reading it again."""

from dataclasses import dataclass
from enum import StrEnum

import msgspec
import pytest

from careloop.chassis.events.codec import Codec, Upcaster
from careloop.chassis.events.envelope import Record
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.events.publishing import LogAhead, PublishedReader, Publishing
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import StoredEvent, Unit
from careloop.kernel.events import Instant
from tests.support.histories.log import (
    CODEC,
    NOON,
    NOTED,
    SOURCE,
    TYPES,
    Kept,
    Noted,
    NotedContract,
    fill,
    noted,
    patient,
    publishing,
    rows_of,
    write,
)

PARTITIONS = 3


async def read(reader: PublishedReader, partition: int, after: int = 0, through: int = 0) -> list[Record]:
    return [one async for run in reader.read_published(partition, after, through) for one in run]


@pytest.fixture
async def store() -> MemoryEventStore:
    """600 published events of 30 patients, with one that is not published after every tenth."""
    made = MemoryEventStore()
    writes = []
    for n in range(600):
        writes.append(write(f"c{n}", patient(n % 30), noted(f"text {n}")))
        if n % 10 == 0:
            writes.append(write(f"k{n}", patient(n % 30), Kept(text="kept", occurred_at=NOON)))
    await made.commit(Unit(writes=tuple(writes)))
    return made


def test_which_topics_are_published_is_known_without_an_event() -> None:
    assert publishing().published_topics == {"monitoring.Noted.v1"}


def test_retired_topics_of_a_published_class_are_published_too() -> None:
    lift = {"monitoring.Noted.v0": Upcaster("monitoring.Noted.v1", lambda content: content)}
    codec = Codec({"monitoring.Noted.v1": Noted, "monitoring.Kept.v1": Kept}, lift)
    assert Publishing(SOURCE, codec, {Noted: NotedContract}, TYPES).published_topics == {
        "monitoring.Noted.v0",
        "monitoring.Noted.v1",
    }


def test_only_contracts_can_be_published() -> None:
    with pytest.raises(ValueError, match="Kept"):
        Publishing(SOURCE, CODEC, {Noted: Kept}, TYPES)


async def test_an_event_may_be_restated_by_a_function() -> None:
    def restated(event: Noted) -> NotedContract:
        return NotedContract(text=event.text.upper(), occurred_at=event.occurred_at)

    store = MemoryEventStore()
    await fill(store, [(patient(1), "low")])
    (stored,) = await store.after(0, 1)
    record = Publishing(SOURCE, CODEC, {Noted: restated}, TYPES).record(stored, previous=0)
    assert (record.envelope.type, record.value) == (NOTED, b'{"text":"LOW","occurred_at":"2026-03-01T12:00:00Z"}')


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class MoreColours(StrEnum):
    RED = "red"
    BLUE = "blue"
    GREEN = "green"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    name: str
    colour: Colour = Colour.RED


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What is stored."""

    text: str
    parts: tuple[Part, ...] = ()
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SamePart:
    name: str
    colour: Colour = Colour.RED


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    text: str
    parts: tuple[SamePart, ...] = ()
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class InAnotherOrder:
    parts: tuple[Part, ...] = ()
    text: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class WithLess:
    text: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutDefault:
    text: str
    parts: tuple[Part, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ColouredPart:
    name: str
    colour: MoreColours = MoreColours.RED


@dataclass(frozen=True, slots=True, kw_only=True)
class WithMoreCodes:
    text: str
    parts: tuple[ColouredPart, ...] = ()
    occurred_at: Instant


MADE = Codec({"monitoring.Made.v1": Made}, {"monitoring.Made.v0": Upcaster("monitoring.Made.v1", lambda old: old)})
WHOLE = b'{"text":"low","parts":[{"name":"a","colour":"blue"}],"occurred_at":"2026-03-01T12:00:00Z"}'
ALREADY_WHOLE = (WHOLE, b'{"text":"low","parts":[{"name":"a"}],"occurred_at":"2026-03-01T12:00:00Z"}')
MORE = (
    WHOLE.replace(b'"parts"', b'"dose":1,"parts"'),
    WHOLE.replace(b'"colour"', b'"size":2,"colour"'),
    WHOLE.replace(b'"blue"', b'"green"'),
)
"""A field of a newer build, one of a part, and a code."""
RESTATED = (InAnotherOrder, WithLess, WithoutDefault, WithMoreCodes)


def publishing_as(contract: type) -> Publishing:
    return Publishing(SOURCE, MADE, {Made: contract}, {"care.monitoring.Made.v1": contract})


async def made(*states: bytes, topic: str = "monitoring.Made.v1") -> list[StoredEvent]:
    return await rows_of(*((topic, state) for state in states))


@pytest.mark.parametrize("state", [*ALREADY_WHOLE, *MORE])
async def test_where_both_forms_are_one_what_is_stored_is_published_with_all_that_a_newer_build_put_in(
    state: bytes,
) -> None:
    page = await made(state)
    assert publishing_as(Same).known_part(page) == page
    assert publishing_as(Same).record(page[0], previous=0).value == state


@pytest.mark.parametrize("contract", RESTATED)
async def test_what_is_published_in_another_form_is_restated_in_the_contracts(contract: type) -> None:
    page = await made(*ALREADY_WHOLE)
    published = publishing_as(contract)
    assert published.known_part(page) == page
    names = list(contract.__annotations__)
    for row in page:
        assert list(msgspec.json.decode(published.record(row, previous=0).value)) == names


@pytest.mark.parametrize("more", MORE)
@pytest.mark.parametrize("contract", RESTATED)
async def test_what_would_be_lost_when_it_is_restated_waits_for_a_newer_build(contract: type, more: bytes) -> None:
    page = await made(*ALREADY_WHOLE, more, WHOLE)
    published = publishing_as(contract)
    assert published.known_part(page) == page[:2]
    with pytest.raises(LogAhead):
        published.known_part(page[2:])


BROKEN = (WHOLE.replace(b'"text"', b'"words"'), WHOLE.replace(b'"text":"low"', b'"text":3'), WHOLE[:-5])
"""A field that is missing, one of another kind, and half an event."""


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("contract", RESTATED)
async def test_what_nobody_can_read_ends_the_page_and_is_not_taken_for_a_newer_builds(
    contract: type, broken: bytes
) -> None:
    page = await made(*ALREADY_WHOLE, broken, WHOLE)
    published = publishing_as(contract)
    assert published.known_part(page) == page[:2]
    with pytest.raises(msgspec.DecodeError):
        published.known_part(page[2:])


async def test_a_retired_version_is_restated_also_where_both_forms_are_one() -> None:
    (row,) = await made(ALREADY_WHOLE[1], topic="monitoring.Made.v0")
    assert publishing_as(Same).known_part([row]) == [row]
    assert publishing_as(Same).record(row, previous=0).value == WHOLE.replace(b"blue", b"red")


async def test_every_published_event_is_read_once_and_each_names_the_one_before(store: MemoryEventStore) -> None:
    reader = PublishedReader(store, publishing(), PARTITIONS)
    total = 0
    for partition in range(PARTITIONS):
        previous = 0
        for record in await read(reader, partition):
            assert record.envelope.previous == previous
            assert partition_of(record.envelope.patient_id, PARTITIONS) == partition
            previous = record.envelope.position
            total += 1
    assert total == 600


@pytest.mark.parametrize("after", [0, 1, 2, 63, 64, 65, 500, 659])
@pytest.mark.parametrize("through", [0, 66, 300])
async def test_any_part_of_the_log_has_the_same_records(store: MemoryEventStore, after: int, through: int) -> None:
    reader = PublishedReader(store, publishing(), PARTITIONS)
    for partition in range(PARTITIONS):
        everything = await read(reader, partition)
        wanted = [
            one for one in everything if after < one.envelope.position and one.envelope.position <= (through or 10_000)
        ]
        assert await read(reader, partition, after, through) == wanted


async def test_previous_is_found_however_far_back(store: MemoryEventStore) -> None:
    """One patient's event, then thousands in other partitions, then that patient's again."""
    sparse = MemoryEventStore()
    lone = patient(1)
    others = [who for who in map(patient, range(2, 60)) if partition_of(who, 3) != partition_of(lone, 3)]
    texts = [(lone, "first"), *((others[n % len(others)], "other") for n in range(2500)), (lone, "last")]
    await fill(sparse, texts)
    (record,) = await read(PublishedReader(sparse, publishing(), 3), partition_of(lone, 3), after=2200)
    assert (record.envelope.position, record.envelope.previous) == (2502, 1)


async def test_runs_are_bounded(store: MemoryEventStore) -> None:
    reader = PublishedReader(store, publishing(), 1)
    assert max([len(run) async for run in reader.read_published(0, 0, 0)]) <= 500
