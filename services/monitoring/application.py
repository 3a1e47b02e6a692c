"""Monitoring's use cases: one command each, decided on the newest state and stored once."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from careloop.chassis.commands.streams import Done, Streams
from careloop.kernel.events import Request
from careloop.kernel.ids import PatientId
from services.monitoring.domain import doses, entered_in_error, scales, side_effects
from services.monitoring.domain.doses import RecordDose
from services.monitoring.domain.entered_in_error import MarkEnteredInError
from services.monitoring.domain.events import Event
from services.monitoring.domain.scales import AnswerScale
from services.monitoring.domain.side_effects import ReportSideEffect, ResolveSideEffect
from services.monitoring.domain.state import Watch

Command = TypeVar("Command")


class Monitoring:
    """Each method answers what was stored, and for a repeat what was stored the first time."""

    def __init__(self, streams: Streams[Watch, Event]) -> None:
        self._streams = streams

    async def report_side_effect(
        self, patient_id: PatientId, request: Request, command: ReportSideEffect
    ) -> Done[Event]:
        return await self._decide(patient_id, request, side_effects.report_side_effect, command)

    async def resolve_side_effect(
        self, patient_id: PatientId, request: Request, command: ResolveSideEffect
    ) -> Done[Event]:
        return await self._decide(patient_id, request, side_effects.resolve_side_effect, command)

    async def answer_scale(self, patient_id: PatientId, request: Request, command: AnswerScale) -> Done[Event]:
        return await self._decide(patient_id, request, scales.answer_scale, command)

    async def record_dose(self, patient_id: PatientId, request: Request, command: RecordDose) -> Done[Event]:
        return await self._decide(patient_id, request, doses.record_dose, command)

    async def mark_entered_in_error(
        self, patient_id: PatientId, request: Request, command: MarkEnteredInError
    ) -> Done[Event]:
        return await self._decide(patient_id, request, entered_in_error.mark_entered_in_error, command)

    async def _decide(
        self,
        patient_id: PatientId,
        request: Request,
        decide: Callable[[Command, Watch], Sequence[Event]],
        command: Command,
    ) -> Done[Event]:
        return await self._streams.transact(patient_id, request, lambda watch: decide(command, watch))
