"""Too much was taken: by the client's own word, or by the doses of 24 hours."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from careloop.contracts.monitoring import DoseRecorded, EmergencyDeclared, EmergencyKind
from careloop.contracts.terms import Medicine
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.ids import FactId, derived_id
from careloop.kernel.reading import Actor
from careloop.kernel.restating import fact
from careloop.knowledge.urgency.extra_doses import is_double
from services.monitoring.domain.events import Event
from services.monitoring.domain.state import Watch

DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class TookTooMuch(FactCommand):
    """The client says so; of what, where they said it."""

    medicine: Medicine | None
    actor: Actor


declared = fact(EmergencyDeclared, TookTooMuch, "kind", "dose", "total_mg", "daily_dose_mg", declared_by="actor")


@guarded(Guard.REPEAT, Guard.PAST)
def took_too_much(command: TookTooMuch, watch: Watch) -> list[Event]:
    """An emergency, whatever else is known."""
    return [declared(command, kind=EmergencyKind.TOOK_TOO_MUCH, dose=None, total_mg=None, daily_dose_mg=None)]


def too_much(dose: DoseRecorded, watch: Watch) -> list[Event]:
    """An emergency where some 24 hours with this dose hold twice the daily dose. Amounts that were not said do not
    count, and where the daily dose is not known nothing can be said."""
    prescribed = watch.prescription_of(dose.medicine, dose.prescription)
    daily = watch.daily_dose_mg(prescribed.fact_id, dose.occurred_at.date()) if prescribed else None
    amount = _amount(dose)
    if prescribed is None or daily is None or not amount:
        return []
    near = (one for one in watch.taken() if abs(one.occurred_at - dose.occurred_at) < DAY)
    others = [one for one in near if watch.prescription_of(one.medicine, one.prescription) == prescribed]
    total = _most_in_a_day(dose, [*others, dose])
    if not is_double(total, daily):
        return []
    return [
        EmergencyDeclared(
            fact_id=emergency_of(dose.fact_id),
            kind=EmergencyKind.DOUBLE_DAILY_DOSE,
            medicine=dose.medicine,
            dose=dose.fact_id,
            total_mg=total,
            daily_dose_mg=daily,
            declared_by=dose.recorded_by,
            occurred_at=dose.occurred_at,
        )
    ]


def emergency_of(dose: FactId) -> FactId:
    """The emergency that a dose made, named by the dose."""
    return FactId(derived_id("monitoring", "emergency", dose))


def _most_in_a_day(dose: DoseRecorded, doses: list[DoseRecorded]) -> Decimal:
    """The largest total of 24 hours that the dose lies in."""
    ends = (one.occurred_at for one in doses if timedelta(0) <= one.occurred_at - dose.occurred_at < DAY)
    return max(_total(it for it in doses if timedelta(0) <= end - it.occurred_at < DAY) for end in ends)


def _total(doses: Iterable[DoseRecorded]) -> Decimal:
    return sum(map(_amount, doses), Decimal(0))


def _amount(dose: DoseRecorded) -> Decimal:
    return dose.amount_mg or Decimal(0)
