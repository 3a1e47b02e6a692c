"""Monitoring over gRPC: what is asked is read and answered as the commands and events say."""

import grpc.aio
from care.monitoring.v1 import monitoring_pb2 as pb
from care.monitoring.v1 import monitoring_pb2_grpc

from careloop.chassis.calls.writing import WritesApi, write
from careloop.kernel.commands import MarkEnteredInError
from services.monitoring.domain.doses import RecordDose
from services.monitoring.domain.risk_contacts import RecordRiskContact
from services.monitoring.domain.scales import AnswerScale
from services.monitoring.domain.side_effects import ReportSideEffect, ResolveSideEffect
from services.monitoring.grpc_api import answers


class MonitoringApi(WritesApi, monitoring_pb2_grpc.MonitoringServiceServicer):
    """The RPCs of `care.monitoring.v1`."""

    ReportSideEffect = write(ReportSideEffect, pb, answers.reported)
    ResolveSideEffect = write(ResolveSideEffect, pb)
    AnswerScale = write(AnswerScale, pb, answers.scored)
    RecordRiskContact = write(RecordRiskContact, pb, answers.contacted)
    RecordDose = write(RecordDose, pb, answers.dosed)
    MarkEnteredInError = write(MarkEnteredInError, pb)

    def add_to(self, server: grpc.aio.Server) -> None:
        monitoring_pb2_grpc.add_MonitoringServiceServicer_to_server(self, server)
