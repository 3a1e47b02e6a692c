"""Prescribing over gRPC: what is asked is read and answered as the commands and events say."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc.aio
from care.prescribing.v1 import prescribing_pb2 as pb
from care.prescribing.v1 import prescribing_pb2_grpc

from careloop.chassis.calls import reading
from careloop.chassis.calls.call import current_call
from careloop.chassis.calls.requests import Incoming, RequestReader
from careloop.chassis.calls.writing import WritesApi, write
from careloop.chassis.commands.streams import Done
from careloop.chassis.commands.writes import Writes
from careloop.kernel.commands import MarkEnteredInError
from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import PatientId
from services.prescribing.application import Prescribing, ScreenOrder
from services.prescribing.domain.answering import AnswerConcern
from services.prescribing.domain.confirming import ConfirmStep
from services.prescribing.domain.declining import CheckedCommand
from services.prescribing.domain.discontinuing import DiscontinuePrescription
from services.prescribing.domain.dose_changes import ChangeDose
from services.prescribing.domain.dose_plans import DraftDosePlan
from services.prescribing.domain.holding import ChangeStep, HoldStep
from services.prescribing.domain.orders import IssuePrescription
from services.prescribing.domain.past import explanations
from services.prescribing.domain.plan_endings import EndDosePlan
from services.prescribing.domain.reconciliation import ResolveDiscrepancy
from services.prescribing.domain.signing import SignDosePlan
from services.prescribing.domain.supply import CountSupply
from services.prescribing.grpc_api import answers, plans
from services.prescribing.grpc_api.drafts import draft_message
from services.prescribing.grpc_api.past import decision_message, read_message
from services.prescribing.grpc_api.standing_check import run_standing_check
from services.prescribing.replay import PastDecisions
from services.prescribing.standing_checks import StandingChecks

QUERY = RequestReader(ScreenOrder, pb.ScreenOrderRequest)
DRAFT = RequestReader(DraftDosePlan, pb.DraftDosePlanRequest)


async def informed(api: "PrescribingApi", patient_id: PatientId, message: Any, command: CheckedCommand) -> Any:
    return await api.service.informed(patient_id, command, message.at_least)


async def explained(api: "PrescribingApi", patient_id: PatientId, done: Done[Any]) -> dict[str, Any]:
    """The answer that was stored, each alert explained on what was known then."""
    decided = answers.decided_in(done)
    screening = decided.capsule.screening
    past = await api.decisions.taken(patient_id, decided) if screening.alerts else None
    return {"screening": answers.screening_message(screening, explanations(past) if past else ())}


class PrescribingApi(WritesApi, prescribing_pb2_grpc.PrescribingServiceServicer):
    """The RPCs of `care.prescribing.v1`."""

    def __init__(
        self,
        writes: Writes[Any, Any],
        service: Prescribing,
        decisions: PastDecisions,
        checks: StandingChecks,
        partitions: int,
    ) -> None:
        super().__init__(writes, partitions)
        self.service = service
        self.decisions = decisions
        self.checks = checks

    IssuePrescription = write(IssuePrescription, pb, answers.ordered, prepare=informed, awaited=explained)
    ChangeDose = write(ChangeDose, pb, answers.decided, prepare=informed, awaited=explained)
    DiscontinuePrescription = write(DiscontinuePrescription, pb, answers.ended)
    SignDosePlan = write(SignDosePlan, pb, plans.signed, prepare=informed)
    ConfirmStep = write(ConfirmStep, pb, plans.confirmed, prepare=informed)
    HoldStep = write(HoldStep, pb, plans.held)
    ChangeStep = write(ChangeStep, pb, plans.changed)
    EndDosePlan = write(EndDosePlan, pb)
    CountSupply = write(CountSupply, pb)
    ResolveDiscrepancy = write(ResolveDiscrepancy, pb)
    AnswerConcern = write(AnswerConcern, pb, answers.concern_answered)
    MarkEnteredInError = write(MarkEnteredInError, pb)

    async def ScreenOrder(self, request: pb.ScreenOrderRequest, _context: Any) -> pb.ScreenOrderResponse:  # noqa: N802
        patient_id = reading.patient_id(request.patient_id)
        query = QUERY.read(request, Incoming(call=current_call()))
        answer = await self.service.screen_order(patient_id, query, request.at_least)
        return pb.ScreenOrderResponse(
            screening=answers.screening_message(answer.screening, answer.explanations),
            evidence=answers.evidence_messages(answer.freshness),
            missing=answer.missing,
        )

    async def DraftDosePlan(self, request: pb.DraftDosePlanRequest, _context: Any) -> pb.DraftDosePlanResponse:  # noqa: N802
        patient_id = reading.patient_id(request.patient_id)
        query = DRAFT.read(request, Incoming(call=current_call()))
        drafted, freshness = await self.service.draft_dose_plan(patient_id, query, request.at_least)
        return draft_message(drafted, answers.evidence_messages(freshness))

    async def GetDecisions(self, request: pb.GetDecisionsRequest, _context: Any) -> pb.GetDecisionsResponse:  # noqa: N802
        recorded = await self.decisions.of_patient(reading.patient_id(request.patient_id))
        return pb.GetDecisionsResponse(decisions=[decision_message(one, explanations(one.past)) for one in recorded])

    async def ReadDecisions(  # noqa: N802
        self, request: pb.ReadDecisionsRequest, _context: Any
    ) -> AsyncIterator[pb.ReadDecisionsResponse]:
        if request.after < 0:
            raise InvalidInput("out-of-range", "after is a position, 0 for the first.", field="after")
        async with aclosing(self.decisions.all(request.after)) as past:
            async for one in past:
                yield read_message(one)

    async def RunStandingCheck(  # noqa: N802
        self, request: pb.RunStandingCheckRequest, _context: Any
    ) -> AsyncIterator[pb.RunStandingCheckResponse]:
        async for answer in run_standing_check(self.checks, request, current_call()):
            yield answer

    def add_to(self, server: grpc.aio.Server) -> None:
        prescribing_pb2_grpc.add_PrescribingServiceServicer_to_server(self, server)
