"""Alerts against a system that runs: the fault is made, the figure is read, the rule holds until it is mended."""

import signal
from functools import partial

import pytest

from tests.support.alerts import is_true
from tests.support.checker.ledger import tables
from tests.support.histories.care import Care
from tests.support.processes.breaking import end_server
from tests.support.processes.running import System
from tests.support.waiting import until

_DUE = """
    insert into due (due_id, kind, stream_id, due_at, detail)
    values (gen_random_uuid(), 'nobodys', gen_random_uuid(), now() - interval '118 seconds', '') returning due_id"""
_PARKED = """
    insert into parked (consumer, source, patient_id, position, event_id, type, headers, value, reason)
    values ('coordination.care-view', 'monitoring', gen_random_uuid(), 1, gen_random_uuid(), 'x', '{}', '', 'KeyError')
    returning patient_id"""


async def ends(system: System, service: str, alert: str) -> bool:
    return not await is_true(system, service, alert)


async def test_what_nobody_does_in_time_is_an_alert_until_it_is_done(system: System) -> None:
    alert = "CareloopNoticeOverdue"
    await until(partial(ends, system, "notifications", alert), 30)
    async with tables(system, "notifications") as connection:
        due = await connection.fetchval(_DUE)
        await until(partial(is_true, system, "notifications", alert), 30)
        await connection.execute("update due set done_at = now() where due_id = $1", due)
    await until(partial(ends, system, "notifications", alert), 30)


async def test_a_parked_patient_is_an_alert_until_nobody_waits(system: System) -> None:
    async with tables(system, "coordination") as connection:
        patient = await connection.fetchval(_PARKED)
        try:
            await until(partial(is_true, system, "coordination", "CareloopPatientParked"), 30)
        finally:
            await connection.execute("delete from parked where patient_id = $1", patient)
        if not await connection.fetchval("select count(*) from parked"):
            await until(partial(ends, system, "coordination", "CareloopPatientParked"), 30)


@pytest.mark.faults
@pytest.mark.timeout(300)
async def test_facts_that_are_not_published_are_an_alert_until_they_are(system: System) -> None:
    await end_server(system, "kafka", signal.SIGKILL)
    await Care(system).enrol()
    await until(partial(is_true, system, "assessment", "CareloopBrokerAway"), 60)
    await until(partial(is_true, system, "assessment", "CareloopRelayStuck"), 90)
    await system.stack.start_kafka()
    for alert in ("CareloopBrokerAway", "CareloopRelayStuck"):
        await until(partial(ends, system, "assessment", alert), 90)
