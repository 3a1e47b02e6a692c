"""The event store in memory: the same protocol for tests without I/O. It takes no SQL statements."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from careloop.chassis.log.connections import conflict, reused
from careloop.chassis.log.protocol import (
    ClaimedDue,
    CommandKey,
    CommandRecord,
    DueRow,
    Gate,
    GateClosed,
    Head,
    NewEvent,
    StoredEvent,
    Unit,
    Write,
    Written,
)
from careloop.kernel.events import EventMetadata

DONE_FOR = timedelta(days=30)
_TICK = timedelta(microseconds=1)


@dataclass
class _StoredDue:
    row: DueRow
    claims: int = 0
    lease_until: datetime | None = None
    done_at: datetime | None = None


@dataclass
class _Tables:
    log: list[StoredEvent] = field(default_factory=list)
    commands: dict[CommandKey, CommandRecord] = field(default_factory=dict)
    due: dict[UUID, _StoredDue] = field(default_factory=dict)
    consumed: dict[tuple[str, str, int], int] = field(default_factory=dict)

    def draft(self) -> "_Tables":
        due = {key: _StoredDue(d.row, d.claims, d.lease_until, d.done_at) for key, d in self.due.items()}
        return _Tables(list(self.log), dict(self.commands), due, dict(self.consumed))


class MemoryEventStore:
    """Keeps the EventStore protocol for one process. `clock` gives `recorded_at` where the log's order allows it."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._tables = _Tables()
        self._moved = asyncio.Event()

    async def commit(self, unit: Unit) -> Sequence[Written]:
        if unit.statements:
            raise ValueError("SQL statements need a PostgreSQL store")
        draft = self._tables.draft()
        if unit.gate is not None:
            _pass_gate(draft, unit.gate)
        outcome = [_store(draft, write, self._clock()) for write in unit.writes]
        self._tables = draft
        self._moved.set()
        self._moved = asyncio.Event()
        return outcome

    async def load(self, stream_id: UUID, after: int = 0) -> Sequence[StoredEvent]:
        return [event for event in self._stream(stream_id) if event.meta.version > after]

    def _stream(self, stream_id: UUID) -> Iterable[StoredEvent]:
        return (event for event in self._tables.log if event.meta.stream_id == stream_id)

    async def command(self, key: CommandKey) -> CommandRecord | None:
        return self._tables.commands.get(key)

    async def events_of_command(self, command: CommandRecord) -> Sequence[StoredEvent]:
        return self._tables.log[command.last_position - (command.events or 0) : command.last_position]

    async def after(self, position: int, limit: int) -> Sequence[StoredEvent]:
        return self._tables.log[position : position + limit]

    async def streams(self, after: UUID | None, limit: int, *, since: int = 0) -> Sequence[UUID]:
        known = sorted({event.meta.stream_id for event in self._tables.log[since:]})
        return [stream for stream in known if after is None or stream > after][:limit]

    async def last_position(self, stream_id: UUID, topics: frozenset[str], through: int) -> int:
        metas = (event.meta for event in self._stream(stream_id))
        return max((m.position for m in metas if m.topic in topics and m.position <= through), default=0)

    async def head(self) -> Head:
        log = self._tables.log
        return Head(position=len(log), recorded_at=log[-1].meta.recorded_at if log else None)

    async def wait_for_more(self, position: int, timeout_seconds: float) -> None:
        if len(self._tables.log) > position:
            return
        try:
            await asyncio.wait_for(self._moved.wait(), timeout_seconds)
        except TimeoutError:
            return

    async def claim_due(
        self, kinds: frozenset[str], now: datetime, lease_seconds: float, limit: int
    ) -> Sequence[ClaimedDue]:
        ready = [due for due in self._tables.due.values() if due.row.kind in kinds and _claimable(due, now)]
        ready.sort(key=lambda due: (due.row.due_at, due.row.due_id))
        return [_claim(due, now + timedelta(seconds=lease_seconds)) for due in ready[:limit]]

    async def prune_due(self, most: int) -> int:
        before = self._clock() - DONE_FOR
        done = sorted((due.done_at, due_id) for due_id, due in self._tables.due.items() if due.done_at)
        gone = [due_id for done_at, due_id in done if done_at < before][:most]
        for due_id in gone:
            del self._tables.due[due_id]
        return len(gone)

    async def consumed(self, consumer: str) -> dict[tuple[str, int], int]:
        positions = self._tables.consumed.items()
        return {(source, partition): position for (name, source, partition), position in positions if name == consumer}

    async def parked_streams(self, consumer: str, stream_id: UUID) -> frozenset[str]:
        """Always none: records are parked by a statement, which needs PostgreSQL."""
        return frozenset()


