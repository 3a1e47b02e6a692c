"""Assessment over gRPC: requests become commands, outcomes become answers."""

import grpc
from care.assessment.v1 import assessment_pb2 as pb
from care.assessment.v1 import assessment_pb2_grpc

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.call import current_call
from careloop.chassis.calls.receipts import Receipts
from services.assessment.application import AssessmentService
from services.assessment.domain.events import AssessmentAmended, AssessmentCompleted
from services.assessment.grpc_api import answers, reading

Context = grpc.aio.ServicerContext


class AssessmentApi(assessment_pb2_grpc.AssessmentServiceServicer):
    """The RPCs of `care.assessment.v1`."""

    def __init__(self, service: AssessmentService, partitions: int) -> None:
        self._service = service
        self._receipts = Receipts("assessment", partitions)

    def add_to(self, server: grpc.aio.Server) -> None:
        assessment_pb2_grpc.add_AssessmentServiceServicer_to_server(self, server)

    async def EnrollPatient(  # noqa: N802
        self, request: pb.EnrollPatientRequest, context: Context[pb.EnrollPatientRequest, pb.EnrollPatientResponse]
    ) -> pb.EnrollPatientResponse:
        by = reading.patient_call(request)
        command = reading.enroll_patient(request, by)
        done = await self._service.enroll_patient(by.patient, by.request, command)
        return pb.EnrollPatientResponse(
            receipt=self._receipts.of(by.patient, done), fact_id=answers.fact_id(done.events)
        )

    async def RecordHistory(  # noqa: N802
        self, request: pb.RecordHistoryRequest, context: Context[pb.RecordHistoryRequest, pb.RecordHistoryResponse]
    ) -> pb.RecordHistoryResponse:
        by = reading.patient_call(request)
        command = reading.record_history(request, by)
        done = await self._service.record_history(by.patient, by.request, command)
        return pb.RecordHistoryResponse(
            receipt=self._receipts.of(by.patient, done), fact_id=answers.fact_id(done.events)
        )

    async def ReconcileMedications(  # noqa: N802
        self,
        request: pb.ReconcileMedicationsRequest,
        context: Context[pb.ReconcileMedicationsRequest, pb.ReconcileMedicationsResponse],
    ) -> pb.ReconcileMedicationsResponse:
        by = reading.patient_call(request)
        command = reading.reconcile_medications(request, by)
        done = await self._service.reconcile_medications(by.patient, by.request, command)
        return pb.ReconcileMedicationsResponse(
            receipt=self._receipts.of(by.patient, done), fact_id=answers.fact_id(done.events)
        )

    async def RecordAllergies(  # noqa: N802
        self,
        request: pb.RecordAllergiesRequest,
        context: Context[pb.RecordAllergiesRequest, pb.RecordAllergiesResponse],
    ) -> pb.RecordAllergiesResponse:
        by = reading.patient_call(request)
        command = reading.record_allergies(request, by)
        done = await self._service.record_allergies(by.patient, by.request, command)
        return pb.RecordAllergiesResponse(
            receipt=self._receipts.of(by.patient, done), fact_id=answers.fact_id(done.events)
        )

    async def RecordPregnancy(  # noqa: N802
        self,
        request: pb.RecordPregnancyRequest,
        context: Context[pb.RecordPregnancyRequest, pb.RecordPregnancyResponse],
    ) -> pb.RecordPregnancyResponse:
        by = reading.patient_call(request)
        command = reading.record_pregnancy(request, by)
        done = await self._service.record_pregnancy(by.patient, by.request, command)
        return pb.RecordPregnancyResponse(
            receipt=self._receipts.of(by.patient, done), fact_id=answers.fact_id(done.events)
        )

    async def RecordResults(  # noqa: N802
        self,
        request: pb.RecordResultsRequest,
        context: Context[pb.RecordResultsRequest, pb.RecordResultsResponse],
    ) -> pb.RecordResultsResponse:
        by = reading.patient_call(request)
        command = reading.record_results(request, by)
        done = await self._service.record_results(by.patient, by.request, command)
        return pb.RecordResultsResponse(
            receipt=self._receipts.of(by.patient, done), fact_id=answers.fact_id(done.events)
        )

    async def AnswerScale(  # noqa: N802
        self, request: pb.AnswerScaleRequest, context: Context[pb.AnswerScaleRequest, pb.AnswerScaleResponse]
    ) -> pb.AnswerScaleResponse:
        by = reading.patient_call(request)
        command = reading.answer_scale(request, by)
        done = await self._service.answer_scale(by.patient, by.request, command)
        return pb.AnswerScaleResponse(
            receipt=self._receipts.of(by.patient, done),
            result=answers.scale_result(done.events),
            risk=answers.risk(done.events),
        )

    async def RecordScaleTotal(  # noqa: N802
        self,
        request: pb.RecordScaleTotalRequest,
        context: Context[pb.RecordScaleTotalRequest, pb.RecordScaleTotalResponse],
    ) -> pb.RecordScaleTotalResponse:
        by = reading.patient_call(request)
        command = reading.record_scale_total(request, by)
        done = await self._service.record_scale_total(by.patient, by.request, command)
        return pb.RecordScaleTotalResponse(
            receipt=self._receipts.of(by.patient, done), result=answers.scale_result(done.events)
        )

    async def EstablishDiagnosis(  # noqa: N802
        self,
        request: pb.EstablishDiagnosisRequest,
        context: Context[pb.EstablishDiagnosisRequest, pb.EstablishDiagnosisResponse],
    ) -> pb.EstablishDiagnosisResponse:
        by = reading.patient_call(request)
        command = reading.establish_diagnosis(request, by)
        done = await self._service.establish_diagnosis(by.patient, by.request, command)
        return pb.EstablishDiagnosisResponse(
            receipt=self._receipts.of(by.patient, done), fact_id=answers.fact_id(done.events)
        )

    async def ProposePlan(  # noqa: N802
        self, request: pb.ProposePlanRequest, context: Context[pb.ProposePlanRequest, pb.ProposePlanResponse]
    ) -> pb.ProposePlanResponse:
        by = reading.patient_call(request)
        command = reading.propose_plan(request, by)
        done = await self._service.propose_plan(by.patient, by.request, command)
        return pb.ProposePlanResponse(receipt=self._receipts.of(by.patient, done), fact_id=answers.fact_id(done.events))

    async def CompleteAssessment(  # noqa: N802
        self,
        request: pb.CompleteAssessmentRequest,
        context: Context[pb.CompleteAssessmentRequest, pb.CompleteAssessmentResponse],
    ) -> pb.CompleteAssessmentResponse:
        by = reading.patient_call(request)
        command = reading.complete_assessment(request, by)
        done = await self._service.complete_assessment(by.patient, by.request, command)
        said = answers.first(done.events, AssessmentCompleted)
        return pb.CompleteAssessmentResponse(
            receipt=self._receipts.of(by.patient, done),
            fact_id=answers.fact_id(done.events),
            diagnoses=said.diagnoses if said else (),
            suicide_risk=said.suicide_risk if said else "",
        )

    async def AmendAssessment(  # noqa: N802
        self,
        request: pb.AmendAssessmentRequest,
        context: Context[pb.AmendAssessmentRequest, pb.AmendAssessmentResponse],
    ) -> pb.AmendAssessmentResponse:
        by = reading.patient_call(request)
        command = reading.amend_assessment(request, by)
        done = await self._service.amend_assessment(by.patient, by.request, command)
        said = answers.first(done.events, AssessmentAmended)
        return pb.AmendAssessmentResponse(
            receipt=self._receipts.of(by.patient, done),
            fact_id=answers.fact_id(done.events),
            diagnoses=said.diagnoses if said else (),
            suicide_risk=said.suicide_risk if said else "",
        )

    async def MarkEnteredInError(  # noqa: N802
        self,
        request: pb.MarkEnteredInErrorRequest,
        context: Context[pb.MarkEnteredInErrorRequest, pb.MarkEnteredInErrorResponse],
    ) -> pb.MarkEnteredInErrorResponse:
        by = reading.patient_call(request)
        command = reading.mark_entered_in_error(request, by)
        done = await self._service.mark_entered_in_error(by.patient, by.request, command)
        return pb.MarkEnteredInErrorResponse(
            receipt=self._receipts.of(by.patient, done), struck=[str(event.fact_id) for event in done.events]
        )

    async def GetAssessment(  # noqa: N802
        self,
        request: pb.GetAssessmentRequest,
        context: Context[pb.GetAssessmentRequest, pb.GetAssessmentResponse],
    ) -> pb.GetAssessmentResponse:
        state = await self._service.get_assessment(fields.patient_id(request.patient_id))
        return answers.assessment(state, current_call().now)
