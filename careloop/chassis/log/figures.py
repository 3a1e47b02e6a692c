"""The store's own figures, as an operator's status is made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from careloop.chassis.log.connections import Connections
from careloop.chassis.log.protocol import Head

_LOG = """
    with relayed as (select coalesce((select position from relay_checkpoint), 0) as position)
    select r.position as relayed,
        (select recorded_at from events where notification_id = r.position + 1) as unrelayed_since,
        newest.notification_id as head, newest.recorded_at
    from relayed r
    left join lateral (
        select notification_id, recorded_at from events order by notification_id desc limit 1) newest on true"""

_DUE = """
    select count(*) filter (where due_at <= $1) as now, count(*) filter (where due_at > $1) as later,
        min(due_at) filter (where due_at <= $1) as oldest
    from due where done_at is null"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFigures:
    """One moment of one schema.

    `unrelayed_since` is when the first event behind the relay's checkpoint was recorded. `consumed` is the position
    per (consumer, source, partition), `parked` the number of patients per (consumer, source). `due_now` counts rows
    due and not finished, leased ones included; `overdue_since` is when the first of them fell due.
    """

    head: Head
    relayed_position: int
    unrelayed_since: datetime | None
    consumed: Mapping[tuple[str, str, int], int]
    parked: Mapping[tuple[str, str], int]
    due_now: int
    due_later: int
    overdue_since: datetime | None


async def read_figures(connections: Connections, now: datetime) -> StoreFigures:
    """Raises Unavailable when the store does not answer."""
    async with connections.borrow() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        log = await connection.fetchrow(_LOG)
        due = await connection.fetchrow(_DUE, now)
        return StoreFigures(
            head=Head(position=log["head"] or 0, recorded_at=log["recorded_at"]),
            relayed_position=log["relayed"],
            unrelayed_since=log["unrelayed_since"],
            consumed=await _consumed(connection),
            parked=await _parked(connection),
            due_now=due["now"],
            due_later=due["later"],
            overdue_since=due["oldest"],
        )


async def _consumed(connection: asyncpg.Connection) -> Mapping[tuple[str, str, int], int]:
    rows = await connection.fetch("select consumer, source, partition, position from consumed_positions")
    return {(row["consumer"], row["source"], row["partition"]): row["position"] for row in rows}


async def _parked(connection: asyncpg.Connection) -> Mapping[tuple[str, str], int]:
    rows = await connection.fetch(
        "select consumer, source, count(distinct patient_id) as patients from parked group by consumer, source"
    )
    return {(row["consumer"], row["source"]): row["patients"] for row in rows}
