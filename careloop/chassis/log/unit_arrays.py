"""A unit as the parallel arrays that the SQL function `store_unit` takes."""

from collections.abc import Iterable, Sequence
from typing import Any

from careloop.chassis.log.protocol import Unit

STORE_UNIT = f"select * from store_unit({', '.join(f'${n}' for n in range(1, 27))})"  # noqa: S608 - numbers only


def unit_arrays(unit: Unit) -> list[Any]:
    """The arguments of STORE_UNIT, in its order. Rows name their command by its place, counted from 1."""
    writes = unit.writes
    numbered = list(enumerate(writes, start=1))
    commands = [
        (w.command_id, w.caller, w.digest, w.stream_id, w.expected_version, w.correlation_id, w.causation_id)
        for w in writes
    ]
    events = [(n, e.event_id, e.topic, e.state, e.occurred_at, e.key_id) for n, write in numbered for e in write.events]
    due = [(n, d.due_id, d.kind, d.stream_id, d.due_at, d.detail) for n, write in numbered for d in write.due]
    done = [(n, due_id) for n, write in numbered for due_id in write.done]
    gate = unit.gate
    return [
        *_columns(commands, 7),
        *_columns(events, 6),
        *_columns(due, 6),
        *_columns(done, 2),
        *((gate.consumer, gate.source, gate.partition, gate.last, gate.position) if gate else (None,) * 5),
    ]


def _columns(rows: Iterable[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    columns = list(zip(*rows, strict=True))
    return list(columns) if columns else [()] * width
