"""Statements that are calls of functions, and units of a gate and such calls in one statement: one round trip."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from careloop.chassis.log.protocol import Gate, Statement, Unit


def calling(function: str, *args: Any) -> Statement:
    """The statement that calls a function of the service's schema; its answer is not looked at."""
    return Statement(sql=f"select {_call(function, args, count(1))}", args=args, function=function)


def is_calls(unit: Unit) -> bool:
    """Whether the unit is nothing but a gate and calls of functions."""
    return unit.gate is not None and not unit.writes and all(statement.function for statement in unit.statements)


def in_one_call(units: Sequence[Unit]) -> Statement:
    """Units for which `is_calls` holds as one statement, and so as one transaction.

    All gates are passed before anything else is locked, and in one order: two processes that both believe to own
    the same partitions then wait for each other and never in a circle.
    """
    gates = sorted((unit.gate for unit in units if unit.gate is not None), key=_order)
    calls = [_passing(gate) for gate in gates] + [statement for unit in units for statement in unit.statements]
    places = count(1)
    sql = ", ".join(_call(one.function, one.args, places) for one in calls)
    return Statement(sql=f"select {sql}", args=tuple(arg for one in calls for arg in one.args))


def _order(gate: Gate) -> tuple[str, str, int]:
    return gate.consumer, gate.source, gate.partition


def _passing(gate: Gate) -> Statement:
    return calling("pass_gate", gate.consumer, gate.source, gate.partition, gate.last, gate.position)


def _call(function: str, args: Sequence[Any], places: "count[int]") -> str:
    return f"{function}({', '.join(f'${next(places)}' for _ in args)})"
