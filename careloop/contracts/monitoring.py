"""What the monitoring service publishes on `care.monitoring.v1`."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from msgspec import UNSET, UnsetType

from careloop.contracts.terms import EnteredInError, Medicine, RiskRaised, ScaleScored, Triage
from careloop.kernel.events import Instant, topics
from careloop.kernel.ids import FactId
from careloop.kernel.open_codes import OpenCodes


class ReporterKind(StrEnum):
    CLIENT = "client"
    CLINICIAN = "clinician"


@dataclass(frozen=True, slots=True, kw_only=True)
class SideEffectReported:
    """A side effect, reported by the client or seen by a clinician.

    `ctcae_grade` is 1-5; `fibser_*` items are 0-6 (frequency, intensity, burden); None is not asked.
    """

    fact_id: FactId
    symptom: str
    own_words: str
    ctcae_grade: int | None
    fibser_frequency: int | None
    fibser_intensity: int | None
    fibser_burden: int | None
    suspected_medicine: Medicine | None
    reporter: ReporterKind
    reported_by: str
    triage: Triage
    occurred_at: Instant


class SideEffectOutcome(StrEnum):
    """FHIR AdverseEvent.outcome, the part used here."""

    RESOLVED = "resolved"
    RECOVERING = "recovering"
    ONGOING = "ongoing"
    RESOLVED_WITH_SEQUELAE = "resolvedWithSequelae"


@dataclass(frozen=True, slots=True, kw_only=True)
class SideEffectResolved:
    """A clinician closed the loop on a reported side effect: what was done and how it ended."""

    fact_id: FactId
    side_effect: FactId
    outcome: SideEffectOutcome
    action_taken: str
    resolved_by: str
    occurred_at: Instant


class DoseStatus(StrEnum):
    TAKEN = "taken"
    SKIPPED = "skipped"
    EXTRA = "extra"
    """Taken besides another one of the same medicine, as who took it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseRecorded:
    """A dose was taken or skipped; `reason` says why it was skipped. `amount_mg` is in milligrams, absent where it was
    not said.

    `flags` holds `not-known-yet` where this client has no such prescription as far as is known; absent where there is
    nothing to say. `triage` is how soon somebody must read the reason; absent where none was given, and of builds that
    did not read it.
    """

    fact_id: FactId
    medicine: Medicine
    prescription: FactId | None
    status: DoseStatus
    reason: str
    recorded_by: str
    occurred_at: Instant
    flags: tuple[str, ...] | UnsetType = UNSET
    triage: Triage | UnsetType = UNSET
    amount_mg: Decimal | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraDoseReported:
    """An extra dose was taken of what is dangerous in overdose: `drug`, by this rule; somebody looks by `due_at`."""

    fact_id: FactId
    dose: FactId
    medicine: Medicine
    drug: str
    why: str
    rule: str
    rule_version: int
    due_at: Instant
    occurred_at: Instant


class EmergencyKind(OpenCodes):
    """What was declared an emergency."""

    TOOK_TOO_MUCH = "took-too-much"
    """By the client's own word."""
    DOUBLE_DAILY_DOSE = "double-daily-dose"
    """The doses of 24 hours add up to twice the daily dose, or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyDeclared:
    """Somebody must act at once. `medicine` and `dose` are what it is about, `total_mg` the doses of 24 hours and
    `daily_dose_mg` the dose of a day, in milligrams; each None where it was not said."""

    fact_id: FactId
    kind: EmergencyKind
    medicine: Medicine | None
    dose: FactId | None
    total_mg: Decimal | None
    daily_dose_mg: Decimal | None
    declared_by: str
    occurred_at: Instant


class RiskContactOutcome(OpenCodes):
    """What came of making contact with a client at risk. COULD_NOT_REACH ends nothing, nor does a code that is not
    known."""

    REACHED_SAFE = "reached-safe"
    PLAN_MADE = "plan-made"
    TRANSPORTED = "transported"
    RESPONDERS_WITH_CLIENT = "responders-with-client"
    DECEASED = "deceased"
    COULD_NOT_REACH = "could-not-reach"

    @property
    def closes(self) -> bool:
        """Whether somebody has learned how the client is, so that the risks it is about are answered."""
        return self.known and self is not RiskContactOutcome.COULD_NOT_REACH


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskContactRecorded:
    """A clinician made contact with a client at risk, or tried to. `risks` are those that it is about: raised by any
    service, up to then.

    `where` the client was taken, `next` what was agreed and `by_when`. `flags` holds `not-known-yet` where the risk
    that was named is not known here; absent where there is nothing to say.
    """

    fact_id: FactId
    risks: tuple[FactId, ...]
    outcome: RiskContactOutcome
    where: str
    next: str
    by_when: Instant | None
    recorded_by: str
    occurred_at: Instant
    flags: tuple[str, ...] | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskEnded:
    """A clinician asked the questions of the screener after this risk, all that were to be asked: what that found
    speaks for itself."""

    fact_id: FactId
    risk: FactId
    screening: FactId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultActionRaised:
    """The last result of a measure demands something while a drug is taken, and the rule that says so.

    `severity` is contraindicated, high, moderate or low. `result` is the recording in assessment, by `recorded_by`;
    `recheck_by` the day of the next result, None where the rule asks for none, and `due_at` when a prescriber must have
    acted, None where there is no hurry.
    """

    fact_id: FactId
    rule: str
    rule_version: int
    drug: str
    measure: str
    severity: str
    message: str
    action: str
    recheck_by: date | None
    due_at: Instant | None
    result: FactId
    recorded_by: str
    occurred_at: Instant


class ResultActionEnd(OpenCodes):
    """Why nothing is demanded any more."""

    NEW_RESULT = "new-result"
    STRUCK = "struck"
    DRUG_STOPPED = "drug-stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultActionEnded:
    fact_id: FactId
    raised: FactId
    because: ResultActionEnd
    occurred_at: Instant


Published = (
    SideEffectReported
    | SideEffectResolved
    | ScaleScored
    | RiskRaised
    | RiskContactRecorded
    | RiskEnded
    | ResultActionRaised
    | ResultActionEnded
    | DoseRecorded
    | ExtraDoseReported
    | EmergencyDeclared
    | EnteredInError
)
TYPES = topics("care.monitoring", Published)
"""Every event type on the topic, by its name on the wire."""
