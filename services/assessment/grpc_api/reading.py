"""Requests of `care.assessment.v1` as commands: what is well formed comes back typed, anything else is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, TypedDict

from care.assessment.v1 import assessment_pb2 as pb
from care.common.v1 import common_pb2

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.call import Call, current_call, request_for
from careloop.kernel.events import Request
from careloop.kernel.ids import FactId, PatientId, derived_id
from services.assessment.domain import commands
from services.assessment.domain.events import (
    Allergy,
    AllergyType,
    Coding,
    Condition,
    Criticality,
    CurrentMedication,
    EarlierTreatment,
    EmergencyContact,
    Location,
    Medicine,
    Plan,
    PregnancyStatus,
    ProposedMedication,
    Result,
    Severity,
    Sex,
    StoppedFor,
    TreatmentResponse,
    VerificationStatus,
)

LONGEST_NAME = 500
LONGEST_CODE = 60
MOST_WEEKS = 5_200
MOST_ITEMS = 100
LARGEST_TOTAL = 1_000
NOT_ANSWERED = -1

FactRequest: TypeAlias = (
    pb.EnrollPatientRequest
    | pb.RecordHistoryRequest
    | pb.ReconcileMedicationsRequest
    | pb.RecordAllergiesRequest
    | pb.RecordPregnancyRequest
    | pb.RecordResultsRequest
    | pb.AnswerScaleRequest
    | pb.RecordScaleTotalRequest
    | pb.EstablishDiagnosisRequest
    | pb.ProposePlanRequest
    | pb.CompleteAssessmentRequest
    | pb.AmendAssessmentRequest
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Of whom, by whom, and under which request id something is asked."""

    patient: PatientId
    request: Request
    call: Call


class _Fact(TypedDict):
    fact_id: FactId
    occurred_at: datetime
    now: datetime


def asked(request: FactRequest | pb.MarkEnteredInErrorRequest) -> Asked:
    return Asked(fields.patient_id(request.patient_id), request_for(request), current_call())


def _fact(request: FactRequest, by: Asked) -> _Fact:
    """A repeat of the request names the same fact."""
    fact_id = FactId(derived_id("assessment", "fact", by.patient, by.request.request_id))
    occurred_at = fields.moment(request.occurred_at, given=request.HasField("occurred_at"), now=by.call.now)
    return _Fact(fact_id=fact_id, occurred_at=occurred_at, now=by.call.now)


def enroll_patient(request: pb.EnrollPatientRequest, by: Asked) -> commands.EnrollPatient:
    return commands.EnrollPatient(
        **_fact(request, by),
        name=fields.text(request.name, "name", longest=LONGEST_NAME),
        birth_date=fields.day(request.birth_date, "birth_date"),
        sex=fields.coded(request.sex, Sex, "sex"),
        phone=fields.optional_text(request.phone, "phone", longest=LONGEST_CODE),
        email=fields.optional_text(request.email, "email", longest=LONGEST_NAME),
        emergency_contact=_emergency_contact(request),
        location=_location(request),
        time_zone=fields.optional_text(request.time_zone, "time_zone", longest=LONGEST_CODE) or "UTC",
    )


def _emergency_contact(request: pb.EnrollPatientRequest) -> EmergencyContact | None:
    if not request.HasField("emergency_contact"):
        return None
    contact = request.emergency_contact
    return EmergencyContact(
        name=fields.text(contact.name, "emergency_contact.name", longest=LONGEST_NAME),
        relationship=fields.optional_text(contact.relationship, "emergency_contact.relationship", longest=LONGEST_NAME),
        phone=fields.text(contact.phone, "emergency_contact.phone", longest=LONGEST_CODE),
    )


def _location(request: pb.EnrollPatientRequest) -> Location | None:
    if not request.HasField("location"):
        return None
    place = request.location
    return Location(
        address=fields.text(place.address, "location.address", longest=LONGEST_NAME),
        emergency_department=fields.optional_text(
            place.emergency_department, "location.emergency_department", longest=LONGEST_NAME
        ),
        emergency_department_phone=fields.optional_text(
            place.emergency_department_phone, "location.emergency_department_phone", longest=LONGEST_CODE
        ),
    )


