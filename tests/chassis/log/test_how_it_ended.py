"""A commit whose answer was lost, and what a server raises: told apart by the proof that was left."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from msgspec import structs

from careloop.chassis.log.connections import kernel_errors
from careloop.chassis.log.lost_commit import how_it_ended
from careloop.chassis.log.protocol import CommandRecord, GateClosed, Statement, Unit, Written
from careloop.kernel.errors import Conflict, RequestIdReused, Unavailable
from tests.support.played_server import Server, gate, one_event, record_of, row


class Resolving:
    """A server on which a commit may have left its proof."""

    def __init__(self, position: int | None = None, *commands: CommandRecord) -> None:
        self.position = position
        self.commands = commands
        self.locks: list[str] = []

    def __call__(self, sql: str, args: tuple[Any, ...]) -> Any:
        if "pg_advisory_xact_lock" in sql:
            self.locks.append("gate" if "gate_key" in sql else "log")
            return None
        if sql.startswith("select position"):
            return self.position
        return [row(one) for one in self.commands if one.key.command_id in args[0]]


async def ended(server: Resolving, unit: Unit, answers: Sequence[Written] | None = None) -> Any:
    try:
        return list(await how_it_ended(Server(server), unit, answers))  # type: ignore[arg-type]
    except (Unavailable, GateClosed, RequestIdReused) as refusal:
        return type(refusal)


@pytest.mark.parametrize(
    ("position", "outcome"), [(9, []), (4, Unavailable), (None, GateClosed), (5, GateClosed), (10, GateClosed)]
)
async def test_a_gate_tells_whether_its_unit_was_stored(position: int | None, outcome: Any) -> None:
    server = Resolving(position)
    assert await ended(server, Unit(gate=gate(0, 4, 9))) == outcome
    assert server.locks == ["gate"]


async def test_a_first_gate_that_was_never_passed_was_not_stored() -> None:
    assert await ended(Resolving(None), Unit(gate=gate(0, 0, 9))) is Unavailable


async def test_commands_tell_whether_their_unit_was_stored_and_count_as_repeated() -> None:
    first, second = one_event(), one_event()
    unit = Unit(writes=(first, second))
    both = Resolving(None, record_of(first), record_of(second))
    expected = [Written(command=record_of(one), repeated=True) for one in (first, second)]
    assert await ended(both, unit) == expected
    assert both.locks == ["log"]
    assert await ended(Resolving(None, record_of(first)), unit) is Unavailable
    assert await ended(Resolving(None), unit) is Unavailable
    other = record_of(second, digest=b"other")
    assert await ended(Resolving(None, record_of(first), other), unit) is RequestIdReused
    anothers = record_of(second, key=structs.replace(second.key, caller="another"))
    assert await ended(Resolving(None, record_of(first), anothers), unit) is Unavailable


async def test_a_unit_with_both_needs_both() -> None:
    one = one_event()
    unit = Unit(writes=(one,), gate=gate(0, 4, 9))
    passed = Resolving(9, record_of(one))
    assert await ended(passed, unit) == [Written(command=record_of(one), repeated=True)]
    assert passed.locks == ["gate", "log"]
    assert await ended(Resolving(4, record_of(one)), unit) is Unavailable
    assert await ended(Resolving(9), unit) is Unavailable


async def test_statements_without_a_gate_leave_proof_only_in_a_command_that_was_new() -> None:
    one = one_event()
    unit = Unit(writes=(one,), statements=(Statement(sql="select 1"),))
    found = Resolving(None, record_of(one))
    new, repeated = (Written(command=record_of(one), repeated=again) for again in (False, True))
    assert await ended(found, unit, [new]) == [new]
    assert await ended(found, unit, [repeated]) is Unavailable
    assert await ended(found, unit) is Unavailable
    assert await ended(found, Unit(statements=(Statement(sql="select 1"),))) is Unavailable


async def test_a_server_that_does_not_answer_in_time_leaves_it_unknown() -> None:
    server = Server(Resolving(9))
    server.refused = 10**6
    with pytest.raises(Unavailable):
        await how_it_ended(server, Unit(gate=gate(0, 4, 9)), None)  # type: ignore[arg-type]


async def test_a_server_that_answers_again_is_asked_until_it_does() -> None:
    server = Server(Resolving(9))
    server.refused = 2
    assert list(await how_it_ended(server, Unit(gate=gate(0, 4, 9)), None)) == []  # type: ignore[arg-type]


class State(asyncpg.PostgresError):  # type: ignore[misc]  # asyncpg has no types
    """What a server's own functions raise."""

    def __init__(self, sqlstate: str, constraint: str | None = None) -> None:
        super().__init__("text of the server")
        self.sqlstate = sqlstate
        self.constraint_name = constraint


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (State("CLG01"), GateClosed),
        (State("CLR01"), RequestIdReused),
        (State("CLC01"), Conflict),
        *((State("23505", name), Conflict) for name in ("events_pkey", "events_event_id_key", "decided_commands_pkey")),
        (State("23505", "events_notification_id_key"), Conflict),
        (State("23505", "another_key"), State),
        (State("22000"), State),
        (asyncpg.TooManyConnectionsError("x"), Unavailable),
        (asyncpg.ReadOnlySQLTransactionError("x"), Unavailable),
        (asyncpg.DeadlockDetectedError("x"), Unavailable),
        (asyncpg.QueryCanceledError("x"), Unavailable),
        (asyncpg.DiskFullError("x"), Unavailable),
        (asyncpg.InterfaceError("x"), Unavailable),
        (asyncpg.InvalidPasswordError("x"), Unavailable),
        (asyncpg.InvalidCatalogNameError("x"), Unavailable),
        (ConnectionResetError("x"), Unavailable),
        (TimeoutError("x"), Unavailable),
        (ValueError("x"), ValueError),
    ],
)
def test_what_a_server_raises_is_told_in_the_kernels_words(raised: Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind) as told, kernel_errors():
        raise raised
    assert type(told.value) is kind
    assert kind in (State, ValueError) or "text of the server" not in str(told.value)
