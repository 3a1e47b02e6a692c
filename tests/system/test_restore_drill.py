"""A backup under load, the loss of the database, and the way back: what topics hold beyond the backup is reported."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from careloop.local.backups import positions
from careloop.local.settings import SERVICES
from careloop.local.topics import read_list
from tests.support.checker.ledger import everything_arrived, tables, times_stored
from tests.support.processes.console import careloop
from tests.support.processes.flow import enrolled, flowing
from tests.support.processes.running import System
from tests.support.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.faults, pytest.mark.timeout(600)]

COMMANDS = 150


async def heads(system: System) -> dict[str, int]:
    async with tables(system) as connection:
        return await positions(connection)


async def lose_the_database(system: System) -> None:
    connection = await asyncpg.connect(system.stack.admin_url)
    try:
        await connection.execute("drop database careloop with (force)")
    finally:
        await connection.close()


async def delete_topics(system: System) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=system.stack.kafka_address)
    await admin.start()
    try:
        await admin.delete_topics([topic.name for topic in read_list()])
        await until(lambda: _are_gone(admin))
    finally:
        await admin.close()


async def _are_gone(admin: AIOKafkaAdminClient) -> bool:
    return not {topic.name for topic in read_list()} & set(await admin.list_topics())


async def beyond_their_logs(system: System, code: int) -> dict[str, str]:
    """Of each service that the check names, what it says."""
    shown = json.loads(await careloop(system, "check", "--only", "recovery", "--json", code=code))
    return {one["about"]: one["sentence"] for one in shown["findings"] if one["level"] == "failure"}


async def test_a_backup_under_load_is_restored_and_what_is_lost_is_known_fact_by_fact(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARELOOP_ROLE_PASSWORD", system.stack.role_password or "")
    file, lost = tmp_path / "careloop.dump", tmp_path / "lost.jsonl"
    async with flowing(system, await enrolled(system)) as flow:
        await flow.go_on(COMMANDS)
        await careloop(system, "backup", str(file))
        await flow.go_on(COMMANDS)
    await until(lambda: everything_arrived(system), 60)
    ends, held = await heads(system), json.loads(file.with_name("careloop.dump.json").read_text())["positions"]
    for service in SERVICES:
        assert await system.supervisor.kill_service(service, signal.SIGTERM) == 0
    await lose_the_database(system)
    await careloop(system, "restore", str(file))
    assert await heads(system) == held
    behind = {service for service in SERVICES if ends[service] > held[service]}
    assert {"monitoring", "assessment"} <= behind
    found = await beyond_their_logs(system, 1)
    assert found.keys() == behind
    assert all(str(held[service]) in sentence for service, sentence in found.items())
    said = await careloop(system, "lost-facts", str(lost))
    facts = [json.loads(line) for line in lost.read_text().splitlines()]
    for service in SERVICES:
        count = sum(fact["service"] == service for fact in facts)
        assert f"{service}: {count} lost" in said
        assert count <= ends[service] - held[service]
    await delete_topics(system)
    await careloop(system, "topics", "--partitions", str(system.stack.settings.partitions), "--replicas", "1")
    assert await beyond_their_logs(system, 0) == {}
    for service in SERVICES:
        system.supervisor.start_service(service)
    await asyncio.gather(*(system.supervisor.wait_healthy(service) for service in SERVICES))
    await until(lambda: everything_arrived(system), 60)
    stored = await times_stored(system, flow.acknowledged)
    gone = [command for command, times in stored.items() if not times]
    assert len(gone) <= len(facts)
    assert set(stored.values()) <= {0, 1}
    with capsys.disabled():
        sys.stdout.write(
            f"\nacknowledged {len(stored)}, in the backup {len(stored) - len(gone)}, lost {len(gone)}; "
            f"lost facts written {len(facts)}: {said.split(chr(10))}\n"
        )
    async with flowing(system, [care.elsewhere(system) for care in flow.cares]) as after:
        await after.go_on(COMMANDS)
    await after.check()
