"""Past decisions on the wire."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from care.prescribing.v1 import prescribing_pb2 as pb

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.writing import shown_as
from careloop.chassis.events.codec import ENCODER
from careloop.contracts.prescribing import Order, Override
from careloop.knowledge.screening.explaining import Explanation
from services.prescribing.domain.events import DoseChanged, PrescriptionDeclined
from services.prescribing.domain.past import PastDecision, evidence_gaps
from services.prescribing.grpc_api.answers import not_checked, screening_message
from services.prescribing.replay import Progress, Recorded

_ordered = shown_as(pb.Order, Order, "daily_dose_mg")
_override = shown_as(pb.Override, Override)


def decision_message(recorded: Recorded, explanations: Sequence[Explanation] = ()) -> pb.PastDecision:
    """With the explanation of each alert, if any are given."""
    past, decided = recorded.past, recorded.past.decided
    return pb.PastDecision(
        patient_id=str(recorded.patient_id),
        fact_id=str(decided.fact_id),
        decision=_kind(past),
        order=_order(past.asking.order),
        reasons=decided.reasons if isinstance(decided, PrescriptionDeclined) else (),
        screening=screening_message(decided.capsule.screening, explanations),
        overrides=[_override(one) for one in decided.capsule.overrides],
        question=question(past),
        evidence_gaps=[not_checked(gap) for gap in evidence_gaps(past)],
        occurred_at=fields.timestamp(decided.occurred_at),
        recorded_at=fields.timestamp(recorded.recorded_at),
        entered_in_error=recorded.struck,
        reading=past.reading.number,
    )


def read_message(read: Recorded | Progress) -> pb.ReadDecisionsResponse:
    if isinstance(read, Progress):
        return pb.ReadDecisionsResponse(position=read.position, through=read.through)
    return pb.ReadDecisionsResponse(decision=decision_message(read), position=read.position)


def question(past: PastDecision) -> bytes:
    """The chart and the order of then as `careloop screen` is asked: what was unknown is left out."""
    question_then = past.reading.question(past.asking)
    return ENCODER.encode(_known(msgspec.to_builtins(question_then, builtin_types=(Decimal, date))))


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(value) for key, value in value.items() if value is not None}
    return [_known(one) for one in value] if isinstance(value, list | tuple) else value


def _kind(past: PastDecision) -> str:
    if isinstance(past.decided, PrescriptionDeclined):
        return "declined"
    return "dose-changed" if isinstance(past.decided, DoseChanged) else "issued"


def _order(order: Order) -> pb.Order:
    return _ordered(order, daily_dose_mg="" if order.daily_dose_mg is None else f"{order.daily_dose_mg:f}")
