"""What the prescribing stream of a patient holds: what was noted from others, and what was decided here."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import get_args

from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from services.prescribing.domain.codes import StatusReason
from services.prescribing.domain.decision_capsule import DecisionCapsule
from services.prescribing.domain.noted import Noted


@dataclass(frozen=True, slots=True, kw_only=True)
class Medicine:
    name: str
    rxcui: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`daily_dose_mg` is in milligrams a day, `sig` says in words how to take it."""

    medicine: Medicine
    daily_dose_mg: Decimal | None
    sig: str
    days_supply: int | None
    starts_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionIssued:
    fact_id: FactId
    order: Order
    ingredients: tuple[str, ...]
    prescriber: str
    capsule: DecisionCapsule
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionDeclined:
    """The order was declined; `reasons` are slugs, worst first."""

    fact_id: FactId
    order: Order
    prescriber: str
    reasons: tuple[str, ...]
    capsule: DecisionCapsule
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseChanged:
    fact_id: FactId
    prescription: FactId
    from_daily_dose_mg: Decimal | None
    to_daily_dose_mg: Decimal
    effective_on: date
    reason: str
    prescriber: str
    capsule: DecisionCapsule
    occurred_at: Instant


Decided = PrescriptionIssued | PrescriptionDeclined | DoseChanged


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionDiscontinued:
    """`stopped_on` is the day of the last dose."""

    fact_id: FactId
    prescription: FactId
    status_reason: StatusReason
    stopped_on: date
    prescriber: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredInError:
    """A fact of this service should never have been recorded."""

    fact_id: FactId
    reason: str
    marked_by: str
    occurred_at: Instant


Event = Noted | PrescriptionIssued | PrescriptionDeclined | DoseChanged | PrescriptionDiscontinued | EnteredInError


TOPICS: dict[str, type[Event]] = {f"prescribing.{cls.__name__}.v1": cls for cls in get_args(Event)}
"""Every stored event by its registered name."""
