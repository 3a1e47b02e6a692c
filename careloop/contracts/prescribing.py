"""What the prescribing service publishes on `care.prescribing.v1`."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, UnsetType

from careloop.contracts.terms import Coding, EnteredInError, Medicine
from careloop.kernel.events import Instant, topics
from careloop.kernel.ids import EventId, FactId
from careloop.kernel.open_codes import OpenCodes
from careloop.kernel.reading import Else, Length, Range, today


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One finding of the safety check, with the rule that made it."""

    rule: str
    version: int
    kind: str
    severity: str
    involves: tuple[str, ...]
    message: str
    action: str
    source: str
    reviewed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotChecked:
    """A check that could not be made, and why (`unknown-drug`, `evidence-stale`, ...)."""

    check: str
    reason: str
    subject: str


class OverrideReason(OpenCodes):
    """Why a prescriber goes on in spite of an alert, or before the assessment is complete; free text never stands
    alone."""

    BENEFIT_OUTWEIGHS_RISK = "benefit-outweighs-risk"
    WILL_MONITOR = "will-monitor"
    PATIENT_HAS_TOLERATED = "patient-has-tolerated"
    DOSE_ADJUSTED = "dose-adjusted"
    CROSS_TAPER = "cross-taper"
    ALERT_NOT_APPLICABLE = "alert-not-applicable"
    NO_ALTERNATIVE = "no-alternative"
    CONTINUATION = "continuation"
    """What somebody else prescribed goes on."""
    URGENT_NEED = "urgent-need"
    BRIDGE = "bridge"
    """A short supply until the assessment is complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A prescriber's coded answer to one alert, by its rule and the medicines it involves, to one check that could
    not be made (`rule` is then `not-checked:<check>`), or to an assessment that is not complete
    (`assessment-incomplete`)."""

    rule: Annotated[str, Length(200)]
    involves: tuple[str, ...]
    reason: OverrideReason
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedOverride:
    """An answer that did not count: `reason-does-not-fit` this kind of alert, or `comment-required`."""

    rule: str
    involves: tuple[str, ...]
    reason: OverrideReason
    why: str


