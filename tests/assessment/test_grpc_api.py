"""Assessment over gRPC: what a request becomes, what it answers, and how bad input is refused by its field."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from care.assessment.v1 import assessment_pb2 as pb
from care.common.v1 import common_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.chassis.calls.call import Call, Caller, set_current_call
from careloop.chassis.commands.streams import Streams
from careloop.chassis.commands.writes import Writes
from careloop.chassis.events.codec import Codec
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.events.publishing import Publishing, published_as
from careloop.chassis.log.memory import MemoryEventStore
from careloop.contracts import assessment as contract
from careloop.kernel.credentials import Credential
from careloop.kernel.errors import InvalidInput, RequestIdReused, RuleViolated
from services.assessment.domain.decisions import DECISIONS
from services.assessment.domain.events import TOPICS, Event
from services.assessment.domain.state import DECIDER
from services.assessment.grpc_api import AssessmentApi
from tests.support.controls import assessment as control
from tests.support.services.informed import all_known

PATIENT = str(control.PATIENT)
CONTEXT = cast(Any, None)
CALL = Call(
    method="/care.assessment.v1.AssessmentService/Any",
    caller=Caller(
        subject=control.PSYCHIATRIST,
        role="psychiatrist",
        credential=Credential(
            kind="psychiatrist",
            valid_from=control.CREDENTIAL.valid_from,
            valid_until=control.CREDENTIAL.valid_until,
        ),
    ),
    correlation_id=uuid4(),
    now=control.NOW,
)
SERTRALINE = common_pb2.Medicine(name="sertraline", rxcui="36437")


@pytest.fixture
def store() -> MemoryEventStore:
    return MemoryEventStore()


@pytest.fixture
def api(store: MemoryEventStore) -> AssessmentApi:
    set_current_call(CALL)
    codec: Codec[Event] = Codec(TOPICS)
    publishing = Publishing("assessment", codec, published_as(TOPICS, contract.TYPES), contract.TYPES)
    streams = Streams("assessment", store, codec, DECIDER, published=publishing.published_topics)
    return AssessmentApi(Writes(streams, DECISIONS), partitions=6, episodes=all_known())


def monday() -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(control.MONDAY)
    return stamp


ENROLL = pb.EnrollPatientRequest(
    request_id="enroll",
    patient_id=PATIENT,
    name="Alma Reyes",
    birth_date="1990-04-12",
    sex="female",
    emergency_contact=pb.EmergencyContact(name="Rosa Reyes", relationship="mother", phone="555-0101"),
    location=pb.Location(address="12 Elm Street", emergency_department="Springfield General"),
    time_zone="America/Chicago",
    occurred_at=monday(),
)
HISTORY = pb.RecordHistoryRequest(
    request_id="history",
    patient_id=PATIENT,
    conditions=[pb.Condition(coding=common_pb2.Coding(system="snomed", code="370143000"), clinical_status="active")],
    earlier_treatments=[
        pb.EarlierTreatment(medicine=SERTRALINE, weeks=8, response="partial", stopped_for="inefficacy")
    ],
    source="client",
    occurred_at=monday(),
)
MEDICATIONS = pb.ReconcileMedicationsRequest(
    request_id="medications",
    patient_id=PATIENT,
    medications=[pb.CurrentMedication(medicine=SERTRALINE, daily_dose_mg="37.5", source="client")],
    occurred_at=monday(),
)
ALLERGIES = pb.RecordAllergiesRequest(
    request_id="allergies", patient_id=PATIENT, no_known_allergies=True, occurred_at=monday()
)
LIST_GAPS = pb.RecordListGapsRequest(
    request_id="gaps", patient_id=PATIENT, list="allergies", left_out=2, source="ehr-import", occurred_at=monday()
)
PREGNANCY = pb.RecordPregnancyRequest(
    request_id="pregnancy", patient_id=PATIENT, status="not-pregnant", source="client", occurred_at=monday()
)
RESULTS = pb.RecordResultsRequest(
    request_id="results",
    patient_id=PATIENT,
    results=[pb.Result(loinc="29463-7", value="68.5", unit="kg", on="2026-11-12")],
    source="laboratory",
    occurred_at=monday(),
)
SCREENER = pb.AnswerScaleRequest(
    request_id="screener",
    patient_id=PATIENT,
    instrument="c-ssrs",
    items=[1, 0, -1, -1, -1, 0, 0],
    source="clinician",
    occurred_at=monday(),
)
DIAGNOSIS = pb.EstablishDiagnosisRequest(
    request_id="diagnosis",
    patient_id=PATIENT,
    icd10="F33.1",
    severity="moderate",
    verification="confirmed",
    occurred_at=monday(),
)
PLAN = pb.ProposePlanRequest(
    request_id="plan",
    patient_id=PATIENT,
    plan=pb.Plan(medications=[pb.ProposedMedication(medicine=SERTRALINE, daily_dose_mg="50")], goals=["sleep"]),
    occurred_at=monday(),
)


async def recorded(api: AssessmentApi) -> None:
    await api.EnrollPatient(ENROLL, CONTEXT)
    await api.RecordHistory(HISTORY, CONTEXT)
    await api.ReconcileMedications(MEDICATIONS, CONTEXT)
    await api.RecordAllergies(ALLERGIES, CONTEXT)
    await api.AnswerScale(SCREENER, CONTEXT)
    await api.EstablishDiagnosis(DIAGNOSIS, CONTEXT)
    await api.ProposePlan(PLAN, CONTEXT)


async def test_a_client_is_assessed_from_enrolment_to_amendment(api: AssessmentApi) -> None:
    await recorded(api)
    completed = await api.CompleteAssessment(
        pb.CompleteAssessmentRequest(request_id="complete", patient_id=PATIENT), CONTEXT
    )
    assert (list(completed.diagnoses), completed.suicide_risk) == (["F33.1"], "low")
    amended = await api.AmendAssessment(
        pb.AmendAssessmentRequest(request_id="amend", patient_id=PATIENT, reason="new letter"), CONTEXT
    )
    assert amended.fact_id not in ("", completed.fact_id)
    assert ConsistencyToken.parse(amended.receipt.token).position == 9


async def test_pregnancy_and_results_are_recorded_once(api: AssessmentApi, store: MemoryEventStore) -> None:
    await api.EnrollPatient(ENROLL, CONTEXT)
    for _ in range(2):
        pregnancy = await api.RecordPregnancy(PREGNANCY, CONTEXT)
        results = await api.RecordResults(RESULTS, CONTEXT)
    assert pregnancy.receipt.repeated
    assert results.receipt.repeated
    known = await api.GetAssessment(pb.GetAssessmentRequest(patient_id=PATIENT), CONTEXT)
    told = {fact.kind: fact.fact_id for fact in known.facts}
    assert told["PregnancyRecorded"] == pregnancy.fact_id
    assert told["ResultsRecorded"] == results.fact_id
    assert (await store.head()).position == 3


async def test_who_is_enrolled_and_which_lists_are_incomplete_is_answered(api: AssessmentApi) -> None:
    before = await api.GetAssessment(pb.GetAssessmentRequest(patient_id=PATIENT), CONTEXT)
    await api.EnrollPatient(ENROLL, CONTEXT)
    recorded = await api.RecordListGaps(LIST_GAPS, CONTEXT)
    known = await api.GetAssessment(pb.GetAssessmentRequest(patient_id=PATIENT), CONTEXT)
    assert (before.enrolled, before.name, before.birth_date, list(before.list_gaps)) == (False, "", "", [])
    assert (known.name, known.birth_date) == (ENROLL.name, ENROLL.birth_date)
    (gaps,) = known.list_gaps
    assert (gaps.fact_id, gaps.list, gaps.left_out, gaps.source) == (recorded.fact_id, "allergies", 2, "ehr-import")


async def test_a_repeat_answers_the_same_and_stores_nothing(api: AssessmentApi, store: MemoryEventStore) -> None:
    await api.EnrollPatient(ENROLL, CONTEXT)
    first = await api.AnswerScale(SCREENER, CONTEXT)
    again = await api.AnswerScale(SCREENER, CONTEXT)
    assert (first.receipt.repeated, again.receipt.repeated) == (False, True)
    assert (first.result, first.receipt.token) == (again.result, again.receipt.token)
    assert (await store.head()).position == 2


async def test_a_request_id_with_other_content_is_refused(api: AssessmentApi) -> None:
    await api.EnrollPatient(ENROLL, CONTEXT)
    other = pb.EnrollPatientRequest()
    other.CopyFrom(ENROLL)
    other.name = "Alma R."
    with pytest.raises(RequestIdReused):
        await api.EnrollPatient(other, CONTEXT)


async def test_the_same_identity_again_under_another_request_changes_nothing(
    api: AssessmentApi, store: MemoryEventStore
) -> None:
    await api.EnrollPatient(ENROLL, CONTEXT)
    again = pb.EnrollPatientRequest()
    again.CopyFrom(ENROLL)
    again.request_id = "enroll again"
    answer = await api.EnrollPatient(again, CONTEXT)
    assert answer.fact_id == ""
    assert (await store.head()).position == 1


async def test_a_risk_is_answered_with_its_clock(api: AssessmentApi) -> None:
    await api.EnrollPatient(ENROLL, CONTEXT)
    high = pb.AnswerScaleRequest()
    high.CopyFrom(SCREENER)
    high.items[:] = [1, 1, 0, 1, 0, 0, 0]
    answer = await api.AnswerScale(high, CONTEXT)
    assert answer.risk.level == "high"
    assert answer.risk.due_at.ToDatetime(tzinfo=control.NOW.tzinfo) == control.NOW + timedelta(hours=1)


async def test_a_total_is_answered_without_items(api: AssessmentApi) -> None:
    await api.EnrollPatient(ENROLL, CONTEXT)
    request = pb.RecordScaleTotalRequest(
        request_id="total", patient_id=PATIENT, instrument="gad-7", total=12, source="ehr-import"
    )
    answer = await api.RecordScaleTotal(request, CONTEXT)
    assert (answer.result.total, answer.result.band) == (12, "moderate")


async def test_what_is_recorded_and_missing_can_be_read(api: AssessmentApi) -> None:
    nobody = await api.GetAssessment(pb.GetAssessmentRequest(patient_id=PATIENT), CONTEXT)
    assert not nobody.enrolled
    assert len(nobody.missing) == 6
    await recorded(api)
    struck = await api.MarkEnteredInError(
        pb.MarkEnteredInErrorRequest(
            request_id="strike",
            patient_id=PATIENT,
            fact_id=(await api.ProposePlan(PLAN, CONTEXT)).fact_id,
            reason="another client's plan",
        ),
        CONTEXT,
    )
    assert len(struck.struck) == 1
    answer = await api.GetAssessment(pb.GetAssessmentRequest(patient_id=PATIENT), CONTEXT)
    assert answer.enrolled
    assert list(answer.missing) == ["plan"]
    assert [(fact.kind, fact.struck) for fact in answer.facts][-1] == ("PlanProposed", True)
    assert not answer.HasField("completed_at")


async def test_an_incomplete_assessment_is_refused_with_all_that_is_missing(api: AssessmentApi) -> None:
    await api.EnrollPatient(ENROLL, CONTEXT)
    with pytest.raises(RuleViolated) as refusal:
        await api.CompleteAssessment(pb.CompleteAssessmentRequest(request_id="complete", patient_id=PATIENT), CONTEXT)
    assert refusal.value.slug == "assessment-incomplete"
    assert refusal.value.details == {"missing": "history,medications,allergies,diagnosis,suicide-risk-screen,plan"}


async def test_completing_needs_the_callers_credential(api: AssessmentApi) -> None:
    await recorded(api)
    set_current_call(replace(CALL, caller=replace(CALL.caller, credential=None)))
    with pytest.raises(Exception, match="credential-required"):
        await api.CompleteAssessment(pb.CompleteAssessmentRequest(request_id="complete", patient_id=PATIENT), CONTEXT)


def with_field(message: Any, **values: Any) -> Any:
    changed = type(message)()
    changed.CopyFrom(message)
    for name, value in values.items():
        setattr(changed, name, value)
    return changed


def with_entry(message: Any, list_field: str, entry: Any) -> Any:
    changed = type(message)()
    changed.CopyFrom(message)
    getattr(changed, list_field).append(entry)
    return changed


BAD = [
    ("EnrollPatient", with_field(ENROLL, patient_id="7"), "patient_id"),
    ("EnrollPatient", with_field(ENROLL, name=" "), "name"),
    ("EnrollPatient", with_field(ENROLL, name="x" * 501), "name"),
    ("EnrollPatient", with_field(ENROLL, birth_date="12.4.1990"), "birth_date"),
    ("EnrollPatient", with_field(ENROLL, birth_date="1890-01-01"), "birth_date"),
    ("EnrollPatient", with_field(ENROLL, sex="f"), "sex"),
    ("EnrollPatient", with_field(ENROLL, time_zone="CST6"), "time_zone"),
    (
        "RecordHistory",
        with_entry(HISTORY, "conditions", pb.Condition(clinical_status="active")),
        "conditions[1].coding.system",
    ),
    (
        "RecordHistory",
        with_entry(
            HISTORY,
            "earlier_treatments",
            pb.EarlierTreatment(medicine=SERTRALINE, weeks=-1, response="none", stopped_for="other"),
        ),
        "earlier_treatments[1].weeks",
    ),
    (
        "RecordHistory",
        with_entry(HISTORY, "earlier_treatments", pb.EarlierTreatment(medicine=SERTRALINE, stopped_for="other")),
        "earlier_treatments[1].response",
    ),
    (
        "ReconcileMedications",
        with_entry(
            MEDICATIONS, "medications", pb.CurrentMedication(medicine=SERTRALINE, source="c", daily_dose_mg="NaN")
        ),
        "medications[1].daily_dose_mg",
    ),
    ("ReconcileMedications", with_field(MEDICATIONS, none_taken=True), "none_taken"),
    ("RecordAllergies", with_field(ALLERGIES, no_known_allergies=False), "allergies"),
    (
        "RecordAllergies",
        with_entry(ALLERGIES, "allergies", pb.Allergy(substance=SERTRALINE, type="dislike", criticality="low")),
        "allergies[0].type",
    ),
    ("RecordListGaps", with_field(LIST_GAPS, list="results"), "list"),
    ("RecordListGaps", with_field(LIST_GAPS, left_out=-1), "left_out"),
    ("RecordPregnancy", with_field(PREGNANCY, status="maybe"), "status"),
    ("RecordPregnancy", with_field(PREGNANCY, source=""), "source"),
    ("RecordResults", with_field(RESULTS, none_known=True), "none_known"),
    (
        "RecordResults",
        with_entry(RESULTS, "results", pb.Result(loinc="x", value="1", on="2026-11-12")),
        "results[1].loinc",
    ),
    ("RecordResults", with_entry(RESULTS, "results", pb.Result(loinc="751-8", on="2026-11-12")), "results[1].value"),
    ("RecordResults", with_entry(RESULTS, "results", pb.Result(loinc="751-8", value="1")), "results[1].on"),
    ("AnswerScale", with_field(SCREENER, instrument="horoscope"), "instrument"),
    ("AnswerScale", with_entry(SCREENER, "items", 0), "items"),
    ("AnswerScale", with_entry(SCREENER, "items", -2), "items[7]"),
    ("EstablishDiagnosis", with_field(DIAGNOSIS, icd10="depression"), "icd10"),
    ("EstablishDiagnosis", with_field(DIAGNOSIS, verification="refuted"), "verification"),
    ("ProposePlan", pb.ProposePlanRequest(request_id="p", patient_id=PATIENT), "plan"),
    (
        "AmendAssessment",
        pb.AmendAssessmentRequest(request_id="a", patient_id=PATIENT),
        "reason",
    ),
    (
        "MarkEnteredInError",
        pb.MarkEnteredInErrorRequest(request_id="m", patient_id=PATIENT, fact_id="no", reason="x"),
        "fact_id",
    ),
]


@pytest.mark.parametrize(("rpc", "request_", "field"), BAD)
async def test_bad_input_is_refused_by_its_field_and_stores_nothing(
    api: AssessmentApi, store: MemoryEventStore, rpc: str, request_: Any, field: str
) -> None:
    if rpc != "EnrollPatient":
        await api.EnrollPatient(ENROLL, CONTEXT)
    before = (await store.head()).position
    with pytest.raises(InvalidInput) as refusal:
        await getattr(api, rpc)(request_, CONTEXT)
    assert refusal.value.field == field
    assert (await store.head()).position == before


async def test_the_future_is_refused(api: AssessmentApi) -> None:
    ahead = Timestamp()
    ahead.FromDatetime(control.NOW + timedelta(minutes=1))
    request = pb.EnrollPatientRequest()
    request.CopyFrom(ENROLL)
    request.occurred_at.CopyFrom(ahead)
    with pytest.raises(InvalidInput) as refusal:
        await api.EnrollPatient(request, CONTEXT)
    assert (refusal.value.slug, refusal.value.field) == ("in-the-future", "occurred_at")
