"""Prescribing over gRPC: requests become commands, outcomes become answers."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import grpc
from care.prescribing.v1 import prescribing_pb2 as pb
from care.prescribing.v1 import prescribing_pb2_grpc

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.call import current_call, request_for
from careloop.chassis.calls.receipts import Receipts
from careloop.kernel.ids import PatientId
from services.prescribing.application import Prescribing
from services.prescribing.domain import discontinuing, dose_changes, entered_in_error, orders
from services.prescribing.domain.codes import StatusReason
from services.prescribing.domain.events import Decided
from services.prescribing.domain.past import explanations
from services.prescribing.grpc_api import answers, reading
from services.prescribing.grpc_api.past import decision_message, read_message
from services.prescribing.replay import PastDecisions

Context = grpc.aio.ServicerContext


class PrescribingApi(prescribing_pb2_grpc.PrescribingServiceServicer):
    """The RPCs of `care.prescribing.v1`."""

    def __init__(self, service: Prescribing, decisions: PastDecisions, partitions: int) -> None:
        self._service = service
        self._decisions = decisions
        self._receipts = Receipts("prescribing", partitions)

    def add_to(self, server: grpc.aio.Server) -> None:
        prescribing_pb2_grpc.add_PrescribingServiceServicer_to_server(self, server)

    async def ScreenOrder(  # noqa: N802
        self, request: pb.ScreenOrderRequest, context: Context[pb.ScreenOrderRequest, pb.ScreenOrderResponse]
    ) -> pb.ScreenOrderResponse:
        patient_id, now = fields.patient_id(request.patient_id), current_call().now
        order = reading.order(request.order, now)
        answer = await self._service.screen_order(patient_id, order, reading.tokens(request.at_least, patient_id), now)
        return pb.ScreenOrderResponse(
            screening=answers.screening_message(answer.screening, answer.explanations),
            evidence=answers.evidence_messages(answer.freshness),
        )

    async def IssuePrescription(  # noqa: N802
        self,
        request: pb.IssuePrescriptionRequest,
        context: Context[pb.IssuePrescriptionRequest, pb.IssuePrescriptionResponse],
    ) -> pb.IssuePrescriptionResponse:
        patient_id, asked, call = fields.patient_id(request.patient_id), request_for(request), current_call()
        command = orders.IssuePrescription(
            fact_id=self._receipts.fact_id(patient_id, asked),
            order=reading.order(request.order, call.now),
            overrides=reading.overrides(request.overrides),
            prescriber=call.subject,
            credential=call.credential,
            occurred_at=reading.occurred_at(request, call.now),
            now=call.now,
        )
        done = await self._service.issue_prescription(
            patient_id, asked, command, reading.tokens(request.at_least, patient_id)
        )
        decided = answers.decided_in(done)
        return pb.IssuePrescriptionResponse(
            receipt=self._receipts.of(patient_id, done),
            decision=answers.decision(decided),
            fact_id=str(decided.fact_id),
            reasons=answers.reasons(decided),
            screening=await self._explained(patient_id, decided),
        )

    async def ChangeDose(  # noqa: N802
        self, request: pb.ChangeDoseRequest, context: Context[pb.ChangeDoseRequest, pb.ChangeDoseResponse]
    ) -> pb.ChangeDoseResponse:
        patient_id, asked, call = fields.patient_id(request.patient_id), request_for(request), current_call()
        command = dose_changes.ChangeDose(
            fact_id=self._receipts.fact_id(patient_id, asked),
            prescription=fields.fact_id(request.prescription_id, "prescription_id"),
            daily_dose_mg=fields.amount(request.daily_dose_mg, "daily_dose_mg"),
            effective_on=fields.optional_day(request.effective_on, "effective_on") or call.now.date(),
            reason=fields.text(request.reason, "reason"),
            overrides=reading.overrides(request.overrides),
            prescriber=call.subject,
            credential=call.credential,
            occurred_at=reading.occurred_at(request, call.now),
            now=call.now,
        )
        done = await self._service.change_dose(patient_id, asked, command, reading.tokens(request.at_least, patient_id))
        decided = answers.decided_in(done)
        return pb.ChangeDoseResponse(
            receipt=self._receipts.of(patient_id, done),
            decision=answers.decision(decided),
            fact_id=str(decided.fact_id),
            reasons=answers.reasons(decided),
            screening=await self._explained(patient_id, decided),
        )

    async def _explained(self, patient_id: PatientId, decided: Decided) -> pb.Screening:
        """The answer that was stored, each alert explained on what was known then."""
        screening = decided.capsule.screening
        past = await self._decisions.taken(patient_id, decided) if screening.alerts else None
        return answers.screening_message(screening, explanations(past) if past else ())

    async def DiscontinuePrescription(  # noqa: N802
        self,
        request: pb.DiscontinuePrescriptionRequest,
        context: Context[pb.DiscontinuePrescriptionRequest, pb.DiscontinuePrescriptionResponse],
    ) -> pb.DiscontinuePrescriptionResponse:
        patient_id, asked, call = fields.patient_id(request.patient_id), request_for(request), current_call()
        command = discontinuing.DiscontinuePrescription(
            fact_id=self._receipts.fact_id(patient_id, asked),
            prescription=fields.fact_id(request.prescription_id, "prescription_id"),
            status_reason=fields.coded(request.status_reason, StatusReason, "status_reason"),
            stopped_on=fields.optional_day(request.stopped_on, "stopped_on") or call.now.date(),
            prescriber=call.subject,
            credential=call.credential,
            occurred_at=reading.occurred_at(request, call.now),
            now=call.now,
        )
        done = await self._service.discontinue_prescription(patient_id, asked, command)
        fact_id = str(command.fact_id) if done.events else ""
        return pb.DiscontinuePrescriptionResponse(receipt=self._receipts.of(patient_id, done), fact_id=fact_id)

    async def MarkEnteredInError(  # noqa: N802
        self,
        request: pb.MarkEnteredInErrorRequest,
        context: Context[pb.MarkEnteredInErrorRequest, pb.MarkEnteredInErrorResponse],
    ) -> pb.MarkEnteredInErrorResponse:
        patient_id, asked, call = fields.patient_id(request.patient_id), request_for(request), current_call()
        command = entered_in_error.MarkEnteredInError(
            fact_id=fields.fact_id(request.fact_id),
            reason=fields.text(request.reason, "reason"),
            marked_by=call.subject,
            now=call.now,
        )
        done = await self._service.mark_entered_in_error(patient_id, asked, command)
        return pb.MarkEnteredInErrorResponse(receipt=self._receipts.of(patient_id, done))

    async def GetDecisions(  # noqa: N802
        self, request: pb.GetDecisionsRequest, context: Context[pb.GetDecisionsRequest, pb.GetDecisionsResponse]
    ) -> pb.GetDecisionsResponse:
        recorded = await self._decisions.of_patient(fields.patient_id(request.patient_id))
        return pb.GetDecisionsResponse(decisions=[decision_message(one, explanations(one.past)) for one in recorded])

    async def ReadDecisions(  # noqa: N802
        self, request: pb.ReadDecisionsRequest, context: Context[pb.ReadDecisionsRequest, pb.ReadDecisionsResponse]
    ) -> AsyncIterator[pb.ReadDecisionsResponse]:
        async with aclosing(self._decisions.all()) as past:
            async for one in past:
                yield read_message(one)
