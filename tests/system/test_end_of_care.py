"""The end of an episode of care over real processes: clocks end, the caseload lets go, and care may begin again."""

from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from tests.support.histories.care import SERTRALINE, Care
from tests.support.processes.running import (
    Person,
    System,
    ago,
    assessment,
    coordination,
    monitoring,
    notifications,
    prescribing,
)
from tests.support.waiting import until

pytestmark = pytest.mark.system


async def listed(care: Care) -> bool:
    """Whether the client is in the caseload."""
    token = ""
    while True:
        request = coordination.ListCaseloadRequest(page_size=200, page_token=token)
        page = await care.care_manager.surely("coordination", request)
        if any(entry.patient_id == care.patient_id for entry in page.entries):
            return True
        token = page.next_page_token
        if not token:
            return False


async def open_notices(care: Care, person: Person) -> list[Any]:
    """Those of the client that wait for somebody to take them on."""
    page = await person.surely("notifications", notifications.ListInboxRequest(open_only=True))
    return [entry for entry in page.notices if entry.patient_id == care.patient_id and entry.HasField("acknowledge_by")]


async def refused(care: Care, service: str, request: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await care.tell(care.prescriber, service, request)
    status, info = rpc_status.from_call(refusal.value), ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    return str(info.reason)


def closing(care: Care) -> assessment.CloseEpisodeRequest:
    seen = [token for service, token in care.tokens.items() if service != "coordination"]
    return assessment.CloseEpisodeRequest(end_reason="completed", at_least=seen)


async def test_after_the_end_nothing_waits_for_anybody_and_another_enrolment_begins_anew(system: System) -> None:
    care = Care(system)
    await care.enrol()
    await care.form_team()
    await care.assess()
    issued = await care.order(SERTRALINE, "50")
    effect = monitoring.ReportSideEffectRequest(symptom="nausea", ctcae_grade=2, occurred_at=ago(minutes=5))
    await care.tell(care.client, "monitoring", effect)
    await until(lambda: open_notices(care, care.prescriber))

    assert await refused(care, "assessment", closing(care)) == "prescriptions-left-open"
    ended = prescribing.DiscontinuePrescriptionRequest(prescription_id=issued.fact_id, status_reason="altchoice")
    await care.tell(care.prescriber, "prescribing", ended)
    await system.supervisor.kill_service("notifications")
    await care.tell(care.prescriber, "assessment", closing(care))
    system.supervisor.start_service("notifications")
    await system.supervisor.wait_healthy("notifications")

    async def no_notice_is_open() -> bool:
        return not await open_notices(care, care.prescriber)

    async def gone() -> bool:
        return not await listed(care)

    await until(no_notice_is_open)
    await until(gone)
    view = (await care.view()).view
    assert (view.identity.name, view.episode_end.reason) == ("Robin Example", "completed")
    assert [entry.summary for entry in view.timeline if entry.kind == "NoticeWithdrawn"] == ["episode-closed"]
    order = prescribing.Order(medicine=SERTRALINE, daily_dose_mg="50", sig="once a day", days_supply=30)
    again = prescribing.IssuePrescriptionRequest(order=order, at_least=[care.tokens["assessment"]])
    assert await refused(care, "prescribing", again) == "episode-closed"

    await care.enrol()
    await until(lambda: listed(care))
    view = (await care.view()).view
    assert not view.HasField("episode_end")
    assert (await care.order(SERTRALINE, "50")).missing
