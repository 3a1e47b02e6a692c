"""Orders under the safety check: issued, declined, and gone on with for a coded reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from care.common.v1.common_pb2 import Medicine, NotChecked
from care.prescribing.v1 import prescribing_pb2 as pb
from care.prescribing.v1.prescribing_pb2_grpc import PrescribingServiceStub

from careloop.demo.people import PRESCRIBER
from careloop.demo.requests import Requests, at, request_id

PRESCRIBING = "prescribing"
ANTIDEPRESSANTS = (
    ("sertraline 50 MG Oral Tablet", "50"),
    ("escitalopram 10 MG Oral Tablet", "10"),
    ("mirtazapine 15 MG Oral Tablet", "15"),
    ("bupropion hydrochloride 150 MG Extended Release Oral Tablet", "150"),
    ("venlafaxine 75 MG Extended Release Oral Capsule", "75"),
)
"""In the order in which the prescriber thinks of them."""
SUPPLY_DAYS = 30
STOPPING = frozenset({"contraindicated", "high"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOutcome:
    """What became of one order; `fact_id` is the prescription, or the recorded decline."""

    patient: UUID
    medicine: str
    issued: bool
    fact_id: str
    reasons: tuple[str, ...]
    alerts: tuple[str, ...]
    overrides: tuple[str, ...]
    not_checked: tuple[NotChecked, ...]

    @property
    def outcome(self) -> str:
        if not self.issued:
            return "declined"
        return "issued, overridden" if self.overrides else "issued"


class PatientOrders:
    """The prescriber's orders for one patient, on evidence that includes the writes that `tokens` name."""

    def __init__(self, requests: Requests, patient: UUID, tokens: Sequence[str]) -> None:
        self._requests = requests
        self._stub = PrescribingServiceStub(requests.services.channel(PRESCRIBING))
        self._patient = patient
        self._tokens = tokens

    async def first_that_fits(self, decided_at: datetime) -> OrderOutcome:
        """The first antidepressant that nothing serious speaks against; if there is none, the first is ordered."""
        for name, dose in ANTIDEPRESSANTS:
            order = _order(name, dose, decided_at)
            screening = await self._screened(order)
            if not any(alert.severity in STOPPING for alert in screening.alerts):
                return await self._issue(order, (), decided_at)
        return await self.order(*ANTIDEPRESSANTS[0], decided_at)

    async def order(self, name: str, dose: str, decided_at: datetime) -> OrderOutcome:
        """An order without any override."""
        return await self._issue(_order(name, dose, decided_at), (), decided_at)

    async def order_in_spite(self, name: str, dose: str, decided_at: datetime) -> OrderOutcome:
        """An order with a coded answer to every high alert, and to every check that could not be made."""
        order = _order(name, dose, decided_at)
        screening = await self._screened(order)
        overrides = [
            pb.Override(rule=alert.rule, involves=alert.involves, reason="will-monitor", comment="level in five days")
            for alert in screening.alerts
            if alert.severity == "high"
        ]
        unchecked = dict.fromkeys(gap.check for gap in screening.not_checked if not gap.note)
        overrides += [pb.Override(rule=f"not-checked:{check}", reason="will-monitor") for check in unchecked]
        return await self._issue(order, overrides, decided_at)

    async def _screened(self, order: pb.Order) -> pb.Screening:
        request = pb.ScreenOrderRequest(patient_id=str(self._patient), order=order, at_least=self._tokens)
        answer = await self._requests.services.ask(PRESCRIBING, self._stub.ScreenOrder, request, PRESCRIBER.caller)
        return answer.screening

    async def _issue(self, order: pb.Order, overrides: Sequence[pb.Override], decided_at: datetime) -> OrderOutcome:
        request = pb.IssuePrescriptionRequest(
            request_id=request_id(self._patient, "order", order.medicine.name),
            patient_id=str(self._patient),
            order=order,
            overrides=overrides,
            at_least=self._tokens,
            occurred_at=at(decided_at),
        )
        answer = await self._requests.send(PRESCRIBING, self._stub.IssuePrescription, request, PRESCRIBER.caller)
        screening = answer.screening
        return OrderOutcome(
            patient=self._patient,
            medicine=order.medicine.name,
            issued=answer.decision == pb.DECISION_ISSUED,
            fact_id=answer.fact_id,
            reasons=tuple(answer.reasons),
            alerts=tuple(f"{alert.rule} ({alert.severity})" for alert in screening.alerts),
            overrides=tuple(f"{override.rule}: {override.reason}" for override in overrides),
            not_checked=tuple(screening.not_checked),
        )

    async def change_dose(self, prescription: str, dose: str, reason: str, decided_at: datetime) -> bool:
        """Whether the new dose came into force; a decline is recorded as a fact."""
        request = pb.ChangeDoseRequest(
            request_id=request_id(self._patient, "dose", prescription, dose),
            patient_id=str(self._patient),
            prescription_id=prescription,
            daily_dose_mg=dose,
            effective_on=decided_at.date().isoformat(),
            reason=reason,
            at_least=self._tokens,
            occurred_at=at(decided_at),
        )
        answer = await self._requests.send(PRESCRIBING, self._stub.ChangeDose, request, PRESCRIBER.caller)
        return answer.decision == pb.DECISION_ISSUED


def _order(name: str, dose: str, decided_at: datetime) -> pb.Order:
    return pb.Order(
        medicine=Medicine(name=name),
        daily_dose_mg=dose,
        sig="once a day, in the morning",
        days_supply=SUPPLY_DAYS,
        starts_on=decided_at.date().isoformat(),
    )
