"""Statements that are calls of functions, and the unit of a gate and calls as one statement: one round trip."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from careloop.chassis.event_store import Statement, Unit


def calling(function: str, *args: Any) -> Statement:
    """The statement that calls a function of the service's schema; its answer is not looked at."""
    return Statement(sql=f"select {_call(function, args, count(1))}", args=args, function=function)


def as_one_call(unit: Unit) -> Statement | None:
    """The whole unit as one statement, which is a transaction by itself; None when it is more than a gate and calls."""
    gate = unit.gate
    if gate is None or unit.writes or not all(statement.function for statement in unit.statements):
        return None
    passing = calling("pass_gate", gate.consumer, gate.source, gate.partition, gate.last, gate.position)
    calls = (passing, *unit.statements)
    places = count(1)
    sql = ", ".join(_call(one.function, one.args, places) for one in calls)
    return Statement(sql=f"select {sql}", args=tuple(arg for one in calls for arg in one.args))


def _call(function: str, args: Sequence[Any], places: "count[int]") -> str:
    return f"{function}({', '.join(f'${next(places)}' for _ in args)})"
