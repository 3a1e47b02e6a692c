"""Every fiftieth position of monitoring's log never comes to the topic: it is fetched from its source, and told.

`CARELOOP_FAULT_KILLS` sets how long the load lasts (200, which is 10,000 commands).
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from careloop.local.supervisor import service_command
from tests.support.checker.ledger import published_in_stores
from tests.support.checker.long_forms import TIMES
from tests.support.processes.altered_service import LOST_EVERY, command
from tests.support.processes.flow import enrolled, flowing
from tests.support.processes.running import System
from tests.support.processes.starting import started_system

pytestmark = [pytest.mark.faults, pytest.mark.timeout(TIMES * 10 + 600)]


@pytest.fixture
def own_system() -> Iterator[System]:
    with started_system(
        lambda service: command("losing", service) if service == "monitoring" else service_command(service)
    ) as system:
        yield system


async def test_what_the_topic_lost_is_fetched_from_its_source_and_told(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    async with flowing(system, await enrolled(system, 8), pause=0.05) as flow:
        await flow.go_on(TIMES * 50, within=TIMES * 10)
    await flow.check(is_lost)
    lost = [one for one in (await published_in_stores(system))["monitoring"] if is_lost("monitoring", one[0])]
    told = {consumer: alarms(system, consumer) for consumer in ("coordination", "prescribing", "notifications")}
    with capsys.disabled():
        sys.stdout.write(f"\n{len(flow.acknowledged)} commands, {len(lost)} records lost, holes told: {told}\n")
    assert lost
    assert all(told.values())


def is_lost(service: str, position: int) -> bool:
    return service == "monitoring" and position % LOST_EVERY == 0


def alarms(system: System, service: str) -> int:
    """How many holes in monitoring's topic this service told its log."""
    lines = (system.stack.home / "logs" / f"{service}.log").read_text().splitlines()
    return sum(_is_hole(json.loads(line)) for line in lines if line.startswith("{"))


def _is_hole(line: dict[str, Any]) -> bool:
    return line.get("event") == "hole in the topic" and line.get("source") == "monitoring"
