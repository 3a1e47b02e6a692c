"""Units that no others join: one call that stores the unit, alone or with its statements in one transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg

from careloop.chassis.log.connections import Connections
from careloop.chassis.log.lost_commit import how_it_ended
from careloop.chassis.log.protocol import CommandRecord, Unit, Written
from careloop.kernel.errors import Unavailable

_COMMIT_UNIT = f"select * from commit_unit({', '.join(f'${n}' for n in range(1, 28))})"  # noqa: S608 - numbers only


class UnitTransactions:
    """Each unit has a connection of the pool for itself. What becomes of a lost answer is found out."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def commit_in_one_call(self, unit: Unit) -> Sequence[Written]:
        """One call is the whole transaction: for writes, with or without a gate."""
        sent = False
        try:
            async with self._connections.borrow() as connection:
                sent = True
                return _written(unit, await connection.fetch(_COMMIT_UNIT, *_unit_arrays(unit)))
        except Unavailable:
            if not sent:
                raise
            return await how_it_ended(self._connections, unit, None)

    async def commit_with_statements(self, unit: Unit) -> Sequence[Written]:
        """The same call, then the unit's statements one by one, in one transaction."""
        outcome: Sequence[Written] | None = None
        try:
            async with self._connections.borrow() as connection, connection.transaction():
                stored = _written(unit, await connection.fetch(_COMMIT_UNIT, *_unit_arrays(unit)))
                for statement in unit.statements:
                    await connection.execute(statement.sql, *statement.args)
                outcome = stored
        except Unavailable:
            # Before COMMIT was sent nothing can have been stored.
            if outcome is None:
                raise
            return await how_it_ended(self._connections, unit, outcome)
        return outcome


def _unit_arrays(unit: Unit) -> list[Any]:
    """The arguments of _COMMIT_UNIT, in its order. Rows name their command by its place, counted from 1."""
    writes = unit.writes
    numbered = list(enumerate(writes, start=1))
    commands = [
        (w.command_id, w.kind, w.caller, w.digest, w.stream_id, w.expected_version, w.correlation_id, w.causation_id)
        for w in writes
    ]
    events = [(n, e.event_id, e.topic, e.state, e.occurred_at, e.key_id) for n, write in numbered for e in write.events]
    due = [(n, d.due_id, d.kind, d.stream_id, d.due_at, d.detail) for n, write in numbered for d in write.due]
    done = [(n, due_id) for n, write in numbered for due_id in write.done]
    gate = unit.gate
    return [
        *_columns(commands, 8),
        *_columns(events, 6),
        *_columns(due, 6),
        *_columns(done, 2),
        *((gate.consumer, gate.source, gate.partition, gate.last, gate.position) if gate else (None,) * 5),
    ]


def _columns(rows: Iterable[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    columns = list(zip(*rows, strict=True))
    return list(columns) if columns else [()] * width


def _written(unit: Unit, rows: Sequence[asyncpg.Record]) -> Sequence[Written]:
    return [
        Written(
            command=CommandRecord(
                key=write.key,
                digest=write.digest,
                last_position=row["last_position"],
                events=row["events"],
                recorded_at=row["recorded_at"],
            ),
            repeated=row["repeated"],
        )
        for write, row in zip(unit.writes, rows, strict=True)
    ]
