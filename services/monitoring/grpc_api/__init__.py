"""Monitoring over gRPC: what is asked is read and answered as the commands and events say."""

from typing import Any

import grpc.aio
from care.monitoring.v1 import monitoring_pb2 as pb
from care.monitoring.v1 import monitoring_pb2_grpc

from careloop.chassis.calls.writing import WritesApi, event_of, write
from careloop.chassis.commands.streams import Done
from careloop.chassis.commands.writes import Writes
from careloop.contracts.monitoring import DoseRecorded, SideEffectReported
from careloop.contracts.terms import RiskRaised
from careloop.kernel.commands import MarkEnteredInError
from careloop.kernel.ids import PatientId
from services.monitoring.domain.doses import RecordDose
from services.monitoring.domain.events import Event
from services.monitoring.domain.risk_contacts import RecordRiskContact
from services.monitoring.domain.scales import AnswerScale
from services.monitoring.domain.side_effects import ReportSideEffect, ResolveSideEffect
from services.monitoring.domain.state import Watch
from services.monitoring.domain.too_much import TookTooMuch
from services.monitoring.grpc_api import answers
from services.monitoring.grpc_api.helping import help_for_client, helped


async def help_with_side_effect(api: "MonitoringApi", patient_id: PatientId, done: Done[Any]) -> dict[str, Any]:
    found = event_of(done, SideEffectReported)
    text = f"{found.symptom}\n{found.own_words}" if found else ""
    return await helped(api, patient_id, found.triage if found else None, text, api.on_call_phone)


async def help_with_reason(api: "MonitoringApi", patient_id: PatientId, done: Done[Any]) -> dict[str, Any]:
    found = event_of(done, DoseRecorded)
    return await helped(
        api, patient_id, found.triage if found else None, found.reason if found else "", api.on_call_phone
    )


async def help_with_answer(api: "MonitoringApi", patient_id: PatientId, done: Done[Any]) -> dict[str, Any]:
    """An answer that raises a risk, whatever its level, is answered with whom to call."""
    if event_of(done, RiskRaised) is None:
        return {}
    return await help_for_client(api, patient_id, api.on_call_phone)


class MonitoringApi(WritesApi, monitoring_pb2_grpc.MonitoringServiceServicer):
    """The RPCs of `care.monitoring.v1`. Clients read `on_call_phone` in an emergency."""

    ReportSideEffect = write(ReportSideEffect, pb, answers.reported, awaited=help_with_side_effect)
    ResolveSideEffect = write(ResolveSideEffect, pb)
    AnswerScale = write(AnswerScale, pb, answers.scored, awaited=help_with_answer)
    RecordRiskContact = write(RecordRiskContact, pb, answers.contacted)
    RecordDose = write(RecordDose, pb, answers.dosed, awaited=help_with_reason)
    TookTooMuch = write(TookTooMuch, pb, answers.took_too_much)
    MarkEnteredInError = write(MarkEnteredInError, pb)

    def __init__(self, writes: Writes[Watch, Event], partitions: int, *, on_call_phone: str = "") -> None:
        super().__init__(writes, partitions)
        self.on_call_phone = on_call_phone

    def add_to(self, server: grpc.aio.Server) -> None:
        monitoring_pb2_grpc.add_MonitoringServiceServicer_to_server(self, server)
