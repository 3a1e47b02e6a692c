"""What the appender sends, writes as the parallel arrays of the SQL function `append_batch`, and what that answers."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg

from careloop.chassis.log.connections import conflict, reused
from careloop.chassis.log.protocol import CommandRecord, Write, Written

APPEND_BATCH = f"select * from append_batch({', '.join(f'${n}' for n in range(1, 29))})"  # noqa: S608 - numbers only

APPEND_ONE = f"select * from append_one({', '.join(f'${n}' for n in range(1, 13))})"  # noqa: S608 - numbers only

_TICK = timedelta(microseconds=1)
WriteOutcome = Written | Exception


def append_call(writes: Sequence[Write]) -> tuple[str, Sequence[Any]]:
    """The statement that stores these writes together, and its arguments. Both have the same answer."""
    w = writes[0]
    if len(writes) > 1 or len(w.events) != 1 or w.due or w.done or w.expected_version is None:
        return APPEND_BATCH, batch_arrays(writes)
    (e,) = w.events
    return APPEND_ONE, (
        w.command_id, w.caller, w.digest, w.stream_id, w.expected_version, w.correlation_id, w.causation_id,
        e.event_id, e.topic, e.state, e.occurred_at, e.key_id,
    )  # fmt: skip


def batch_arrays(writes: Sequence[Write]) -> list[Any]:
    """The arguments of APPEND_BATCH, in its order. Due rows name their command by its place, counted from 1."""
    commands, events, due, done = [], [], [], []
    through = 0
    for place, w in enumerate(writes, start=1):
        first = None if w.expected_version is None else w.expected_version + 1
        for nth, e in enumerate(w.events):
            version = None if first is None else first + nth
            events.append((
                w.stream_id, version, nth + 1, e.event_id, e.topic, e.state, e.occurred_at,
                w.correlation_id, w.causation_id, w.caller, w.command_id, e.key_id,
            ))  # fmt: skip
        through += len(w.events)
        commands.append((
            w.command_id, w.caller, w.digest, w.stream_id, w.expected_version,
            w.correlation_id, w.causation_id, through,
        ))  # fmt: skip
        due += [(place, d.due_id, d.kind, d.stream_id, d.due_at, d.detail) for d in w.due]
        done += [(place, due_id) for due_id in w.done]
    return [*columns(commands, 8), *columns(events, 12), *columns(due, 6), *columns(done, 2)]


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


def outcomes(writes: Sequence[Write], answer: asyncpg.Record) -> list[WriteOutcome]:
    """What became of each write: how it stands, or the Conflict or RequestIdReused to raise."""
    statuses = answer["statuses"]
    if statuses is None:
        return _all_stored(writes, answer)
    return [
        _outcome(*each) for each in zip(writes, statuses, answer["last_positions"], answer["recorded_ats"], strict=True)
    ]


def _all_stored(writes: Sequence[Write], answer: asyncpg.Record) -> list[WriteOutcome]:
    head, first_at = answer["head"], answer["first_at"]
    stored: list[WriteOutcome] = []
    through = 0
    for w in writes:
        through += len(w.events)
        stored.append(_written(w, head + through, first_at + max(through - 1, 0) * _TICK, repeated=False))
    return stored


def _outcome(write: Write, status: str, position: int, recorded_at: Any) -> WriteOutcome:
    if status == "conflict":
        return conflict()
    if status == "reused":
        return reused()
    return _written(write, position, recorded_at, repeated=status == "repeated")


def _written(write: Write, position: int, recorded_at: Any, *, repeated: bool) -> Written:
    return Written(
        command=CommandRecord(
            command_id=write.command_id,
            caller=write.caller,
            digest=write.digest,
            stream_id=write.stream_id,
            last_position=position,
            recorded_at=recorded_at,
        ),
        repeated=repeated,
    )
