"""The application's face of the store: load, fold, decide, append, and again if others were faster."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from careloop.chassis.backoff import Backoff
from careloop.chassis.commands.state_cache import CachedState, StateCache
from careloop.chassis.events.codec import Codec
from careloop.chassis.log.connections import reused
from careloop.chassis.log.protocol import (
    Chain,
    CommandKey,
    CommandRecord,
    DueRow,
    EventStore,
    NewEvent,
    Statement,
    StoredEvent,
    Unit,
    Write,
    Written,
)
from careloop.kernel.decider import Decider
from careloop.kernel.errors import CareloopError, Conflict
from careloop.kernel.events import Event, Request
from careloop.kernel.ids import EventId, derived_id

State = TypeVar("State")
Fact = TypeVar("Fact", bound=Event)

ATTEMPTS = 3
AGAIN = Backoff(first=0.02, longest=0.04, least=0.1)
"""Short: others were faster, and are done."""


class Loaded(Struct, Generic[State], frozen=True, kw_only=True):
    """A stream as it was read: its folded state and the version that state stands on."""

    state: State
    version: int


class Done(Struct, Generic[Fact], frozen=True, kw_only=True):
    """What a command came to. For a repeat these are the first answer's events and position.

    `position` is the last published position of this patient up to this command: the consistency token's.
    """

    events: Sequence[Fact]
    position: int
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Begun(Generic[State, Fact]):
    """A command that was decided and is being stored, and the stream as it will then be."""

    write: Write
    events: Sequence[Fact]
    state: CachedState[State]
    storing: Awaitable[Written]

    @property
    def chain(self) -> Chain | None:
        return self.write.chain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tip(Generic[State]):
    """A stream as it will be when the last of its chain is stored: the next command is decided on it."""

    state: CachedState[State]
    chain: Chain
    storing: "asyncio.Future[Written]"


class _Queue:
    """Calls of one process on one stream: they are decided one after another instead of meeting conflicts."""

    __slots__ = ("calls", "turn", "waiting")

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.waiting = 0
        self.calls = 0


class Streams(Generic[State, Fact]):
    """One service's aggregates: `published` are the stored topics that go to Kafka, `due` says what an event makes due.

    `statements` says what a table of the service's own must show of an event; they may run again for the same event.
    """

    def __init__(
        self,
        service: str,
        store: EventStore,
        codec: Codec[Fact],
        decider: Decider[State, Fact],
        *,
        published: frozenset[str],
        due: Callable[[Fact, UUID], Iterable[DueRow]] = lambda _event, _stream: (),
        statements: Callable[[Fact, UUID], Iterable[Statement]] = lambda _event, _stream: (),
    ) -> None:
        self.service = service
        self.store = store
        self.codec = codec
        self.decider = decider
        self.published = published
        self.due = due
        self.statements = statements
        self._cache: StateCache[State] = StateCache(decider.initial)
        # By the number of the stream: a UUID is hashed and compared in Python, its number in C.
        self._tips: dict[int, _Tip[State]] = {}
        self._queues: dict[int, _Queue] = {}

    async def load(self, stream_id: UUID) -> Loaded[State]:
        cached = await self._newest(stream_id)
        return Loaded(state=cached.state, version=cached.version)

    async def _newest(self, stream_id: UUID) -> CachedState[State]:
        """The stream as it is now: its cached state, and what was stored since."""
        cached = self._cache.of(stream_id)
        rows = await self.store.load(stream_id, cached.version)
        if not rows:
            return cached
        events = [self.codec.decode(row.meta.topic, row.state) for row in rows]
        return self._cache.put(stream_id, self._after(cached, events, [row.meta.command_id for row in rows]))

    def _after(
        self, cached: CachedState[State], events: Sequence[Fact], command_ids: Sequence[str]
    ) -> CachedState[State]:
        """The stream with what follows: its events as they are read, and of each its command's id."""
        commands = cached.commands
        for version, command_id in enumerate(command_ids, start=cached.version + 1):
            commands = commands.having(command_id, version)
        state = self.decider.fold(events, cached.state)
        return CachedState(state=state, version=cached.version + len(events), commands=commands)

    async def transact(
        self,
        stream_id: UUID,
        request: Request,
        decide: Callable[[State], Sequence[Fact]],
        *,
        done: tuple[UUID, ...] = (),
    ) -> Done[Fact]:
        """Decide on the stream's newest state and store the outcome once, whatever is lost on the way.

        `done` are the due rows that this finishes. A repeat of the request answers what the first one did,
        whatever `decide` would say now. Raises what `decide` raises (then nothing is stored), Conflict after three
        tries, RequestIdReused, Unavailable, Overloaded.
        """
        queue = self._queues.get(stream_id.int)
        if queue is None:
            queue = self._queues[stream_id.int] = _Queue()
        queue.calls += 1
        try:
            for attempt in range(1, ATTEMPTS):
                try:
                    return await self._try(queue, stream_id, request, decide, done)
                except Conflict:
                    await asyncio.sleep(AGAIN.pause(attempt))
            return await self._try(queue, stream_id, request, decide, done)
        finally:
            queue.calls -= 1
            if not queue.calls:
                del self._queues[stream_id.int]

    async def _try(
        self,
        queue: "_Queue",
        stream_id: UUID,
        request: Request,
        decide: Callable[[State], Sequence[Fact]],
        done: tuple[UUID, ...],
    ) -> Done[Fact]:
        """One after another is decided. What was decided is waited for by all of them at the same time; by one behind
        whom nobody waits at once, which costs less."""
        queue.waiting += 1
        try:
            await queue.turn.acquire()
        finally:
            queue.waiting -= 1
        try:
            begun = await self._begin(stream_id, request, decide, done, alone=not queue.waiting)
            if isinstance(begun, Done):
                return begun
            if begun.chain is None:
                return await self._ended(begun, request)
        finally:
            queue.turn.release()
        return await self._ended(begun, request)

    async def _begin(
        self,
        stream_id: UUID,
        request: Request,
        decide: Callable[[State], Sequence[Fact]],
        done: tuple[UUID, ...],
        *,
        alone: bool,
    ) -> "_Begun[State, Fact] | Done[Fact]":
        """First on what is about to be stored or cached: the append refuses what was decided on an old version. Only
        what was read is believed when it comes to a refusal or a repeat."""
        tip = self._tips.get(stream_id.int)
        if tip is not None:
            if not tip.chain.broken and (events := _allowed(decide, tip.state, request)) is not None:
                return await self._store(stream_id, request, tip.state, events, done=done, chain=tip.chain)
            await asyncio.wait({tip.storing})
        chain = None if alone else Chain()
        cached = self._cache.trusted(stream_id)
        if cached is not None and (events := _allowed(decide, cached, request)) is not None:
            return await self._store(stream_id, request, cached, events, done=done, chain=chain)
        cached = await self._newest(stream_id)
        if request.request_id in cached.commands and (known := await self._known(stream_id, request)):
            return await self.answer_again(known, request)
        try:
            events = decide(cached.state)
        except CareloopError:
            # A repeat of a command that stored no event shows in the table of commands only.
            known = await self._known(stream_id, request)
            if known is None:
                raise
            return await self.answer_again(known, request)
        return await self._store(stream_id, request, cached, events, done=done, chain=chain)

    async def _store(
        self,
        stream_id: UUID,
        request: Request,
        cached: CachedState[State],
        events: Sequence[Fact],
        *,
        done: tuple[UUID, ...],
        chain: Chain | None,
    ) -> "_Begun[State, Fact]":
        """On its way; with statements of its own it has a transaction for itself, which nothing follows before its
        end."""
        stored = [self.codec.as_stored(event) for event in events]
        write = self._write(stream_id, request, events, stored, cached.version, done=done, chain=chain)
        shown = tuple([statement for event in events for statement in self.statements(event, stream_id)])
        after = self._after(cached, [read for _topic, _state, read in stored], [request.request_id] * len(stored))
        committing = self._committed(Unit(writes=(write,), statements=shown))
        if chain is None:
            return _Begun(write=write, events=events, state=after, storing=committing)
        storing = asyncio.ensure_future(committing)
        begun = _Begun(write=write, events=events, state=after, storing=storing)
        self._tips[stream_id.int] = _Tip(state=after, chain=chain, storing=storing)
        if shown:
            await asyncio.wait({storing})
        return begun

    async def _committed(self, unit: Unit) -> Written:
        """Whatever else becomes of it than being stored now, nothing may stand on it."""
        chain, stored = unit.writes[0].chain, False
        try:
            (written,) = await self.store.commit(unit)
            stored = not written.repeated
        finally:
            if chain is not None and not stored:
                chain.broken = True
        return written

    async def _ended(self, begun: "_Begun[State, Fact]", request: Request) -> Done[Fact]:
        write = begun.write
        try:
            written = await begun.storing
        except Conflict:
            # Others were faster, or the log was set back behind what is cached: then nothing would ever be new.
            self._cache.distrust(write.stream_id)
            raise
        finally:
            tip = self._tips.get(write.stream_id.int)
            if tip is not None and tip.storing is begun.storing:
                del self._tips[write.stream_id.int]
        if written.repeated:
            return await self.answer_again(written.command, request)
        if self._cache.of(write.stream_id).version < begun.state.version:
            self._cache.put(write.stream_id, begun.state)
        position = await self._published_position(written.command, write)
        return Done(events=begun.events, position=position, repeated=False)

    async def _published_position(self, command: CommandRecord, write: Write) -> int:
        for behind, event in enumerate(reversed(write.events)):
            if event.topic in self.published:
                return command.last_position - behind
        return await self.store.last_position(command.key.stream_id, self.published, through=command.last_position)

    def write(
        self,
        stream_id: UUID,
        request: Request,
        events: Sequence[Fact],
        expected_version: int | None,
        *,
        done: tuple[UUID, ...] = (),
    ) -> Write:
        """The Write that stores `events` for `request`; event ids derive from service, the command's key and order."""
        if expected_version is None:
            self._cache.forget(stream_id)  # what is cached is about to be outdated
        stored = [self.codec.as_stored(event) for event in events]
        return self._write(stream_id, request, events, stored, expected_version, done=done)

    def _write(
        self,
        stream_id: UUID,
        request: Request,
        events: Sequence[Fact],
        stored: Sequence[tuple[str, bytes, Fact]],
        expected_version: int | None,
        *,
        done: tuple[UUID, ...] = (),
        chain: Chain | None = None,
    ) -> Write:
        key = ("event", self.service, request.kind, stream_id, request.actor, request.request_id)
        return Write(
            command_id=request.request_id,
            kind=request.kind,
            caller=request.actor,
            digest=request.digest,
            stream_id=stream_id,
            expected_version=expected_version,
            events=tuple(
                [
                    NewEvent(
                        event_id=EventId(derived_id(*key, order)),
                        topic=topic,
                        state=state,
                        occurred_at=events[order].occurred_at,
                    )
                    for order, (topic, state, _read) in enumerate(stored)
                ]
            ),
            correlation_id=request.correlation_id,
            causation_id=request.causation_id,
            due=tuple([row for event in events for row in self.due(event, stream_id)]),
            done=done,
            chain=chain,
        )

    async def _known(self, stream_id: UUID, request: Request) -> CommandRecord | None:
        return await self.store.command(CommandKey(request.request_id, stream_id, request.actor, request.kind))

    async def answer_again(self, command: CommandRecord, request: Request) -> Done[Fact]:
        """What the stored command came to. Raises RequestIdReused if it was not this very request."""
        if command.digest != request.digest:
            raise reused()
        stored: Sequence[StoredEvent] = await self.store.events_of_command(command)
        position = await self.store.last_position(command.key.stream_id, self.published, through=command.last_position)
        return Done(
            events=[self.codec.decode(row.meta.topic, row.state) for row in stored],
            position=position,
            repeated=True,
        )


def _allowed(
    decide: Callable[[State], Sequence[Fact]], on: CachedState[State], request: Request
) -> Sequence[Fact] | None:
    """What is decided, or None for a refusal and for what may be a repeat."""
    if request.request_id in on.commands:
        return None
    try:
        return decide(on.state)
    except CareloopError:
        return None
