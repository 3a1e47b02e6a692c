"""Monitoring over gRPC: requests become commands, outcomes become answers."""

import grpc
from care.monitoring.v1 import monitoring_pb2 as pb
from care.monitoring.v1 import monitoring_pb2_grpc

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.call import current_call, request_for
from careloop.chassis.calls.receipts import Receipts
from services.monitoring.application import Monitoring
from services.monitoring.domain import doses, entered_in_error, scales, side_effects
from services.monitoring.domain.codes import ReporterKind, SideEffectOutcome
from services.monitoring.domain.events import ScaleScored, SideEffectReported
from services.monitoring.grpc_api import answers, reading

Context = grpc.aio.ServicerContext


class MonitoringApi(monitoring_pb2_grpc.MonitoringServiceServicer):
    """The RPCs of `care.monitoring.v1`."""

    def __init__(self, service: Monitoring, partitions: int) -> None:
        self._service = service
        self._receipts = Receipts("monitoring", partitions)

    def add_to(self, server: grpc.aio.Server) -> None:
        monitoring_pb2_grpc.add_MonitoringServiceServicer_to_server(self, server)

    async def ReportSideEffect(  # noqa: N802
        self,
        request: pb.ReportSideEffectRequest,
        context: Context[pb.ReportSideEffectRequest, pb.ReportSideEffectResponse],
    ) -> pb.ReportSideEffectResponse:
        patient_id, asked, call = fields.patient_id(request.patient_id), request_for(request), current_call()
        command = side_effects.ReportSideEffect(
            fact_id=self._receipts.fact_id(patient_id, asked),
            symptom=fields.text(request.symptom, "symptom", longest=500),
            own_words=fields.optional_text(request.own_words, "own_words"),
            ctcae_grade=request.ctcae_grade if request.HasField("ctcae_grade") else None,
            fibser_frequency=request.fibser_frequency if request.HasField("fibser_frequency") else None,
            fibser_intensity=request.fibser_intensity if request.HasField("fibser_intensity") else None,
            fibser_burden=request.fibser_burden if request.HasField("fibser_burden") else None,
            suspected_medicine=reading.suspected_medicine(request),
            reporter=ReporterKind.CLIENT if call.role == "client" else ReporterKind.CLINICIAN,
            actor=call.subject,
            occurred_at=fields.moment(request.occurred_at, given=request.HasField("occurred_at"), now=call.now),
            now=call.now,
        )
        done = await self._service.report_side_effect(patient_id, asked, command)
        reported = answers.only(done, SideEffectReported)
        return pb.ReportSideEffectResponse(
            receipt=self._receipts.of(patient_id, done),
            fact_id=str(reported.fact_id),
            triage=answers.triage(reported.triage),
        )

    async def ResolveSideEffect(  # noqa: N802
        self,
        request: pb.ResolveSideEffectRequest,
        context: Context[pb.ResolveSideEffectRequest, pb.ResolveSideEffectResponse],
    ) -> pb.ResolveSideEffectResponse:
        patient_id, asked, call = fields.patient_id(request.patient_id), request_for(request), current_call()
        command = side_effects.ResolveSideEffect(
            fact_id=self._receipts.fact_id(patient_id, asked),
            side_effect=fields.fact_id(request.side_effect_id, "side_effect_id"),
            outcome=fields.coded(request.outcome, SideEffectOutcome, "outcome"),
            action_taken=fields.text(request.action_taken, "action_taken"),
            actor=call.subject,
            occurred_at=fields.moment(request.occurred_at, given=request.HasField("occurred_at"), now=call.now),
            now=call.now,
        )
        done = await self._service.resolve_side_effect(patient_id, asked, command)
        return pb.ResolveSideEffectResponse(receipt=self._receipts.of(patient_id, done), fact_id=str(command.fact_id))

    async def AnswerScale(  # noqa: N802
        self, request: pb.AnswerScaleRequest, context: Context[pb.AnswerScaleRequest, pb.AnswerScaleResponse]
    ) -> pb.AnswerScaleResponse:
        patient_id, asked, call = fields.patient_id(request.patient_id), request_for(request), current_call()
        command = scales.AnswerScale(
            fact_id=self._receipts.fact_id(patient_id, asked),
            instrument=fields.text(request.instrument, "instrument", longest=50),
            items=reading.items(request),
            source=fields.text(request.source or call.role, "source", longest=100),
            actor=call.subject,
            occurred_at=fields.moment(request.occurred_at, given=request.HasField("occurred_at"), now=call.now),
            now=call.now,
        )
        done = await self._service.answer_scale(patient_id, asked, command)
        return pb.AnswerScaleResponse(
            receipt=self._receipts.of(patient_id, done),
            scale=answers.scale(answers.only(done, ScaleScored)),
            risk=answers.risk(done),
        )

    async def RecordDose(  # noqa: N802
        self, request: pb.RecordDoseRequest, context: Context[pb.RecordDoseRequest, pb.RecordDoseResponse]
    ) -> pb.RecordDoseResponse:
        patient_id, asked, call = fields.patient_id(request.patient_id), request_for(request), current_call()
        prescription = request.prescription_id
        command = doses.RecordDose(
            fact_id=self._receipts.fact_id(patient_id, asked),
            medicine=reading.medicine(request.medicine, "medicine"),
            prescription=fields.fact_id(prescription, "prescription_id") if prescription else None,
            status=reading.dose_status(request.status),
            reason=fields.optional_text(request.reason, "reason"),
            actor=call.subject,
            occurred_at=fields.moment(request.occurred_at, given=request.HasField("occurred_at"), now=call.now),
            now=call.now,
        )
        done = await self._service.record_dose(patient_id, asked, command)
        return pb.RecordDoseResponse(receipt=self._receipts.of(patient_id, done), fact_id=str(command.fact_id))

    async def MarkEnteredInError(  # noqa: N802
        self,
        request: pb.MarkEnteredInErrorRequest,
        context: Context[pb.MarkEnteredInErrorRequest, pb.MarkEnteredInErrorResponse],
    ) -> pb.MarkEnteredInErrorResponse:
        patient_id, asked, call = fields.patient_id(request.patient_id), request_for(request), current_call()
        command = entered_in_error.MarkEnteredInError(
            fact_id=fields.fact_id(request.fact_id),
            reason=fields.text(request.reason, "reason"),
            actor=call.subject,
            now=call.now,
        )
        done = await self._service.mark_entered_in_error(patient_id, asked, command)
        return pb.MarkEnteredInErrorResponse(receipt=self._receipts.of(patient_id, done))
