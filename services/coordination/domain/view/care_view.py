"""What people read of one patient. Field by field it is the `CareView` of the wire contract, which explains each."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import IntEnum

from careloop.contracts.assessment import Allergy, EarlierTreatment, EmergencyContact, Location, ProposedMedication
from careloop.contracts.prescribing import Alert, NotChecked, Override
from careloop.contracts.terms import Coding, Medicine
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId, PatientId


class Asked(IntEnum):
    """Whether a question was put and what came of it: never asked is not the same as none."""

    NOT_ASKED = 1
    NONE_KNOWN = 2
    LISTED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    fact_id: FactId
    name: str
    birth_date: date
    sex: str
    phone: str
    email: str
    emergency_contact: EmergencyContact | None
    location: Location | None
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamMember:
    fact_id: FactId
    person: str
    name: str
    role: str
    email: str
    effective_from: Instant
    effective_until: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    fact_id: FactId
    icd10: str
    display: str
    severity: str
    verification: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Allergies:
    asked: Asked
    listed: tuple[Allergy, ...] = ()
    fact_id: FactId | None = None
    occurred_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseChange:
    fact_id: FactId
    from_daily_dose_mg: Decimal | None
    to_daily_dose_mg: Decimal
    effective_on: date
    reason: str
    prescriber: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Medication:
    fact_id: FactId
    medicine: Medicine
    source: str
    status: str
    daily_dose_mg: Decimal | None
    since: date | None
    until: date | None
    sig: str = ""
    status_reason: str = ""
    dose_changes: tuple[DoseChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Medications:
    asked: Asked
    fact_id: FactId | None
    medications: tuple[Medication, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    coding: Coding
    clinical_status: str
    onset: date | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    asked: Asked
    conditions: tuple[Condition, ...]
    earlier_treatments: tuple[EarlierTreatment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    fact_id: FactId
    medications: tuple[ProposedMedication, ...]
    therapies: tuple[str, ...]
    goals: tuple[str, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    fact_id: FactId
    completed_by: str
    credential: str
    occurred_at: Instant
    diagnoses: tuple[str, ...]
    suicide_risk: str
    amended_by: str
    amendment_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalePoint:
    fact_id: FactId
    occurred_at: Instant
    total: int | None
    band: str
    flags: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleTrend:
    instrument: str
    baseline: ScalePoint | None
    last: ScalePoint
    change: int | None
    response: bool | None
    remission: bool | None
    course: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SideEffect:
    fact_id: FactId
    symptom: str
    own_words: str
    ctcae_grade: int | None
    suspected_medicine: Medicine | None
    reporter: str
    triage: str
    triage_rule: str
    red_flags: tuple[str, ...]
    due_at: Instant | None
    occurred_at: Instant
    recorded_at: Instant
    outcome: str = ""
    action_taken: str = ""
    resolved_by: str = ""
    resolved_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    fact_id: FactId
    scale_fact_id: FactId
    level: str
    reason: str
    due_at: Instant
    occurred_at: Instant
    source: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclinedOrder:
    fact_id: FactId
    medicine: Medicine
    daily_dose_mg: Decimal | None
    prescriber: str
    reasons: tuple[str, ...]
    alerts: tuple[Alert, ...]
    not_checked: tuple[NotChecked, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class OverriddenOrder:
    fact_id: FactId
    medicine: Medicine
    daily_dose_mg: Decimal | None
    prescriber: str
    overrides: tuple[Override, ...]
    alerts: tuple[Alert, ...]
    not_checked: tuple[NotChecked, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    fact_id: FactId
    cause_fact: FactId
    cause_type: str
    subject: str
    priority: str
    addressees: tuple[str, ...]
    acknowledge_by: Instant
    escalations: int
    failed: tuple[str, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    fact_id: FactId
    sender: str
    recipient: str
    about: FactId | None
    text: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    fact_id: FactId
    medicine: Medicine
    status: str
    reason: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    occurred_at: Instant
    recorded_at: Instant
    source: str
    kind: str
    summary: str
    fact_id: FactId | None
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    rank: int
    level: str
    reason: str = ""
    fact_id: FactId | None = None
    due_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CareView:
    """It depends on facts alone, never on the time of reading."""

    patient_id: PatientId
    identity: Identity | None
    team: tuple[TeamMember, ...]
    diagnoses: tuple[Diagnosis, ...]
    allergies: Allergies
    medications: Medications
    history: History
    plan: Plan | None
    completion: Completion | None
    scale_trends: tuple[ScaleTrend, ...]
    open_side_effects: tuple[SideEffect, ...]
    closed_side_effects: tuple[SideEffect, ...]
    risks: tuple[Risk, ...]
    declined_orders: tuple[DeclinedOrder, ...]
    overrides: tuple[OverriddenOrder, ...]
    unacknowledged_notices: tuple[Notice, ...]
    messages: tuple[Message, ...]
    doses: tuple[Dose, ...]
    timeline: tuple[TimelineEntry, ...]
    urgency: Urgency
