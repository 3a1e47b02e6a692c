"""What comes next: the table of positions, and any order of delivery."""

from hypothesis import given
from hypothesis import strategies as st

from careloop.chassis.consuming.position_gate import PositionGate
from careloop.chassis.events.envelope import Record
from tests.support.histories.log import patient, record


def chain(*positions: int) -> list[Record]:
    """The published records of one partition at these positions."""
    return [record(at, before, patient(1)) for before, at in zip((0, *positions), positions, strict=False)]


def positions(records: list[Record]) -> list[int]:
    return [one.envelope.position for one in records]


def test_the_next_is_passed_on() -> None:
    assert positions(PositionGate(0).admit(chain(3, 4, 9))) == [3, 4, 9]


def test_a_duplicate_is_dropped() -> None:
    gate = PositionGate(4)
    assert positions(gate.admit(chain(3, 4, 9))) == [9]
    assert gate.admit(chain(3, 4, 9)) == []


def test_what_is_beyond_a_hole_waits_for_it() -> None:
    first, second, third, fourth = chain(1, 2, 5, 6)
    gate = PositionGate(0)
    assert positions(gate.admit([first, third, fourth])) == [1]
    assert (gate.holding, gate.hole_ends, gate.last) == (2, 2, 1)
    assert positions(gate.admit([second])) == [2, 5, 6]
    assert gate.holding == 0


def test_a_relay_that_ran_ahead_loses_nothing() -> None:
    records = chain(101, 102, 103, 104, 105)
    gate = PositionGate(0)
    assert gate.admit(records[4:]) == []
    assert positions(gate.admit(records)) == [101, 102, 103, 104, 105]


def test_a_contradiction_stops_everything() -> None:
    gate = PositionGate(5)
    assert positions(gate.admit([record(6, 5, patient(1)), record(9, 4, patient(1)), record(7, 6, patient(1))])) == [6]
    assert gate.contradiction == 9


@given(st.data())
def test_any_delivery_is_put_in_order_once(data: st.DataObject) -> None:
    records = chain(*sorted(data.draw(st.sets(st.integers(1, 60), min_size=1, max_size=20))))
    gate = PositionGate(0)
    delivered = data.draw(st.lists(st.sampled_from(records), max_size=60))
    order = [*delivered, *data.draw(st.permutations(records))]
    passed = [one for delivery in order for one in gate.admit([delivery])]
    assert passed == records
