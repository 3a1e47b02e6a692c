"""What a consumer makes of a record: decoded, skipped or not understood; and who waits because of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

import pytest

from careloop.chassis.consuming.decoding import RecordDecoder, Sorted, UndecodableValue, UnknownVersion
from careloop.chassis.consuming.handler import Effects, Handler, Received, Unknown
from careloop.chassis.consuming.parked_records import Failed
from careloop.chassis.events.envelope import Record
from careloop.kernel.events import Instant
from tests.support.histories.log import CONSUMER, NOON, NOTED, NotedContract, patient, record

ANN, BEN, CAT = patient(1), patient(2), patient(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    occurred_at: Instant
    value: int


class Listening(Handler):
    consumer = CONSUMER
    contracts: Mapping[str, type] = MappingProxyType({NOTED: NotedContract, "care.monitoring.Measured.v2": Measured})

    async def handle(self, received: Sequence[Received]) -> Effects:
        raise AssertionError("nothing is handled here")


class Journaling(Listening):
    wants_unknown = True


class Modest(Listening):
    wants_unknown = False


def typed(wire_type: str, value: bytes = b"{}") -> Record:
    return record(1, 0, ANN, wire_type=wire_type, value=value)


MEASURED = b'{"occurred_at":"2026-03-01T12:00:00Z","value":3}'


def test_a_wanted_type_is_decoded_by_its_own_class_and_keeps_its_value() -> None:
    one = record(1, 0, ANN, "seen")
    noted = Received(envelope=one.envelope, event=NotedContract(text="seen", occurred_at=NOON), value=one.value)
    assert RecordDecoder(Listening()).decode(one) == noted
    measured = RecordDecoder(Listening()).decode(typed("care.monitoring.Measured.v2", MEASURED))
    assert measured is not None
    assert measured.event == Measured(occurred_at=NOON, value=3)


@pytest.mark.parametrize("wire_type", ["care.monitoring.Noted.v2", "care.monitoring.Measured.v1"])
@pytest.mark.parametrize("handler", [Listening(), Journaling()])
def test_another_version_of_a_wanted_type_is_not_passed_over(handler: Listening, wire_type: str) -> None:
    with pytest.raises(UnknownVersion):
        RecordDecoder(handler).decode(typed(wire_type))


@pytest.mark.parametrize("wire_type", ["care.monitoring.Other.v1", "care.assessment.Noted.v1", "Noted"])
def test_another_type_is_skipped_or_handed_over_as_unknown(wire_type: str) -> None:
    one = typed(wire_type, b"anything")
    assert RecordDecoder(Listening()).decode(one) is None
    assert RecordDecoder(Modest()).decode(one) is None
    unknown = Received(envelope=one.envelope, event=Unknown(), value=b"anything")
    assert RecordDecoder(Journaling()).decode(one) == unknown


@pytest.mark.parametrize("value", [b"", b"{", b"\xff", b'"text"', b"{}", b'{"text":1,"occurred_at":null}'])
def test_a_value_that_is_not_what_its_type_promises_is_told_apart(value: bytes) -> None:
    with pytest.raises(UndecodableValue):
        RecordDecoder(Listening()).decode(typed(NOTED, value))


def positions(records: Sequence[Record]) -> list[int]:
    return [one.envelope.position for one in records]


def split(result: Sorted) -> tuple[list[int], list[tuple[int, str]], list[int]]:
    failed = [(one.record.envelope.position, one.reason) for one in result.failed]
    return [one.envelope.position for one in result.ready], failed, positions(result.queued)


def sorted_run(
    *run: Record, parked: frozenset[UUID] = frozenset(), failing: Failed | None = None
) -> tuple[list[int], list[tuple[int, str]], list[int]]:
    return split(RecordDecoder(Listening()).sort(run, parked, failing))


def test_who_waits_queues_and_nobody_else() -> None:
    run = [record(n, n - 1, who) for n, who in enumerate((ANN, BEN, ANN, CAT), start=1)]
    assert sorted_run(*run) == ([1, 2, 3, 4], [], [])
    assert sorted_run(*run, parked=frozenset({ANN})) == ([2, 4], [], [1, 3])


def test_one_that_is_not_understood_parks_those_behind_it_and_none_before() -> None:
    run = [record(1, 0, ANN), record(2, 1, ANN, value=b"{"), record(3, 2, BEN), record(4, 3, ANN)]
    assert sorted_run(*run) == ([1, 3], [(2, "UndecodableValue"), (4, "queued")], [])
    assert sorted_run(record(1, 0, ANN, wire_type="care.monitoring.Noted.v9")) == ([], [(1, "UnknownVersion")], [])


def test_one_that_could_not_be_handled_parks_those_behind_it_and_none_before() -> None:
    run = [record(n, n - 1, who) for n, who in enumerate((ANN, ANN, BEN, ANN), start=1)]
    failing = Failed(run[1], "ValueError")
    assert sorted_run(*run, failing=failing) == ([1, 3], [(2, "ValueError"), (4, "queued")], [])


def test_who_waits_already_is_not_parked_again() -> None:
    run = [record(1, 0, ANN, value=b"{"), record(2, 1, BEN)]
    assert sorted_run(*run, parked=frozenset({ANN})) == ([2], [], [1])
    assert sorted_run(*run, parked=frozenset({ANN}), failing=Failed(run[0], "ValueError")) == ([2], [], [1])


def test_what_is_skipped_parks_nobody_and_queues_behind_those_who_wait() -> None:
    unheard = record(1, 0, ANN, wire_type="care.monitoring.Other.v1")
    assert sorted_run(unheard, record(2, 1, ANN)) == ([2], [], [])
    assert sorted_run(unheard, parked=frozenset({ANN})) == ([], [], [1])