def _pass_gate(tables: _Tables, gate: Gate) -> None:
    key = (gate.consumer, gate.source, gate.partition)
    if tables.consumed.get(key, 0) != gate.last:
        raise GateClosed
    tables.consumed[key] = gate.position


def _store(tables: _Tables, write: Write, now: datetime) -> Written:
    if write.chain is not None and write.chain.broken:
        raise conflict()
    known = tables.commands.get(write.key)
    if known is not None:
        if known.digest != write.digest:
            raise reused()
        return Written(command=known, repeated=True)
    version = sum(1 for event in tables.log if event.meta.stream_id == write.stream_id)
    if write.expected_version not in (None, version):
        raise conflict()
    first_at = max(tables.log[-1].meta.recorded_at + _TICK, now) if tables.log else now
    before = len(tables.log)
    for event in write.events:
        if _is_new(tables, write, event):
            added = len(tables.log) - before
            meta = _meta(write, event, version + 1 + added, len(tables.log) + 1, first_at + added * _TICK)
            tables.log.append(StoredEvent(meta=meta, state=event.state))
    only_known = bool(write.events) and len(tables.log) == before
    record = _record(tables, write, now, len(tables.log) - before)
    _keep_due(tables, write, now)
    return Written(command=record, repeated=only_known)


def _is_new(tables: _Tables, write: Write, event: NewEvent) -> bool:
    known = any(stored.meta.event_id == event.event_id for stored in tables.log)
    if known and write.expected_version is not None:
        raise conflict()
    return not known


def _meta(write: Write, event: NewEvent, version: int, position: int, recorded_at: datetime) -> EventMetadata:
    return EventMetadata(
        event_id=event.event_id,
        stream_id=write.stream_id,
        version=version,
        position=position,
        topic=event.topic,
        occurred_at=event.occurred_at,
        recorded_at=recorded_at,
        actor=write.caller,
        command_id=write.command_id,
        correlation_id=write.correlation_id,
        causation_id=write.causation_id,
        key_id=event.key_id,
    )


def _record(tables: _Tables, write: Write, now: datetime, added: int) -> CommandRecord:
    last = len(tables.log)
    if write.events and not added:
        named = {event.event_id for event in write.events}
        last = max(event.meta.position for event in tables.log if event.meta.event_id in named)
    newest = tables.log[-1].meta.recorded_at if tables.log else now
    record = CommandRecord(
        key=write.key, digest=write.digest, last_position=last, events=added, recorded_at=max(newest, now)
    )
    tables.commands[write.key] = record
    return record


def _keep_due(tables: _Tables, write: Write, now: datetime) -> None:
    for row in write.due:
        tables.due.setdefault(row.due_id, _StoredDue(row))
    for due_id in write.done:
        if due_id in tables.due:
            tables.due[due_id].done_at = tables.due[due_id].done_at or now


def _claimable(due: _StoredDue, now: datetime) -> bool:
    return due.done_at is None and due.row.due_at <= now and (due.lease_until is None or due.lease_until <= now)


def _claim(due: _StoredDue, lease_until: datetime) -> ClaimedDue:
    due.claims += 1
    due.lease_until = lease_until
    return ClaimedDue(row=due.row, lease_until=lease_until, claims=due.claims)
