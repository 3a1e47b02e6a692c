"""Examples of monitoring's events and commands."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from msgspec import UNSET

from careloop.contracts.monitoring import (
    DoseStatus,
    EmergencyKind,
    ReporterKind,
    ResultActionEnd,
    RiskContactOutcome,
    SideEffectOutcome,
)
from careloop.contracts.terms import Medicine, Reporter, RiskLevel, Triage, TriageLevel
from careloop.kernel.commands import MarkEnteredInError
from careloop.knowledge.follow_up.result_actions import MeasuredResult
from services.monitoring.domain import events, noted
from services.monitoring.domain.doses import DoseSaid, RecordDose
from services.monitoring.domain.medicines import TakenMedicine
from services.monitoring.domain.risk_contacts import RecordRiskContact
from services.monitoring.domain.risk_watch import end_id
from services.monitoring.domain.scales import AnswerScale
from services.monitoring.domain.side_effects import ReportSideEffect, ResolveSideEffect
from services.monitoring.domain.too_much import TookTooMuch
from tests.support.controls.care_team import CAME_NOTED, LEFT_NOTED
from tests.support.controls.moments import CLIENT, NOON, PRESCRIBER, TODAY, YESTERDAY, event, fact
from tests.support.histories.restate import as_published

LAMOTRIGINE = Medicine(name="lamotrigine 25 MG Oral Tablet", rxcui="28439")
SERTRALINE = Medicine(name="sertraline", rxcui="36437")

ENROLLED = noted.EnrolmentNoted(fact_id=fact("enrolment"), evidence=event("enrolment"), occurred_at=YESTERDAY)
TIME_ZONE = noted.TimeZoneNoted(
    fact_id=fact("enrolment"), evidence=event("enrolment"), time_zone="America/New_York", occurred_at=YESTERDAY
)
DEPARTMENT = noted.EmergencyDepartmentNoted(
    fact_id=fact("enrolment"),
    evidence=event("enrolment"),
    name="Mercy Hospital",
    phone="555-0199",
    occurred_at=YESTERDAY,
)
LISTED = noted.MedicationsNoted(
    fact_id=fact("list"),
    evidence=event("list"),
    medicines=(TakenMedicine(medicine=LAMOTRIGINE),),
    occurred_at=YESTERDAY,
)
LISTED_STOPPED = replace(
    LISTED, medicines=(TakenMedicine(medicine=LAMOTRIGINE, stopped_on=TODAY - timedelta(days=72)),)
)
PRESCRIBED = noted.PrescriptionNoted(
    fact_id=fact("prescription"),
    evidence=event("prescription"),
    medicine=LAMOTRIGINE,
    starts_on=date(2026, 11, 1),
    occurred_at=YESTERDAY,
)
DISCONTINUED = noted.DiscontinuationNoted(
    fact_id=fact("discontinuation"),
    evidence=event("discontinuation"),
    prescription=PRESCRIBED.fact_id,
    stopped_on=TODAY,
    occurred_at=NOON,
)
LIST_STRUCK = noted.StrikeNoted(fact_id=LISTED.fact_id, evidence=event("strike"), occurred_at=NOON)

REPORT_RASH = ReportSideEffect(
    fact_id=fact("rash"),
    symptom="rash",
    own_words="red spots on both arms",
    ctcae_grade=None,
    fibser_frequency=None,
    fibser_intensity=None,
    fibser_burden=None,
    suspected_medicine=None,
    reporter=ReporterKind.CLIENT,
    actor=CLIENT,
    occurred_at=YESTERDAY,
    now=NOON,
)
REPORT_NAUSEA = replace(
    REPORT_RASH, fact_id=fact("nausea"), symptom="nausea", own_words="", ctcae_grade=2, suspected_medicine=SERTRALINE
)
NAUSEA = events.SideEffectReported(
    fact_id=fact("nausea"),
    symptom="nausea",
    own_words="",
    ctcae_grade=2,
    fibser_frequency=None,
    fibser_intensity=None,
    fibser_burden=None,
    suspected_medicine=SERTRALINE,
    reporter=ReporterKind.CLIENT,
    reported_by=CLIENT,
    triage=Triage(
        level=TriageLevel.WITHIN_72_HOURS,
        rule="triage.ctcae-2",
        rule_version=1,
        red_flags=(),
        due_at=NOON + timedelta(hours=72),
    ),
    occurred_at=YESTERDAY,
)
RASH = replace(
    NAUSEA,
    fact_id=fact("rash"),
    symptom="rash",
    own_words="red spots on both arms",
    ctcae_grade=None,
    fibser_frequency=1,
    fibser_intensity=2,
    fibser_burden=3,
    suspected_medicine=None,
    triage=Triage(level=TriageLevel.NEXT_VISIT, rule="triage.ungraded", rule_version=1, red_flags=(), due_at=None),
)
RESOLVE_NAUSEA = ResolveSideEffect(
    fact_id=fact("resolution"),
    side_effect=NAUSEA.fact_id,
    outcome=SideEffectOutcome.RESOLVED,
    action_taken="taken with food",
    actor=PRESCRIBER,
    occurred_at=NOON,
    now=NOON,
)
NAUSEA_RESOLVED = events.SideEffectResolved(
    fact_id=fact("resolution"),
    side_effect=NAUSEA.fact_id,
    outcome=SideEffectOutcome.RESOLVED,
    action_taken="taken with food",
    resolved_by=PRESCRIBER,
    occurred_at=NOON,
)
ANSWER_PHQ_9 = AnswerScale(
    fact_id=fact("phq-9"),
    instrument="phq-9",
    items=(2, 1, 3, 0, 1, 2, 1, 0, 0),
    source="client",
    actor=CLIENT,
    reporter=Reporter.CLIENT,
    occurred_at=YESTERDAY,
    now=NOON,
)
PHQ_9 = events.ScaleScored(
    fact_id=fact("phq-9"),
    instrument="phq-9",
    instrument_version=1,
    items=(2, 1, 3, 0, 1, 2, 1, 0, 0),
    total=10,
    band="moderate",
    flags=(),
    missing=0,
    source="client",
    scored_by=CLIENT,
    occurred_at=YESTERDAY,
    reporter=Reporter.CLIENT,
)
PHQ_9_OF_BEFORE = replace(PHQ_9, reporter=UNSET)
"""By a build that did not say who recorded it."""
PHQ_9_INCOMPLETE = replace(PHQ_9, items=(None,) * 9, total=None, band="", missing=9)
PHQ_9_UNKNOWN = events.ScaleScored(
    fact_id=PHQ_9.fact_id,
    instrument="phq-9",
    instrument_version=1,
    band="",
    source="client",
    scored_by=CLIENT,
    occurred_at=YESTERDAY,
)
RISK = events.RiskRaised(
    fact_id=fact("risk"),
    scale_fact_id=PHQ_9.fact_id,
    level=RiskLevel.MODERATE,
    reason="phq-9-item-9",
    rule="risk.phq-9-item-9",
    rule_version=1,
    due_at=NOON + timedelta(hours=24),
    occurred_at=YESTERDAY,
)
RISK_OF_CLIENT = replace(RISK, fact_id=fact("risk of a client"), reporter=Reporter.CLIENT)
RISK_NOTED = noted.RiskNoted(
    fact_id=fact("risk elsewhere"), evidence=event("risk elsewhere"), reason="c-ssrs-high", occurred_at=YESTERDAY
)
SCREENING_NOTED = noted.ScreeningNoted(fact_id=fact("screening"), evidence=event("screening"), occurred_at=NOON)
CONTACT = RecordRiskContact(
    fact_id=fact("contact"),
    risk=RISK.fact_id,
    outcome=RiskContactOutcome.TRANSPORTED,
    where="County General",
    next="discharge call",
    by_when=NOON + timedelta(days=1),
    actor=PRESCRIBER,
    occurred_at=NOON,
    now=NOON,
)
CONTACTED = events.RiskContactRecorded(
    fact_id=CONTACT.fact_id,
    risks=(RISK.fact_id,),
    outcome=RiskContactOutcome.TRANSPORTED,
    where="County General",
    next="discharge call",
    by_when=NOON + timedelta(days=1),
    recorded_by=PRESCRIBER,
    occurred_at=NOON,
)
CONTACTED_UNKNOWN = replace(CONTACTED, fact_id=fact("contact about another"), flags=("not-known-yet",))
ENDED = events.RiskEnded(
    fact_id=end_id(RISK.fact_id, SCREENING_NOTED.fact_id),
    risk=RISK.fact_id,
    screening=SCREENING_NOTED.fact_id,
    occurred_at=NOON,
)
RESULTS_NOTED = noted.ResultsNoted(
    fact_id=fact("results"),
    evidence=event("results"),
    results=(MeasuredResult(code="14334-7", on=TODAY, value=Decimal("2.3"), unit="mmol/L"),),
    recorded_by="nurse",
    occurred_at=NOON,
)
DEMANDED = events.ResultActionRaised(
    fact_id=fact("demanded"),
    rule="result.lithium.toxic",
    rule_version=1,
    drug="lithium",
    measure="lithium-level",
    severity="contraindicated",
    message="Lithium above 1.5 mmol/L.",
    action="Hold lithium; examine and repeat the level today.",
    recheck_by=TODAY + timedelta(days=1),
    due_at=NOON + timedelta(minutes=15),
    result=RESULTS_NOTED.fact_id,
    recorded_by="nurse",
    occurred_at=NOON,
)
SETTLED = events.ResultActionEnded(
    fact_id=fact("settled"), raised=DEMANDED.fact_id, because=ResultActionEnd.NEW_RESULT, occurred_at=NOON
)
RECORD_DOSE = RecordDose(
    fact_id=fact("dose"),
    medicine=SERTRALINE,
    prescription=None,
    status=DoseSaid.TAKEN,
    reason="",
    reporter=ReporterKind.CLIENT,
    actor=CLIENT,
    occurred_at=YESTERDAY,
    now=NOON,
)
DOSE = events.DoseRecorded(
    fact_id=fact("dose"),
    medicine=SERTRALINE,
    prescription=None,
    status=DoseStatus.TAKEN,
    reason="",
    recorded_by=CLIENT,
    occurred_at=YESTERDAY,
)
WAITS = Triage(level=TriageLevel.NEXT_VISIT, rule="triage.ungraded", rule_version=1, red_flags=(), due_at=None)
DOSE_SKIPPED = replace(DOSE, prescription=fact("prescription"), status=DoseStatus.SKIPPED, reason="felt sick")
DOSE_OF_UNKNOWN = replace(DOSE, fact_id=fact("dose of unknown"), flags=("not-known-yet",))
DOSE_SKIPPED_AND_READ = replace(DOSE_SKIPPED, fact_id=fact("dose read"), triage=WAITS)
EXTRA_DOSE = replace(DOSE, fact_id=fact("extra dose"), status=DoseStatus.EXTRA, amount_mg=Decimal("37.5"))
EXTRA_REPORTED = events.ExtraDoseReported(
    fact_id=fact("extra reported"),
    dose=fact("extra dose"),
    medicine=Medicine(name="lithium"),
    drug="lithium",
    why="Builds up for hours after it was taken; kidney, brain.",
    rule="overdose.lithium",
    rule_version=1,
    due_at=NOON,
    occurred_at=YESTERDAY,
)
EMERGENCY = events.EmergencyDeclared(
    fact_id=fact("emergency"),
    kind=EmergencyKind.DOUBLE_DAILY_DOSE,
    medicine=Medicine(name="lithium"),
    dose=fact("extra dose"),
    total_mg=Decimal(1800),
    daily_dose_mg=Decimal(900),
    declared_by=CLIENT,
    occurred_at=YESTERDAY,
)
TOO_MUCH = replace(
    EMERGENCY,
    fact_id=fact("took too much"),
    kind=EmergencyKind.TOOK_TOO_MUCH,
    medicine=None,
    dose=None,
    total_mg=None,
    daily_dose_mg=None,
)
TAKE_TOO_MUCH = TookTooMuch(fact_id=TOO_MUCH.fact_id, medicine=None, actor=CLIENT, occurred_at=YESTERDAY, now=NOON)
DAILY_DOSE = noted.DailyDoseNoted(
    fact_id=PRESCRIBED.fact_id,
    evidence=event("daily dose"),
    prescription=PRESCRIBED.fact_id,
    daily_dose_mg=Decimal(50),
    effective_on=PRESCRIBED.starts_on,
    occurred_at=PRESCRIBED.occurred_at,
)
STRIKE_NAUSEA = MarkEnteredInError(fact_id=NAUSEA.fact_id, reason="another client's report", actor=PRESCRIBER, now=NOON)
NAUSEA_STRUCK = events.EnteredInError(
    fact_id=NAUSEA.fact_id, reason="another client's report", marked_by=PRESCRIBER, occurred_at=NOON
)

BACKGROUND: tuple[events.Event, ...] = (ENROLLED, RISK)
COMMANDS: tuple[object, ...] = (
    REPORT_NAUSEA,
    REPORT_RASH,
    RESOLVE_NAUSEA,
    ANSWER_PHQ_9,
    CONTACT,
    RECORD_DOSE,
    TAKE_TOO_MUCH,
    STRIKE_NAUSEA,
)
EXAMPLES: tuple[events.Event, ...] = (
    ENROLLED,
    TIME_ZONE,
    DEPARTMENT,
    LISTED,
    LISTED_STOPPED,
    PRESCRIBED,
    DISCONTINUED,
    CAME_NOTED,
    LEFT_NOTED,
    LIST_STRUCK,
    NAUSEA,
    RASH,
    NAUSEA_RESOLVED,
    PHQ_9,
    PHQ_9_OF_BEFORE,
    PHQ_9_INCOMPLETE,
    replace(PHQ_9_INCOMPLETE, reporter=UNSET),
    PHQ_9_UNKNOWN,
    RISK,
    RISK_OF_CLIENT,
    RESULTS_NOTED,
    DEMANDED,
    SETTLED,
    RISK_NOTED,
    SCREENING_NOTED,
    CONTACTED,
    CONTACTED_UNKNOWN,
    ENDED,
    DOSE,
    DOSE_SKIPPED,
    DOSE_OF_UNKNOWN,
    DOSE_SKIPPED_AND_READ,
    EXTRA_DOSE,
    EXTRA_REPORTED,
    EMERGENCY,
    TOO_MUCH,
    DAILY_DOSE,
    replace(DAILY_DOSE, fact_id=fact("changed dose"), cancels=(fact("planned dose"),)),
    NAUSEA_STRUCK,
)
PUBLISHED_EXAMPLES: tuple[object, ...] = tuple(as_published("monitoring", EXAMPLES))
