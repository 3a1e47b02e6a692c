"""Prescribing's use cases: wait for the evidence asked for, see how fresh it is, decide, store."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from careloop.chassis.commands.streams import Done, Streams
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.kernel.events import Request
from careloop.kernel.ids import PatientId
from careloop.knowledge.findings import Screening
from careloop.knowledge.screening.explaining import Explanation
from services.prescribing.domain import dose_changes, entered_in_error, orders
from services.prescribing.domain.discontinuing import DiscontinuePrescription, discontinue
from services.prescribing.domain.dose_changes import ChangeDose
from services.prescribing.domain.entered_in_error import MarkEnteredInError
from services.prescribing.domain.events import Event, Order
from services.prescribing.domain.orders import IssuePrescription
from services.prescribing.domain.screening import Freshness, explained, safety_check
from services.prescribing.domain.state import PrescriptionChart


class Evidence(Protocol):
    """How well this service is informed of one patient."""

    async def freshness(self, patient_id: PatientId, at_least: Sequence[ConsistencyToken], now: datetime) -> Freshness:
        """Waits for what the tokens name. Raises Unavailable if it does not come in time."""
        ...


@dataclass(frozen=True, slots=True)
class Screened:
    """The answer of the check, an explanation of each of its alerts, and how well informed it was."""

    screening: Screening
    explanations: tuple[Explanation, ...]
    freshness: Freshness


class Prescribing:
    """One method per use case; each answers what was stored, and for a repeat what was stored the first time."""

    def __init__(self, streams: Streams[PrescriptionChart, Event], evidence: Evidence) -> None:
        self._streams = streams
        self._evidence = evidence

    async def screen_order(
        self, patient_id: PatientId, order: Order, at_least: Sequence[ConsistencyToken], now: datetime
    ) -> Screened:
        """The safety check as IssuePrescription would run it now; stores nothing."""
        freshness = await self._evidence.freshness(patient_id, at_least, now)
        chart = (await self._streams.load(patient_id)).state
        screening = safety_check(chart, order, freshness, now.date())
        return Screened(screening, explained(chart, order, now.date(), screening), freshness)

    async def issue_prescription(
        self,
        patient_id: PatientId,
        request: Request,
        command: IssuePrescription,
        at_least: Sequence[ConsistencyToken],
    ) -> Done[Event]:
        freshness = await self._evidence.freshness(patient_id, at_least, request.now)
        informed = replace(command, freshness=freshness)
        return await self._streams.transact(patient_id, request, lambda chart: orders.issue(informed, chart))

    async def change_dose(
        self, patient_id: PatientId, request: Request, command: ChangeDose, at_least: Sequence[ConsistencyToken]
    ) -> Done[Event]:
        freshness = await self._evidence.freshness(patient_id, at_least, request.now)
        informed = replace(command, freshness=freshness)
        return await self._streams.transact(
            patient_id, request, lambda chart: dose_changes.change_dose(informed, chart)
        )

    async def discontinue_prescription(
        self, patient_id: PatientId, request: Request, command: DiscontinuePrescription
    ) -> Done[Event]:
        return await self._streams.transact(patient_id, request, lambda chart: discontinue(command, chart))

    async def mark_entered_in_error(
        self, patient_id: PatientId, request: Request, command: MarkEnteredInError
    ) -> Done[Event]:
        return await self._streams.transact(
            patient_id, request, lambda chart: entered_in_error.mark_entered_in_error(command, chart)
        )
