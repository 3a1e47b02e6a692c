"""Units that are committed together, without a server: what is sent, and what becomes of each."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from careloop.chassis.log.protocol import GateClosed, Statement, Unit, calling
from careloop.chassis.log.unit_committer import MOST_POSITIONS, UnitCommitter, in_one_call, is_calls
from careloop.chassis.log.unit_transactions import _COMMIT_UNIT, _unit_arrays
from careloop.kernel.errors import Unavailable
from tests.support.histories.writes import CALLER, NOON, due_row, new_event, write
from tests.support.played_server import FIRST, SECOND, Server, gate, one_event
from tests.support.waiting import until


def test_a_unit_is_told_in_parallel_arrays_each_row_with_its_command() -> None:
    row, finished = due_row(), uuid4()
    first = write(FIRST, 4, new_event(key_id="k"), new_event(), causation_id=SECOND)
    second = write(SECOND, None, new_event(), due=(row,), done=(finished,))
    arrays = _unit_arrays(Unit(writes=(first, second), gate=gate(2, 3, 9)))
    e = [*first.events, *second.events]
    assert arrays[:8] == [
        (first.command_id, second.command_id), ("caller", "caller"), (CALLER, CALLER), (b"d", b"d"), (FIRST, SECOND),
        (4, None), (first.correlation_id, second.correlation_id), (SECOND, None),
    ]  # fmt: skip
    assert arrays[8:14] == [
        (1, 1, 2), tuple(one.event_id for one in e), tuple(one.topic for one in e),
        tuple(one.state for one in e), tuple(one.occurred_at for one in e), ("k", None, None),
    ]  # fmt: skip
    assert arrays[14:20] == [(2,), (row.due_id,), ("escalate",), (row.stream_id,), (NOON,), (b"{}",)]
    assert arrays[20:22] == [(2,), (finished,)]
    assert arrays[22:] == ["c", "s", 2, 3, 9]
    assert _unit_arrays(Unit()) == [()] * 22 + [None] * 5
    assert _COMMIT_UNIT.endswith("$27)")


def test_units_of_gates_and_calls_are_one_statement_with_all_gates_first_in_one_order() -> None:
    units = [
        Unit(gate=gate(1, 4, 6), statements=(calling("view", FIRST, b"x"),)),
        Unit(gate=gate(0, 0, 3), statements=(calling("now"),)),
        Unit(gate=gate(0, 0, 2, consumer="b"), statements=()),
        Unit(gate=gate(5, 0, 2, source="r")),
    ]
    assert in_one_call(units) == Statement(
        sql="select pass_gate($1, $2, $3, $4, $5), pass_gate($6, $7, $8, $9, $10), pass_gate($11, $12, $13, $14, $15), "
        "pass_gate($16, $17, $18, $19, $20), view($21, $22), now()",
        args=("b", "s", 0, 0, 2, "c", "r", 5, 0, 2, "c", "s", 0, 0, 3, "c", "s", 1, 4, 6, FIRST, b"x"),
    )


def test_a_unit_is_calls_when_it_has_a_gate_and_nothing_but_calls() -> None:
    assert is_calls(Unit(gate=gate()))
    assert is_calls(Unit(gate=gate(), statements=(calling("view", 1),)))
    assert not is_calls(Unit(statements=(calling("view", 1),)))
    assert not is_calls(Unit(gate=gate(), statements=(calling("view", 1), Statement(sql="select 1"))))
    assert not is_calls(Unit(gate=gate(), writes=(one_event(),)))


class Gates:
    """A server that passes gates; statements wait until they may be answered."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.may_answer = asyncio.Event()
        self.failures: list[Exception] = []
        self.positions: dict[tuple[Any, ...], int] = {}

    async def __call__(self, sql: str, args: tuple[Any, ...]) -> Any:
        if sql.startswith("select position"):
            return self.positions.get(args)
        if sql.startswith("select pass_gate"):
            self.sent.append(sql.count("pass_gate"))
            await self.may_answer.wait()
            if self.failures:
                raise self.failures.pop(0)
        return None


def together(gates: Gates) -> tuple[UnitCommitter, Server]:
    server = Server(gates)
    return UnitCommitter(server), server  # type: ignore[arg-type]


