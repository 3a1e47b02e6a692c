"""What the appender sends, writes as parallel arrays of the SQL function `append_commands`, and what that answers."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from careloop.chassis.log.connections import conflict, reused
from careloop.chassis.log.protocol import Chain, CommandRecord, Write, Written

APPEND_COMMANDS = f"select * from append_commands({', '.join(f'${n}' for n in range(1, 31))})"  # noqa: S608 - numbers only

APPEND_COMMAND = f"select * from append_command({', '.join(f'${n}' for n in range(1, 14))})"  # noqa: S608 - numbers only

_TICK = timedelta(microseconds=1)
WriteOutcome = Written | Exception


def append_call(writes: Sequence[Write]) -> tuple[str, Sequence[Any]]:
    """The statement that stores these writes together, and its arguments. Both have the same answer."""
    w = writes[0]
    if len(writes) > 1 or len(w.events) != 1 or w.due or w.done or w.expected_version is None:
        return APPEND_COMMANDS, batch_arrays(writes)
    (e,) = w.events
    return APPEND_COMMAND, (
        w.command_id, w.kind, w.caller, w.digest, w.stream_id, w.expected_version, w.correlation_id, w.causation_id,
        e.event_id, e.topic, e.state, e.occurred_at, e.key_id,
    )  # fmt: skip


def batch_arrays(writes: Sequence[Write]) -> list[Any]:
    """The arguments of APPEND_COMMANDS, in its order. Due rows name their command by its place, counted from 1."""
    commands, events, due, done = [], [], [], []
    through = 0
    chains: dict[UUID, Chain] = {}
    for place, w in enumerate(writes, start=1):
        first = None if w.expected_version is None else w.expected_version + 1
        for nth, e in enumerate(w.events):
            version = None if first is None else first + nth
            events.append((
                w.stream_id, version, nth + 1, e.event_id, e.topic, e.state, e.occurred_at,
                w.correlation_id, w.causation_id, w.caller, w.command_id, e.key_id,
            ))  # fmt: skip
        through += len(w.events)
        # What follows another in its chain stands on that one, which alone can show an old version.
        follows = w.chain is not None and chains.get(w.stream_id) is w.chain
        check = None if follows else w.expected_version
        if w.chain is not None:
            chains[w.stream_id] = w.chain
        commands.append((
            w.command_id, w.kind, w.caller, w.digest, w.stream_id, w.expected_version, check,
            w.correlation_id, w.causation_id, through,
        ))  # fmt: skip
        due += [(place, d.due_id, d.kind, d.stream_id, d.due_at, d.detail) for d in w.due]
        done += [(place, due_id) for due_id in w.done]
    return [*columns(commands, 10), *columns(events, 12), *columns(due, 6), *columns(done, 2)]


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


def outcomes(writes: Sequence[Write], answer: asyncpg.Record) -> list[WriteOutcome]:
    """What became of each write: how it stands, or the Conflict or RequestIdReused to raise."""
    statuses = answer["statuses"]
    if statuses is None:
        return _all_stored(writes, answer)
    found = (statuses, answer["last_positions"], answer["recorded_ats"], answer["event_counts"])
    return [_outcome(*each) for each in zip(writes, *found, strict=True)]


def _all_stored(writes: Sequence[Write], answer: asyncpg.Record) -> list[WriteOutcome]:
    head, first_at = answer["head"], answer["first_at"]
    stored: list[WriteOutcome] = []
    through = 0
    for w in writes:
        through += len(w.events)
        recorded_at = first_at + max(through - 1, 0) * _TICK
        stored.append(_written(w, head + through, recorded_at, len(w.events), repeated=False))
    return stored


def _outcome(write: Write, status: str, position: int, recorded_at: Any, events: int | None) -> WriteOutcome:
    if status == "conflict":
        return conflict()
    if status == "reused":
        return reused()
    return _written(write, position, recorded_at, events, repeated=status == "repeated")


def _written(write: Write, position: int, recorded_at: Any, events: int | None, *, repeated: bool) -> Written:
    return Written(
        command=CommandRecord(
            key=write.key, digest=write.digest, last_position=position, events=events, recorded_at=recorded_at
        ),
        repeated=repeated,
    )
