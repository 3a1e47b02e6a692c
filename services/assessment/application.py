"""Assessment's use cases: load, decide, append."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from careloop.chassis.commands.streams import Done, Streams
from careloop.kernel.events import Request
from careloop.kernel.ids import PatientId
from services.assessment.domain import (
    allergies,
    completion,
    diagnoses,
    enrolment,
    entered_in_error,
    history,
    medications,
    plans,
    pregnancy,
    results,
    scales,
)
from services.assessment.domain.allergies import RecordAllergies
from services.assessment.domain.completion import AmendAssessment, CompleteAssessment
from services.assessment.domain.diagnoses import EstablishDiagnosis
from services.assessment.domain.enrolment import EnrollPatient
from services.assessment.domain.entered_in_error import MarkEnteredInError
from services.assessment.domain.events import Event
from services.assessment.domain.history import RecordHistory
from services.assessment.domain.medications import ReconcileMedications
from services.assessment.domain.plans import ProposePlan
from services.assessment.domain.pregnancy import RecordPregnancy
from services.assessment.domain.results import RecordResults
from services.assessment.domain.scales import AnswerScale, RecordScaleTotal
from services.assessment.domain.state import Assessment

Command = TypeVar("Command")


class AssessmentService:
    """One method per use case; each answers what was stored, and for a repeat what was stored the first time."""

    def __init__(self, streams: Streams[Assessment, Event]) -> None:
        self._streams = streams

    async def enroll_patient(self, patient: PatientId, request: Request, command: EnrollPatient) -> Done[Event]:
        return await self._transact(patient, request, enrolment.enroll, command)

    async def record_history(self, patient: PatientId, request: Request, command: RecordHistory) -> Done[Event]:
        return await self._transact(patient, request, history.record_history, command)

    async def reconcile_medications(
        self, patient: PatientId, request: Request, command: ReconcileMedications
    ) -> Done[Event]:
        return await self._transact(patient, request, medications.reconcile_medications, command)

    async def record_allergies(self, patient: PatientId, request: Request, command: RecordAllergies) -> Done[Event]:
        return await self._transact(patient, request, allergies.record_allergies, command)

    async def record_pregnancy(self, patient: PatientId, request: Request, command: RecordPregnancy) -> Done[Event]:
        return await self._transact(patient, request, pregnancy.record_pregnancy, command)

    async def record_results(self, patient: PatientId, request: Request, command: RecordResults) -> Done[Event]:
        return await self._transact(patient, request, results.record_results, command)

    async def answer_scale(self, patient: PatientId, request: Request, command: AnswerScale) -> Done[Event]:
        return await self._transact(patient, request, scales.answer_scale, command)

    async def record_scale_total(self, patient: PatientId, request: Request, command: RecordScaleTotal) -> Done[Event]:
        return await self._transact(patient, request, scales.record_scale_total, command)

    async def establish_diagnosis(
        self, patient: PatientId, request: Request, command: EstablishDiagnosis
    ) -> Done[Event]:
        return await self._transact(patient, request, diagnoses.establish_diagnosis, command)

    async def propose_plan(self, patient: PatientId, request: Request, command: ProposePlan) -> Done[Event]:
        return await self._transact(patient, request, plans.propose_plan, command)

    async def complete_assessment(
        self, patient: PatientId, request: Request, command: CompleteAssessment
    ) -> Done[Event]:
        return await self._transact(patient, request, completion.complete, command)

    async def amend_assessment(self, patient: PatientId, request: Request, command: AmendAssessment) -> Done[Event]:
        return await self._transact(patient, request, completion.amend, command)

    async def mark_entered_in_error(
        self, patient: PatientId, request: Request, command: MarkEnteredInError
    ) -> Done[Event]:
        return await self._transact(patient, request, entered_in_error.mark_entered_in_error, command)

    async def get_assessment(self, patient: PatientId) -> Assessment:
        """What is recorded of the client; the initial state for one nobody enrolled."""
        return (await self._streams.load(patient)).state

    async def _transact(
        self,
        patient: PatientId,
        request: Request,
        decide: Callable[[Command, Assessment], Sequence[Event]],
        command: Command,
    ) -> Done[Event]:
        return await self._streams.transact(patient, request, lambda state: decide(command, state))