def is_overridden(alert: Alert, overrides: tuple[Override, ...]) -> bool:
    """Whether one of the answers is to this alert; one that names no medicines is to all that its rule found."""
    return any(
        answer.rule == alert.rule and (not answer.involves or set(answer.involves) == set(alert.involves))
        for answer in overrides
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePosition:
    """How far prescribing had read a source's partition when it decided, and as of when that was all there was."""

    source: str
    partition: int
    position: int
    fresh_as_of: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCapsule:
    """Why the order was decided as it was: enough to run the decision again years later.

    `evidence` are the facts' event ids it stood on; `stream_version` is the version of prescribing's own stream
    for this patient, which holds exactly what was known. `missing` is what the initial assessment lacked, where it was
    not complete; absent from decisions of builds that did not ask. `as_of` is the day of the decision where the client
    lives; absent from decisions of builds that did not publish it.
    """

    knowledge_pack: str
    knowledge_version: str
    knowledge_digest: str
    outcome: str
    alerts: tuple[Alert, ...]
    not_checked: tuple[NotChecked, ...]
    checked: tuple[str, ...]
    overrides: tuple[Override, ...]
    evidence: tuple[EventId, ...]
    stream_version: int
    source_positions: tuple[SourcePosition, ...]
    missing: tuple[str, ...] | UnsetType = UNSET
    as_of: date | UnsetType = UNSET


class Weekday(StrEnum):
    """FHIR Timing.repeat.dayOfWeek."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledDose:
    """`amount_mg` milligrams at a time of the client's day: `HH:MM`, or `morning`, `noon`, `evening`, `bedtime`."""

    at: Annotated[str, Length(10)]
    amount_mg: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AsNeeded:
    """`amount_mg` when the `reason` arises, at most `most_in_24_hours` times, `hours_between` apart."""

    reason: Annotated[str, Length(200)]
    amount_mg: Decimal
    most_in_24_hours: Annotated[int, Range(1, 12)] = 0
    hours_between: Annotated[int, Range(0, 24)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """So many `days`; None has no end. Doses are taken every `every_days` days from its first day on (None: daily), or
    on `weekdays`. Without doses it is a pause."""

    days: Annotated[int | None, Range(1, 366)] = None
    every_days: Annotated[int | None, Range(1, 31)] = None
    weekdays: tuple[Weekday, ...] = ()
    doses: tuple[ScheduledDose, ...] = ()
    as_needed: AsNeeded | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Regimen:
    """How a medicine is taken: phases in order, the first from the first day of the order on."""

    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a prescriber orders. `daily_dose_mg` is in milligrams a day; None is not stated, and is then not checked.

    `sig` says in words how to take it. `indication` is the condition it is for, in ICD-10-CM or SNOMED CT (FHIR
    MedicationRequest.reasonCode); absent where the prescriber names none. `regimen` says day by day how it is taken,
    from `starts_on` on; absent where only a daily dose was ordered. With it, `daily_dose_mg` is that of its first
    phase, and the check is asked with the most of any day.
    """

    medicine: Medicine
    daily_dose_mg: Decimal | None
    sig: str = ""
    days_supply: Annotated[int | None, Range(1, 366)]
    starts_on: Annotated[date, Else(today)]
    indication: Coding | UnsetType = UNSET
    regimen: Regimen | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionIssued:
    """A prescription was issued after its safety check. `fact_id` is the prescription's id."""

    fact_id: FactId
    order: Order
    ingredients: tuple[str, ...]
    prescriber: str
    capsule: DecisionCapsule
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionDeclined:
    """An order was declined by the safety check; `reasons` are slugs such as `contraindicated`."""

    fact_id: FactId
    order: Order
    prescriber: str
    reasons: tuple[str, ...]
    capsule: DecisionCapsule
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseChanged:
    """The daily dose of an active prescription changes, in milligrams a day: at once, or, where `effective_on` lies
    after the day of the decision, when DoseTookEffect says so. `cancels` are the changes planned for a later day that
    do not take place; absent where there are none. Of a step of a dose `plan` the dose is taken by its `regimen`, and
    is in force when DoseTookEffect says so, whatever the day of the decision."""

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
class DoseTookEffect:
    """A dose that had been dated ahead came into force, at the first moment of `effective_on` where the client lives.

    It is that of the `change`, or, where that is None, the first of the prescription; in milligrams a day, None where
    nobody stated it.
    """

    fact_id: FactId
    prescription: FactId
    change: FactId | None
    daily_dose_mg: Decimal | None
    effective_on: date
    occurred_at: Instant


class StatusReason(OpenCodes):
    """FHIR MedicationRequest.statusReason, and INEFFICACY, a code of our own: FHIR has none for it."""

    INEFFICACY = "inefficacy"
    ALTERNATIVE_CHOICE = "altchoice"
    CLARIFICATION = "clarif"
    LEVEL_TOO_HIGH = "drughigh"
    HOSPITAL_ADMISSION = "hospadm"
    LAB_INTERFERENCE = "labint"
    NOT_AVAILABLE = "non-avail"
    PREGNANCY = "preg"
    ALLERGY = "salg"
    INTERACTION = "sddi"
    DUPLICATE = "sdupther"
    INTOLERANCE = "sintol"
    SURGERY = "surg"
    WASHOUT = "washout"

    @property
    def fhir(self) -> str:
        """As FHIR says it: what did not help gave way to another choice."""
        return "altchoice" if self == StatusReason.INEFFICACY else str(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionDiscontinued:
    """A prescription ended; `stopped_on` is the day of the last dose, from which a washout counts.

    `alerts` are what spoke against stopping so, `overrides` what answered them; absent where nothing did.
    """

    fact_id: FactId
    prescription: FactId
    status_reason: StatusReason
    stopped_on: date
    prescriber: str
    occurred_at: Instant
    alerts: tuple[Alert, ...] | UnsetType = UNSET
    overrides: tuple[Override, ...] | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyCounted:
    """What a client had at home of a medicine: `units` of `unit_mg` milligrams each, None where that is not known."""

    fact_id: FactId
    medicine: Medicine
    units: Decimal
    unit_mg: Decimal | None
    counted_on: date
    counted_by: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedMedicine:
    """A medicine of a reconciled list that is a prescription of ours."""

    prescription: FactId
    medicine: Medicine


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCompared:
    """A reconciled list was compared with the prescriptions in force on its day; `listed_in` is its fact id."""

    fact_id: FactId
    listed_in: FactId
    matched: tuple[MatchedMedicine, ...]
    occurred_at: Instant


class DiscrepancyKind(OpenCodes):
    """How a reconciled list differs from a prescription in force."""

    DOSE = "dose"
    STOPPED = "stopped"
    NOT_TAKING = "not-taking"
    """The client takes nothing, or none of it."""
    NOT_LISTED = "not-listed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyFound:
    """A reconciled list says otherwise than a prescription in force. Doses are in milligrams a day; None is not
    stated. `listed_stopped_on` is the day of the last dose by the list. A prescriber is to answer by `answer_by`, which
    earlier builds did not publish."""

    fact_id: FactId
    listed_in: FactId
    prescription: FactId
    kind: DiscrepancyKind
    medicine: Medicine
    prescribed_daily_dose_mg: Decimal | None
    listed_daily_dose_mg: Decimal | None
    listed_stopped_on: date | None
    occurred_at: Instant
    answer_by: Instant | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyOverdue:
    """No prescriber answered a discrepancy that still stands by the moment at which this occurred."""

    fact_id: FactId
    discrepancy: FactId
    prescription: FactId
    medicine: Medicine
    kind: DiscrepancyKind
    occurred_at: Instant


class DiscrepancyResolution(OpenCodes):
    """What a prescriber found and did about a discrepancy."""

    TAKEN_AS_PRESCRIBED = "taken-as-prescribed"
    LIST_WRONG = "list-wrong"
    DOSE_CHANGED = "dose-changed"
    DISCONTINUED = "discontinued"
    WILL_FOLLOW_UP = "will-follow-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyResolved:
    """A prescriber answered a discrepancy."""

    fact_id: FactId
    discrepancy: FactId
    resolution: DiscrepancyResolution
    comment: str
    resolved_by: str
    occurred_at: Instant


class ConcernCause(OpenCodes):
    """What made prescribing check again what the client takes already."""

    FACT = "fact"
    IMPORT = "import"
    """Facts of an importer, together."""
    DECISION = "decision"
    STRIKE = "strike"
    BIRTHDAY = "birthday"
    PACK = "pack"
    ANSWER = "answer"
    """An answer whose time is over, while what it answered still stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """An alert of the safety check against a medicine that is taken already: a `prescription` of ours, or one of the
    reconciled list (`prescription` is then None). `if_stopped` says what stopping it from one day to the next would do,
    and what to do instead; empty where nothing is known to speak against that."""

    concern: FactId
    prescription: FactId | None
    medicine: Medicine
    alert: Alert
    if_stopped: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCapsule:
    """What the check stood on: the knowledge, the version of prescribing's own stream, the client's day, and the
    reading of the chart. Folding that many events and checking again gives the same concerns."""

    knowledge_pack: str
    knowledge_version: str
    knowledge_digest: str
    stream_version: int
    as_of: date
    reading: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcernsRaised:
    """The check finds with a new fact what it did not find without it. `caused_by` is that fact, the first one of an
    import, or the answer that is over."""

    fact_id: FactId
    cause: ConcernCause
    caused_by: FactId
    concerns: tuple[Concern, ...]
    capsule: CheckCapsule
    occurred_at: Instant


class ConcernAnswerCode(OpenCodes):
    """What a prescriber does about a concern."""

    DOSE_CHANGED = "dose-changed"
    STOPPED = "stopped"
    PLAN = "plan"
    """Stopped or lowered by a plan, said in the comment, until `by_when`."""
    MONITORING = "monitoring"
    FACT_WRONG = "fact-wrong"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcernAnswered:
    """A prescriber answered a concern. `by_when` is the day until which a plan or monitoring is to hold, `second` the
    clinician who agreed where a contraindication was accepted.

    If the check still finds it at `look_again_at`, it is raised again; None is never. `settles` are the raised concerns
    of which with this none is open any more.
    """

    fact_id: FactId
    concern: FactId
    answer: ConcernAnswerCode
    by_when: date | None
    reason: OverrideReason | None
    comment: str
    second: str
    prescriber: str
    look_again_at: Instant | None
    settles: FactId | None
    occurred_at: Instant


class ConcernEnding(OpenCodes):
    """Why a concern ended without, or after, an answer."""

    FACT_STRUCK = "fact-struck"
    DRUG_STOPPED = "drug-stopped"
    NOT_FOUND = "not-found"
    RAISED_AGAIN = "raised-again"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcernEnded:
    """The check does not find it any more; `settles` as in ConcernAnswered."""

    fact_id: FactId
    concern: FactId
    because: ConcernEnding
    settles: FactId | None
    occurred_at: Instant


class DosePlanKind(OpenCodes):
    """What a dose plan is for."""

    TITRATION = "titration"
    TAPER = "taper"
    SWITCH = "switch"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDose:
    """What a step is of one drug: its `daily_dose_mg` over the pattern of its regimen, or 0 and no regimen where it is
    not taken any more. `prescription` is the one whose dose changes, or that `begins` when the step is confirmed.
    `down` is a dose below the one before."""

    drug: Annotated[str, Length(200)]
    prescription: FactId
    begins: bool
    down: bool
    daily_dose_mg: Decimal
    regimen: Regimen | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """All that changes on one day: what is tied to each other is one step. `asks` are the results and questions that
    are to be answered when it is confirmed."""

    number: int
    from_on: date
    doses: tuple[PlannedDose, ...]
    asks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DosePlanSigned:
    """A prescriber signed a dose plan that is legal. No step happens that nobody confirms, except, where it is signed
    for `safety`, its reductions. `client_sets_pace`: the client says when; they may slow a plan down in any case.
    `status_reason` is why a drug is left, `overrides` answer what the checker wanted answered, and `replaces` is the
    plan that ends with it."""

    fact_id: FactId
    kind: DosePlanKind
    steps: tuple[PlannedStep, ...]
    safety: bool
    client_sets_pace: bool
    status_reason: StatusReason
    replaces: FactId | None
    overrides: tuple[Override, ...]
    capsule: CheckCapsule
    prescriber: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDue:
    """From now on the step may be confirmed: three days before its day, or less where that is nearer. `what` says it in
    words."""

    fact_id: FactId
    plan: FactId
    step: int
    from_on: date
    asks: tuple[str, ...]
    what: str
    prescriber: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOverdue:
    """It is noon of the step's day where the client lives, and nobody confirmed it: the dose before goes on."""

    fact_id: FactId
    plan: FactId
    step: int
    from_on: date
    what: str
    prescriber: str
    occurred_at: Instant


class AskAnswer(OpenCodes):
    """What was found about something that a step asks for."""

    FINE = "fine"
    """Asked or measured, and nothing speaks against the step."""
    ACCEPTED = "accepted"
    """Asked or measured, and tolerable."""
    NOT_NEEDED = "not-needed"
    NOT_OBTAINABLE = "not-obtainable"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredAsk:
    ask: Annotated[str, Length(100)]
    answer: AskAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDay:
    """The day of a step as it is now."""

    step: int
    from_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class StepConfirmed:
    """A prescriber confirmed a step after the check was run again: `decisions` are the changes of dose, and the
    prescriptions, that it comes to. `moved` are the steps that have another day now, and `settles` the overdue step
    that somebody was asked about; the prescriptions in `stops` end with the day before."""

    fact_id: FactId
    plan: FactId
    step: int
    from_on: date
    what: str
    decisions: tuple[FactId, ...]
    stops: tuple[FactId, ...]
    asked: tuple[AnsweredAsk, ...]
    moved: tuple[StepDay, ...]
    settles: FactId | None
    prescriber: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyStepTaken:
    """The day of a reduction that was signed for safety has come and nobody held it: it happens unconfirmed."""

    fact_id: FactId
    plan: FactId
    step: int
    from_on: date
    what: str
    decisions: tuple[FactId, ...]
    stops: tuple[FactId, ...]
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDeclined:
    """The check, run again, does not allow the step; the plan stays. `reasons` are slugs, `declined` the order that the
    safety check declined, if it did."""

    fact_id: FactId
    plan: FactId
    step: int
    what: str
    reasons: tuple[str, ...]
    declined: FactId | None
    prescriber: str
    occurred_at: Instant


class HoldReason(OpenCodes):
    """Why a step does not happen on its day, or a plan ends before its end."""

    WITHDRAWAL_SYMPTOMS = "withdrawal-symptoms"
    SIDE_EFFECT = "side-effect"
    RELAPSE = "relapse"
    RESULT = "result"
    CLIENT_WISH = "client-wish"
    SUPPLY = "supply"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepHeld:
    """A step waits: it and all later ones have another day, in `moved`. `cancels` are changes of dose that were
    confirmed and do not take place. `in_a_row` counts the client's holds since a step was last confirmed. `breaks` are
    the constraints that what remains breaks so, on their days: it cannot be confirmed as it is."""

    fact_id: FactId
    plan: FactId
    step: int
    what: str
    reason: HoldReason
    comment: str
    by_client: bool
    in_a_row: int
    held_by: str
    cancels: tuple[FactId, ...]
    moved: tuple[StepDay, ...]
    breaks: tuple[str, ...]
    settles: FactId | None
    prescriber: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChanged:
    """A prescriber put a step, and with it the later ones, on another, later day: `moved`."""

    fact_id: FactId
    plan: FactId
    step: int
    what: str
    reason: HoldReason
    comment: str
    cancels: tuple[FactId, ...]
    moved: tuple[StepDay, ...]
    settles: FactId | None
    prescriber: str
    occurred_at: Instant


class PlanEnding(OpenCodes):
    """Why a dose plan ended, besides the reasons of a hold."""

    COMPLETED = "completed"
    REPLACED = "replaced"
    PRESCRIPTION_ENDED = "prescription-ended"
    DOSE_CHANGED_OUTSIDE = "dose-changed-outside"
    """By ChangeDose, outside of the plan."""
    EPISODE_CLOSED = "episode-closed"
    """The client's episode of care ended."""
    WITHDRAWAL_SYMPTOMS = "withdrawal-symptoms"
    SIDE_EFFECT = "side-effect"
    RELAPSE = "relapse"
    RESULT = "result"
    CLIENT_WISH = "client-wish"
    SUPPLY = "supply"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class DosePlanEnded:
    """No further step of the plan happens; the doses in force go on. `cancels` as in StepHeld. `ended_by` is empty
    where its last step took effect."""

    fact_id: FactId
    plan: FactId
    reason: PlanEnding
    comment: str
    cancels: tuple[FactId, ...]
    settles: FactId | None
    ended_by: str
    occurred_at: Instant


Decided = PrescriptionIssued | PrescriptionDeclined | DoseChanged | PrescriptionDiscontinued
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
Standing = ConcernsRaised | ConcernAnswered | ConcernEnded
Published = (
    Decided
    | DoseTookEffect
    | SupplyCounted
    | ListCompared
    | DiscrepancyFound
    | DiscrepancyOverdue
    | DiscrepancyResolved
    | Standing
    | Planned
    | EnteredInError
)
TYPES = topics("care.prescribing", Published)
"""Every event type on the topic, by its name on the wire."""
