"""The parts of a request as the domain knows them: what is well formed comes back typed, anything else is refused."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from care.prescribing.v1 import prescribing_pb2 as pb

from careloop.chassis.calls import reading as fields
from careloop.chassis.events import consistency_token
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.kernel.ids import PatientId
from services.prescribing.domain.codes import OverrideReason
from services.prescribing.domain.events import Medicine, Order
from services.prescribing.domain.overrides import Override
from services.prescribing.domain.screening import RESTS_ON

LONGEST_SUPPLY_DAYS = 366


def occurred_at(
    request: pb.IssuePrescriptionRequest | pb.ChangeDoseRequest | pb.DiscontinuePrescriptionRequest, now: datetime
) -> datetime:
    return fields.moment(request.occurred_at, given=request.HasField("occurred_at"), now=now)


def order(asked: pb.Order, now: datetime) -> Order:
    """The order as it is decided on; one that names no first day starts today."""
    medicine = Medicine(
        name=fields.text(asked.medicine.name, "order.medicine.name", longest=500),
        rxcui=fields.optional_text(asked.medicine.rxcui, "order.medicine.rxcui", longest=20),
    )
    return Order(
        medicine=medicine,
        daily_dose_mg=_dose(asked.daily_dose_mg),
        sig=fields.optional_text(asked.sig, "order.sig"),
        days_supply=_days_supply(asked),
        starts_on=fields.optional_day(asked.starts_on, "order.starts_on") or now.date(),
    )


def _dose(value: str) -> Decimal | None:
    return fields.optional_amount(value, "order.daily_dose_mg")


def _days_supply(order: pb.Order) -> int | None:
    if not order.HasField("days_supply"):
        return None
    return fields.whole(order.days_supply, "order.days_supply", least=1, most=LONGEST_SUPPLY_DAYS)


def overrides(given: Sequence[pb.Override]) -> tuple[Override, ...]:
    return tuple(
        Override(
            rule=fields.text(override.rule, f"overrides[{index}].rule", longest=200),
            involves=tuple(override.involves),
            reason=fields.coded(override.reason, OverrideReason, f"overrides[{index}].reason"),
            comment=fields.optional_text(override.comment, f"overrides[{index}].comment"),
        )
        for index, override in enumerate(given)
    )


def tokens(at_least: Sequence[str], patient_id: PatientId) -> list[ConsistencyToken]:
    """What the answer must have seen: facts of the sources it rests on, and of prescribing itself."""
    return consistency_token.at_least(at_least, patient_id, {*RESTS_ON, "prescribing"})
