"""Requests of `care.assessment.v1` as commands: what is well formed comes back typed, anything else is refused."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, TypedDict

from care.assessment.v1 import assessment_pb2 as pb

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.call import Call, current_call, request_for
from careloop.kernel.events import Request
from careloop.kernel.ids import FactId, PatientId, derived_id
from services.assessment.domain.allergies import RecordAllergies
from services.assessment.domain.codes import PregnancyStatus, Severity, Sex, VerificationStatus
from services.assessment.domain.completion import AmendAssessment, CompleteAssessment
from services.assessment.domain.details import Plan, ProposedMedication
from services.assessment.domain.diagnoses import EstablishDiagnosis
from services.assessment.domain.enrolment import EnrollPatient
from services.assessment.domain.entered_in_error import MarkEnteredInError
from services.assessment.domain.history import RecordHistory
from services.assessment.domain.medications import ReconcileMedications
from services.assessment.domain.plans import ProposePlan
from services.assessment.domain.pregnancy import RecordPregnancy
from services.assessment.domain.results import RecordResults
from services.assessment.domain.scales import AnswerScale, RecordScaleTotal
from services.assessment.grpc_api import details
from services.assessment.grpc_api.details import LONGEST_CODE, LONGEST_NAME

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
class PatientCall:
    """Of whom, by whom, and under which request id something is asked."""

    patient: PatientId
    request: Request
    call: Call


class _Fact(TypedDict):
    fact_id: FactId
    occurred_at: datetime
    now: datetime


def patient_call(request: FactRequest | pb.MarkEnteredInErrorRequest) -> PatientCall:
    return PatientCall(fields.patient_id(request.patient_id), request_for(request), current_call())


def _fact(request: FactRequest, by: PatientCall) -> _Fact:
    """A repeat of the request names the same fact."""
    fact_id = FactId(derived_id("assessment", "fact", by.patient, by.request.request_id))
    occurred_at = fields.moment(request.occurred_at, given=request.HasField("occurred_at"), now=by.call.now)
    return _Fact(fact_id=fact_id, occurred_at=occurred_at, now=by.call.now)


def enroll_patient(request: pb.EnrollPatientRequest, by: PatientCall) -> EnrollPatient:
    return EnrollPatient(
        **_fact(request, by),
        name=fields.text(request.name, "name", longest=LONGEST_NAME),
        birth_date=fields.day(request.birth_date, "birth_date"),
        sex=fields.coded(request.sex, Sex, "sex"),
        phone=fields.optional_text(request.phone, "phone", longest=LONGEST_CODE),
        email=fields.optional_text(request.email, "email", longest=LONGEST_NAME),
        emergency_contact=details.emergency_contact(request),
        location=details.location(request),
        time_zone=fields.optional_text(request.time_zone, "time_zone", longest=LONGEST_CODE) or "UTC",
    )


def record_history(request: pb.RecordHistoryRequest, by: PatientCall) -> RecordHistory:
    return RecordHistory(
        **_fact(request, by),
        conditions=tuple(
            details.condition(condition, f"conditions[{index}]") for index, condition in enumerate(request.conditions)
        ),
        earlier_treatments=tuple(
            details.earlier_treatment(treatment, f"earlier_treatments[{index}]")
            for index, treatment in enumerate(request.earlier_treatments)
        ),
        nothing_known=request.nothing_known,
        source=details.source(request.source),
    )


def reconcile_medications(request: pb.ReconcileMedicationsRequest, by: PatientCall) -> ReconcileMedications:
    return ReconcileMedications(
        **_fact(request, by),
        medications=tuple(
            details.medication(medication, f"medications[{index}]")
            for index, medication in enumerate(request.medications)
        ),
        none_taken=request.none_taken,
    )


def record_allergies(request: pb.RecordAllergiesRequest, by: PatientCall) -> RecordAllergies:
    return RecordAllergies(
        **_fact(request, by),
        allergies=tuple(
            details.allergy(allergy, f"allergies[{index}]") for index, allergy in enumerate(request.allergies)
        ),
        no_known_allergies=request.no_known_allergies,
    )


def record_pregnancy(request: pb.RecordPregnancyRequest, by: PatientCall) -> RecordPregnancy:
    return RecordPregnancy(
        **_fact(request, by),
        status=fields.coded(request.status, PregnancyStatus, "status"),
        source=details.source(request.source),
    )


def record_results(request: pb.RecordResultsRequest, by: PatientCall) -> RecordResults:
    return RecordResults(
        **_fact(request, by),
        results=tuple(details.result(result, f"results[{index}]") for index, result in enumerate(request.results)),
        none_known=request.none_known,
        source=details.source(request.source),
    )


def answer_scale(request: pb.AnswerScaleRequest, by: PatientCall) -> AnswerScale:
    answers = (
        fields.whole(answer, f"items[{index}]", least=NOT_ANSWERED, most=MOST_ITEMS)
        for index, answer in enumerate(request.items)
    )
    return AnswerScale(
        **_fact(request, by),
        instrument=_instrument(request.instrument),
        items=tuple(None if answer == NOT_ANSWERED else answer for answer in answers),
        source=details.source(request.source),
        actor=by.call.subject,
    )


def record_scale_total(request: pb.RecordScaleTotalRequest, by: PatientCall) -> RecordScaleTotal:
    return RecordScaleTotal(
        **_fact(request, by),
        instrument=_instrument(request.instrument),
        total=fields.whole(request.total, "total", least=0, most=LARGEST_TOTAL),
        source=details.source(request.source),
        actor=by.call.subject,
    )


def establish_diagnosis(request: pb.EstablishDiagnosisRequest, by: PatientCall) -> EstablishDiagnosis:
    return EstablishDiagnosis(
        **_fact(request, by),
        icd10=fields.text(request.icd10, "icd10", longest=LONGEST_CODE),
        display=fields.optional_text(request.display, "display", longest=LONGEST_NAME),
        severity=fields.coded(request.severity, Severity, "severity"),
        verification=fields.coded(request.verification, VerificationStatus, "verification"),
    )


def propose_plan(request: pb.ProposePlanRequest, by: PatientCall) -> ProposePlan:
    medications = tuple(
        ProposedMedication(
            medicine=details.medicine(proposed.medicine, f"plan.medications[{index}].medicine"),
            daily_dose_mg=fields.optional_amount(proposed.daily_dose_mg, f"plan.medications[{index}].daily_dose_mg"),
        )
        for index, proposed in enumerate(request.plan.medications)
    )
    plan = Plan(
        medications=medications,
        therapies=details.texts(request.plan.therapies, "plan.therapies"),
        goals=details.texts(request.plan.goals, "plan.goals"),
    )
    return ProposePlan(**_fact(request, by), plan=plan)


def complete_assessment(request: pb.CompleteAssessmentRequest, by: PatientCall) -> CompleteAssessment:
    return CompleteAssessment(**_fact(request, by), actor=by.call.subject, credential=by.call.credential)


def amend_assessment(request: pb.AmendAssessmentRequest, by: PatientCall) -> AmendAssessment:
    return AmendAssessment(
        **_fact(request, by),
        actor=by.call.subject,
        credential=by.call.credential,
        reason=fields.text(request.reason, "reason"),
    )


def mark_entered_in_error(request: pb.MarkEnteredInErrorRequest, by: PatientCall) -> MarkEnteredInError:
    return MarkEnteredInError(
        fact_id=fields.fact_id(request.fact_id),
        reason=fields.text(request.reason, "reason"),
        actor=by.call.subject,
        now=by.call.now,
    )


def _instrument(value: str) -> str:
    return fields.text(value, "instrument", longest=LONGEST_CODE)
