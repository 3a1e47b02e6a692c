"""The care team's events and commands, and what the five services told of one client over twelve weeks."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from careloop.contracts import assessment, coordination, monitoring, notifications, prescribing
from careloop.contracts.terms import (
    Coding,
    EnteredInError,
    Medicine,
    RiskLevel,
    RiskRaised,
    Role,
    ScaleScored,
    Triage,
    TriageLevel,
)
from careloop.kernel.commands import MarkEnteredInError
from careloop.kernel.ids import PersonId
from services.coordination.domain import events
from services.coordination.domain.care_team import AssignTeamMember, ReleaseTeamMember
from services.coordination.domain.codes import TeamRole
from services.coordination.domain.messages import PostMessage
from tests.support.controls import prescribing as p
from tests.support.controls.dose_plans import PUBLISHED_STORY
from tests.support.controls.moments import LAST_WEEK, NOON, PRESCRIBER, YESTERDAY, event, fact
from tests.support.histories.restate import as_published

THERAPIST = PersonId("therapist-ivanov")
MANAGER = PersonId("manager-brandt")

ASSIGN = AssignTeamMember(
    enrolled=True,
    fact_id=fact("assign-therapist"),
    person=THERAPIST,
    name="Mira Ivanov",
    role=TeamRole.THERAPIST,
    email="ivanov@example.org",
    effective_from=LAST_WEEK,
    actor=MANAGER,
    occurred_at=LAST_WEEK,
    now=NOON,
)
ASSIGN_PRESCRIBER = replace(
    ASSIGN,
    fact_id=fact("assign-prescriber"),
    person=PRESCRIBER,
    name="Amara Osei",
    role=TeamRole.PSYCHIATRIST,
    email="",
)
RELEASE = ReleaseTeamMember(
    fact_id=fact("release-therapist"),
    person=THERAPIST,
    role=TeamRole.THERAPIST,
    effective_from=NOON,
    actor=MANAGER,
    occurred_at=NOON,
    now=NOON,
)
POST = PostMessage(
    fact_id=fact("message"),
    recipient=PRESCRIBER,
    about=fact("rash"),
    text="Please look at the rash before the next dose.",
    actor=THERAPIST,
    known=frozenset({fact("rash")}),
    occurred_at=YESTERDAY,
    now=NOON,
)
STRIKE = MarkEnteredInError(fact_id=POST.fact_id, reason="meant for another client", actor=THERAPIST, now=NOON)

BACKGROUND: tuple[events.Event, ...] = ()
COMMANDS: tuple[Any, ...] = (ASSIGN, ASSIGN_PRESCRIBER, POST, STRIKE, RELEASE)
"""Each possible after those before it."""

ASSIGNED = events.TeamMemberAssigned(
    fact_id=ASSIGN.fact_id,
    person=THERAPIST,
    name="Mira Ivanov",
    role=Role.THERAPIST,
    email="ivanov@example.org",
    effective_from=LAST_WEEK,
    assigned_by=MANAGER,
    occurred_at=LAST_WEEK,
)
PRESCRIBER_ASSIGNED = replace(
    ASSIGNED,
    fact_id=ASSIGN_PRESCRIBER.fact_id,
    person=PRESCRIBER,
    name="Amara Osei",
    role=Role.PSYCHIATRIST,
    email="",
)
RELEASED = events.TeamMemberReleased(
    fact_id=RELEASE.fact_id,
    person=THERAPIST,
    role=Role.THERAPIST,
    effective_from=NOON,
    released_by=MANAGER,
    occurred_at=NOON,
)
POSTED = events.MessagePosted(
    fact_id=POST.fact_id,
    sender=THERAPIST,
    recipient=PRESCRIBER,
    about=fact("rash"),
    text=POST.text,
    occurred_at=YESTERDAY,
)
POSTED_ABOUT_UNKNOWN = replace(
    POSTED, fact_id=fact("message-3"), sender="dr", recipient="tom", text="See this.", flags=("not-known-yet",)
)
READ_TODAY = Triage(
    level=TriageLevel.SAME_DAY,
    rule="triage.medicines-unknown.aromatic-anticonvulsant-rash",
    rule_version=1,
    red_flags=(),
    due_at=NOON + timedelta(hours=12),
)
"""Of words about a rash, while nobody knows what is taken."""
POSTED_AND_READ = replace(
    POSTED,
    fact_id=fact("message-4"),
    sender="client",
    recipient="d",
    about=None,
    text="x",
    triage=Triage(level=TriageLevel.NEXT_VISIT, rule="r", rule_version=1, red_flags=(), due_at=None),
)
POSTED_ABOUT_NOTHING = replace(POSTED, fact_id=fact("message-2"), about=None)
STRUCK = events.EnteredInError(
    fact_id=POST.fact_id, reason="meant for another client", marked_by=THERAPIST, occurred_at=NOON
)

EXAMPLES: tuple[events.Event, ...] = (
    ASSIGNED,
    PRESCRIBER_ASSIGNED,
    RELEASED,
    POSTED,
    POSTED_ABOUT_UNKNOWN,
    POSTED_ABOUT_NOTHING,
    POSTED_AND_READ,
    STRUCK,
)
PUBLISHED_EXAMPLES: tuple[Any, ...] = tuple(as_published("coordination", EXAMPLES))

SERTRALINE = Medicine(name="sertraline", rxcui="36437")
LAMOTRIGINE = Medicine(name="lamotrigine", rxcui="28439")
INTAKE = NOON - timedelta(weeks=12)


def week(number: int) -> datetime:
    """Noon, so many weeks after intake."""
    return INTAKE + timedelta(weeks=number)


ENROLLED = assessment.PatientEnrolled(
    fact_id=fact("enrolled"),
    name="Alma Reyes",
    birth_date=date(1990, 4, 12),
    sex=assessment.Sex.FEMALE,
    phone="555-0100",
    email="",
    emergency_contact=assessment.EmergencyContact(name="Rosa Reyes", relationship="mother", phone="555-0101"),
    location=None,
    time_zone="America/Chicago",
    occurred_at=INTAKE,
)
HISTORY = assessment.HistoryRecorded(
    fact_id=fact("history"),
    conditions=(
        assessment.Condition(
            coding=Coding(system="snomed", code="370143000", display="Major depressive disorder"),
            clinical_status="active",
            onset=date(2021, 3, 1),
        ),
    ),
    earlier_treatments=(
        assessment.EarlierTreatment(
            medicine=Medicine(name="fluoxetine"),
            daily_dose_mg=Decimal("37.5"),
            weeks=10,
            response=assessment.TreatmentResponse.PARTIAL,
            side_effects=("insomnia",),
            stopped_for=assessment.StoppedFor.INTOLERANCE,
        ),
    ),
    source="client",
    occurred_at=INTAKE,
)
LISTED = assessment.MedicationsReconciled(
    fact_id=fact("listed"),
    medications=(
        assessment.CurrentMedication(
            medicine=Medicine(name="lisinopril"),
            daily_dose_mg=Decimal(10),
            started_on=date(2024, 1, 5),
            stopped_on=None,
            source="pharmacy list",
        ),
    ),
    none_taken=False,
    occurred_at=INTAKE,
)
ALLERGIC = assessment.AllergiesRecorded(
    fact_id=fact("allergic"),
    allergies=(
        assessment.Allergy(
            substance=Medicine(name="penicillin V"),
            type=assessment.AllergyType.ALLERGY,
            criticality=assessment.Criticality.HIGH,
            reaction="hives",
        ),
    ),
    no_known_allergies=False,
    occurred_at=week(1),
)
LIST_GAPS = assessment.ListGapsRecorded(
    fact_id=fact("list-gaps"),
    list=assessment.ChartList.MEDICATIONS,
    left_out=2,
    source="ehr-import",
    occurred_at=INTAKE,
)
NOT_PREGNANT = assessment.PregnancyRecorded(
    fact_id=fact("not-pregnant"),
    status=assessment.PregnancyStatus.NOT_PREGNANT,
    source="client",
    occurred_at=INTAKE,
)
GENOTYPES = assessment.GenotypesRecorded(
    fact_id=fact("genotypes"),
    genotypes=(assessment.GenotypeResult(gene="CYP2D6", phenotype="poor metabolizer"),),
    none_known=False,
    source="laboratory",
    occurred_at=INTAKE,
)
FORMER_SMOKER = assessment.SmokingRecorded(
    fact_id=fact("former smoker"),
    status=assessment.SmokingStatus.FORMER,
    stopped_on=date(2026, 1, 5),
    source="client",
    occurred_at=INTAKE,
)
RESULTS = assessment.ResultsRecorded(
    fact_id=fact("results"),
    results=tuple(
        assessment.Result(loinc="29463-7", value=Decimal(weight), unit="kg", on=date(2026, 1, day), display="Weight")
        for day, weight in enumerate((71, 70, 69, 68, 67, 66), start=1)
    ),
    none_known=False,
    source="laboratory",
    occurred_at=INTAKE,
)
NO_ALLERGIES = replace(
    ALLERGIC, fact_id=fact("no-allergies"), allergies=(), no_known_allergies=True, occurred_at=INTAKE
)
DEPRESSION = assessment.DiagnosisEstablished(
    fact_id=fact("depression"),
    icd10="F33.1",
    display="Major depressive disorder, recurrent, moderate",
    severity=assessment.Severity.MODERATE,
    verification=assessment.VerificationStatus.PROVISIONAL,
    occurred_at=INTAKE,
)
DEPRESSION_CONFIRMED = replace(
    DEPRESSION,
    fact_id=fact("depression-confirmed"),
    verification=assessment.VerificationStatus.CONFIRMED,
    occurred_at=week(1),
)
PLAN = assessment.Plan(
    medications=(assessment.ProposedMedication(medicine=SERTRALINE, daily_dose_mg=Decimal(50)),),
    therapies=("skills group",),
    goals=("sleep through the night",),
)
PROPOSED = assessment.PlanProposed(fact_id=fact("plan"), plan=PLAN, occurred_at=INTAKE)
COMPLETED = assessment.AssessmentCompleted(
    fact_id=fact("completed"),
    completed_by=PRESCRIBER,
    credential=Role.PSYCHIATRIST,
    diagnoses=("F33.1",),
    suicide_risk=RiskLevel.LOW,
    plan=PLAN,
    rests_on=(HISTORY.fact_id,),
    occurred_at=week(1),
)


def phq_9(name: str, total: int | None, occurred_at: datetime, instrument: str = "phq-9") -> ScaleScored:
    return ScaleScored(
        fact_id=fact(name),
        instrument=instrument,
        instrument_version=1,
        items=None,
        total=total,
        band="moderate",
        flags=(),
        missing=0,
        source="client",
        scored_by="client",
        occurred_at=occurred_at,
    )


BASELINE = phq_9("phq-9-intake", 18, INTAKE)
MIDWAY = phq_9("phq-9-week-6", 11, week(6))
LATEST = phq_9("phq-9-week-12", 4, week(12))
RISK = RiskRaised(
    fact_id=fact("risk"),
    scale_fact_id=MIDWAY.fact_id,
    level=RiskLevel.MODERATE,
    reason="phq-9-item-9",
    rule="risk.phq-9-item-9",
    rule_version=1,
    due_at=week(6) + timedelta(hours=24),
    occurred_at=week(6),
)

ALERT = prescribing.Alert(
    rule="interaction.ssri-nsaid",
    version=1,
    kind="interaction",
    severity="high",
    involves=("sertraline", "ibuprofen"),
    message="Bleeding risk",
    action="Avoid or protect the stomach",
    source="ONC high-priority list",
    reviewed=False,
)
OVERRIDE = prescribing.Override(
    rule=ALERT.rule,
    involves=ALERT.involves,
    reason=prescribing.OverrideReason.WILL_MONITOR,
    comment="weekly",
)
CAPSULE = prescribing.DecisionCapsule(
    knowledge_pack="careloop",
    knowledge_version="1",
    knowledge_digest="00",
    outcome="alerts",
    alerts=(ALERT,),
    not_checked=(prescribing.NotChecked(check="pregnancy", reason="unknown", subject=""),),
    checked=("interactions",),
    overrides=(OVERRIDE,),
    evidence=(event("listed"),),
    stream_version=3,
    source_positions=(),
)
ORDER = prescribing.Order(
    medicine=SERTRALINE, daily_dose_mg=Decimal(50), sig="one a day", days_supply=30, starts_on=date(2026, 9, 7)
)
ISSUED = prescribing.PrescriptionIssued(
    fact_id=fact("issued"),
    order=ORDER,
    ingredients=("sertraline",),
    prescriber=PRESCRIBER,
    capsule=CAPSULE,
    occurred_at=week(1),
)
CHANGED = prescribing.DoseChanged(
    fact_id=fact("changed"),
    prescription=ISSUED.fact_id,
    from_daily_dose_mg=Decimal(50),
    to_daily_dose_mg=Decimal(100),
    effective_on=date(2026, 10, 5),
    reason="partial response",
    prescriber=PRESCRIBER,
    capsule=replace(CAPSULE, overrides=()),
    occurred_at=week(5),
)
DECLINED = prescribing.PrescriptionDeclined(
    fact_id=fact("declined"),
    order=replace(ORDER, medicine=Medicine(name="phenelzine")),
    prescriber=PRESCRIBER,
    reasons=("contraindicated",),
    capsule=replace(CAPSULE, overrides=()),
    occurred_at=week(3),
)
TOOK_EFFECT = prescribing.DoseTookEffect(
    fact_id=fact("took effect"),
    prescription=ISSUED.fact_id,
    change=CHANGED.fact_id,
    daily_dose_mg=Decimal(100),
    effective_on=date(2026, 10, 5),
    occurred_at=week(5),
)
COUNTED = prescribing.SupplyCounted(
    fact_id=fact("counted"),
    medicine=Medicine(name="sertraline", rxcui="36437"),
    units=Decimal("7.5"),
    unit_mg=Decimal(50),
    counted_on=date(2026, 11, 20),
    counted_by="client",
    occurred_at=week(5),
)
LIST_COMPARED = prescribing.ListCompared(
    fact_id=fact("compared"),
    listed_in=fact("listed"),
    matched=(prescribing.MatchedMedicine(prescription=ISSUED.fact_id, medicine=Medicine(name="Zoloft")),),
    occurred_at=week(2),
)
DISCREPANCY = prescribing.DiscrepancyFound(
    fact_id=fact("discrepancy"),
    listed_in=fact("listed"),
    prescription=ISSUED.fact_id,
    kind=prescribing.DiscrepancyKind.DOSE,
    medicine=SERTRALINE,
    prescribed_daily_dose_mg=Decimal(50),
    listed_daily_dose_mg=Decimal(25),
    listed_stopped_on=None,
    occurred_at=week(2),
    answer_by=week(2) + timedelta(hours=72),
)
DISCREPANCY_OVERDUE = prescribing.DiscrepancyOverdue(
    fact_id=fact("overdue"),
    discrepancy=DISCREPANCY.fact_id,
    prescription=DISCREPANCY.prescription,
    medicine=DISCREPANCY.medicine,
    kind=DISCREPANCY.kind,
    occurred_at=DISCREPANCY.occurred_at + timedelta(hours=72),
)
DISCREPANCY_RESOLVED = prescribing.DiscrepancyResolved(
    fact_id=fact("answered"),
    discrepancy=DISCREPANCY.fact_id,
    resolution=prescribing.DiscrepancyResolution.LIST_WRONG,
    comment="read again",
    resolved_by=PRESCRIBER,
    occurred_at=week(3),
)
CONCERNS_RAISED = replace(p.RAISED, concerns=(replace(p.CONCERN, prescription=ISSUED.fact_id),), occurred_at=week(6))
CONCERN_ANSWERED = replace(p.CONCERN_ANSWERED, occurred_at=week(7))
CONCERN_ENDED = replace(p.CONCERN_ENDED, occurred_at=week(8))
DISCONTINUED = prescribing.PrescriptionDiscontinued(
    fact_id=fact("discontinued"),
    prescription=ISSUED.fact_id,
    status_reason=prescribing.StatusReason.INTOLERANCE,
    stopped_on=date(2026, 11, 20),
    prescriber=PRESCRIBER,
    occurred_at=week(11),
)


def side_effect(name: str, level: TriageLevel, occurred_at: datetime) -> monitoring.SideEffectReported:
    due_at = None if level is TriageLevel.NEXT_VISIT else occurred_at + timedelta(hours=12)
    return monitoring.SideEffectReported(
        fact_id=fact(name),
        symptom=name,
        own_words="red spots",
        ctcae_grade=2,
        fibser_frequency=None,
        fibser_intensity=None,
        fibser_burden=None,
        suspected_medicine=LAMOTRIGINE,
        reporter=monitoring.ReporterKind.CLIENT,
        reported_by="client",
        triage=Triage(level=level, rule="triage.grade", rule_version=1, red_flags=("rash",), due_at=due_at),
        occurred_at=occurred_at,
    )


RASH = side_effect("rash", TriageLevel.SAME_DAY, week(8))
NAUSEA = side_effect("nausea", TriageLevel.NEXT_VISIT, week(9))
NAUSEA_RESOLVED = monitoring.SideEffectResolved(
    fact_id=fact("nausea-resolved"),
    side_effect=NAUSEA.fact_id,
    outcome=monitoring.SideEffectOutcome.RESOLVED,
    action_taken="taken with food",
    resolved_by=PRESCRIBER,
    occurred_at=week(10),
)
RISK_OPEN = replace(RISK, fact_id=fact("risk that stays open"), occurred_at=week(11))
CONTACTED = monitoring.RiskContactRecorded(
    fact_id=fact("contacted"),
    risks=(RISK.fact_id,),
    outcome=monitoring.RiskContactOutcome.PLAN_MADE,
    where="",
    next="call on Monday",
    by_when=week(7),
    recorded_by=PRESCRIBER,
    occurred_at=week(6) + timedelta(hours=2),
)
ENDED = monitoring.RiskEnded(
    fact_id=fact("ended"), risk=RISK_OPEN.fact_id, screening=fact("screened again"), occurred_at=week(12)
)
DEMANDED = monitoring.ResultActionRaised(
    fact_id=fact("demanded"),
    rule="result.lithium.toxic",
    rule_version=1,
    drug="lithium",
    measure="lithium-level",
    severity="contraindicated",
    message="Lithium above 1.5 mmol/L.",
    action="Hold lithium.",
    recheck_by=date(2026, 11, 24),
    due_at=week(11) + timedelta(minutes=15),
    result=fact("results"),
    recorded_by=MANAGER,
    occurred_at=week(11),
)
DEMANDED_BEFORE = replace(DEMANDED, fact_id=fact("demanded before"), severity="high", occurred_at=week(9))
SETTLED = monitoring.ResultActionEnded(
    fact_id=fact("settled"),
    raised=DEMANDED_BEFORE.fact_id,
    because=monitoring.ResultActionEnd.NEW_RESULT,
    occurred_at=week(10),
)
DOSE = monitoring.DoseRecorded(
    fact_id=fact("dose"),
    medicine=SERTRALINE,
    prescription=ISSUED.fact_id,
    status=monitoring.DoseStatus.TAKEN,
    reason="",
    recorded_by="client",
    occurred_at=week(2),
)

NOTICE = notifications.NoticeDecided(
    fact_id=fact("notice"),
    cause=event("rash"),
    cause_fact=RASH.fact_id,
    cause_type="care.monitoring.SideEffectReported.v1",
    cause_recorded_at=week(8),
    subject="side effect reported",
    priority=notifications.Priority.URGENT,
    addressees=(
        notifications.Addressee(
            person=PRESCRIBER, role=Role.PSYCHIATRIST, channels=(notifications.Channel.INBOX,), step=0
        ),
        notifications.Addressee(
            person=MANAGER, role=Role.CARE_MANAGER, channels=(notifications.Channel.EMAIL,), step=1
        ),
    ),
    acknowledge_by=week(8) + timedelta(hours=1),
    suppressed="",
    occurred_at=week(8),
)
RISK_NOTICE = replace(
    NOTICE, fact_id=fact("risk-notice"), cause_fact=RISK.fact_id, cause_type="care.assessment.RiskRaised.v1"
)
FAILED = notifications.NoticeFailed(
    notice=NOTICE.fact_id,
    person=PRESCRIBER,
    channel=notifications.Channel.INBOX,
    attempt=1,
    message_id="m-1",
    reason="unreachable",
    final=True,
    occurred_at=week(8),
)
ESCALATED = notifications.NoticeEscalated(
    notice=NOTICE.fact_id,
    step=1,
    persons=(MANAGER,),
    acknowledge_by=week(8) + timedelta(hours=3),
    occurred_at=week(8) + timedelta(hours=2),
)
HANDED_OVER = notifications.NoticeHandedOver(
    notice=NOTICE.fact_id, left=PRESCRIBER, persons=("dr-new",), occurred_at=week(8) + timedelta(hours=2)
)
ACKNOWLEDGED = notifications.NoticeAcknowledged(
    notice=NOTICE.fact_id, acknowledged_by=MANAGER, occurred_at=week(8) + timedelta(hours=2, minutes=30)
)
RISK_ACKNOWLEDGED = replace(ACKNOWLEDGED, notice=RISK_NOTICE.fact_id)


def struck(wrong: Any, occurred_at: datetime = NOON) -> EnteredInError:
    return EnteredInError(
        fact_id=wrong.fact_id, reason="told of the wrong client", marked_by=PRESCRIBER, occurred_at=occurred_at
    )


CLOSED_BEFORE = assessment.EpisodeClosed(
    fact_id=fact("closed before"),
    reason=assessment.EndReason.LEFT,
    on=week(-4).date(),
    handed_to=assessment.CareHandedOver(
        who="Lakeside Clinic", accepted_by="Dr. Imani Wells", first_appointment_on=week(-3).date()
    ),
    letter_sent_on=week(-5).date(),
    attempts=(assessment.ContactAttempt(channel=assessment.ContactChannel.PHONE, on=week(-5).date()),),
    last_risk=RiskLevel.MODERATE,
    reported_by="",
    agreed_by="",
    closed_by="dr-amara-osei",
    confirm_by=None,
    occurred_at=week(-4),
)
DEATH_CONFIRMED = assessment.DeathConfirmed(
    fact_id=fact("death confirmed"), closing=fact("a death"), confirmed_by="noor-nurse", occurred_at=week(-4)
)
CONTACT_DUE = assessment.CaringContactDue(
    fact_id=fact("contact due"), closing=CLOSED_BEFORE.fact_id, due_at=week(-3), occurred_at=week(-4)
)

EXTRA_DOSE = monitoring.ExtraDoseReported(
    fact_id=fact("extra dose"),
    dose=DOSE.fact_id,
    medicine=Medicine(name="lithium"),
    drug="lithium",
    why="Builds up for hours after it was taken; kidney, brain.",
    rule="overdose.lithium",
    rule_version=1,
    due_at=week(8),
    occurred_at=week(7),
)
EMERGENCY = monitoring.EmergencyDeclared(
    fact_id=fact("emergency"),
    kind=monitoring.EmergencyKind.TOOK_TOO_MUCH,
    medicine=None,
    dose=None,
    total_mg=None,
    daily_dose_mg=None,
    declared_by="client-1",
    occurred_at=week(7),
)

TOLD: dict[str, tuple[Any, ...]] = {
    "assessment": (
        ENROLLED,
        HISTORY,
        NO_ALLERGIES,
        LIST_GAPS,
        NOT_PREGNANT,
        RESULTS,
        GENOTYPES,
        FORMER_SMOKER,
        LISTED,
        DEPRESSION,
        PROPOSED,
        BASELINE,
        COMPLETED,
        ALLERGIC,
        DEPRESSION_CONFIRMED,
        struck(DEPRESSION_CONFIRMED),
        CLOSED_BEFORE,
        DEATH_CONFIRMED,
        CONTACT_DUE,
    ),
    "prescribing": (
        ISSUED,
        DECLINED,
        CHANGED,
        TOOK_EFFECT,
        LIST_COMPARED,
        DISCREPANCY,
        DISCREPANCY_OVERDUE,
        CONCERNS_RAISED,
        CONCERN_ANSWERED,
        CONCERN_ENDED,
        DISCREPANCY_RESOLVED,
        DISCONTINUED,
        COUNTED,
        *PUBLISHED_STORY,
        struck(DISCONTINUED),
    ),
    "monitoring": (
        LATEST,
        MIDWAY,
        RISK,
        RISK_OPEN,
        CONTACTED,
        ENDED,
        DEMANDED_BEFORE,
        SETTLED,
        DEMANDED,
        RASH,
        NAUSEA,
        NAUSEA_RESOLVED,
        DOSE,
        EXTRA_DOSE,
        EMERGENCY,
        struck(NAUSEA),
    ),
    "notifications": (NOTICE, FAILED, ESCALATED, HANDED_OVER, RISK_NOTICE, RISK_ACKNOWLEDGED),
    "coordination": PUBLISHED_EXAMPLES,
}
"""What each service published, in the order it did; some of it about days before what it had told already."""

TYPE_NAMES: dict[str, dict[type, str]] = {
    source: {cls: name for name, cls in contract.TYPES.items()}
    for source, contract in {
        "assessment": assessment,
        "prescribing": prescribing,
        "monitoring": monitoring,
        "notifications": notifications,
        "coordination": coordination,
    }.items()
}
