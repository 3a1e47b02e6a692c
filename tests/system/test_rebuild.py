"""The care view rebuilt and the journal replayed on the running system, by the console's commands."""

import asyncio
import json

import pytest

from tests.support.histories.care import SERTRALINE, Care
from tests.support.processes.console import careloop
from tests.support.processes.running import System, coordination, monitoring

pytestmark = pytest.mark.system


async def read_until(care: Care, ended: asyncio.Event) -> int:
    """Reads the view all the time; it always has the side effects told so far, and the first prescription."""
    reads = 0
    while not ended.is_set():
        request = coordination.GetCareViewRequest(patient_id=care.patient_id)
        view = (await care.care_manager.call("coordination", request)).view
        assert len(view.medications.medications) == 1
        reads += 1
    return reads


async def report_until(care: Care, ended: asyncio.Event) -> int:
    """Reports side effects all the time, and sees each in the view as soon as it was answered."""
    reports = 0
    while not ended.is_set():
        report = monitoring.ReportSideEffectRequest(symptom="dizziness", ctcae_grade=1)
        told = await care.tell(care.client, "monitoring", report)
        reports += 1
        view = (await care.view()).view
        assert told.fact_id in {one.fact_id for one in view.open_side_effects}
        assert len(view.open_side_effects) == reports
    return reports


async def test_it_is_rebuilt_and_turned_back_while_patients_report_and_the_team_reads(system: System) -> None:
    care = Care(system)
    await care.enrol()
    await care.assess()
    await care.order(SERTRALINE, "50")
    await care.view()
    ended = asyncio.Event()
    going_on = [asyncio.create_task(work(care, ended)) for work in (read_until, report_until)]
    try:
        for _ in range(2):
            done = json.loads(await careloop(system, "rebuild", "--json"))
            assert (done["turned"], done["different"], done["refolded"]) == (True, 0, 0)
            assert done["live_checksum"] == done["rebuilt_checksum"]
            back = json.loads(await careloop(system, "rebuild", "--roll-back", "--json"))
            assert back["turned"]
            assert back["through"] >= done["through"]
    finally:
        ended.set()
        reads, reports = await asyncio.gather(*going_on)
    assert reads > 5
    assert reports > 2
    check = json.loads(await careloop(system, "rebuild", "--check", "--json"))
    assert (check["turned"], check["different"]) == (False, 0)
    assert await careloop(system, "replay", "--count", "--through", str(check["through"])) == f"{check['through']}\n"
    lines = [json.loads(line) for line in (await careloop(system, "replay", "--patient", care.patient_id)).splitlines()]
    reported = [line for line in lines if line["type"] == "care.monitoring.SideEffectReported.v1"]
    assert len(reported) == reports
    assert {line["patient_id"] for line in lines} == {care.patient_id}
