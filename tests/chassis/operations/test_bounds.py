"""What a service answers about itself: every figure in its field, every page at both sides of its bounds."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from care.operations.v1 import operations_pb2 as wire

from careloop.chassis.calls.call import Call, Caller, set_current_call
from careloop.chassis.consuming.parked_records import Parked, Retried
from careloop.chassis.events.envelope import Record, to_headers
from careloop.chassis.log.figures import StoreFigures
from careloop.chassis.log.protocol import Head
from careloop.chassis.operations.api import OperationsApi
from careloop.chassis.operations.metrics import Metrics, MetricsServer
from careloop.chassis.operations.ports import ConsumerProgress, ServiceStatus
from careloop.chassis.operations.readiness import COMMON_MIGRATIONS, StoreReadiness, newest_migration
from careloop.chassis.operations.status import ServiceFigures
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.chassis.relay.heads import HeadsReader, HeadsView, PublishedHead
from careloop.chassis.relay.relay import RelayStatus
from careloop.kernel.errors import InvalidInput, Unavailable
from careloop.kernel.events import Request
from careloop.kernel.ids import PatientId, PersonId
from tests.support.histories.log import patient, record

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ANN = patient(1)
KEY = {"request_id": "r-1", "consumer": "view", "source": "monitoring", "patient_id": str(ANN)}


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


PROGRESS = ConsumerProgress(
    consumer="view", source="monitoring", partition=2, consumed_position=40, head_position=43, fresh_as_of=ago(9)
)
UNHEARD = replace(PROGRESS, source="assessment", partition=0, consumed_position=7, head_position=0, fresh_as_of=None)
STATUS = ServiceStatus(
    service="coordination",
    head_position=120,
    head_recorded_at=ago(3),
    relayed_position=118,
    unrelayed_since=ago(4),
    broker_connected=True,
    consumers=(PROGRESS, UNHEARD),
    parked=11,
    due_now=12,
    due_later=13,
)


def parked(number: int) -> Parked:
    return Parked(
        consumer="view",
        source="monitoring",
        patient_id=patient(number),
        position=number,
        waiting=number + 1,
        reason="ValueError",
        parked_at=ago(number),
        attempts=number + 2,
    )


class Ports:
    def __init__(self, patients: int = 0) -> None:
        self.patients = [parked(n) for n in range(1, patients + 1)]
        self.asked: list[tuple[Any, ...]] = []
        self.now = STATUS

    async def status(self) -> ServiceStatus:
        return self.now

    async def list_parked(self, consumer: str, limit: int, offset: int) -> Sequence[Parked]:
        self.asked.append((consumer, limit, offset))
        return self.patients[offset : offset + limit]

    async def retry(self, consumer: str, source: str, patient_id: PatientId, request: Request) -> Retried:
        self.asked.append((consumer, source, patient_id, request.request_id, request.actor))
        return Retried(applied=4, waiting=5)

    async def drop(self, consumer: str, source: str, patient_id: PatientId, reason: str, request: Request) -> int:
        self.asked.append((consumer, source, patient_id, reason, request.request_id))
        return 6

    async def read_published(self, partition: int, after: int, through: int) -> AsyncIterator[Sequence[Record]]:
        self.asked.append((partition, after, through))
        yield [record(3, 0, ANN), record(9, 3, ANN)]
        yield [record(12, 9, ANN)]


def api(ports: Ports) -> Any:
    caller = Caller(subject=PersonId("olive"), role="operator")
    set_current_call(Call(method="/m", caller=caller, correlation_id=UUID(int=1), now=NOW))
    return OperationsApi(ports, ports, ports, partitions=6, clock=lambda: NOW)


async def refused(answer: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(InvalidInput) as refusal:
        await answer()
    return refusal.value.slug, refusal.value.field


async def test_every_figure_of_a_status_is_in_its_field() -> None:
    answer = await api(Ports()).GetStatus(wire.GetStatusRequest(), None)
    assert (answer.service, answer.head_position, answer.relayed_position) == ("coordination", 120, 118)
    assert answer.head_recorded_at.ToDatetime(UTC) == ago(3)
    assert (answer.relay_lag_seconds, answer.broker) == (4.0, wire.BROKER_STATE_CONNECTED)
    assert (answer.parked, answer.due_now, answer.due_later) == (11, 12, 13)
    heard, unheard = answer.consumers
    assert (heard.consumer, heard.source, heard.partition) == ("view", "monitoring", 2)
    assert (heard.consumed_position, heard.head_position, heard.lag_positions, heard.lag_seconds) == (40, 43, 3, 9.0)
    assert heard.fresh_as_of.ToDatetime(UTC) == ago(9)
    assert (unheard.consumed_position, unheard.head_position, unheard.lag_positions) == (7, 0, 0)
    assert not any(unheard.HasField(name) for name in ("fresh_as_of", "lag_seconds"))


def test_a_status_that_says_nothing_of_consumers_and_clocks_has_none() -> None:
    bare = ServiceStatus(
        service="coordination",
        head_position=120,
        head_recorded_at=ago(3),
        relayed_position=118,
        unrelayed_since=ago(4),
        broker_connected=True,
    )
    assert bare == replace(STATUS, consumers=(), parked=0, due_now=0, due_later=0)


async def test_what_is_not_known_of_a_status_is_not_set() -> None:
    ports = Ports()
    ports.now = replace(STATUS, head_recorded_at=None, unrelayed_since=None, broker_connected=False, consumers=())
    answer = await api(ports).GetStatus(wire.GetStatusRequest(), None)
    assert not answer.HasField("head_recorded_at")
    assert (answer.relay_lag_seconds, answer.broker) == (0.0, wire.BROKER_STATE_AWAY)


@pytest.mark.parametrize(("head", "consumed", "lag"), [(43, 40, 3), (41, 40, 1), (40, 40, 0), (39, 40, 0), (0, 40, 0)])
def test_a_consumer_lags_by_what_it_has_not_consumed_and_never_by_less_than_nothing(
    head: int, consumed: int, lag: int
) -> None:
    assert replace(PROGRESS, head_position=head, consumed_position=consumed).lag_positions == lag


@pytest.mark.parametrize(("seconds", "lag"), [(9, 9.0), (0, 0.0), (-5, 0.0)])
def test_a_lag_in_seconds_is_never_negative(seconds: int, lag: float) -> None:
    assert replace(PROGRESS, fresh_as_of=ago(seconds)).lag_seconds(NOW) == lag
    assert replace(STATUS, unrelayed_since=ago(seconds)).relay_lag_seconds(NOW) == lag


async def test_a_parked_patient_is_told_with_all_that_is_known() -> None:
    answer = await api(Ports(1)).ListParked(wire.ListParkedRequest(consumer="view"), None)
    (one,) = answer.parked
    assert (one.consumer, one.source, one.patient_id, one.position) == ("view", "monitoring", str(ANN), 1)
    assert (one.waiting, one.reason, one.attempts) == (2, "ValueError", 3)
    assert one.parked_at.ToDatetime(UTC) == ago(1)


@pytest.mark.parametrize(("size", "limit"), [(0, 101), (1, 2), (100, 101), (500, 501)])
async def test_a_page_is_of_the_size_asked_for_or_of_a_hundred(size: int, limit: int) -> None:
    ports = Ports()
    await api(ports).ListParked(wire.ListParkedRequest(page_size=size, consumer="view"), None)
    assert ports.asked == [("view", limit, 0)]


@pytest.mark.parametrize("size", [-1, 501])
async def test_a_page_of_another_size_is_refused(size: int) -> None:
    ports = Ports()
    request = wire.ListParkedRequest(page_size=size)
    assert await refused(lambda: api(ports).ListParked(request, None)) == ("page-size", "page_size")
    assert ports.asked == []


@pytest.mark.parametrize(("patients", "pages"), [(0, [0]), (2, [2]), (3, [2, 1]), (4, [2, 2]), (5, [2, 2, 1])])
async def test_pages_follow_each_other_until_nobody_is_left(patients: int, pages: list[int]) -> None:
    found: list[list[int]] = []
    token = ""
    while not found or token:
        request = wire.ListParkedRequest(page_size=2, page_token=token)
        answer = await api(Ports(patients)).ListParked(request, None)
        found.append([one.position for one in answer.parked])
        token = answer.next_page_token
    assert [len(page) for page in found] == pages
    assert [position for page in found for position in page] == list(range(1, patients + 1))


async def test_a_page_begins_where_its_token_says() -> None:
    ports = Ports()
    await api(ports).ListParked(wire.ListParkedRequest(page_token="9" * 9), None)
    assert ports.asked == [("", 101, 999_999_999)]


@pytest.mark.parametrize("token", ["9" * 10, "-1", "+1", "1.0", " 1", "two", "\N{ARABIC-INDIC DIGIT SEVEN}", "²"])
async def test_a_token_that_was_never_answered_is_refused(token: str) -> None:
    request = wire.ListParkedRequest(page_token=token)
    assert await refused(lambda: api(Ports()).ListParked(request, None)) == ("page-token", "page_token")


async def test_a_retry_and_a_drop_answer_what_came_of_them() -> None:
    ports = Ports()
    retried = await api(ports).RetryParked(wire.RetryParkedRequest(**KEY), None)
    dropped = await api(ports).DropParked(wire.DropParkedRequest(**KEY, reason=" sent twice "), None)
    assert (retried.applied, retried.waiting, dropped.dropped) == (4, 5, 6)
    assert ports.asked == [
        ("view", "monitoring", ANN, "r-1", "olive"),
        ("view", "monitoring", ANN, "sent twice", "r-1"),
    ]


@pytest.mark.parametrize(("field", "longest"), [("consumer", 100), ("source", 100), ("reason", 500)])
async def test_a_name_and_a_reason_are_as_long_as_their_limits_and_no_longer(field: str, longest: int) -> None:
    whole = {**KEY, "reason": "twice"}
    ports = Ports()
    await api(ports).DropParked(wire.DropParkedRequest(**{**whole, field: "x" * longest}), None)
    assert len(ports.asked) == 1
    for value, slug in (("x" * (longest + 1), "text-too-long"), ("", "field-required"), (" ", "field-required")):
        request = wire.DropParkedRequest(**{**whole, field: value})
        assert await refused(partial(api(ports).DropParked, request, None)) == (slug, field)
    assert len(ports.asked) == 1


@pytest.mark.parametrize("field", ["consumer", "source", "patient_id"])
async def test_a_retry_names_all_of_its_place(field: str) -> None:
    request = wire.RetryParkedRequest(**{**KEY, field: ""})
    slug = "not-a-uuid" if field == "patient_id" else "field-required"
    assert await refused(lambda: api(Ports()).RetryParked(request, None)) == (slug, field)


async def read(ports: Ports, **asked: int) -> list[Any]:
    return [answer async for answer in api(ports).ReadPublished(wire.ReadPublishedRequest(**asked), None)]


async def test_published_records_come_in_runs_with_their_headers_and_values() -> None:
    ports = Ports()
    answers = await read(ports, partition=5, after=2, through=20)
    assert ports.asked == [(5, 2, 20)]
    assert [len(answer.records) for answer in answers] == [2, 1]
    first = record(3, 0, ANN)
    assert (dict(answers[0].records[0].headers), answers[0].records[0].value) == (
        dict(to_headers(first.envelope)),
        first.value,
    )


@pytest.mark.parametrize(
    ("asked", "slug"),
    [
        ({"partition": 6}, "no-such-partition"),
        ({"partition": -1}, "no-such-partition"),
        ({"after": -1}, "negative-position"),
        ({"through": -1}, "negative-position"),
    ],
)
async def test_a_range_out_of_its_bounds_is_refused_by_its_field(asked: dict[str, int], slug: str) -> None:
    ports = Ports()
    assert await refused(lambda: read(ports, **asked)) == (slug, next(iter(asked)))
    assert ports.asked == []
    assert len(await read(ports, partition=0, after=0, through=0)) == 2


def figure(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_every_figure_is_shown_under_its_name() -> None:
    metrics = Metrics()
    metrics.show(STATUS, NOW)
    shown = {
        name: figure(metrics, f"careloop_{name}")
        for name in ("head_position", "relayed_position", "relay_lag_seconds", "broker_connected", "parked")
    }
    assert shown == {
        "head_position": 120,
        "relayed_position": 118,
        "relay_lag_seconds": 4,
        "broker_connected": 1,
        "parked": 11,
    }
    assert (figure(metrics, "careloop_due", when="now"), figure(metrics, "careloop_due", when="later")) == (12, 13)
    place = {"consumer": "view", "source": "monitoring", "partition": "2"}
    names = ("consumed_position", "lag_positions", "lag_seconds")
    assert [figure(metrics, f"careloop_{name}", **place) for name in names] == [40, 3, 9]
    unheard = {"consumer": "view", "source": "assessment", "partition": "0"}
    assert [figure(metrics, f"careloop_{name}", **unheard) for name in names] == [7, 0, None]
    metrics.show(replace(STATUS, broker_connected=False), NOW)
    assert figure(metrics, "careloop_broker_connected") == 0


def test_calls_and_batches_are_counted() -> None:
    metrics = Metrics()
    for seconds in (0.5, 1.5):
        metrics.call("/m", "OK", seconds)
        metrics.batch("view", "monitoring", 30, seconds)
    call, place = {"method": "/m", "code": "OK"}, {"consumer": "view", "source": "monitoring"}
    assert (
        figure(metrics, "careloop_rpc_seconds_count", **call),
        figure(metrics, "careloop_rpc_seconds_sum", **call),
    ) == (
        2,
        2.0,
    )
    assert figure(metrics, "careloop_batch_seconds_sum", **place) == 2.0
    assert figure(metrics, "careloop_batch_records_total", **place) == 60


def test_a_figure_of_a_process_is_not_anothers() -> None:
    first, second = Metrics(), Metrics()
    first.show(STATUS, NOW)
    assert figure(second, "careloop_head_position") == 0


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
def test_pages_say_alive_and_ready_and_the_figures(ready: bool, status: int) -> None:
    server = MetricsServer(Metrics(), "127.0.0.1", 0, lambda: ready)
    assert server._page("/livez") == ("200 OK", b"alive\n")
    assert server._page("/readyz")[0].startswith(str(status))
    assert b"careloop_head_position 0.0" in server._page("/metrics")[1]
    assert server._page("/other")[0] == "404 Not Found"
    server._server.server_close()


class Store:
    """Answers figures, and what is asked of its readiness."""

    def __init__(self, version: str = "0007", *, durable: bool = True) -> None:
        self.version = version
        self.durable = durable
        self.asked_at: list[datetime] = []
        self.checks = 0

    async def status(self, now: datetime) -> StoreFigures:
        self.asked_at.append(now)
        return StoreFigures(
            head=Head(position=120, recorded_at=ago(3)),
            relayed_position=118,
            unrelayed_since=ago(4),
            consumed={("view", "monitoring", 1): 40, ("other", "monitoring", 0): 99},
            parked={("view", "monitoring"): 2, ("view", "assessment"): 3},
            due_now=12,
            due_later=13,
            overdue_since=None,
        )

    async def check_durability(self) -> None:
        self.checks += 1
        if not self.durable:
            raise RuntimeError("not durable")

    async def schema_version(self) -> str:
        return self.version


class Connected:
    def __init__(self, relay: bool, heads: bool) -> None:
        self.view = HeadsView()
        self.connected = heads
        self._relay = relay

    def status(self) -> RelayStatus:
        return RelayStatus(position=0, leading=False, broker_connected=self._relay)


def figures(store: Store, connected: Connected) -> ServiceFigures:
    given: Any = {"relay": connected, "heads": connected}
    return ServiceFigures(
        "coordination",
        store,  # type: ignore[arg-type]
        lambda: NOW,
        consumers={"view": ["monitoring", "assessment"]},
        partitions=2,
        **given,
    )


async def test_a_status_is_put_together_from_the_store_and_from_what_sources_told() -> None:
    store, connected = Store(), Connected(relay=True, heads=False)
    connected.view.note(PublishedHead(service="monitoring", partition=1, position=43, complete_through=ago(1)))
    connected.view.note(PublishedHead(service="monitoring", partition=1, position=40, complete_through=ago(9)))
    connected.view.note(PublishedHead(service="assessment", partition=0, position=5, complete_through=ago(2)))
    status = await figures(store, connected).status()
    assert replace(status, consumers=()) == replace(STATUS, consumers=(), parked=5)
    assert store.asked_at == [NOW]
    places = [(one.consumer, one.source, one.partition) for one in status.consumers]
    assert places == [("view", source, n) for source in ("monitoring", "assessment") for n in (0, 1)]
    told = [(one.consumed_position, one.head_position, one.fresh_as_of) for one in status.consumers]
    assert told == [(0, 0, None), (40, 43, ago(9)), (0, 5, None), (0, 0, None)]


@pytest.mark.parametrize(("relay", "heads"), [(True, True), (True, False), (False, True), (False, False)])
async def test_a_broker_is_connected_when_either_reaches_it(relay: bool, heads: bool) -> None:
    status = await figures(Store(), Connected(relay, heads)).status()
    assert status.broker_connected is (relay or heads)


def test_a_reader_that_heard_nothing_yet_is_not_connected() -> None:
    assert not HeadsReader(BrokerAccess("127.0.0.1:1"), HeadsView()).connected


@pytest.mark.parametrize(("version", "ready"), [("", False), ("0006", False), ("0007", True), ("0008", True)])
async def test_a_service_is_ready_when_its_schema_is_at_least_the_one_it_was_written_for(
    version: str, ready: bool
) -> None:
    assert await StoreReadiness(Store(version), "0007")() is ready


async def test_durability_is_checked_until_it_is_known_and_before_all_else() -> None:
    store = Store(durable=False)
    readiness = StoreReadiness(store, "0007")
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await readiness()
    store.durable = True
    assert [await readiness() for _ in range(3)] == [True] * 3
    assert store.checks == 3


async def test_a_store_that_is_away_is_told_as_such() -> None:
    class Away(Store):
        async def schema_version(self) -> str:
            raise Unavailable("store-unavailable", "away")

    with pytest.raises(Unavailable):
        await StoreReadiness(Away(), "0007")()


def test_the_schema_is_that_of_the_newest_file_of_any_folder(tmp_path: Path) -> None:
    common = max(file.name.split("_")[0] for file in COMMON_MIGRATIONS.glob("*.sql"))
    assert newest_migration([]) == newest_migration([tmp_path]) == common
    for name in ("0001_first.sql", "9998_own.sql", "9999_notes.txt"):
        (tmp_path / name).touch()
    assert newest_migration([tmp_path]) == "9998"
