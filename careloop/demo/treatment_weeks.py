"""Sending the generated weeks: each patient's in the order of time, all patients side by side."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

from care.common.v1.common_pb2 import Medicine
from care.monitoring.v1 import monitoring_pb2 as pb
from care.monitoring.v1.monitoring_pb2_grpc import MonitoringServiceStub

from careloop.demo.generated_weeks import SOURCE, Answers, Course, Dose, Felt, Weeks
from careloop.demo.orders import OrderOutcome, PatientOrders
from careloop.demo.people import CARE_MANAGER, client
from careloop.demo.requests import Requests, at, request_id

MONITORING = "monitoring"
DOSE_REVIEW_DAY = 29
Step = tuple[int, Callable[[], Awaitable[object]]]


class TreatmentWeeks:
    """One patient's course; days are counted from `start`."""

    def __init__(
        self, requests: Requests, patient: UUID, order: OrderOutcome | None, start: datetime, weeks: Weeks
    ) -> None:
        self._requests = requests
        self._stub = MonitoringServiceStub(requests.services.channel(MONITORING))
        self._patient = patient
        self._order = order if order is not None and order.issued else None
        self._start = start
        self._client = client(patient)
        self._weeks = weeks

    @property
    def writes(self) -> int:
        """How many requests they are."""
        return len(self._steps()) + sum(felt.over_on is not None for felt in self._weeks.felt)

    async def send(self) -> None:
        """Everything that happened, day after day."""
        for _, request in sorted(self._steps(), key=lambda step: step[0]):
            await request()

    def _steps(self) -> list[Step]:
        weeks = self._weeks
        steps: list[Step] = [(one.day, lambda it=one: self._answer(it)) for one in weeks.answers]  # type: ignore[misc]
        steps += [(one.day, lambda it=one: self._feel(it)) for one in weeks.felt]  # type: ignore[misc]
        if self._order is not None:
            steps += [(one.day, lambda it=one: self._take(it)) for one in weeks.doses]  # type: ignore[misc]
            if weeks.course in {Course.PARTIAL, Course.NO_CHANGE} and self._order.medicine.startswith("sertraline"):
                steps.append((DOSE_REVIEW_DAY, self._raise_dose))
        return steps

    def _on(self, day: int) -> datetime:
        return self._start + timedelta(days=day)

    async def _answer(self, answers: Answers) -> None:
        request = pb.AnswerScaleRequest(
            request_id=request_id(self._patient, answers.instrument, answers.day),
            patient_id=str(self._patient),
            instrument=answers.instrument,
            items=answers.items,
            occurred_at=at(self._on(answers.day)),
        )
        await self._requests.send(MONITORING, self._stub.AnswerScale, request, self._client)

    async def _feel(self, felt: Felt) -> None:
        request = pb.ReportSideEffectRequest(
            request_id=request_id(self._patient, "felt", felt.symptom, felt.day),
            patient_id=str(self._patient),
            symptom=felt.symptom,
            own_words=f"{felt.own_words} [{SOURCE}]",
            ctcae_grade=felt.ctcae_grade,
            suspected_medicine=None if self._order is None else Medicine(name=self._order.medicine),
            occurred_at=at(self._on(felt.day)),
        )
        answer = await self._requests.send(MONITORING, self._stub.ReportSideEffect, request, self._client)
        if felt.over_on is not None:
            await self._resolve(answer.fact_id, felt.over_on)

    async def _resolve(self, side_effect: str, day: int) -> None:
        request = pb.ResolveSideEffectRequest(
            request_id=request_id(self._patient, "over", side_effect),
            patient_id=str(self._patient),
            side_effect_id=side_effect,
            outcome="resolved",
            action_taken=f"watched; it passed [{SOURCE}]",
            occurred_at=at(self._on(day)),
        )
        await self._requests.send(MONITORING, self._stub.ResolveSideEffect, request, CARE_MANAGER.caller)

    async def _take(self, dose: Dose) -> None:
        order = self._order
        assert order is not None
        request = pb.RecordDoseRequest(
            request_id=request_id(self._patient, "dose", dose.day),
            patient_id=str(self._patient),
            medicine=Medicine(name=order.medicine),
            prescription_id=order.fact_id,
            status=pb.DOSE_STATUS_SKIPPED if dose.skipped_because else pb.DOSE_STATUS_TAKEN,
            reason=dose.skipped_because,
            occurred_at=at(self._on(dose.day)),
        )
        await self._requests.send(MONITORING, self._stub.RecordDose, request, self._client)

    async def _raise_dose(self) -> None:
        assert self._order is not None
        ordering = PatientOrders(self._requests, self._patient, ())
        await ordering.change_dose(
            self._order.fact_id, "100", f"no response after four weeks [{SOURCE}]", self._on(DOSE_REVIEW_DAY)
        )