def record_history(request: pb.RecordHistoryRequest, by: Asked) -> commands.RecordHistory:
    return commands.RecordHistory(
        **_fact(request, by),
        conditions=tuple(
            _condition(condition, f"conditions[{index}]") for index, condition in enumerate(request.conditions)
        ),
        earlier_treatments=tuple(
            _earlier_treatment(treatment, f"earlier_treatments[{index}]")
            for index, treatment in enumerate(request.earlier_treatments)
        ),
        nothing_known=request.nothing_known,
        source=_source(request.source),
    )


def _condition(condition: pb.Condition, path: str) -> Condition:
    coding = Coding(
        system=fields.text(condition.coding.system, f"{path}.coding.system", longest=LONGEST_CODE),
        code=fields.text(condition.coding.code, f"{path}.coding.code", longest=LONGEST_CODE),
        display=fields.optional_text(condition.coding.display, f"{path}.coding.display", longest=LONGEST_NAME),
    )
    return Condition(
        coding=coding,
        clinical_status=fields.text(condition.clinical_status, f"{path}.clinical_status", longest=LONGEST_CODE),
        onset=fields.optional_day(condition.onset, f"{path}.onset"),
    )


def _earlier_treatment(treatment: pb.EarlierTreatment, path: str) -> EarlierTreatment:
    weeks = fields.whole(treatment.weeks, f"{path}.weeks", least=0, most=MOST_WEEKS)
    return EarlierTreatment(
        medicine=_medicine(treatment.medicine, f"{path}.medicine"),
        daily_dose_mg=fields.optional_amount(treatment.daily_dose_mg, f"{path}.daily_dose_mg"),
        weeks=weeks if treatment.HasField("weeks") else None,
        response=fields.coded(treatment.response, TreatmentResponse, f"{path}.response"),
        side_effects=_texts(treatment.side_effects, f"{path}.side_effects"),
        stopped_for=fields.coded(treatment.stopped_for, StoppedFor, f"{path}.stopped_for"),
    )


def reconcile_medications(request: pb.ReconcileMedicationsRequest, by: Asked) -> commands.ReconcileMedications:
    return commands.ReconcileMedications(
        **_fact(request, by),
        medications=tuple(
            _medication(medication, f"medications[{index}]") for index, medication in enumerate(request.medications)
        ),
        none_taken=request.none_taken,
    )


def _medication(medication: pb.CurrentMedication, path: str) -> CurrentMedication:
    return CurrentMedication(
        medicine=_medicine(medication.medicine, f"{path}.medicine"),
        daily_dose_mg=fields.optional_amount(medication.daily_dose_mg, f"{path}.daily_dose_mg"),
        started_on=fields.optional_day(medication.started_on, f"{path}.started_on"),
        stopped_on=fields.optional_day(medication.stopped_on, f"{path}.stopped_on"),
        source=_source(medication.source, f"{path}.source"),
    )


def record_allergies(request: pb.RecordAllergiesRequest, by: Asked) -> commands.RecordAllergies:
    return commands.RecordAllergies(
        **_fact(request, by),
        allergies=tuple(_allergy(allergy, f"allergies[{index}]") for index, allergy in enumerate(request.allergies)),
        no_known_allergies=request.no_known_allergies,
    )


def _allergy(allergy: pb.Allergy, path: str) -> Allergy:
    return Allergy(
        substance=_medicine(allergy.substance, f"{path}.substance"),
        type=fields.coded(allergy.type, AllergyType, f"{path}.type"),
        criticality=fields.coded(allergy.criticality, Criticality, f"{path}.criticality"),
        reaction=fields.optional_text(allergy.reaction, f"{path}.reaction", longest=LONGEST_NAME),
    )


def record_pregnancy(request: pb.RecordPregnancyRequest, by: Asked) -> commands.RecordPregnancy:
    return commands.RecordPregnancy(
        **_fact(request, by),
        status=fields.coded(request.status, PregnancyStatus, "status"),
        source=_source(request.source),
    )


def record_results(request: pb.RecordResultsRequest, by: Asked) -> commands.RecordResults:
    return commands.RecordResults(
        **_fact(request, by),
        results=tuple(_result(result, f"results[{index}]") for index, result in enumerate(request.results)),
        none_known=request.none_known,
        source=_source(request.source),
    )


