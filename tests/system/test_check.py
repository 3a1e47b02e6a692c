"""`careloop check` and the figures of a system that runs."""

import asyncio
import json
import urllib.request

from care.operations.v1 import operations_pb2 as operations

from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.cli.checking.recovery import newest_on_topics
from careloop.local.backups import positions
from careloop.local.settings import SERVICES
from careloop.local.topics import read_sources
from tests.support.checker.ledger import tables
from tests.support.histories.care import Care
from tests.support.processes.console import careloop
from tests.support.processes.running import System
from tests.support.waiting import until

DUE_TO_OTHER_TESTS = {"parked"}
"""The system is shared, and some tests leave a patient parked."""


async def test_a_system_that_runs_has_nothing_wrong(system: System) -> None:
    shown = json.loads(await careloop(system, "check", "--only", "kafka", "--only", "postgres", "--json"))
    assert shown["counts"]["failure"] == shown["counts"]["warning"] == shown["counts"]["unknown"] == 0
    assert {finding["group"] for finding in shown["findings"]} == {"kafka", "postgres"}
    for group in ("files", "recovery"):
        assert "All is well" in await careloop(system, "check", "--only", group)
    await until(lambda: _services_are_well(system), 60)


async def test_how_far_the_topics_go_is_read_from_them(system: System) -> None:
    """Or a topic that goes beyond its log would never be found."""
    await Care(system).enrol()
    async with tables(system) as connection:
        ends = await positions(connection)

    async def is_there() -> bool:
        found = await newest_on_topics(BrokerAccess(system.stack.kafka_address))
        return max(at for (service, _partition), at in found.items() if service == "assessment") >= ends["assessment"]

    await until(is_there)


async def test_kafka_permits_each_service_what_it_consumes_and_no_more(system: System) -> None:
    """`reads.yaml` decides over the permissions; a consumer without its topic would wait for ever."""
    operator = system.person("operator", "on-call")

    async def consumed(service: str) -> set[str]:
        answer = await operator.operations(service, operations.GetStatusRequest())
        return {one.source for one in answer.consumers}

    async def are_alike() -> bool:
        return {service: await consumed(service) for service in SERVICES} == {
            service: set(sources) for service, sources in read_sources().items()
        }

    await until(are_alike)


async def _services_are_well(system: System) -> bool:
    try:
        shown = json.loads(await careloop(system, "check", "--only", "services", "--json"))
    except AssertionError:
        shown = json.loads(await careloop(system, "check", "--only", "services", "--json", code=1))
    wrong = {finding["check"] for finding in shown["findings"] if finding["level"] != "ok"}
    return wrong <= DUE_TO_OTHER_TESTS


def _page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        text: str = answer.read().decode()
        return text


async def test_every_process_shows_the_figures_that_alerts_rest_on(system: System) -> None:
    for service in SERVICES:
        text = await asyncio.to_thread(_page, system.supervisor.metrics_url(service))
        assert "careloop_ready 1.0" in text
        assert 'careloop_pool_connections{state="free"}' in text
        assert "careloop_overdue_seconds " in text
        assert "process_resident_memory_bytes" in text


async def test_a_group_that_does_not_exist_is_wrong_use(system: System) -> None:
    await careloop(system, "check", "--only", "weather", code=2)
