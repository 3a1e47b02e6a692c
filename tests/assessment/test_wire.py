"""Assessment over gRPC, field by field: what is asked is stored as given, and what is not given stays unknown."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from care.assessment.v1 import assessment_pb2 as pb
from care.common.v1 import common_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.events.partitioner import partition_of
from careloop.contracts.assessment import (
    AllergiesRecorded,
    Allergy,
    AllergyType,
    ChartList,
    Condition,
    Criticality,
    CurrentMedication,
    DiagnosisEstablished,
    EarlierTreatment,
    EmergencyContact,
    EndReason,
    GenotypeResult,
    GenotypesRecorded,
    HistoryRecorded,
    ListGapsRecorded,
    Location,
    MedicationsReconciled,
    PatientEnrolled,
    Plan,
    PlanProposed,
    PregnancyRecorded,
    PregnancyStatus,
    ProposedMedication,
    Result,
    ResultsRecorded,
    Severity,
    Sex,
    SmokingRecorded,
    SmokingStatus,
    StoppedFor,
    TreatmentResponse,
    VerificationStatus,
)
from careloop.contracts.terms import Coding, EnteredInError, Medicine, Reporter, RiskLevel, Role, ScaleScored
from careloop.kernel.errors import CareloopError, InvalidInput, NotAllowed, RequestIdReused
from tests.assessment.calling import CALLER, CORRELATION, LICENCE, PARTITIONS, Clinic
from tests.support.completeness import never_sent, never_set, places
from tests.support.controls import assessment as control

NOW, MONDAY = control.NOW, control.MONDAY
SECOND = timedelta(seconds=1)
BASE: dict[str, Any] = {"request_id": "request", "patient_id": str(control.PATIENT)}
A_FACT = control.fact("any")


def stamp(moment: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(moment)
    return found


AT: dict[str, Any] = {"occurred_at": stamp(MONDAY)}
SEEN = ConsistencyToken(service="prescribing", partition=0, position=3, patient_id=control.PATIENT).encode()
SERTRALINE = common_pb2.Medicine(name="sertraline", rxcui="36437")
NAMED = common_pb2.Medicine(name="lithium")
MEDICINE, BY_NAME = Medicine(name="sertraline", rxcui="36437"), Medicine(name="lithium", rxcui="")
SCREENER_ITEMS = [1, 1, 0, 1, -1, 0, 0]

FULL: dict[str, Any] = {
    "EnrollPatient": pb.EnrollPatientRequest(
        **BASE,
        **AT,
        name="Alma Reyes",
        birth_date="1990-04-12",
        sex="female",
        phone="555-0100",
        email="alma@example.org",
        emergency_contact=pb.EmergencyContact(name="Rosa Reyes", relationship="mother", phone="555-0101"),
        location=pb.Location(
            address="12 Elm Street",
            emergency_department="Springfield General",
            emergency_department_phone="555-0102",
        ),
        time_zone="America/Chicago",
    ),
    "RecordHistory": pb.RecordHistoryRequest(
        **BASE,
        **AT,
        conditions=[
            pb.Condition(
                coding=common_pb2.Coding(system="snomed", code="370143000", display="Major depressive disorder"),
                clinical_status="active",
                onset="2021-03-01",
            )
        ],
        earlier_treatments=[
            pb.EarlierTreatment(
                medicine=SERTRALINE,
                daily_dose_mg="37.5",
                weeks=8,
                response="partial",
                side_effects=["insomnia", "nausea"],
                stopped_for="inefficacy",
            )
        ],
        source="client",
    ),
    "ReconcileMedications": pb.ReconcileMedicationsRequest(
        **BASE,
        **AT,
        medications=[
            pb.CurrentMedication(
                medicine=SERTRALINE,
                daily_dose_mg="37.5",
                started_on="2026-01-05",
                stopped_on="2026-11-01",
                source="pharmacy list",
            )
        ],
        confirm_removal=True,
    ),
    "RecordAllergies": pb.RecordAllergiesRequest(
        **BASE,
        **AT,
        allergies=[pb.Allergy(substance=SERTRALINE, type="intolerance", criticality="low", reaction="hives")],
        confirm_removal=True,
    ),
    "AddMedication": pb.AddMedicationRequest(
        **BASE,
        **AT,
        medication=pb.CurrentMedication(
            medicine=SERTRALINE,
            daily_dose_mg="37.5",
            started_on="2026-01-05",
            stopped_on="2026-11-01",
            source="pharmacy list",
        ),
    ),
    "AddAllergy": pb.AddAllergyRequest(
        **BASE,
        **AT,
        allergy=pb.Allergy(substance=SERTRALINE, type="intolerance", criticality="low", reaction="hives"),
    ),
    "RecordListGaps": pb.RecordListGapsRequest(**BASE, **AT, list="history", left_out=3, source="another clinic"),
    "RecordPregnancy": pb.RecordPregnancyRequest(**BASE, **AT, status="breastfeeding", source="chart"),
    "RecordResults": pb.RecordResultsRequest(
        **BASE,
        **AT,
        results=[pb.Result(loinc="2160-0", value="1.2", unit="mg/dL", on="2026-11-12", display="Creatinine")],
        source="laboratory",
    ),
    "RecordGenotypes": pb.RecordGenotypesRequest(
        **BASE, **AT, genotypes=[pb.GenotypeResult(gene="CYP2D6", phenotype="*4/*4")], source="laboratory"
    ),
    "RecordSmoking": pb.RecordSmokingRequest(**BASE, **AT, status="former", stopped_on="2026-11-01", source="client"),
    "AnswerScale": pb.AnswerScaleRequest(**BASE, **AT, instrument="c-ssrs", items=SCREENER_ITEMS, source="clinician"),
    "RecordScaleTotal": pb.RecordScaleTotalRequest(**BASE, **AT, instrument="gad-7", total=12, source="ehr-import"),
    "EstablishDiagnosis": pb.EstablishDiagnosisRequest(
        **BASE, **AT, icd10="F33.2", display="Major depression", severity="severe", verification="provisional"
    ),
    "ProposePlan": pb.ProposePlanRequest(
        **BASE,
        **AT,
        plan=pb.Plan(
            medications=[pb.ProposedMedication(medicine=SERTRALINE, daily_dose_mg="37.5")],
            therapies=["individual therapy", "skills group"],
            goals=["sleep", "work"],
        ),
        confirm_removal=True,
    ),
    "AddToPlan": pb.AddToPlanRequest(
        **BASE,
        **AT,
        plan=pb.Plan(
            medications=[pb.ProposedMedication(medicine=SERTRALINE, daily_dose_mg="37.5")],
            therapies=["relaxation"],
            goals=["sleep", "work"],
        ),
    ),
    "CompleteAssessment": pb.CompleteAssessmentRequest(**BASE, occurred_at=stamp(control.TUESDAY)),
    "AmendAssessment": pb.AmendAssessmentRequest(
        **BASE, occurred_at=stamp(control.TUESDAY + SECOND), reason="a letter came"
    ),
    "CloseEpisode": pb.CloseEpisodeRequest(
        **BASE,
        occurred_at=stamp(control.TUESDAY),
        end_reason="left",
        on="2026-11-16",
        handed_to=pb.CareHandedOver(
            who="Dr. Imani Wells, Lakeside Clinic",
            accepted_by="Dr. Imani Wells",
            first_appointment_on="2026-11-24",
            supply_until="2026-12-01",
        ),
        letter_sent_on="2026-11-14",
        attempts=[pb.ContactAttempt(channel=one.channel, on=one.on.isoformat()) for one in control.TRIED],
        reported_by="the client",
        agreed_by="dr-lindqvist",
        at_least=[SEEN],
    ),
    "ConfirmDeath": pb.ConfirmDeathRequest(**BASE, **AT, closing_id=str(control.DIED.fact_id)),
    "MarkEnteredInError": pb.MarkEnteredInErrorRequest(
        **BASE, fact_id=str(control.MEDICATIONS.fact_id), reason="another client's list"
    ),
    "GetAssessment": pb.GetAssessmentRequest(patient_id=str(control.PATIENT)),
}
NONE = {
    "RecordHistory": pb.RecordHistoryRequest(**BASE, nothing_known=True, source="client"),
    "ReconcileMedications": pb.ReconcileMedicationsRequest(**BASE, none_taken=True),
    "RecordAllergies": pb.RecordAllergiesRequest(**BASE, no_known_allergies=True, confirm_removal=True),
    "RecordResults": pb.RecordResultsRequest(**BASE, none_known=True, source="client"),
    "RecordGenotypes": pb.RecordGenotypesRequest(**BASE, none_known=True, source="client"),
}
"""What says that there are none, now."""
BARE: dict[str, Any] = {
    "EnrollPatient": pb.EnrollPatientRequest(**BASE, name="Alma Reyes", birth_date="1990-04-12", sex="unknown"),
    "RecordHistory": pb.RecordHistoryRequest(
        **BASE,
        conditions=[pb.Condition(coding=common_pb2.Coding(system="snomed", code="1"), clinical_status="active")],
        earlier_treatments=[pb.EarlierTreatment(medicine=NAMED, response="unknown", stopped_for="unknown")],
        source="client",
    ),
    "ReconcileMedications": pb.ReconcileMedicationsRequest(
        **BASE, medications=[pb.CurrentMedication(medicine=NAMED, source="client")]
    ),
    "RecordAllergies": pb.RecordAllergiesRequest(
        **BASE,
        allergies=[pb.Allergy(substance=NAMED, type="allergy", criticality="unable-to-assess")],
        confirm_removal=True,
    ),
    "AddMedication": pb.AddMedicationRequest(**BASE, medication=pb.CurrentMedication(medicine=NAMED, source="client")),
    "AddAllergy": pb.AddAllergyRequest(
        **BASE, allergy=pb.Allergy(substance=NAMED, type="allergy", criticality="unable-to-assess")
    ),
    "RecordListGaps": pb.RecordListGapsRequest(**BASE, list="history", source="client"),
    "RecordPregnancy": pb.RecordPregnancyRequest(**BASE, status="unknown", source="client"),
    "RecordResults": pb.RecordResultsRequest(
        **BASE, results=[pb.Result(loinc="2160-0", value="0", on="2026-11-12")], source="client"
    ),
    "RecordGenotypes": pb.RecordGenotypesRequest(
        **BASE, genotypes=[pb.GenotypeResult(gene="CYP2D6", phenotype="?")], source="client"
    ),
    "RecordSmoking": pb.RecordSmokingRequest(**BASE, status="unknown", source="client"),
    "AnswerScale": pb.AnswerScaleRequest(**BASE, instrument="phq-9", items=[0] * 9, source="client"),
    "RecordScaleTotal": pb.RecordScaleTotalRequest(**BASE, instrument="gad-7", source="client"),
    "EstablishDiagnosis": pb.EstablishDiagnosisRequest(
        **BASE, icd10="F33.2", severity="unspecified", verification="confirmed"
    ),
    "ProposePlan": pb.ProposePlanRequest(
        **BASE, plan=pb.Plan(medications=[pb.ProposedMedication(medicine=NAMED)]), confirm_removal=True
    ),
    "AddToPlan": pb.AddToPlanRequest(**BASE, plan=pb.Plan(goals=["rest"])),
    "CompleteAssessment": pb.CompleteAssessmentRequest(**BASE),
    "AmendAssessment": pb.AmendAssessmentRequest(**BASE, reason="a letter came"),
    "CloseEpisode": pb.CloseEpisodeRequest(**BASE, end_reason="completed"),
    "ConfirmDeath": pb.ConfirmDeathRequest(**BASE, closing_id=str(control.DIED.fact_id)),
}

ENROLLED = PatientEnrolled(
    fact_id=A_FACT,
    name="Alma Reyes",
    birth_date=date(1990, 4, 12),
    sex=Sex.FEMALE,
    phone="555-0100",
    email="alma@example.org",
    emergency_contact=EmergencyContact(name="Rosa Reyes", relationship="mother", phone="555-0101"),
    location=Location(
        address="12 Elm Street",
        emergency_department="Springfield General",
        emergency_department_phone="555-0102",
    ),
    time_zone="America/Chicago",
    occurred_at=MONDAY,
)
HISTORY = HistoryRecorded(
    fact_id=A_FACT,
    conditions=(
        Condition(
            coding=Coding(system="snomed", code="370143000", display="Major depressive disorder"),
            clinical_status="active",
            onset=date(2021, 3, 1),
        ),
    ),
    earlier_treatments=(
        EarlierTreatment(
            medicine=MEDICINE,
            daily_dose_mg=Decimal("37.5"),
            weeks=8,
            response=TreatmentResponse.PARTIAL,
            side_effects=("insomnia", "nausea"),
            stopped_for=StoppedFor.INEFFICACY,
        ),
    ),
    source="client",
    occurred_at=MONDAY,
    nothing_known=False,
)
MEDICATIONS = MedicationsReconciled(
    fact_id=A_FACT,
    medications=(
        CurrentMedication(
            medicine=MEDICINE,
            daily_dose_mg=Decimal("37.5"),
            started_on=date(2026, 1, 5),
            stopped_on=date(2026, 11, 1),
            source="pharmacy list",
        ),
    ),
    none_taken=False,
    occurred_at=MONDAY,
)
ALLERGIES = AllergiesRecorded(
    fact_id=A_FACT,
    allergies=(
        Allergy(
            substance=MEDICINE,
            type=AllergyType.INTOLERANCE,
            criticality=Criticality.LOW,
            reaction="hives",
        ),
    ),
    no_known_allergies=False,
    occurred_at=MONDAY,
)
LIST_GAPS = ListGapsRecorded(
    fact_id=A_FACT, list=ChartList.HISTORY, left_out=3, source="another clinic", occurred_at=MONDAY
)
PREGNANCY = PregnancyRecorded(fact_id=A_FACT, status=PregnancyStatus.BREASTFEEDING, source="chart", occurred_at=MONDAY)
GENOTYPES = GenotypesRecorded(
    fact_id=A_FACT,
    genotypes=(GenotypeResult(gene="CYP2D6", phenotype="*4/*4"),),
    none_known=False,
    source="laboratory",
    occurred_at=MONDAY,
)
SMOKING = SmokingRecorded(
    fact_id=A_FACT, status=SmokingStatus.FORMER, stopped_on=date(2026, 11, 1), source="client", occurred_at=MONDAY
)
RESULTS = ResultsRecorded(
    fact_id=A_FACT,
    results=(Result(loinc="2160-0", value=Decimal("1.2"), unit="mg/dL", on=date(2026, 11, 12), display="Creatinine"),),
    none_known=False,
    source="laboratory",
    occurred_at=MONDAY,
)
SCREENER = ScaleScored(
    fact_id=A_FACT,
    instrument="c-ssrs",
    instrument_version=1,
    items=(1, 1, 0, 1, None, 0, 0),
    total=None,
    band="high",
    flags=(),
    missing=1,
    source="clinician",
    scored_by=CALLER,
    occurred_at=MONDAY,
    reporter=Reporter.CLINICIAN,
)
TOTAL = ScaleScored(
    fact_id=A_FACT,
    instrument="gad-7",
    instrument_version=1,
    items=None,
    total=12,
    band="moderate",
    flags=(),
    missing=0,
    source="ehr-import",
    scored_by=CALLER,
    occurred_at=MONDAY,
)
DIAGNOSIS = DiagnosisEstablished(
    fact_id=A_FACT,
    icd10="F33.2",
    display="Major depression",
    severity=Severity.SEVERE,
    verification=VerificationStatus.PROVISIONAL,
    occurred_at=MONDAY,
)
PLAN = PlanProposed(
    fact_id=A_FACT,
    plan=Plan(
        medications=(ProposedMedication(medicine=MEDICINE, daily_dose_mg=Decimal("37.5")),),
        therapies=("individual therapy", "skills group"),
        goals=("sleep", "work"),
    ),
    occurred_at=MONDAY,
    replaces=control.PLAN_PROPOSED.fact_id,
)
COMPLETED = replace(
    control.COMPLETED, fact_id=A_FACT, completed_by=CALLER, credential=Role.PSYCHIATRIC_NURSE_PRACTITIONER
)
AMENDED = replace(
    control.AMENDED,
    fact_id=A_FACT,
    amended_by=CALLER,
    credential=Role.PSYCHIATRIC_NURSE_PRACTITIONER,
    reason="a letter came",
    occurred_at=control.TUESDAY + SECOND,
)
CLOSED = replace(
    control.CLOSED,
    fact_id=A_FACT,
    on=date(2026, 11, 16),
    last_risk=RiskLevel.LOW,
    reported_by="the client",
    agreed_by="dr-lindqvist",
    closed_by=CALLER,
)
CONFIRMED = replace(control.DEATH_CONFIRMED, fact_id=A_FACT, confirmed_by=CALLER, occurred_at=MONDAY)
STORED: dict[str, Any] = {
    "EnrollPatient": ENROLLED,
    "RecordHistory": HISTORY,
    "ReconcileMedications": MEDICATIONS,
    "RecordAllergies": ALLERGIES,
    "AddMedication": replace(MEDICATIONS, medications=(*control.MEDICATIONS.medications, *MEDICATIONS.medications)),
    "AddAllergy": replace(ALLERGIES, allergies=(*control.ALLERGIES.allergies, *ALLERGIES.allergies)),
    "RecordListGaps": LIST_GAPS,
    "RecordPregnancy": PREGNANCY,
    "RecordResults": RESULTS,
    "RecordGenotypes": GENOTYPES,
    "RecordSmoking": SMOKING,
    "AnswerScale": SCREENER,
    "RecordScaleTotal": TOTAL,
    "EstablishDiagnosis": DIAGNOSIS,
    "ProposePlan": PLAN,
    "AddToPlan": replace(
        PLAN,
        plan=Plan(
            medications=PLAN.plan.medications,
            therapies=(*control.PLAN.therapies, "relaxation"),
            goals=(*control.PLAN.goals, "sleep", "work"),
        ),
    ),
    "CompleteAssessment": COMPLETED,
    "AmendAssessment": AMENDED,
    "CloseEpisode": CLOSED,
    "ConfirmDeath": CONFIRMED,
    "MarkEnteredInError": EnteredInError(
        fact_id=control.MEDICATIONS.fact_id, reason="another client's list", marked_by=CALLER, occurred_at=NOW
    ),
}
BARELY_STORED: dict[str, Any] = {
    "EnrollPatient": replace(
        ENROLLED,
        sex=Sex.UNKNOWN,
        phone="",
        email="",
        emergency_contact=None,
        location=None,
        time_zone="UTC",
        occurred_at=NOW,
    ),
    "RecordHistory": replace(
        HISTORY,
        conditions=(
            Condition(coding=Coding(system="snomed", code="1", display=""), clinical_status="active", onset=None),
        ),
        earlier_treatments=(
            EarlierTreatment(
                medicine=BY_NAME,
                daily_dose_mg=None,
                weeks=None,
                response=TreatmentResponse.UNKNOWN,
                side_effects=(),
                stopped_for=StoppedFor.UNKNOWN,
            ),
        ),
        occurred_at=NOW,
    ),
    "ReconcileMedications": replace(
        MEDICATIONS,
        medications=(
            CurrentMedication(medicine=BY_NAME, daily_dose_mg=None, started_on=None, stopped_on=None, source="client"),
        ),
        occurred_at=NOW,
    ),
    "RecordAllergies": replace(
        ALLERGIES,
        allergies=(
            Allergy(
                substance=BY_NAME,
                type=AllergyType.ALLERGY,
                criticality=Criticality.UNABLE_TO_ASSESS,
                reaction="",
            ),
        ),
        occurred_at=NOW,
    ),
    "AddMedication": replace(
        MEDICATIONS,
        medications=(
            *control.MEDICATIONS.medications,
            CurrentMedication(medicine=BY_NAME, daily_dose_mg=None, started_on=None, stopped_on=None, source="client"),
        ),
        occurred_at=NOW,
    ),
    "AddAllergy": replace(
        ALLERGIES,
        allergies=(
            *control.ALLERGIES.allergies,
            Allergy(
                substance=BY_NAME,
                type=AllergyType.ALLERGY,
                criticality=Criticality.UNABLE_TO_ASSESS,
                reaction="",
            ),
        ),
        occurred_at=NOW,
    ),
    "RecordListGaps": replace(LIST_GAPS, left_out=0, source="client", occurred_at=NOW),
    "RecordPregnancy": replace(PREGNANCY, status=PregnancyStatus.UNKNOWN, source="client", occurred_at=NOW),
    "RecordResults": replace(
        RESULTS,
        results=(Result(loinc="2160-0", value=Decimal(0), unit="", on=date(2026, 11, 12), display=""),),
        source="client",
        occurred_at=NOW,
    ),
    "RecordGenotypes": replace(
        GENOTYPES, genotypes=(GenotypeResult(gene="CYP2D6", phenotype="?"),), source="client", occurred_at=NOW
    ),
    "RecordSmoking": replace(SMOKING, status=SmokingStatus.UNKNOWN, stopped_on=None, occurred_at=NOW),
    "AnswerScale": replace(
        SCREENER,
        instrument="phq-9",
        items=(0,) * 9,
        total=0,
        band="minimal",
        missing=0,
        source="client",
        occurred_at=NOW,
    ),
    "RecordScaleTotal": replace(TOTAL, total=0, band="minimal", source="client", occurred_at=NOW),
    "EstablishDiagnosis": replace(
        DIAGNOSIS,
        display="",
        severity=Severity.UNSPECIFIED,
        verification=VerificationStatus.CONFIRMED,
        occurred_at=NOW,
    ),
    "ProposePlan": replace(
        PLAN,
        plan=Plan(medications=(ProposedMedication(medicine=BY_NAME, daily_dose_mg=None),)),
        occurred_at=NOW,
    ),
    "AddToPlan": replace(PLAN, plan=replace(control.PLAN, goals=(*control.PLAN.goals, "rest")), occurred_at=NOW),
    "CompleteAssessment": replace(COMPLETED, occurred_at=NOW),
    "AmendAssessment": replace(AMENDED, occurred_at=NOW),
    "CloseEpisode": replace(
        CLOSED,
        reason=EndReason.COMPLETED,
        on=NOW.date(),
        handed_to=None,
        letter_sent_on=None,
        attempts=(),
        reported_by="",
        agreed_by="",
        occurred_at=NOW,
    ),
    "ConfirmDeath": replace(CONFIRMED, occurred_at=NOW),
}
WRITES = tuple(STORED)
METHODS = pb.DESCRIPTOR.services_by_name["AssessmentService"].methods_by_name
WITH_CREDENTIAL = ("CompleteAssessment", "AmendAssessment", "CloseEpisode")


def history(rpc: str) -> tuple[Any, ...]:
    if rpc == "EnrollPatient":
        return ()
    if rpc == "AmendAssessment":
        return (*control.RECORDED, control.COMPLETED)
    if rpc == "ConfirmDeath":
        return (*control.RECORDED, control.DIED)
    return control.RECORDED


async def clinic_for(rpc: str) -> Clinic:
    return await Clinic().knows(*history(rpc))


async def stored_by(rpc: str, request: Any) -> list[Any]:
    clinic = await clinic_for(rpc)
    await clinic.call(rpc, request)
    return await clinic.stored(len(history(rpc)))


async def refusal(clinic: Clinic, rpc: str, request: Any, **told: Any) -> CareloopError:
    before = (await clinic.store.head()).position
    with pytest.raises(CareloopError) as refused:
        await clinic.call(rpc, request, **told)
    assert (await clinic.store.head()).position == before
    assert refused.value.sentence.endswith("."), "people read a whole sentence"
    return refused.value


def test_every_call_has_an_example_and_every_field_a_value_in_one() -> None:
    assert set(FULL) == set(METHODS)
    assert never_sent(*FULL.values(), *NONE.values()) == set()
    assert set(BARE) == set(WRITES) - {"MarkEnteredInError"}
    assert {rpc for rpc, method in METHODS.items() if "request_id" in method.input_type.fields_by_name} == set(WRITES)
    assert never_set(*STORED.values()) == {
        "HistoryRecorded.nothing_known",
        "MedicationsReconciled.none_taken",
        "AllergiesRecorded.no_known_allergies",
        "ResultsRecorded.none_known",
        "GenotypesRecorded.none_known",
        "ScaleScored.flags",
        "EpisodeClosed.confirm_by",
    }


@pytest.mark.parametrize("rpc", WRITES)
async def test_what_is_given_is_stored_as_given(rpc: str) -> None:
    stored = (await stored_by(rpc, FULL[rpc]))[0]
    fact_id = STORED[rpc].fact_id if rpc == "MarkEnteredInError" else stored.fact_id
    assert stored == replace(STORED[rpc], fact_id=fact_id)


@pytest.mark.parametrize("rpc", BARE)
async def test_what_is_not_given_is_stored_as_unknown_and_as_true_now(rpc: str) -> None:
    (stored,) = await stored_by(rpc, BARE[rpc])
    assert stored == replace(BARELY_STORED[rpc], fact_id=stored.fact_id)


@pytest.mark.parametrize("rpc", NONE)
async def test_that_there_are_none_is_stored(rpc: str) -> None:
    (stored,) = await stored_by(rpc, NONE[rpc])
    empty: dict[str, Any] = {
        "RecordHistory": replace(HISTORY, conditions=(), earlier_treatments=(), nothing_known=True, occurred_at=NOW),
        "ReconcileMedications": replace(MEDICATIONS, medications=(), none_taken=True, occurred_at=NOW),
        "RecordAllergies": replace(ALLERGIES, allergies=(), no_known_allergies=True, occurred_at=NOW),
        "RecordResults": replace(RESULTS, results=(), none_known=True, source="client", occurred_at=NOW),
        "RecordGenotypes": replace(GENOTYPES, genotypes=(), none_known=True, source="client", occurred_at=NOW),
    }
    assert stored == replace(empty[rpc], fact_id=stored.fact_id)


async def test_no_week_at_a_dose_is_not_an_unknown_number_of_weeks() -> None:
    request = pb.RecordHistoryRequest()
    request.CopyFrom(BARE["RecordHistory"])
    request.earlier_treatments[0].weeks = 0
    (stored,) = await stored_by("RecordHistory", request)
    assert stored.earlier_treatments[0].weeks == 0


async def test_the_risk_of_a_scale_is_stored_and_answered_with_it() -> None:
    clinic = await clinic_for("AnswerScale")
    answer = await clinic.call("AnswerScale", FULL["AnswerScale"])
    scale, risk = await clinic.stored(len(control.RECORDED))
    assert answer.result == common_pb2.ScaleResult(
        fact_id=str(scale.fact_id), instrument="c-ssrs", band="high", missing=1
    )
    assert not answer.result.HasField("total")
    assert answer.risk == pb.Risk(
        fact_id=str(risk.fact_id), level="high", reason="c-ssrs-high", due_at=stamp(NOW + timedelta(hours=1))
    )
    assert (risk.level, risk.scale_fact_id) == (RiskLevel.HIGH, scale.fact_id)


async def test_a_scale_without_a_risk_is_answered_with_its_total_and_flags() -> None:
    clinic = await clinic_for("AnswerScale")
    answer = await clinic.call("AnswerScale", BARE["AnswerScale"])
    assert not answer.HasField("risk")
    assert answer.result.HasField("total")
    assert (answer.result.total, answer.result.band, list(answer.result.flags)) == (0, "minimal", [])
    item_9 = pb.AnswerScaleRequest(
        request_id="item 9", patient_id=str(control.PATIENT), instrument="phq-9", items=[0] * 8 + [1], source="client"
    )
    answer = await clinic.call("AnswerScale", item_9)
    assert (answer.result.total, list(answer.result.flags)) == (1, ["item-9"])
    assert answer.risk.level == "moderate"


async def test_a_total_is_answered_as_it_was_read() -> None:
    clinic = await clinic_for("RecordScaleTotal")
    answer = await clinic.call("RecordScaleTotal", FULL["RecordScaleTotal"])
    (stored,) = await clinic.stored(len(control.RECORDED))
    assert answer.result == common_pb2.ScaleResult(
        fact_id=str(stored.fact_id), instrument="gad-7", total=12, band="moderate"
    )


@pytest.mark.parametrize("rpc", ["CompleteAssessment", "AmendAssessment"])
async def test_what_the_assessment_says_is_answered(rpc: str) -> None:
    clinic = await clinic_for(rpc)
    await clinic.knows(
        replace(control.DIAGNOSIS, fact_id=A_FACT, icd10="F41.1"),
        replace(control.SCREENER, fact_id=control.fact("high"), band="high", occurred_at=control.TUESDAY),
    )
    answer = await clinic.call(rpc, FULL[rpc])
    (stored,) = await clinic.stored(len(history(rpc)) + 2)
    assert answer.fact_id == str(stored.fact_id)
    assert list(answer.diagnoses) == list(stored.diagnoses) == ["F33.1", "F41.1"]
    assert answer.suicide_risk == stored.suicide_risk == "high"


async def test_all_that_was_struck_is_answered() -> None:
    clinic = await Clinic().knows(*control.RECORDED, control.PHQ_9, control.RISK)
    request = pb.MarkEnteredInErrorRequest(**BASE, fact_id=str(control.PHQ_9.fact_id), reason="another client's")
    answer = await clinic.call("MarkEnteredInError", request)
    assert list(answer.struck) == [str(control.PHQ_9.fact_id), str(control.RISK.fact_id)]


@pytest.mark.parametrize("rpc", WRITES)
async def test_what_is_stored_says_who_called_and_the_receipt_says_where_it_stands(rpc: str) -> None:
    clinic = await clinic_for(rpc)
    answer = await clinic.call(rpc, FULL[rpc])
    rows = (await clinic.rows())[len(history(rpc)) :]
    for row in rows:
        assert (row.meta.actor, row.meta.command_id, row.meta.correlation_id) == (CALLER, "request", CORRELATION)
        assert row.meta.occurred_at == STORED[rpc].occurred_at
    assert ConsistencyToken.parse(answer.receipt.token) == ConsistencyToken(
        service="assessment",
        partition=partition_of(control.PATIENT, PARTITIONS),
        position=rows[-1].meta.position,
        patient_id=control.PATIENT,
    )
    again = await clinic.call(rpc, FULL[rpc])
    assert (answer.receipt.repeated, again.receipt.repeated) == (False, True)
    again.receipt.repeated = False
    assert again == answer


@pytest.mark.parametrize("rpc", [rpc for rpc in BARE if rpc not in ("AnswerScale", "RecordScaleTotal")])
async def test_the_fact_answered_is_the_one_stored_and_another_request_names_another(rpc: str) -> None:
    clinic, other = await clinic_for(rpc), await clinic_for(rpc)
    first = await clinic.call(rpc, FULL[rpc])
    (stored,) = await clinic.stored(len(history(rpc)))
    assert first.fact_id == str(stored.fact_id)
    request = type(FULL[rpc])()
    request.CopyFrom(FULL[rpc])
    request.request_id = "another"
    assert (await other.call(rpc, request)).fact_id not in (first.fact_id, "")
    request.request_id = "request"
    request.occurred_at.CopyFrom(stamp(NOW))
    with pytest.raises(RequestIdReused):
        await clinic.call(rpc, request)


async def test_the_same_request_id_of_another_client_names_another_fact() -> None:
    clinics = [Clinic(), Clinic()]
    request = pb.EnrollPatientRequest()
    request.CopyFrom(FULL["EnrollPatient"])
    request.patient_id = str(UUID(int=5))
    first = await clinics[0].call("EnrollPatient", FULL["EnrollPatient"])
    second = await clinics[1].call("EnrollPatient", request)
    assert first.fact_id != second.fact_id


# What is recorded and missing.


async def test_what_is_recorded_and_missing_is_told_field_by_field() -> None:
    clinic = await Clinic().knows(
        *control.RECORDED[:2], control.SCREENER, control.RISK, replace(control.STRUCK, fact_id=control.RISK.fact_id)
    )
    answer = await clinic.call("GetAssessment", FULL["GetAssessment"])
    assert answer == pb.GetAssessmentResponse(
        enrolled=True,
        name=control.ENROLLED.name,
        birth_date=control.ENROLLED.birth_date.isoformat(),
        missing=["medications", "allergies", "diagnosis", "plan"],
        facts=[
            pb.RecordedFact(fact_id=str(one.fact_id), kind=kind, occurred_at=stamp(one.occurred_at), struck=is_struck)
            for one, kind, is_struck in (
                (control.ENROLLED, "PatientEnrolled", False),
                (control.HISTORY, "HistoryRecorded", False),
                (control.SCREENER, "ScaleScored", False),
                (control.RISK, "RiskRaised", True),
            )
        ],
    )
    nobody = await Clinic().call("GetAssessment", FULL["GetAssessment"])
    assert nobody == pb.GetAssessmentResponse(
        missing=["history", "medications", "allergies", "diagnosis", "suicide-risk-screen", "plan"]
    )


async def test_what_becomes_true_after_the_call_is_still_missing() -> None:
    clinic = await clinic_for("GetAssessment")
    early = await clinic.call("GetAssessment", FULL["GetAssessment"], now=MONDAY - SECOND)
    at_once = await clinic.call("GetAssessment", FULL["GetAssessment"], now=MONDAY)
    assert (len(early.missing), len(at_once.missing)) == (6, 0)


async def test_since_when_it_is_complete_is_told_by_its_last_amendment() -> None:
    clinic = await clinic_for("GetAssessment")
    moments: tuple[tuple[Any, Any], ...] = (
        (control.COMPLETED, control.COMPLETED.occurred_at),
        (control.AMENDED, control.AMENDED.occurred_at),
        (replace(control.STRUCK, fact_id=control.AMENDED.fact_id), control.COMPLETED.occurred_at),
        (replace(control.STRUCK, fact_id=control.COMPLETED.fact_id), None),
    )
    for event, moment in moments:
        await clinic.knows(event)
        answer = await clinic.call("GetAssessment", FULL["GetAssessment"])
        assert answer.HasField("completed_at") == (moment is not None)
        assert moment is None or answer.completed_at.ToDatetime(tzinfo=UTC) == moment


# Who may.


@pytest.mark.parametrize("rpc", WITH_CREDENTIAL)
async def test_the_last_moment_of_a_licence_still_counts_and_the_next_does_not(rpc: str) -> None:
    clinic = await clinic_for(rpc)
    happened = STORED[rpc].occurred_at
    licence = replace(LICENCE, valid_from=happened, valid_until=NOW)
    late = await refusal(clinic, rpc, FULL[rpc], now=NOW + SECOND, credential=licence)
    early = await refusal(clinic, rpc, FULL[rpc], credential=replace(licence, valid_from=happened + SECOND))
    for refused in (late, early):
        assert isinstance(refused, NotAllowed)
        assert refused.slug == "credential-not-valid"
    assert (await clinic.call(rpc, FULL[rpc], credential=licence)).fact_id


@pytest.mark.parametrize("rpc", WITH_CREDENTIAL)
@pytest.mark.parametrize("credential", [None, replace(LICENCE, kind="therapist")])
async def test_without_a_prescribers_licence_nothing_is_decided(rpc: str, credential: Any) -> None:
    refused = await refusal(await clinic_for(rpc), rpc, FULL[rpc], credential=credential)
    assert isinstance(refused, NotAllowed)
    assert refused.slug == "credential-required"


# What cannot be read is refused by its field.

NAME, CODE, SOURCE, WORDS = 500, 60, 200, 2000
LONGEST = {
    "request_id": 128,
    "name": NAME,
    "phone": CODE,
    "email": NAME,
    "emergency_contact.name": NAME,
    "emergency_contact.relationship": NAME,
    "emergency_contact.phone": CODE,
    "location.address": NAME,
    "location.emergency_department": NAME,
    "location.emergency_department_phone": CODE,
    "conditions[0].coding.system": CODE,
    "conditions[0].coding.code": CODE,
    "conditions[0].coding.display": NAME,
    "conditions[0].clinical_status": CODE,
    "earlier_treatments[0].medicine.name": NAME,
    "earlier_treatments[0].medicine.rxcui": 20,
    "earlier_treatments[0].side_effects[0]": NAME,
    "earlier_treatments[0].side_effects[1]": NAME,
    "medications[0].medicine.name": NAME,
    "medication.medicine.name": NAME,
    "medications[0].medicine.rxcui": 20,
    "medication.medicine.rxcui": 20,
    "medications[0].source": SOURCE,
    "medication.source": SOURCE,
    "allergies[0].substance.name": NAME,
    "allergy.substance.name": NAME,
    "allergies[0].substance.rxcui": 20,
    "allergy.substance.rxcui": 20,
    "allergies[0].reaction": NAME,
    "allergy.reaction": NAME,
    "results[0].unit": CODE,
    "results[0].display": NAME,
    "source": SOURCE,
    "display": NAME,
    "plan.medications[0].medicine.name": NAME,
    "plan.medications[0].medicine.rxcui": 20,
    "genotypes[0].gene": CODE,
    "genotypes[0].phenotype": NAME,
    "plan.therapies[0]": NAME,
    "plan.therapies[1]": NAME,
    "plan.goals[0]": NAME,
    "plan.goals[1]": NAME,
    "reason": WORDS,
    "handed_to.who": NAME,
    "handed_to.accepted_by": NAME,
    "reported_by": SOURCE,
    "agreed_by": NAME,
}
CHECKED = {"time_zone", "results[0].loinc", "instrument", "icd10"}
"""Texts of at most CODE characters that must also be what they say."""
UUIDS = {"patient_id", "fact_id", "closing_id"}
DAYS = {
    "birth_date",
    "conditions[0].onset",
    "medications[0].started_on",
    "medication.started_on",
    "medications[0].stopped_on",
    "stopped_on",
    "medication.stopped_on",
    "results[0].on",
    "on",
    "handed_to.first_appointment_on",
    "handed_to.supply_until",
    "letter_sent_on",
    *(f"attempts[{index}].on" for index in range(3)),
}
AMOUNTS = {
    "earlier_treatments[0].daily_dose_mg",
    "medications[0].daily_dose_mg",
    "medication.daily_dose_mg",
    "results[0].value",
    "plan.medications[0].daily_dose_mg",
}
CODES = {
    "list",
    "sex",
    "earlier_treatments[0].response",
    "earlier_treatments[0].stopped_for",
    "allergies[0].type",
    "allergy.type",
    "allergies[0].criticality",
    "allergy.criticality",
    "status",
    "severity",
    "verification",
    "end_reason",
    *(f"attempts[{index}].channel" for index in range(3)),
}
TOKENS = {"at_least[0]"}
COUNTS = {"earlier_treatments[0].weeks": (0, 5200), "left_out": (0, 100_000), "total": (0, 1000)}
ITEMS = {f"items[{index}]" for index in range(len(SCREENER_ITEMS))}
OPTIONAL = {
    "phone",
    "email",
    "emergency_contact.relationship",
    "location.emergency_department",
    "location.emergency_department_phone",
    "time_zone",
    "conditions[0].coding.display",
    "conditions[0].onset",
    "earlier_treatments[0].daily_dose_mg",
    "earlier_treatments[0].medicine.rxcui",
    "medications[0].medicine.rxcui",
    "medication.medicine.rxcui",
    "medications[0].daily_dose_mg",
    "medication.daily_dose_mg",
    "medications[0].started_on",
    "medication.started_on",
    "medications[0].stopped_on",
    "stopped_on",
    "medication.stopped_on",
    "allergies[0].substance.rxcui",
    "allergy.substance.rxcui",
    "allergies[0].reaction",
    "allergy.reaction",
    "results[0].unit",
    "results[0].display",
    "display",
    "plan.medications[0].medicine.rxcui",
    "plan.medications[0].daily_dose_mg",
    "on",
    "handed_to.supply_until",
    "reported_by",
    "agreed_by",
}


def test_every_place_of_every_request_is_known_by_its_kind() -> None:
    kinds = [set(LONGEST), CHECKED, UUIDS, DAYS, AMOUNTS, CODES, TOKENS, set(COUNTS), ITEMS]
    assert {str(place) for request in FULL.values() for place in places(request)} == set().union(*kinds)
    assert sum(map(len, kinds)) == len(set().union(*kinds))


def wrong(place: Any) -> list[tuple[Any, str]]:
    """What may not stand there, and the reason it is refused with."""
    name = str(place)
    if name in LONGEST:
        return [("x" * (LONGEST[name] + 1), "request-id-too-long" if name == "request_id" else "text-too-long")]
    if name in CHECKED:
        return [("x" * (CODE + 1), "text-too-long")]
    if name in DAYS:
        return [("tomorrow", "not-a-date"), ("1899-12-31", "date-too-early")]
    if name in TOKENS:
        return [("nonsense", "token-malformed")]
    if name in AMOUNTS:
        return [("NaN", "not-an-amount"), ("-1", "not-an-amount"), ("1000000", "not-an-amount")]
    if name in ITEMS or name in COUNTS:
        least, most = (-1, 100) if name in ITEMS else COUNTS[name]
        return [(least - 1, "out-of-range"), (most + 1, "out-of-range")]
    return [("nonsense", "not-a-uuid" if name in UUIDS else "not-a-code")]


@pytest.mark.parametrize("rpc", FULL)
async def test_what_may_not_stand_there_is_refused_by_its_field(rpc: str) -> None:
    clinic = await clinic_for(rpc)
    for place in places(FULL[rpc]):
        for value, slug in wrong(place):
            refused = await refusal(clinic, rpc, place.set_to(FULL[rpc], value))
            assert isinstance(refused, InvalidInput), place
            assert (refused.slug, refused.field) == (slug, str(place))


@pytest.mark.parametrize("rpc", FULL)
async def test_what_is_needed_is_refused_when_it_is_left_out_and_the_rest_is_not(rpc: str) -> None:
    for place in (one for one in places(FULL[rpc]) if one.kind is str):
        clinic, without = await clinic_for(rpc), place.set_to(FULL[rpc], "")
        if str(place) in OPTIONAL:
            assert await clinic.call(rpc, without), place
        else:
            refused = await refusal(clinic, rpc, without)
            assert isinstance(refused, InvalidInput), place
            assert refused.field == str(place)


@pytest.mark.parametrize("rpc", WRITES)
async def test_the_longest_text_is_taken(rpc: str) -> None:
    for place in (one for one in places(FULL[rpc]) if str(one) in LONGEST):
        assert await (await clinic_for(rpc)).call(rpc, place.set_to(FULL[rpc], "x" * LONGEST[str(place)])), place


@pytest.mark.parametrize("weeks", [0, 1900])
async def test_the_fewest_and_the_most_weeks_are_taken(weeks: int) -> None:
    request = pb.RecordHistoryRequest()
    request.CopyFrom(FULL["RecordHistory"])
    request.earlier_treatments[0].weeks = weeks
    (stored,) = await stored_by("RecordHistory", request)
    assert stored.earlier_treatments[0].weeks == weeks


async def test_the_second_of_a_list_is_refused_by_its_own_place() -> None:
    request = pb.RecordResultsRequest()
    request.CopyFrom(FULL["RecordResults"])
    request.results.append(pb.Result(loinc="2160-0", value="NaN", on="2026-11-12"))
    refused = await refusal(await clinic_for("RecordResults"), "RecordResults", request)
    assert refused.field == "results[1].value"


@pytest.mark.parametrize("rpc", BARE)
async def test_the_future_and_the_distant_past_are_refused(rpc: str) -> None:
    clinic = await clinic_for(rpc)
    for moment, slug in ((NOW + SECOND, "in-the-future"), (datetime(1899, 12, 31, tzinfo=UTC), "time-too-early")):
        request = type(FULL[rpc])()
        request.CopyFrom(FULL[rpc])
        request.occurred_at.CopyFrom(stamp(moment))
        refused = await refusal(clinic, rpc, request)
        assert isinstance(refused, InvalidInput)
        assert (refused.slug, refused.field) == (slug, "occurred_at")


@pytest.mark.parametrize("rpc", ["ReconcileMedications", "RecordAllergies", "ProposePlan"])
async def test_a_list_that_would_drop_entries_is_answered_with_them_and_stored_once_that_is_confirmed(rpc: str) -> None:
    clinic = await Clinic().knows(*control.RECORDED, replace(control.MEDICATIONS, fact_id=A_FACT, medications=TAKEN))
    before = (await clinic.store.head()).position
    request = type(FULL[rpc])()
    request.CopyFrom(FULL[rpc])
    request.confirm_removal = False
    answer = await clinic.call(rpc, request)
    assert (answer.needs_confirmation, list(answer.would_remove)) == (True, DROPPED[rpc])
    assert not answer.HasField("receipt")
    assert (await clinic.store.head()).position == before
    request.confirm_removal = True
    confirmed = await clinic.call(rpc, request)
    assert (confirmed.needs_confirmation, list(confirmed.would_remove)) == (False, [])
    assert confirmed.receipt.token
    assert (await clinic.store.head()).position == before + 1


TAKEN = (CurrentMedication(medicine=Medicine(name="phenelzine"), source="client"),)
DROPPED = {
    "ReconcileMedications": ["phenelzine"],
    "RecordAllergies": ["penicillin V (allergy)"],
    "ProposePlan": ["individual therapy weekly", "sleep through the night"],
}