def _result(result: pb.Result, path: str) -> Result:
    return Result(
        loinc=fields.text(result.loinc, f"{path}.loinc", longest=LONGEST_CODE),
        value=fields.amount(result.value, f"{path}.value"),
        unit=fields.optional_text(result.unit, f"{path}.unit", longest=LONGEST_CODE),
        on=fields.day(result.on, f"{path}.on"),
        display=fields.optional_text(result.display, f"{path}.display", longest=LONGEST_NAME),
    )


def answer_scale(request: pb.AnswerScaleRequest, by: Asked) -> commands.AnswerScale:
    answers = (
        fields.whole(answer, f"items[{index}]", least=NOT_ANSWERED, most=MOST_ITEMS)
        for index, answer in enumerate(request.items)
    )
    return commands.AnswerScale(
        **_fact(request, by),
        instrument=_instrument(request.instrument),
        items=tuple(None if answer == NOT_ANSWERED else answer for answer in answers),
        source=_source(request.source),
        actor=by.call.subject,
    )


def record_scale_total(request: pb.RecordScaleTotalRequest, by: Asked) -> commands.RecordScaleTotal:
    return commands.RecordScaleTotal(
        **_fact(request, by),
        instrument=_instrument(request.instrument),
        total=fields.whole(request.total, "total", least=0, most=LARGEST_TOTAL),
        source=_source(request.source),
        actor=by.call.subject,
    )


def establish_diagnosis(request: pb.EstablishDiagnosisRequest, by: Asked) -> commands.EstablishDiagnosis:
    return commands.EstablishDiagnosis(
        **_fact(request, by),
        icd10=fields.text(request.icd10, "icd10", longest=LONGEST_CODE),
        display=fields.optional_text(request.display, "display", longest=LONGEST_NAME),
        severity=fields.coded(request.severity, Severity, "severity"),
        verification=fields.coded(request.verification, VerificationStatus, "verification"),
    )


def propose_plan(request: pb.ProposePlanRequest, by: Asked) -> commands.ProposePlan:
    medications = tuple(
        ProposedMedication(
            medicine=_medicine(proposed.medicine, f"plan.medications[{index}].medicine"),
            daily_dose_mg=fields.optional_amount(proposed.daily_dose_mg, f"plan.medications[{index}].daily_dose_mg"),
        )
        for index, proposed in enumerate(request.plan.medications)
    )
    plan = Plan(
        medications=medications,
        therapies=_texts(request.plan.therapies, "plan.therapies"),
        goals=_texts(request.plan.goals, "plan.goals"),
    )
    return commands.ProposePlan(**_fact(request, by), plan=plan)


def complete_assessment(request: pb.CompleteAssessmentRequest, by: Asked) -> commands.CompleteAssessment:
    return commands.CompleteAssessment(**_fact(request, by), actor=by.call.subject, credential=by.call.credential)


def amend_assessment(request: pb.AmendAssessmentRequest, by: Asked) -> commands.AmendAssessment:
    return commands.AmendAssessment(
        **_fact(request, by),
        actor=by.call.subject,
        credential=by.call.credential,
        reason=fields.text(request.reason, "reason"),
    )


def mark_entered_in_error(request: pb.MarkEnteredInErrorRequest, by: Asked) -> commands.MarkEnteredInError:
    return commands.MarkEnteredInError(
        fact_id=fields.fact_id(request.fact_id),
        reason=fields.text(request.reason, "reason"),
        actor=by.call.subject,
        now=by.call.now,
    )


def _medicine(medicine: common_pb2.Medicine, path: str) -> Medicine:
    return Medicine(
        name=fields.text(medicine.name, f"{path}.name", longest=LONGEST_NAME),
        rxcui=fields.optional_text(medicine.rxcui, f"{path}.rxcui", longest=20),
    )


def _instrument(value: str) -> str:
    return fields.text(value, "instrument", longest=LONGEST_CODE)


def _source(value: str, path: str = "source") -> str:
    return fields.text(value, path, longest=200)


def _texts(values: Sequence[str], path: str) -> tuple[str, ...]:
    return tuple(fields.text(value, f"{path}[{index}]", longest=LONGEST_NAME) for index, value in enumerate(values))