async def test_units_that_come_while_one_is_committed_are_committed_together_up_to_so_many_positions() -> None:
    gates = Gates()
    committing, _server = together(gates)
    sizes = (1, MOST_POSITIONS - 1, 1, 1, MOST_POSITIONS)
    units = [Unit(gate=gate(n, 0, size)) for n, size in enumerate(sizes)]
    calls = [asyncio.create_task(committing.commit(unit)) for unit in units[:1]]
    await until(lambda: bool(gates.sent))
    calls += [asyncio.create_task(committing.commit(unit)) for unit in units[1:]]
    await asyncio.sleep(0)
    gates.may_answer.set()
    await asyncio.gather(*calls)
    assert gates.sent == [1, 2, 1, 1]


async def test_a_unit_of_more_positions_goes_alone_and_beside_the_others() -> None:
    gates = Gates()
    committing, _server = together(gates)
    small = asyncio.create_task(committing.commit(Unit(gate=gate(0, 0, 1))))
    large = asyncio.create_task(committing.commit(Unit(gate=gate(1, 0, MOST_POSITIONS + 1))))
    await until(lambda: gates.sent == [1, 1])
    gates.may_answer.set()
    await asyncio.gather(small, large)


async def test_units_go_on_after_all_were_committed() -> None:
    gates = Gates()
    gates.may_answer.set()
    committing, _server = together(gates)
    for last in range(3):
        await committing.commit(Unit(gate=gate(0, last, last + 1)))
    assert gates.sent == [1, 1, 1]


async def committed_together(committing: UnitCommitter, gates: Gates) -> list[Any]:
    """Three units whose first commit begins behind another's."""
    first = asyncio.create_task(committing.commit(Unit(gate=gate(9))))
    await until(lambda: bool(gates.sent))
    calls = [asyncio.create_task(committing.commit(Unit(gate=gate(n)))) for n in range(3)]
    await asyncio.sleep(0)
    gates.may_answer.set()
    await first
    return await asyncio.gather(*calls, return_exceptions=True)


class Refusal(asyncpg.PostgresError):  # type: ignore[misc]  # asyncpg has no types
    sqlstate = "CLG01"


class LateFailures(Gates):
    """Fails only after the first statement was answered."""

    async def __call__(self, sql: str, args: tuple[Any, ...]) -> Any:
        failures, self.failures = self.failures, []
        if len(self.sent) >= 1 and sql.startswith("select pass_gate"):
            self.failures = failures
            return await super().__call__(sql, args)
        try:
            return await super().__call__(sql, args)
        finally:
            self.failures = failures


async def test_what_fails_together_is_tried_one_by_one_and_each_has_its_own_answer() -> None:
    gates = LateFailures()
    gates.failures = [Refusal(), Refusal()]
    committing, _server = together(gates)
    answers = await committed_together(committing, gates)
    assert [type(one) for one in answers] == [GateClosed, type(None), type(None)]
    assert gates.sent == [1, 3, 1, 1, 1]


async def test_a_store_that_is_away_is_told_to_all_and_nothing_is_tried_apart() -> None:
    gates = Gates()
    gates.may_answer.set()
    committing, server = together(gates)
    server.refused = 1
    with pytest.raises(Unavailable):
        await committing.commit(Unit(gate=gate()))
    assert gates.sent == []


async def test_a_lost_answer_of_units_is_found_out_by_the_gate_of_each() -> None:
    gates = LateFailures()
    gates.failures = [OSError("gone")]
    gates.positions = {("c", "s", 0): 1, ("c", "s", 2): 7}
    committing, _server = together(gates)
    answers = await committed_together(committing, gates)
    assert [type(one) for one in answers] == [type(None), Unavailable, GateClosed]
    assert gates.sent == [1, 3]


async def test_a_unit_whose_caller_gave_up_holds_up_nobody() -> None:
    gates = Gates()
    committing, _server = together(gates)
    impatient, other = (asyncio.create_task(committing.commit(Unit(gate=gate(n)))) for n in range(2))
    await until(lambda: bool(gates.sent))
    impatient.cancel()
    gates.may_answer.set()
    await other
    await committing.commit(Unit(gate=gate(3)))
