"""One term of a relay without a broker: what is acknowledged before it ends, and what its heads claim."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

import msgspec
import pytest
from msgspec.structs import replace

from careloop.chassis.events.codec import Codec
from careloop.chassis.events.envelope import Record
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.events.publishing import LogAhead, Publishing
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import StoredEvent, Unit
from careloop.chassis.relay.checkpoint import Checkpoint, Fenced, Leadership, QuietMoment
from careloop.chassis.relay.heads import PublishedHead
from careloop.chassis.relay.producer import Ack, Producer
from careloop.chassis.relay.term import LogBroken, RelayPace, Term, require_contiguous
from careloop.kernel.errors import Unavailable
from tests.support.histories.log import (
    NOON,
    SOURCE,
    TYPES,
    Kept,
    Noted,
    NotedContract,
    fill,
    noted,
    patient,
    publishing,
    write,
)
from tests.support.waiting import until

PARTITIONS = 3
LATER = NOON + timedelta(hours=1)


@dataclass
class Broker:
    """Takes what is sent. Acknowledges at once, or when `acknowledge` is called."""

    at_once: bool = True
    sent: dict[int, list[Record]] = field(default_factory=dict)
    runs: list[dict[int, int]] = field(default_factory=list)
    heads: list[list[PublishedHead]] = field(default_factory=list)
    delivered_acks: int = 0
    _waiting: list["asyncio.Future[None]"] = field(default_factory=list)

    async def accept(self, runs: Mapping[int, Sequence[Record]]) -> list[Ack]:
        self.runs.append({partition: len(run) for partition, run in runs.items()})
        acks: list[Ack] = []
        for partition, run in runs.items():
            self.sent.setdefault(partition, []).extend(run)
            ack: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(ack)
            acks.append(ack)
        if self.at_once:
            self.acknowledge()
        return acks

    def acknowledge(self) -> None:
        self.at_once = True
        for ack in self._waiting:
            if not ack.done():
                ack.set_result(None)

    def lose(self, failure: Exception) -> None:
        for ack in self._waiting:
            ack.set_exception(failure)

    async def delivered(self, acks: Sequence[Ack]) -> None:
        await asyncio.gather(*acks)
        self.delivered_acks += len(acks)

    async def send_heads(self, heads: Iterable[PublishedHead]) -> None:
        self.heads.append(list(heads))

    @property
    def count(self) -> int:
        return sum(map(len, self.sent.values()))


class Holder:
    """The right to relay, kept in memory; `quiet` is what the store says between two appends."""

    def __init__(self, store: MemoryEventStore, position: int = 0, last_published: Sequence[int] = (0, 0, 0)) -> None:
        self.checkpoint = Checkpoint(epoch=1, position=position, last_published=list(last_published))
        self.saved: list[tuple[int, list[int]]] = []
        self.refusal: Exception | None = None
        self.quiet: Callable[[], QuietMoment] | None = None
        self.asked = 0
        self._store = store

    async def save(self, position: int, last_published: list[int]) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.saved.append((position, list(last_published)))
        self.checkpoint.position, self.checkpoint.last_published = position, last_published

    async def quiet_moment(self) -> QuietMoment:
        self.asked += 1
        if self.quiet is not None:
            return self.quiet()
        return QuietMoment(head=(await self._store.head()).position, at=LATER)


class Following:
    """A term over a log in memory."""

    def __init__(self, store: MemoryEventStore, *, of: Publishing | None = None, **pace: float) -> None:
        self.store = store
        self.broker = Broker()
        self.holder = Holder(store)
        self.moved: list[int] = []
        self._of = of or publishing()
        self._pace = {"page": 5, "heads_interval": 0.05, "gathering": 0.001, **pace}

    async def follow(self) -> None:
        term = Term(
            self.store,
            self._of,
            cast(Leadership, self.holder),
            cast(Producer, self.broker),
            pace=RelayPace(**self._pace),  # type: ignore[arg-type]
            moved=self.moved.append,
        )
        async with asyncio.timeout(10):
            await term.follow()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["asyncio.Task[None]"]:
        task = asyncio.create_task(self.follow())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def reaches(self, position: int) -> None:
        await until(lambda: self.holder.checkpoint.position == position)


async def settled() -> None:
    """All that can go on without another event has gone on."""
    for _ in range(100):
        await asyncio.sleep(0)


async def log_of(count: int) -> MemoryEventStore:
    store = MemoryEventStore()
    await fill(store, [(patient(n % 7), f"text {n}") for n in range(count)])
    return store


async def last_published(store: MemoryEventStore, through: int) -> list[int]:
    last = [0] * PARTITIONS
    for one in (await store.after(0, 10_000))[:through]:
        if publishing().is_published(one):
            last[partition_of(one.meta.stream_id, PARTITIONS)] = one.meta.position  # type: ignore[arg-type]
    return last


async def test_all_that_is_published_is_sent_in_order_each_naming_the_one_before() -> None:
    following = Following(await log_of(23))
    async with following.running():
        await following.reaches(23)
    assert following.broker.count == 23
    for partition, records in following.broker.sent.items():
        positions = [one.envelope.position for one in records]
        assert [one.envelope.previous for one in records] == [0, *positions[:-1]]
        assert {partition_of(one.envelope.patient_id, PARTITIONS) for one in records} == {partition}
    assert following.holder.checkpoint.last_published == await last_published(following.store, 23)
    assert following.moved[-1] == 23


async def test_a_successor_goes_on_behind_the_checkpoint_and_names_what_was_sent_before_it() -> None:
    following = Following(await log_of(12))
    before = await last_published(following.store, 8)
    following.holder = Holder(following.store, 8, before)
    async with following.running():
        await following.reaches(12)
    first = {partition: records[0].envelope.previous for partition, records in following.broker.sent.items()}
    assert first == {partition: before[partition] for partition in first}
    assert following.broker.count == 4


async def test_what_is_not_published_is_passed_over_and_moves_the_checkpoint() -> None:
    store = MemoryEventStore()
    kept = Kept(text="kept", occurred_at=NOON)
    await store.commit(Unit(writes=(write("a", patient(1), kept, noted("text"), kept),)))
    following = Following(store)
    async with following.running():
        await following.reaches(3)
    assert following.broker.count == 1
    assert sorted(following.holder.checkpoint.last_published) == [0, 0, 2]


async def test_the_checkpoint_waits_for_what_the_broker_acknowledges() -> None:
    following = Following(await log_of(5))
    following.broker.at_once = False
    async with following.running():
        await until(lambda: following.broker.count == 5)
        assert (following.holder.saved, following.moved) == ([], [])
        following.broker.acknowledge()
        await following.reaches(5)
    assert following.broker.delivered_acks == len(following.broker.runs[0])


async def test_so_many_pages_are_handed_over_ahead_and_no_more() -> None:
    """One that is waited for, four that queue, and one that has no place in the queue yet."""
    following = Following(await log_of(60))
    following.broker.at_once = False
    async with following.running():
        await until(lambda: len(following.broker.runs) >= 6)
        await settled()
        assert len(following.broker.runs) == 6
        following.broker.acknowledge()
        await following.reaches(60)
    assert [sum(run.values()) for run in following.broker.runs] == [5] * 12


async def test_less_than_a_page_waits_until_all_before_it_is_acknowledged() -> None:
    following = Following(await log_of(3))
    following.broker.at_once = False
    async with following.running():
        await until(lambda: following.broker.count == 3)
        await fill(following.store, [(patient(1), "more"), (patient(2), "more")], prefix="m")
        await settled()
        assert following.broker.count == 3
        following.broker.acknowledge()
        await following.reaches(5)


async def test_what_comes_while_the_next_page_gathers_goes_together() -> None:
    following = Following(await log_of(1), gathering=0.3)
    async with following.running():
        await following.reaches(1)
        for prefix in ("a", "b"):
            await fill(following.store, [(patient(1), "more")], prefix=prefix)
            await settled()
        await following.reaches(3)
    assert [sum(run.values()) for run in following.broker.runs] == [1, 2]


async def test_a_lost_acknowledgement_ends_the_term_without_a_checkpoint() -> None:
    following = Following(await log_of(5))
    following.broker.at_once = False
    async with following.running() as term:
        await until(lambda: following.broker.count == 5)
        following.broker.lose(ConnectionError("gone"))
        with pytest.raises(ConnectionError):
            await term
    assert (following.holder.saved, following.moved) == ([], [])


async def test_who_is_fenced_ends_the_term_and_claims_nothing() -> None:
    following = Following(await log_of(5))
    following.holder.refusal = Fenced()
    with pytest.raises(Fenced):
        await following.follow()
    assert (following.moved, following.broker.heads) == ([], [])


async def test_a_store_that_is_away_ends_the_term() -> None:
    class Away(MemoryEventStore):
        async def after(self, position: int, limit: int) -> Sequence[StoredEvent]:
            raise Unavailable("store-unavailable", "away")

    with pytest.raises(Unavailable):
        await Following(Away()).follow()


class Altered(MemoryEventStore):
    """A log that is read otherwise than it was written: without some positions, or with other contents."""

    missing: frozenset[int] = frozenset()
    contents: Mapping[int, bytes] = {}

    async def after(self, position: int, limit: int) -> Sequence[StoredEvent]:
        rows = await super().after(position, limit)
        return [
            replace(row, state=self.contents.get(row.meta.position, row.state))
            for row in rows
            if row.meta.position not in self.missing
        ]


@pytest.mark.parametrize(("missing", "sent"), [(1, 0), (4, 0), (6, 5), (8, 5)])
async def test_no_page_with_a_gap_is_sent(missing: int, sent: int) -> None:
    store = Altered()
    await fill(store, [(patient(n % 7), "text") for n in range(10)])
    store.missing = frozenset({missing})
    following = Following(store)
    with pytest.raises(LogBroken, match=str(missing)):
        await following.follow()
    assert following.broker.count == sent


async def test_a_page_is_what_follows_a_position_without_a_gap() -> None:
    rows = list(await (await log_of(5)).after(0, 5))
    require_contiguous([], 7)
    require_contiguous(rows, 0)
    require_contiguous(rows[2:], 2)
    for page, after in ((rows, 1), (rows[1:], 0), ([rows[0], rows[2]], 0), ([rows[1], rows[0]], 1), (rows[:1] * 2, 0)):
        with pytest.raises(LogBroken):
            require_contiguous(page, after)


def older() -> Publishing:
    """What a build publishes that does not know one of the stored events."""
    return Publishing(SOURCE, Codec({"monitoring.Noted.v1": Noted}), {Noted: NotedContract}, TYPES)


def restating() -> Publishing:
    def restated(event: Noted) -> NotedContract:
        return NotedContract(text=event.text, occurred_at=event.occurred_at)

    return Publishing(SOURCE, Codec({"monitoring.Noted.v1": Noted}), {Noted: restated}, TYPES)


@dataclass(frozen=True)
class Ending:
    """A log whose eighth event ends the term."""

    publishing: Callable[[], Publishing]
    failure: type[Exception]
    contents: Mapping[int, bytes] = field(default_factory=dict)


ENDINGS = {
    "known to a newer build only": Ending(older, LogAhead),
    "readable by nobody": Ending(restating, msgspec.DecodeError, {8: b"half an ev"}),
}


async def ending(how: Ending) -> Following:
    store = Altered()
    await fill(store, [(patient(n), "text") for n in range(7)])
    eighth: object = noted("eighth") if how.contents else Kept(text="eighth", occurred_at=NOON)
    await store.commit(Unit(writes=(write("eighth", patient(8), eighth), write("ninth", patient(9), noted("ninth")))))
    store.contents = how.contents
    return Following(store, of=how.publishing())


@pytest.mark.parametrize("how", ENDINGS.values(), ids=ENDINGS)
async def test_all_before_what_ends_a_term_is_sent_acknowledged_and_saved_when_it_ends(how: Ending) -> None:
    following = await ending(how)
    following.broker.at_once = False
    async with following.running() as term:
        await until(lambda: following.broker.count == 7)
        await settled()
        assert not term.done()
        following.broker.acknowledge()
        with pytest.raises(how.failure):
            await term
    assert (following.broker.count, following.holder.checkpoint.position, following.moved[-1]) == (7, 7, 7)


@pytest.mark.parametrize("how", ENDINGS.values(), ids=ENDINGS)
async def test_what_ends_a_term_behind_a_full_page_waits_for_that_page(how: Ending) -> None:
    """The next page is read while this one is under way, and what it begins with ends the term."""
    following = await ending(how)
    following.holder = Holder(following.store, 2, await last_published(following.store, 2))
    following.broker.at_once = False
    async with following.running() as term:
        await until(lambda: following.broker.count == 5)
        await settled()
        assert not term.done()
        following.broker.acknowledge()
        with pytest.raises(how.failure):
            await term
    assert (following.broker.count, following.holder.checkpoint.position) == (5, 7)


async def test_a_broker_that_fails_meanwhile_ends_it_for_that() -> None:
    following = await ending(ENDINGS["known to a newer build only"])
    following.broker.at_once = False
    async with following.running() as term:
        await until(lambda: following.broker.count == 7)
        following.broker.lose(ConnectionError("gone"))
        with pytest.raises(ConnectionError):
            await term
    assert following.holder.saved == []


def claims(heads: Sequence[PublishedHead]) -> list[tuple[str, int, int, datetime]]:
    return [(one.service, one.partition, one.position, one.complete_through) for one in heads]


async def test_what_was_sent_is_claimed_up_to_the_moment_of_its_last_event() -> None:
    following = Following(await log_of(12))
    async with following.running():
        await following.reaches(12)
        await until(lambda: following.broker.heads[-1][0].complete_through == LATER)
    recorded = (await following.store.head()).recorded_at
    assert recorded is not None
    last = await last_published(following.store, 12)
    told = [claims(one) for one in following.broker.heads]
    assert [(SOURCE, n, last[n], recorded) for n in range(PARTITIONS)] in told
    assert told[-1] == [(SOURCE, n, last[n], LATER) for n in range(PARTITIONS)]


async def test_no_head_claims_what_is_not_acknowledged() -> None:
    following = Following(await log_of(5), heads_interval=0.01)
    following.broker.at_once = False
    following.holder.quiet = lambda: QuietMoment(head=5, at=LATER)
    async with following.running():
        await until(lambda: following.broker.count == 5)
        await settled()
        assert following.broker.heads == []
        following.broker.acknowledge()
        await until(lambda: bool(following.broker.heads))
    assert [one.position for one in following.broker.heads[0]] == await last_published(following.store, 5)


async def test_an_idle_relay_whose_log_is_beyond_its_checkpoint_claims_nothing_until_it_has_caught_up() -> None:
    store = MemoryEventStore()
    following = Following(store, heads_interval=0.01)
    following.holder.quiet = lambda: QuietMoment(head=1, at=LATER)
    async with following.running():
        await until(lambda: following.holder.asked > 2)
        assert following.broker.heads == []
        following.holder.quiet = None
        await until(lambda: bool(following.broker.heads))
    assert claims(following.broker.heads[0]) == [(SOURCE, n, 0, LATER) for n in range(PARTITIONS)]


async def test_an_idle_relay_claims_again_and_again_what_is_true_then() -> None:
    moments = [LATER + timedelta(seconds=n) for n in range(1000)]
    following = Following(await log_of(0), heads_interval=0.01)
    following.holder.quiet = lambda: QuietMoment(head=0, at=moments[following.holder.asked])
    async with following.running():
        await until(lambda: len(following.broker.heads) > 3)
    told = [one[0].complete_through for one in following.broker.heads]
    assert told == moments[1 : len(told) + 1]


async def test_a_relay_that_is_fenced_while_it_is_idle_ends_its_term() -> None:
    def fenced() -> QuietMoment:
        raise Fenced

    following = Following(await log_of(0), heads_interval=0.01)
    following.holder.quiet = fenced
    with pytest.raises(Fenced):
        await following.follow()


async def test_heads_are_not_told_with_every_page() -> None:
    following = Following(await log_of(100), page=1, heads_interval=60)
    async with following.running():
        await following.reaches(100)
    assert len(following.broker.heads) < 10 < len(following.broker.runs)


async def test_a_cancelled_term_ends_what_it_has_under_way() -> None:
    following = Following(await log_of(5))
    following.broker.at_once = False
    before = asyncio.all_tasks()
    async with following.running():
        await until(lambda: following.broker.count == 5)
    assert asyncio.all_tasks() == before
