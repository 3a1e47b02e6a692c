"""Units that wait for the store at the same time are committed together: one fsync for all partitions."""

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import count
from typing import Any

from careloop.chassis.log.connections import Connections
from careloop.chassis.log.lost_commit import how_it_ended
from careloop.chassis.log.protocol import Gate, Statement, Unit, calling
from careloop.kernel.errors import Unavailable

MOST_POSITIONS = 2_000
"""Small units are committed together; a large one has its connection for itself, so that folding the next goes on."""

WaitingUnit = tuple[Unit, "asyncio.Future[None]"]


class _AnswerLost(Exception):
    """The units may be stored or not."""


class UnitCommitter:
    """Commits units of a gate and calls. No timer: while one commit runs, those that come wait for the next.

    Each unit is stored whole or not at all, and gets its own answer: what fails together is tried one by one.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._waiting: deque[WaitingUnit] = deque()
        self._committing: asyncio.Task[None] | None = None

    async def commit(self, unit: Unit) -> None:
        """Raises what a commit of this unit alone raises."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if _size(unit) > MOST_POSITIONS:
            await self._commit([(unit, stored)])
        else:
            self._waiting.append((unit, stored))
            if self._committing is None:
                self._committing = asyncio.create_task(self._commit_all())
        await stored

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                await self._commit(self._next())
        finally:
            self._committing = None

    def _next(self) -> list[WaitingUnit]:
        taken = [self._waiting.popleft()]
        size = _size(taken[0][0])
        while self._waiting and size + _size(self._waiting[0][0]) <= MOST_POSITIONS:
            size += _size(self._waiting[0][0])
            taken.append(self._waiting.popleft())
        return taken

    async def _commit(self, waiting: Sequence[WaitingUnit]) -> None:
        try:
            await self._send([unit for unit, _ in waiting])
        except _AnswerLost:
            await asyncio.gather(*(self._find_out(unit, stored) for unit, stored in waiting))
        except Exception as failure:
            if len(waiting) == 1 or isinstance(failure, Unavailable):
                _answer(waiting, failure)
            else:
                for one in waiting:
                    await self._commit([one])
        else:
            _answer(waiting, None)

    async def _send(self, units: Sequence[Unit]) -> None:
        call = in_one_call(units)
        sent = False
        try:
            async with self._connections.borrow() as connection:
                sent = True
                await connection.execute(call.sql, *call.args)
        except Unavailable as lost:
            if sent:
                raise _AnswerLost from lost
            raise

    async def _find_out(self, unit: Unit, stored: "asyncio.Future[None]") -> None:
        """Each unit's own gate shows whether it was stored."""
        try:
            await how_it_ended(self._connections, unit, None)
        except Exception as failure:
            _answer([(unit, stored)], failure)
        else:
            _answer([(unit, stored)], None)


def _size(unit: Unit) -> int:
    """No less than the number of its records."""
    return unit.gate.position - unit.gate.last if unit.gate is not None else 0


def _answer(waiting: Sequence[WaitingUnit], failure: Exception | None) -> None:
    for _, stored in waiting:
        if stored.done():  # nobody waits any more
            continue
        if failure is None:
            stored.set_result(None)
        else:
            stored.set_exception(failure)


def is_calls(unit: Unit) -> bool:
    """Whether the unit is nothing but a gate and calls of functions."""
    return unit.gate is not None and not unit.writes and all(statement.function for statement in unit.statements)


def in_one_call(units: Sequence[Unit]) -> Statement:
    """Units for which `is_calls` holds as one statement, and so as one transaction.

    All gates are passed before anything else is locked, and in one order: two processes that both believe to own
    the same partitions then wait for each other and never in a circle.
    """
    gates = sorted((unit.gate for unit in units if unit.gate is not None), key=_gate_order)
    calls = [_passing(gate) for gate in gates] + [statement for unit in units for statement in unit.statements]
    places = count(1)
    sql = ", ".join(_call(one.function, one.args, places) for one in calls)
    return Statement(sql=f"select {sql}", args=tuple(arg for one in calls for arg in one.args))


def _gate_order(gate: Gate) -> tuple[str, str, int]:
    return gate.consumer, gate.source, gate.partition


def _passing(gate: Gate) -> Statement:
    return calling("pass_gate", gate.consumer, gate.source, gate.partition, gate.last, gate.position)


def _call(function: str, args: Sequence[Any], places: "count[int]") -> str:
    return f"{function}({', '.join(f'${next(places)}' for _ in args)})"
