"""Finding out how a commit ended whose answer never came."""

import asyncio
from collections.abc import Mapping, Sequence

import asyncpg

from careloop.chassis.log.connections import Connections, reused, unavailable
from careloop.chassis.log.protocol import CommandKey, CommandRecord, GateClosed, Unit, Written
from careloop.chassis.log.stored_commands import find_commands
from careloop.kernel.errors import Unavailable

_PAUSE_SECONDS = 0.05


async def how_it_ended(connections: Connections, unit: Unit, answers: Sequence[Written] | None) -> Sequence[Written]:
    """The outcome of a unit that turns out to be stored; raises Unavailable when it is not, or cannot be known.

    `answers` are those of the server if it gave them before COMMIT was sent. Nothing is ever sent again: a caller
    that gets Unavailable retries with the same ids. What is read back counts as repeated, since another call with the
    same id may have stored it.
    """
    if not _leaves_proof(unit, answers):
        raise unavailable()
    try:
        async with asyncio.timeout(connections.timeouts.resolve):
            return await _read_until_answered(connections, unit, answers)
    except TimeoutError:
        raise unavailable() from None


def _leaves_proof(unit: Unit, answers: Sequence[Written] | None) -> bool:
    """Repeated commands were there before, so they do not show that this unit's statements ran."""
    if unit.gate is not None or not unit.statements:
        return True
    return answers is not None and any(not written.repeated for written in answers)


async def _read_until_answered(
    connections: Connections, unit: Unit, answers: Sequence[Written] | None
) -> Sequence[Written]:
    while True:
        try:
            async with connections.borrow() as connection, connection.transaction():
                await _wait_for_the_lost_one(connection, unit)
                gate_passed = await _gate_passed(connection, unit)
                found = await find_commands(connection, [write.key for write in unit.writes])
            break
        except Unavailable:
            await asyncio.sleep(_PAUSE_SECONDS)
    if not gate_passed or any(write.key not in found for write in unit.writes):
        raise unavailable()
    return answers if answers is not None else _written(unit, found)


async def _wait_for_the_lost_one(connection: asyncpg.Connection, unit: Unit) -> None:
    """A server process that is still committing holds these locks; they are taken in commit_unit's order."""
    if unit.gate is not None:
        gate = unit.gate
        await connection.execute(
            "select pg_advisory_xact_lock(gate_key($1, $2, $3))", gate.consumer, gate.source, gate.partition
        )
    if unit.writes:
        await connection.execute("select pg_advisory_xact_lock(log_key())")


async def _gate_passed(connection: asyncpg.Connection, unit: Unit) -> bool:
    gate = unit.gate
    if gate is None:
        return True
    position = await connection.fetchval(
        "select position from consumed_positions where consumer = $1 and source = $2 and partition = $3",
        gate.consumer,
        gate.source,
        gate.partition,
    )
    if (position or 0) not in (gate.last, gate.position):
        raise GateClosed
    return bool(position == gate.position)


def _written(unit: Unit, found: Mapping[CommandKey, CommandRecord]) -> Sequence[Written]:
    if any(found[write.key].digest != write.digest for write in unit.writes):
        raise reused()
    return [Written(command=found[write.key], repeated=True) for write in unit.writes]
