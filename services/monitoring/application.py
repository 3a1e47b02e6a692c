"""Monitoring's use cases: one command each, decided on the newest state and stored once."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from careloop.chassis.commands.streams import Done, Streams
from careloop.kernel.events import Request
from careloop.kernel.ids import PatientId
from services.monitoring.domain import reports
from services.monitoring.domain.events import Event
from services.monitoring.domain.watch import Watch

Command = TypeVar("Command")


class Monitoring:
    """Each method answers what was stored, and for a repeat what was stored the first time."""

    def __init__(self, streams: Streams[Watch, Event]) -> None:
        self._streams = streams

    async def report_side_effect(
        self, patient_id: PatientId, request: Request, command: reports.ReportSideEffect
    ) -> Done[Event]:
        return await self._decide(patient_id, request, reports.report_side_effect, command)

    async def resolve_side_effect(
        self, patient_id: PatientId, request: Request, command: reports.ResolveSideEffect
    ) -> Done[Event]:
        return await self._decide(patient_id, request, reports.resolve_side_effect, command)

    async def answer_scale(self, patient_id: PatientId, request: Request, command: reports.AnswerScale) -> Done[Event]:
        return await self._decide(patient_id, request, reports.answer_scale, command)

    async def record_dose(self, patient_id: PatientId, request: Request, command: reports.RecordDose) -> Done[Event]:
        return await self._decide(patient_id, request, reports.record_dose, command)

    async def mark_entered_in_error(
        self, patient_id: PatientId, request: Request, command: reports.MarkEnteredInError
    ) -> Done[Event]:
        return await self._decide(patient_id, request, reports.mark_entered_in_error, command)

    async def _decide(
        self,
        patient_id: PatientId,
        request: Request,
        decide: Callable[[Command, Watch], Sequence[Event]],
        command: Command,
    ) -> Done[Event]:
        return await self._streams.transact(patient_id, request, lambda watch: decide(command, watch))
