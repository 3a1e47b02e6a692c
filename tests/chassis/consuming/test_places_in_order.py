"""Positions at both sides of every rule of the gate: next, known, beyond a hole, contradicting, too many."""

import pytest

from careloop.chassis.consuming.position_gate import MOST_HELD, PositionGate
from careloop.chassis.events.envelope import Record
from careloop.chassis.log.protocol import Gate
from tests.support.histories.log import patient, record


def place(position: int, previous: int) -> Record:
    return record(position, previous, patient(1))


def admitted(gate: PositionGate, *places: tuple[int, int]) -> list[int]:
    return [one.envelope.position for one in gate.admit([place(*one) for one in places])]


@pytest.mark.parametrize(
    ("position", "previous", "passed", "holding", "contradiction"),
    [
        (6, 5, [6], 0, None),
        (9, 5, [9], 0, None),
        (5, 4, [], 0, None),
        (5, 0, [], 0, None),
        (4, 3, [], 0, None),
        (6, 4, [], 0, 6),
        (6, 0, [], 0, 6),
        (7, 6, [], 1, None),
    ],
)
def test_a_record_beside_the_last_one_at_5(
    position: int, previous: int, passed: list[int], holding: int, contradiction: int | None
) -> None:
    gate = PositionGate(5)
    assert admitted(gate, (position, previous)) == passed
    assert (gate.holding, gate.contradiction, gate.last) == (holding, contradiction, position if passed else 5)


def test_a_gate_that_stands_still_holds_nothing_and_lets_go_of_nothing() -> None:
    gate = PositionGate(5)
    assert (gate.last, gate.holding, gate.hole_ends, gate.contradiction, gate.let_go) == (5, 0, 0, None, False)


def test_the_hole_ends_before_the_first_that_is_held() -> None:
    gate = PositionGate(0)
    admitted(gate, (9, 8), (5, 3), (6, 5))
    assert (gate.holding, gate.hole_ends) == (3, 3)


def test_one_that_is_held_twice_is_held_once() -> None:
    gate = PositionGate(0)
    admitted(gate, (3, 2), (3, 2))
    assert gate.holding == 1


def test_what_closes_one_hole_stops_before_the_next() -> None:
    gate = PositionGate(0)
    admitted(gate, (3, 2), (6, 5))
    assert admitted(gate, (2, 0)) == [2, 3]
    assert (gate.last, gate.holding, gate.hole_ends) == (3, 1, 5)


def test_nothing_is_held_or_passed_on_after_a_contradiction() -> None:
    gate = PositionGate(5)
    assert admitted(gate, (6, 5), (8, 5), (7, 6), (9, 7), (9, 8)) == [6]
    assert (gate.contradiction, gate.last, gate.holding) == (8, 6, 0)
    assert admitted(gate, (10, 1)) == []
    assert gate.contradiction == 8


def test_one_that_is_held_may_turn_out_to_contradict() -> None:
    gate = PositionGate(0)
    admitted(gate, (9, 2), (10, 9))
    assert admitted(gate, (3, 0)) == [3]
    assert (gate.contradiction, gate.last) == (9, 3)


def test_one_that_is_held_may_turn_out_to_be_known() -> None:
    gate = PositionGate(0)
    admitted(gate, (3, 2))
    assert admitted(gate, (4, 0)) == [4]
    assert (gate.contradiction, gate.holding) == (None, 0)


def test_so_many_are_held_and_one_more_is_let_go() -> None:
    gate = PositionGate(0)
    gate.admit(place(n, n - 1) for n in range(2, MOST_HELD + 2))
    assert (gate.holding, gate.let_go) == (5_000, False)
    gate.admit([place(MOST_HELD + 2, MOST_HELD + 1)])
    assert (gate.holding, gate.let_go) == (5_000, True)


@pytest.mark.parametrize(("last", "position"), [(0, 1), (0, 9), (4, 5)])
def test_a_gate_in_the_store_moves_forward(last: int, position: int) -> None:
    gate = Gate(consumer="c", source="s", partition=0, last=last, position=position)
    assert (gate.last, gate.position) == (last, position)


@pytest.mark.parametrize(("last", "position"), [(0, 0), (5, 5), (5, 4), (-1, 1)])
def test_a_gate_in_the_store_moves_nowhere_else(last: int, position: int) -> None:
    with pytest.raises(ValueError, match="forward"):
        Gate(consumer="c", source="s", partition=0, last=last, position=position)
