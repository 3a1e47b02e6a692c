"""What the prescribing stream of a patient holds: what was noted from others, and what was decided here.

Decisions are stored with the whole answer of the check; what is published lays it flat.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from msgspec import UNSET, UnsetType

from careloop.contracts.prescribing import (
    CheckCapsule,
    ConcernAnswered,
    ConcernEnded,
    ConcernsRaised,
    DiscrepancyFound,
    DiscrepancyOverdue,
    DiscrepancyResolved,
    DosePlanEnded,
    DosePlanKind,
    DoseTookEffect,
    ListCompared,
    Order,
    Override,
    PlannedStep,
    PrescriptionDiscontinued,
    Regimen,
    SafetyStepTaken,
    StatusReason,
    StepChanged,
    StepConfirmed,
    StepDeclined,
    StepDue,
    StepHeld,
    StepOverdue,
    SupplyCounted,
)
from careloop.contracts.terms import EnteredInError
from careloop.kernel.events import Instant, topics
from careloop.kernel.ids import FactId
from careloop.knowledge.dosing.plan import Answers, OnHand
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
    "DosePlanEnded",
    "DosePlanSigned",
    "DoseTookEffect",
    "EnteredInError",
    "Event",
    "ListCompared",
    "Planned",
    "PrescriptionDeclined",
    "PrescriptionDiscontinued",
    "PrescriptionIssued",
    "SafetyStepTaken",
    "Standing",
    "StepChanged",
    "StepConfirmed",
    "StepDeclined",
    "StepDue",
    "StepHeld",
    "StepOverdue",
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
    """`cancels` are the changes planned for a later day that do not take place; absent where there are none. `regimen`
    and `plan` are those of a step of a dose plan, absent from other changes."""

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
    regimen: Regimen | UnsetType = UNSET
    plan: FactId | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class DosePlanSigned:
    """With the strengths on hand and the answers before a taper, by which what remains of it is checked again."""

    fact_id: FactId
    kind: DosePlanKind
    steps: tuple[PlannedStep, ...]
    begins: Order | None
    on_hand: tuple[OnHand, ...]
    answers: Answers
    safety: bool
    client_sets_pace: bool
    status_reason: StatusReason
    replaces: FactId | None
    overrides: tuple[Override, ...]
    capsule: CheckCapsule
    prescriber: str
    occurred_at: Instant


Decided = PrescriptionIssued | PrescriptionDeclined | DoseChanged
Compared = ListCompared | DiscrepancyFound | DiscrepancyOverdue | DiscrepancyResolved
Standing = ConcernsRaised | ConcernAnswered | ConcernEnded
Planned = (
    DosePlanSigned
    | StepDue
    | StepOverdue
    | StepConfirmed
    | SafetyStepTaken
    | StepDeclined
    | StepHeld
    | StepChanged
    | DosePlanEnded
)
Event = (
    Noted
    | Decided
    | DoseTookEffect
    | PrescriptionDiscontinued
    | SupplyCounted
    | Compared
    | Standing
    | Planned
    | EnteredInError
)
TOPICS: dict[str, type[Event]] = topics("prescribing", Event)
"""Every stored event by its registered name."""
