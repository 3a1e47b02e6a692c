"""Prescribing's use cases: wait for the evidence asked for, see how fresh it is, and screen or decide on that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from careloop.chassis.commands.writes import Writes
from careloop.chassis.events import consistency_token
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.contracts.prescribing import Order
from careloop.kernel.ids import PatientId
from careloop.kernel.reading import Now
from careloop.knowledge.findings import Screening
from careloop.knowledge.screening.explaining import Explanation
from services.prescribing.domain.assessed import missing
from services.prescribing.domain.declining import CheckedCommand
from services.prescribing.domain.dose_plans import Draft, DraftDosePlan, draft, require_sound
from services.prescribing.domain.events import Event
from services.prescribing.domain.indications import require_condition_code
from services.prescribing.domain.readings.reading import Asking
from services.prescribing.domain.regimens import completed
from services.prescribing.domain.screening import RESTS_ON, Freshness, explained, safety_check
from services.prescribing.domain.state import PrescriptionChart


class Evidence(Protocol):
    """How well this service is informed of one patient."""

    async def freshness(self, patient_id: PatientId, at_least: Sequence[ConsistencyToken], now: datetime) -> Freshness:
        """Waits for what the tokens name. Raises Unavailable if it does not come in time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenOrder:
    """Asks for the safety check of an order; nothing is stored."""

    order: Order
    now: Now


@dataclass(frozen=True, slots=True)
class Screened:
    """The answer of the check, what the initial assessment lacks, an explanation of each alert, and how well informed
    the check was."""

    screening: Screening
    missing: tuple[str, ...]
    explanations: tuple[Explanation, ...]
    freshness: Freshness


class Prescribing:
    """`at_least` names what an answer must have seen: facts of the sources it rests on, and of prescribing itself."""

    def __init__(self, writes: Writes[PrescriptionChart, Event], evidence: Evidence) -> None:
        self._writes = writes
        self._evidence = evidence

    async def screen_order(self, patient_id: PatientId, query: ScreenOrder, at_least: Sequence[str]) -> Screened:
        """The safety check as IssuePrescription would run it now. Raises InvalidInput as that would."""
        require_condition_code(query.order)
        order = completed(query.order)
        freshness = await self._freshness(patient_id, at_least, query.now)
        chart = await self._writes.state(patient_id)
        asking = Asking(chart=chart, order=order, as_of=chart.today(query.now))
        screening = safety_check(asking, freshness)
        return Screened(screening, missing(chart), explained(asking, screening), freshness)

    async def draft_dose_plan(
        self, patient_id: PatientId, query: DraftDosePlan, at_least: Sequence[str]
    ) -> tuple[Draft, Freshness]:
        """A dose plan on what is known now, and how well informed it is. Raises InvalidInput."""
        require_sound(query)
        freshness = await self._freshness(patient_id, at_least, query.now)
        chart = await self._writes.state(patient_id)
        return draft(query, chart, freshness), freshness

    async def informed(self, patient_id: PatientId, command: CheckedCommand, at_least: Sequence[str]) -> CheckedCommand:
        """The command with how well informed it will be decided."""
        return replace(command, freshness=await self._freshness(patient_id, at_least, command.now))

    async def _freshness(self, patient_id: PatientId, at_least: Sequence[str], now: datetime) -> Freshness:
        tokens = consistency_token.at_least(at_least, patient_id, {*RESTS_ON, "prescribing"})
        return await self._evidence.freshness(patient_id, tokens, now)
