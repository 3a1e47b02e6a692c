"""Examples of prescribing's events and commands."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from msgspec import UNSET

from careloop.contracts import prescribing as contract
from careloop.contracts.assessment import CurrentMedication
from careloop.contracts.prescribing import (
    AsNeeded,
    CheckCapsule,
    Concern,
    ConcernAnswerCode,
    ConcernAnswered,
    ConcernCause,
    ConcernEnded,
    ConcernEnding,
    ConcernsRaised,
    DiscrepancyKind,
    DiscrepancyResolution,
    DoseTookEffect,
    MatchedMedicine,
    Order,
    Override,
    OverrideReason,
    Phase,
    Regimen,
    ScheduledDose,
    SourcePosition,
    StatusReason,
    Weekday,
)
from careloop.contracts.terms import Coding, Medicine, Role
from careloop.kernel.commands import MarkEnteredInError
from careloop.kernel.credentials import Credential
from careloop.kernel.ids import FactId, derived_id
from careloop.knowledge import chart as known
from careloop.knowledge import findings
from services.prescribing.domain import events, noted, orders
from services.prescribing.domain.answering import AnswerConcern
from services.prescribing.domain.decision_capsule import DecisionCapsule
from services.prescribing.domain.discontinuing import DiscontinuePrescription
from services.prescribing.domain.dose_changes import ChangeDose
from services.prescribing.domain.overdue import AnswerTime, RaiseOverdue, overdue_id
from services.prescribing.domain.reconciliation import CompareList, ResolveDiscrepancy
from services.prescribing.domain.screening import Freshness
from services.prescribing.domain.standing_check import CheckCause, CheckStanding
from services.prescribing.domain.supply import CountSupply
from services.prescribing.domain.taking_effect import DoseAhead, TakeEffect
from tests.support.controls.care_team import CAME_NOTED, LEFT_NOTED
from tests.support.controls.episodes import BEGUN as EPISODE_BEGUN
from tests.support.controls.episodes import ENDED
from tests.support.controls.moments import CLIENT, LAST_WEEK, NOON, PRESCRIBER, TODAY, YESTERDAY, event, fact
from tests.support.histories.restate import as_published

CREDENTIAL = Credential(
    kind="psychiatrist",
    valid_from=datetime(2020, 1, 1, tzinfo=UTC),
    valid_until=datetime(2026, 12, 31, tzinfo=UTC),
)
POSITION = SourcePosition(source="assessment", partition=3, position=12, fresh_as_of=NOON)
NEVER_HEARD = replace(POSITION, source="monitoring", position=0, fresh_as_of=None)
FRESH = Freshness(positions=(POSITION,), stale=frozenset())
STALE = Freshness(positions=(POSITION, NEVER_HEARD), stale=frozenset({"assessment", "monitoring"}))

PROFILE = noted.ProfileNoted(
    fact_id=fact("profile"),
    evidence=event("profile"),
    birth_date=date(1990, 1, 1),
    sex=known.Sex.MALE,
    occurred_at=LAST_WEEK,
)
TIME_ZONE = noted.TimeZoneNoted(
    fact_id=fact("profile"),
    evidence=event("profile"),
    time_zone="America/New_York",
    occurred_at=LAST_WEEK,
)
HISTORY = noted.HistoryNoted(
    fact_id=fact("history"), evidence=event("history"), conditions=(), trials=(), occurred_at=LAST_WEEK
)
HISTORY_TOLD = replace(
    HISTORY,
    fact_id=fact("history told"),
    conditions=(known.Condition(icd10="I10", snomed=None, text="hypertension"),),
    trials=(
        known.Trial(
            name="fluoxetine",
            rxcui="4493",
            daily_dose_mg=Decimal(40),
            weeks=Decimal(8),
            response=known.TrialResponse.NONE,
            stopped_for=known.StoppedFor.INEFFICACY,
        ),
    ),
)
NOTHING_TAKEN = noted.MedicationsNoted(
    fact_id=fact("medications"), evidence=event("medications"), medications=(), occurred_at=LAST_WEEK
)
PHENELZINE_TAKEN = replace(
    NOTHING_TAKEN,
    fact_id=fact("phenelzine"),
    evidence=event("phenelzine"),
    medications=(known.Medication(name="phenelzine", rxcui="8123", daily_dose_mg=Decimal(45)),),
)
NO_ALLERGIES = noted.AllergiesNoted(
    fact_id=fact("allergies"), evidence=event("allergies"), allergies=(), occurred_at=LAST_WEEK
)
PENICILLIN_ALLERGY = replace(
    NO_ALLERGIES,
    fact_id=fact("penicillin"),
    allergies=(
        known.Allergy(substance="penicillin", type=known.AllergyType.ALLERGY, criticality=known.Criticality.HIGH),
    ),
)
ALLERGY_LEFT_OUT = noted.ListGapsNoted(
    fact_id=fact("list gaps"),
    evidence=event("list gaps"),
    list="allergies",
    left_out=1,
    source="ehr-import",
    occurred_at=YESTERDAY,
)
NOT_PREGNANT = noted.PregnancyNoted(
    fact_id=fact("not pregnant"),
    evidence=event("not pregnant"),
    status=known.Pregnancy.NOT_PREGNANT,
    occurred_at=LAST_WEEK,
)
NEUTROPHILS = noted.ResultsNoted(
    fact_id=fact("neutrophils"),
    evidence=event("neutrophils"),
    results=(known.Lab(loinc="751-8", value=Decimal(4100), at=LAST_WEEK.date(), unit="/uL"),),
    occurred_at=LAST_WEEK,
)
GENOTYPES = noted.GenotypesNoted(
    fact_id=fact("genotypes"),
    evidence=event("genotypes"),
    genotypes=(known.Genotype(gene="HLA-B", phenotype="*15:02 positive"),),
    occurred_at=LAST_WEEK,
)
FORMER_SMOKER = noted.SmokingNoted(
    fact_id=fact("former smoker"),
    evidence=event("former smoker"),
    status=known.SmokingStatus.FORMER,
    stopped_on=LAST_WEEK.date(),
    occurred_at=LAST_WEEK,
)
DIAGNOSIS = noted.DiagnosisNoted(
    fact_id=fact("diagnosis"), evidence=event("diagnosis"), icd10="F33.1", occurred_at=LAST_WEEK
)
POSITIVE_MDQ = noted.ScaleNoted(
    fact_id=fact("mdq"), evidence=event("mdq"), instrument="mdq", band="positive", occurred_at=LAST_WEEK
)
NO_RISK = noted.SuicideRiskNoted(
    fact_id=fact("risk"), evidence=event("risk"), level=known.SuicideRisk.NONE, occurred_at=LAST_WEEK
)
SEVERE_NAUSEA = noted.SideEffectNoted(
    fact_id=fact("nausea"),
    evidence=event("nausea"),
    suspected_medicine="sertraline",
    suspected_rxcui="",
    ctcae_grade=3,
    occurred_at=YESTERDAY,
)
UNGRADED_RASH = replace(SEVERE_NAUSEA, fact_id=fact("rash"), suspected_medicine="", ctcae_grade=None)
PHENELZINE_STRUCK = noted.StrikeNoted(fact_id=PHENELZINE_TAKEN.fact_id, evidence=event("strike"), occurred_at=YESTERDAY)
PLANNED = noted.AssessmentPartNoted(fact_id=fact("plan"), evidence=event("plan"), part="plan", occurred_at=LAST_WEEK)
CONDITION_STATUS = noted.ConditionStatusNoted(
    fact_id=fact("history told"),
    evidence=event("history told"),
    conditions=(known.Condition(icd10="I10", text="hypertension", clinical_status="resolved"),),
    occurred_at=LAST_WEEK,
)
SEVERITY = noted.DiagnosisSeverityNoted(
    fact_id=fact("diagnosis"), evidence=event("diagnosis"), severity="severe", occurred_at=LAST_WEEK
)
COMPLETED = noted.CompletionNoted(fact_id=fact("completed"), evidence=event("completed"), occurred_at=LAST_WEEK)
ASSESSED = (PROFILE, HISTORY, NOTHING_TAKEN, NO_ALLERGIES, DIAGNOSIS, NO_RISK, COMPLETED)

SERTRALINE_50 = Order(
    medicine=Medicine(name="sertraline 50 MG Oral Tablet", rxcui="36437"),
    daily_dose_mg=Decimal(50),
    sig="one tablet in the morning",
    days_supply=30,
    starts_on=TODAY,
)
DEPRESSION = Coding(system="icd-10-cm", code="F33.1", display="Major depressive disorder, recurrent, moderate")
REGIMEN = Regimen(
    phases=(
        Phase(days=14, every_days=2, doses=(ScheduledDose(at="08:00", amount_mg=Decimal(40)),)),
        Phase(
            weekdays=(Weekday.MON,),
            as_needed=AsNeeded(reason="pain", amount_mg=Decimal(5), most_in_24_hours=2, hours_between=4),
        ),
    )
)
"""Every part of one."""
PREDNISONE = Order(
    medicine=Medicine(name="prednisone"), daily_dose_mg=Decimal(20), days_supply=28, starts_on=TODAY, regimen=REGIMEN
)
ISSUE_SERTRALINE = orders.IssuePrescription(
    fact_id=fact("sertraline"),
    order=SERTRALINE_50,
    overrides=(),
    prescriber=PRESCRIBER,
    credential=CREDENTIAL,
    occurred_at=NOON,
    now=NOON,
    freshness=FRESH,
)
ALERT = findings.Alert(
    rule="ddi.maoi-serotonergic",
    version=1,
    kind=findings.Check.DRUG_DRUG,
    severity=findings.Severity.CONTRAINDICATED,
    involves=("sertraline", "phenelzine"),
    message="May cause serotonin syndrome.",
    action="Do not combine.",
    source="ONC high-priority list, 4 [V]",
    reviewed=False,
)
SCREENING = findings.Screening(
    knowledge=findings.PackReference(pack="careloop-psychiatry", version="1.0.0", digest="sha256:00"),
    outcome=findings.ScreeningOutcome.ALERTS,
    alerts=(ALERT,),
    not_checked=(findings.NotChecked(check=findings.Check.DOSE, reason="dose-missing", subject="phenelzine"),),
    checked=(findings.Check.DRUG_DRUG,),
)
CLEAR = replace(SCREENING, outcome=findings.ScreeningOutcome.CLEAR, alerts=(), not_checked=())
OVERRIDE = Override(
    rule="ddi.bleeding",
    involves=("sertraline", "ibuprofen"),
    reason=OverrideReason.WILL_MONITOR,
    comment="short course",
)
CAPSULE = DecisionCapsule(
    screening=CLEAR,
    overrides=(),
    evidence=(PROFILE.evidence,),
    stream_version=6,
    source_positions=(POSITION, NEVER_HEARD),
)
ISSUED = events.PrescriptionIssued(
    fact_id=fact("sertraline"),
    order=SERTRALINE_50,
    ingredients=("sertraline",),
    prescriber=PRESCRIBER,
    capsule=CAPSULE,
    occurred_at=YESTERDAY,
)
ISSUED_FOR = replace(
    ISSUED,
    order=replace(SERTRALINE_50, indication=DEPRESSION),
    capsule=replace(CAPSULE, source_positions=(), evidence=()),
)
"""The same, and what it is for."""


BEGUN = replace(ISSUED, order=replace(SERTRALINE_50, starts_on=LAST_WEEK.date()), occurred_at=LAST_WEEK)
"""The same a week ago."""
ISSUED_WITH_LITTLE = replace(
    ISSUED,
    fact_id=fact("little"),
    order=replace(SERTRALINE_50, daily_dose_mg=None, days_supply=None, sig=""),
    capsule=replace(CAPSULE, overrides=(OVERRIDE,), source_positions=()),
)
DECLINED = events.PrescriptionDeclined(
    fact_id=fact("declined"),
    order=SERTRALINE_50,
    prescriber=PRESCRIBER,
    reasons=("contraindicated",),
    capsule=replace(CAPSULE, screening=SCREENING),
    occurred_at=NOON,
)
DECLINED_UNASSESSED = replace(
    DECLINED,
    fact_id=fact("declined unassessed"),
    reasons=("assessment-incomplete",),
    capsule=replace(CAPSULE, source_positions=(), missing=("plan", "completion")),
)
CHANGE_TO_100 = ChangeDose(
    fact_id=fact("to 100"),
    prescription=ISSUED.fact_id,
    daily_dose_mg=Decimal(100),
    effective_on=TODAY,
    reason="partial response",
    overrides=(),
    prescriber=PRESCRIBER,
    credential=CREDENTIAL,
    occurred_at=NOON,
    now=NOON,
    freshness=FRESH,
)
CHANGED = events.DoseChanged(
    fact_id=fact("to 100"),
    prescription=ISSUED.fact_id,
    from_daily_dose_mg=Decimal(50),
    to_daily_dose_mg=Decimal(100),
    effective_on=TODAY,
    reason="partial response",
    prescriber=PRESCRIBER,
    capsule=CAPSULE,
    occurred_at=NOON,
)
CHANGED_INSTEAD = replace(
    CHANGED, fact_id=fact("instead"), cancels=(fact("to 150"),), capsule=replace(CAPSULE, source_positions=())
)
"""Ends a change that was planned for later."""
CHANGED_FROM_UNKNOWN = replace(
    CHANGED,
    fact_id=fact("from unknown"),
    from_daily_dose_mg=None,
    capsule=replace(CAPSULE, evidence=(), source_positions=()),
)
TOOK_EFFECT = DoseTookEffect(
    fact_id=fact("took effect"),
    prescription=ISSUED.fact_id,
    change=CHANGED.fact_id,
    daily_dose_mg=Decimal(100),
    effective_on=TODAY,
    occurred_at=NOON,
)
BEGAN = replace(TOOK_EFFECT, fact_id=fact("began"), change=None, daily_dose_mg=None)
DISCONTINUE = DiscontinuePrescription(
    fact_id=fact("end"),
    prescription=ISSUED.fact_id,
    status_reason=StatusReason.INTOLERANCE,
    stopped_on=TODAY,
    prescriber=PRESCRIBER,
    credential=CREDENTIAL,
    occurred_at=NOON,
    now=NOON,
)
DISCONTINUED = events.PrescriptionDiscontinued(
    fact_id=fact("end"),
    prescription=ISSUED.fact_id,
    status_reason=StatusReason.INTOLERANCE,
    stopped_on=TODAY,
    prescriber=PRESCRIBER,
    occurred_at=NOON,
)
STRIKE = MarkEnteredInError(fact_id=ISSUED.fact_id, reason="another client's order", actor=PRESCRIBER, now=NOON)
STRUCK = events.EnteredInError(
    fact_id=ISSUED.fact_id, reason="another client's order", marked_by=PRESCRIBER, occurred_at=NOON
)
LATER = NOON + timedelta(hours=1)

COUNT_SERTRALINE = CountSupply(
    fact_id=fact("count"),
    medicine=SERTRALINE_50.medicine,
    units=Decimal("7.5"),
    unit_mg=Decimal(50),
    counted_on=TODAY,
    counted_by=CLIENT,
    occurred_at=YESTERDAY,
    now=NOON,
)
SERTRALINE_COUNTED = events.SupplyCounted(
    fact_id=fact("count"),
    medicine=SERTRALINE_50.medicine,
    units=Decimal("7.5"),
    unit_mg=Decimal(50),
    counted_on=TODAY,
    counted_by=CLIENT,
    occurred_at=YESTERDAY,
)
NONE_LEFT = replace(SERTRALINE_COUNTED, units=Decimal(0), unit_mg=None)
LIST = fact("the client's list")
LIST_NOTED = replace(NOTHING_TAKEN, fact_id=LIST, evidence=event("the client's list"), occurred_at=NOON)
COMPARE = CompareList(
    fact_id=fact("comparison"),
    listed_in=LIST,
    medications=(
        CurrentMedication(medicine=Medicine(name="Zoloft"), daily_dose_mg=Decimal(25), source="client"),
        CurrentMedication(medicine=Medicine(name="ibuprofen"), source="client"),
    ),
    occurred_at=NOON,
    recorded_at=NOON,
)
COMPARED = events.ListCompared(
    fact_id=fact("comparison"),
    listed_in=LIST,
    matched=(MatchedMedicine(prescription=ISSUED.fact_id, medicine=Medicine(name="Zoloft")),),
    occurred_at=NOON,
)
DISCREPANCY = events.DiscrepancyFound(
    fact_id=FactId(derived_id("prescribing", "discrepancy", LIST, ISSUED.fact_id)),
    listed_in=LIST,
    prescription=ISSUED.fact_id,
    kind=DiscrepancyKind.DOSE,
    medicine=SERTRALINE_50.medicine,
    prescribed_daily_dose_mg=Decimal(50),
    listed_daily_dose_mg=Decimal(25),
    listed_stopped_on=None,
    occurred_at=NOON,
    answer_by=NOON + timedelta(hours=72),
)
OVERDUE = events.DiscrepancyOverdue(
    fact_id=overdue_id(DISCREPANCY.fact_id),
    discrepancy=DISCREPANCY.fact_id,
    prescription=ISSUED.fact_id,
    medicine=SERTRALINE_50.medicine,
    kind=DiscrepancyKind.DOSE,
    occurred_at=NOON + timedelta(hours=72),
)
RAISE_OVERDUE = RaiseOverdue(
    time=AnswerTime(discrepancy=DISCREPANCY.fact_id, answer_by=OVERDUE.occurred_at), now=OVERDUE.occurred_at
)
RESOLVE = ResolveDiscrepancy(
    fact_id=fact("answered"),
    discrepancy=DISCREPANCY.fact_id,
    resolution=DiscrepancyResolution.TAKEN_AS_PRESCRIBED,
    comment="halved the tablet once",
    prescriber=PRESCRIBER,
    credential=CREDENTIAL,
    occurred_at=NOON,
    now=NOON,
)
RESOLVED = events.DiscrepancyResolved(
    fact_id=fact("answered"),
    discrepancy=DISCREPANCY.fact_id,
    resolution=DiscrepancyResolution.TAKEN_AS_PRESCRIBED,
    comment="halved the tablet once",
    resolved_by=PRESCRIBER,
    occurred_at=NOON,
)
TAKE_EFFECT = TakeEffect(dose=DoseAhead(prescription=ISSUED.fact_id, change=None, effective_on=TODAY), now=NOON)
SECOND_CAME = replace(
    CAME_NOTED,
    evidence=event("second came"),
    fact_id=fact("second came"),
    person="ph.ng",
    role=Role.PHARMACIST,
    effective_from=LAST_WEEK,
)
CONCERN = Concern(
    concern=fact("concern"),
    prescription=ISSUED.fact_id,
    medicine=SERTRALINE_50.medicine,
    alert=contract.Alert(
        rule="ddi.maoi-serotonergic",
        version=1,
        kind="drug-drug",
        severity="contraindicated",
        involves=("sertraline", "phenelzine"),
        message="May cause serotonin syndrome.",
        action="Do not combine.",
        source="ONC high-priority list, 4 [V]",
        reviewed=True,
    ),
    if_stopped="Do not tell the client to stop at once: dizziness. Taper over two weeks.",
)
RAISED = ConcernsRaised(
    fact_id=fact("raised"),
    cause=ConcernCause.FACT,
    caused_by=PHENELZINE_TAKEN.fact_id,
    concerns=(CONCERN,),
    capsule=CheckCapsule(
        knowledge_pack="careloop-psychiatry",
        knowledge_version="1.0.0",
        knowledge_digest="sha256:00",
        stream_version=8,
        as_of=TODAY,
        reading=2,
    ),
    occurred_at=NOON,
)
CONCERN_ANSWERED = ConcernAnswered(
    fact_id=fact("concern answered"),
    concern=CONCERN.concern,
    answer=ConcernAnswerCode.ACCEPTED,
    by_when=TODAY,
    reason=OverrideReason.CROSS_TAPER,
    comment="in hospital",
    second="ph.ng",
    prescriber=PRESCRIBER,
    look_again_at=NOON + timedelta(days=30),
    settles=RAISED.fact_id,
    occurred_at=NOON,
)
CONCERN_ENDED = ConcernEnded(
    fact_id=fact("concern ended"),
    concern=CONCERN.concern,
    because=ConcernEnding.NOT_FOUND,
    settles=RAISED.fact_id,
    occurred_at=NOON,
)
ANSWER_CONCERN = AnswerConcern(
    fact_id=CONCERN_ANSWERED.fact_id,
    concern=CONCERN.concern,
    answer=ConcernAnswerCode.STOPPED,
    comment="the client was called",
    prescriber=PRESCRIBER,
    credential=CREDENTIAL,
    occurred_at=NOON,
    now=NOON,
)
CHECK_STANDING = CheckStanding(
    because=CheckCause(cause=ConcernCause.FACT, fact=PHENELZINE_TAKEN.fact_id), at=NOON, now=NOON
)
BACKGROUND: tuple[events.Event, ...] = (*ASSESSED, RAISED, LIST_NOTED)
COMMANDS: tuple[object, ...] = (
    ANSWER_CONCERN,
    CHECK_STANDING,
    ISSUE_SERTRALINE,
    TAKE_EFFECT,
    COMPARE,
    RAISE_OVERDUE,
    RESOLVE,
    CHANGE_TO_100,
    DISCONTINUE,
    COUNT_SERTRALINE,
    STRIKE,
)
EXAMPLES: tuple[events.Event, ...] = (
    PROFILE,
    HISTORY,
    HISTORY_TOLD,
    NOTHING_TAKEN,
    PHENELZINE_TAKEN,
    NO_ALLERGIES,
    PENICILLIN_ALLERGY,
    ALLERGY_LEFT_OUT,
    NOT_PREGNANT,
    POSITIVE_MDQ,
    NEUTROPHILS,
    GENOTYPES,
    FORMER_SMOKER,
    DIAGNOSIS,
    NO_RISK,
    SEVERE_NAUSEA,
    UNGRADED_RASH,
    PLANNED,
    CONDITION_STATUS,
    SEVERITY,
    COMPLETED,
    TIME_ZONE,
    EPISODE_BEGUN,
    ENDED,
    CAME_NOTED,
    LEFT_NOTED,
    PHENELZINE_STRUCK,
    ISSUED,
    ISSUED_FOR,
    ISSUED_WITH_LITTLE,
    DECLINED,
    DECLINED_UNASSESSED,
    CHANGED,
    CHANGED_FROM_UNKNOWN,
    CHANGED_INSTEAD,
    TOOK_EFFECT,
    BEGAN,
    DISCONTINUED,
    replace(DISCONTINUED, fact_id=fact("end of another"), status_reason=StatusReason.PREGNANCY),
    SERTRALINE_COUNTED,
    NONE_LEFT,
    COMPARED,
    DISCREPANCY,
    replace(DISCREPANCY, answer_by=UNSET),
    OVERDUE,
    replace(
        DISCREPANCY,
        kind=DiscrepancyKind.STOPPED,
        listed_daily_dose_mg=None,
        listed_stopped_on=TODAY,
        answer_by=UNSET,
    ),
    RESOLVED,
    RAISED,
    CONCERN_ANSWERED,
    CONCERN_ENDED,
    STRUCK,
)
PUBLISHED_EXAMPLES: tuple[object, ...] = tuple(as_published("prescribing", EXAMPLES))
