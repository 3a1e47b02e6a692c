"""One patient through all five services, as real processes."""

from typing import Any

import grpc
import pytest

from tests.support.histories.care import PHENELZINE, SERTRALINE, Care
from tests.support.processes.running import (
    Person,
    System,
    ago,
    assessment,
    coordination,
    monitoring,
    new_id,
    notifications,
    prescribing,
)
from tests.support.waiting import until

pytestmark = pytest.mark.system


async def test_from_enrolment_to_a_prescription_everyone_sees(system: System) -> None:
    care = Care(system)
    await care.enrol()
    await care.form_team()
    await care.assess()
    issued = await care.order(SERTRALINE, "50")
    assert issued.decision == prescribing.DECISION_ISSUED, issued.reasons
    view = (await care.view()).view
    assert view.identity.name == "Robin Example"
    assert [diagnosis.icd10 for diagnosis in view.diagnoses] == ["F33.1"]
    assert view.allergies.asked == coordination.ASKED_NONE_KNOWN
    assert issued.fact_id in {medication.fact_id for medication in view.medications.medications}
    assert {member.person for member in view.team} == {
        care.prescriber.subject,
        care.care_manager.subject,
        care.therapist.subject,
    }


async def test_a_contraindicated_order_is_declined_recorded_and_shown(system: System) -> None:
    care = Care(system)
    await care.enrol()
    taken = assessment.CurrentMedication(medicine=PHENELZINE, daily_dose_mg="45", source="client")
    await care.assess([taken])
    declined = await care.order(SERTRALINE, "50")
    assert declined.decision == prescribing.DECISION_DECLINED
    assert declined.reasons[0] == "contraindicated"
    view = (await care.view()).view
    assert [order.fact_id for order in view.declined_orders] == [declined.fact_id]


async def test_the_same_request_twice_is_answered_the_same(system: System) -> None:
    care = Care(system)
    await care.enrol()
    request = assessment.ReconcileMedicationsRequest(request_id=new_id(), none_taken=True)
    first = await care.tell(care.prescriber, "assessment", request)
    again = await care.tell(care.prescriber, "assessment", request)
    assert (again.fact_id, again.receipt.token, again.receipt.repeated) == (first.fact_id, first.receipt.token, True)
    request.none_taken = False
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await care.prescriber.call("assessment", request)
    assert refused.value.code() in {grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.INVALID_ARGUMENT}


async def test_a_severe_side_effect_reaches_the_prescriber_and_escalates_until_someone_acknowledges(
    system: System,
) -> None:
    care = Care(system)
    await care.enrol()
    await care.form_team()
    await care.view()
    reported = await care.tell(
        care.client,
        "monitoring",
        monitoring.ReportSideEffectRequest(symptom="cannot stop shaking", ctcae_grade=4, occurred_at=ago(minutes=5)),
    )
    assert reported.triage.level == "emergency-now"

    async def inbox(person: Person) -> list[Any]:
        answer = await person.surely("notifications", notifications.ListInboxRequest())
        return [entry for entry in answer.notices if entry.patient_id == care.patient_id]

    await until(lambda: inbox(care.prescriber))
    (notice,) = [entry for entry in await inbox(care.prescriber) if entry.cause_fact_id == reported.fact_id]
    await until(lambda: inbox(care.therapist), seconds=30)
    await care.tell(
        care.prescriber, "notifications", notifications.AcknowledgeNoticeRequest(notice_id=notice.notice_id)
    )
    view = (await care.view()).view
    assert [effect.fact_id for effect in view.open_side_effects] == [reported.fact_id]
    assert notice.notice_id not in {open_notice.fact_id for open_notice in view.unacknowledged_notices}


async def test_what_was_entered_in_error_leaves_the_view_and_stays_known(system: System) -> None:
    care = Care(system)
    await care.enrol()
    recorded = await care.tell(
        care.prescriber,
        "assessment",
        assessment.EstablishDiagnosisRequest(
            icd10="F31.9", display="Bipolar disorder", severity="unspecified", verification="provisional"
        ),
    )
    before = await care.view()
    await care.tell(
        care.prescriber,
        "assessment",
        assessment.MarkEnteredInErrorRequest(fact_id=recorded.fact_id, reason="another patient's"),
    )
    after = await care.view()
    assert [diagnosis.icd10 for diagnosis in before.view.diagnoses] == ["F31.9"]
    assert not after.view.diagnoses
    as_known = await care.care_manager.surely(
        "coordination",
        coordination.GetCareViewAsKnownRequest(patient_id=care.patient_id, known_at=before.stamp.known_at),
    )
    assert as_known.view.SerializeToString(deterministic=True) == before.view.SerializeToString(deterministic=True)


async def test_a_client_sees_only_their_own_record(system: System) -> None:
    mine, other = Care(system), Care(system)
    await mine.enrol()
    await other.enrol()
    await mine.view()
    await mine.client.surely("coordination", coordination.GetCareViewRequest(patient_id=mine.patient_id))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await mine.client.call("coordination", coordination.GetCareViewRequest(patient_id=other.patient_id))
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
