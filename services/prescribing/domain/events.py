"""What the prescribing stream of a patient holds: what was noted from others, and what was decided here.

Decisions are stored with the whole answer of the check; what is published lays it flat.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from msgspec import UNSET, UnsetType

from careloop.contracts.prescribing import (
    ConcernAnswered,
    ConcernEnded,
    ConcernsRaised,
    DiscrepancyFound,
    DiscrepancyOverdue,
    DiscrepancyResolved,
    DoseTookEffect,
    ListCompared,
    Order,
    PrescriptionDiscontinued,
    SupplyCounted,
)
from careloop.contracts.terms import EnteredInError
from careloop.kernel.events import Instant, topics
from careloop.kernel.ids import FactId
from services.prescribing.domain.decision_capsule import DecisionCapsule
from services.prescribing.domain.noted import Noted

__all__ = [
    "TOPICS",
    "ConcernAnswered",
    "ConcernEnded",
    "ConcernsRaised",
    "Decided",
    "DiscrepancyFound",
    "DiscrepancyOverdue",
    "DiscrepancyResolved",
    "DoseChanged",
    "DoseTookEffect",
    "EnteredInError",
    "Event",
    "ListCompared",
    "PrescriptionDeclined",
    "PrescriptionDiscontinued",
    "PrescriptionIssued",
    "SupplyCounted",
]


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
    """`cancels` are the changes planned for a later day that do not take place; absent where there are none."""

    fact_id: FactId
    prescription: FactId
    from_daily_dose_mg: Decimal | None
    to_daily_dose_mg: Decimal
    effective_on: date
    reason: str
    prescriber: str
    capsule: DecisionCapsule
    occurred_at: Instant
    cancels: tuple[FactId, ...] | UnsetType = UNSET


Decided = PrescriptionIssued | PrescriptionDeclined | DoseChanged
Compared = ListCompared | DiscrepancyFound | DiscrepancyOverdue | DiscrepancyResolved
Standing = ConcernsRaised | ConcernAnswered | ConcernEnded
Event = (
    Noted | Decided | DoseTookEffect | PrescriptionDiscontinued | SupplyCounted | Compared | Standing | EnteredInError
)
TOPICS: dict[str, type[Event]] = topics("prescribing", Event)
"""Every stored event by its registered name."""
