"""The assessment service's events and commands: one client, Alma Reyes, on two days in November."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import UNSET

from careloop.contracts.assessment import (
    AllergiesRecorded,
    Allergy,
    AllergyType,
    AssessmentAmended,
    AssessmentCompleted,
    CareHandedOver,
    CaringContactDue,
    ChartList,
    Condition,
    ContactAttempt,
    ContactChannel,
    Criticality,
    CurrentMedication,
    DeathConfirmed,
    DiagnosisEstablished,
    EarlierTreatment,
    EmergencyContact,
    EndReason,
    EpisodeClosed,
    GenotypeResult,
    GenotypesRecorded,
    HistoryRecorded,
    ListGapsRecorded,
    Location,
    MedicationsReconciled,
    PatientEnrolled,
    Plan,
    PlanProposed,
    PregnancyRecorded,
    PregnancyStatus,
    ProposedMedication,
    Result,
    ResultsRecorded,
    Severity,
    Sex,
    SmokingRecorded,
    SmokingStatus,
    StoppedFor,
    TreatmentResponse,
    VerificationStatus,
)
from careloop.contracts.terms import (
    Coding,
    EnteredInError,
    Medicine,
    Reporter,
    RiskLevel,
    RiskRaised,
    Role,
    ScaleScored,
    TriageLevel,
)
from careloop.kernel.commands import MarkEnteredInError
from careloop.kernel.credentials import Credential
from careloop.kernel.ids import EventId, FactId, PatientId, PersonId, derived_id
from services.assessment.domain import noted
from services.assessment.domain.allergies import AddAllergy, RecordAllergies
from services.assessment.domain.caring_contacts import AskForContact, contacts_after
from services.assessment.domain.completion import AmendAssessment, CompleteAssessment
from services.assessment.domain.deaths import ConfirmDeath
from services.assessment.domain.diagnoses import EstablishDiagnosis
from services.assessment.domain.enrolment import EnrollPatient
from services.assessment.domain.episodes import CloseEpisode
from services.assessment.domain.events import Event
from services.assessment.domain.genotypes import RecordGenotypes
from services.assessment.domain.history import RecordHistory
from services.assessment.domain.list_gaps import RecordListGaps
from services.assessment.domain.medications import AddMedication, ReconcileMedications
from services.assessment.domain.noted import StrikeNoted
from services.assessment.domain.plans import AddToPlan, ProposePlan
from services.assessment.domain.pregnancy import RecordPregnancy
from services.assessment.domain.results import RecordResults
from services.assessment.domain.scales import AnswerScale, RecordScaleTotal
from services.assessment.domain.smoking import RecordSmoking
from tests.support.controls.care_team import CAME_NOTED, LEAVER, LEFT_NOTED
from tests.support.histories.restate import as_published

PATIENT = PatientId(UUID("0b6f3f0e-6a52-5a0e-9a55-0d0f1c6c1a01"))
MONDAY = datetime(2026, 11, 16, 15, 0, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
NOW = datetime(2026, 11, 17, 18, 0, tzinfo=UTC)
NURSE = PersonId("nurse-okafor")
PSYCHIATRIST = PersonId("dr-lindqvist")
CREDENTIAL = Credential(
    kind="psychiatrist", valid_from=datetime(2020, 1, 1, tzinfo=UTC), valid_until=datetime(2027, 12, 31, tzinfo=UTC)
)


def fact(name: str) -> FactId:
    return FactId(derived_id("controls", "assessment", name))


SERTRALINE = Medicine(name="sertraline 50 MG Oral Tablet", rxcui="312941")
PLAN = Plan(
    medications=(ProposedMedication(medicine=SERTRALINE, daily_dose_mg=Decimal(50)),),
    therapies=("individual therapy weekly", "skills group"),
    goals=("sleep through the night",),
)

ENROLLED = PatientEnrolled(
    fact_id=fact("enrolled"),
    name="Alma Reyes",
    birth_date=date(1990, 4, 12),
    sex=Sex.FEMALE,
    phone="555-0100",
    email="alma@example.org",
    emergency_contact=EmergencyContact(name="Rosa Reyes", relationship="mother", phone="555-0101"),
    location=Location(
        address="12 Elm Street, Springfield",
        emergency_department="Springfield General",
        emergency_department_phone="555-0102",
    ),
    time_zone="America/Chicago",
    occurred_at=MONDAY,
)
HISTORY = HistoryRecorded(
    fact_id=fact("history"),
    conditions=(
        Condition(
            coding=Coding(system="snomed", code="370143000", display="Major depressive disorder"),
            clinical_status="active",
            onset=date(2021, 3, 1),
        ),
    ),
    earlier_treatments=(
        EarlierTreatment(
            medicine=Medicine(name="fluoxetine"),
            daily_dose_mg=Decimal("37.5"),
            weeks=10,
            response=TreatmentResponse.PARTIAL,
            side_effects=("insomnia",),
            stopped_for=StoppedFor.INTOLERANCE,
        ),
    ),
    source="client",
    occurred_at=MONDAY,
)
MEDICATIONS = MedicationsReconciled(
    fact_id=fact("medications"),
    medications=(
        CurrentMedication(
            medicine=Medicine(name="lisinopril 10 MG Oral Tablet", rxcui="314076"),
            daily_dose_mg=Decimal(10),
            started_on=date(2024, 1, 5),
            stopped_on=date(2026, 11, 1),
            source="pharmacy list",
        ),
    ),
    none_taken=False,
    occurred_at=MONDAY,
)
ALLERGIES = AllergiesRecorded(
    fact_id=fact("allergies"),
    allergies=(
        Allergy(
            substance=Medicine(name="penicillin V", rxcui="7984"),
            type=AllergyType.ALLERGY,
            criticality=Criticality.HIGH,
            reaction="hives",
        ),
    ),
    no_known_allergies=False,
    occurred_at=MONDAY,
)
LIST_GAPS = ListGapsRecorded(
    fact_id=fact("list gaps"), list=ChartList.ALLERGIES, left_out=2, source="ehr-import", occurred_at=MONDAY
)
NOT_PREGNANT = PregnancyRecorded(
    fact_id=fact("not pregnant"), status=PregnancyStatus.NOT_PREGNANT, source="client", occurred_at=MONDAY
)
RESULTS = ResultsRecorded(
    fact_id=fact("results"),
    results=(
        Result(loinc="29463-7", value=Decimal("68.5"), unit="kg", on=date(2026, 11, 12), display="Body weight"),
        Result(loinc="751-8", value=Decimal(4100), unit="/uL", on=date(2026, 11, 12)),
    ),
    none_known=False,
    source="laboratory",
    occurred_at=MONDAY,
)
GENOTYPES = GenotypesRecorded(
    fact_id=fact("genotypes"),
    genotypes=(
        GenotypeResult(gene="HLA-B", phenotype="*15:02 positive"),
        GenotypeResult(gene="CYP2D6", phenotype="Poor Metabolizer"),
    ),
    none_known=False,
    source="laboratory",
    occurred_at=MONDAY,
)
FORMER_SMOKER = SmokingRecorded(
    fact_id=fact("former smoker"),
    status=SmokingStatus.FORMER,
    stopped_on=date(2026, 11, 10),
    source="client",
    occurred_at=MONDAY,
)
SCREENER = ScaleScored(
    fact_id=fact("c-ssrs"),
    instrument="c-ssrs",
    instrument_version=1,
    items=(1, 0, None, None, None, 0, 0),
    total=None,
    band="low",
    flags=(),
    missing=3,
    source="clinician",
    scored_by=NURSE,
    occurred_at=MONDAY,
    reporter=Reporter.CLINICIAN,
)
PHQ_9 = ScaleScored(
    fact_id=fact("phq-9"),
    instrument="phq-9",
    instrument_version=1,
    items=(2, 1, 3, 0, 1, 2, 1, 0, 1),
    total=11,
    band="moderate",
    flags=("item-9",),
    missing=0,
    source="client",
    scored_by=NURSE,
    occurred_at=TUESDAY,
    reporter=Reporter.CLINICIAN,
)
PHQ_9_OF_BEFORE = replace(PHQ_9, reporter=UNSET)
"""By a build that did not say who recorded it."""
RISK = RiskRaised(
    fact_id=FactId(derived_id("assessment", "risk", PHQ_9.fact_id)),
    scale_fact_id=PHQ_9.fact_id,
    level=RiskLevel.MODERATE,
    reason="phq-9-item-9",
    rule="risk.phq-9-item-9",
    rule_version=1,
    due_at=NOW + timedelta(hours=24),
    occurred_at=TUESDAY,
    reporter=Reporter.CLINICIAN,
)
DIAGNOSIS = DiagnosisEstablished(
    fact_id=fact("diagnosis"),
    icd10="F33.1",
    display="Major depressive disorder, recurrent, moderate",
    severity=Severity.MODERATE,
    verification=VerificationStatus.CONFIRMED,
    occurred_at=MONDAY,
)
PLAN_PROPOSED = PlanProposed(fact_id=fact("plan"), plan=PLAN, occurred_at=MONDAY)
RECORDED = (ENROLLED, HISTORY, MEDICATIONS, ALLERGIES, DIAGNOSIS, SCREENER, PLAN_PROPOSED)
"""All that a completion needs, and nothing more."""
COMPLETED = AssessmentCompleted(
    fact_id=fact("completed"),
    completed_by=PSYCHIATRIST,
    credential=Role.PSYCHIATRIST,
    diagnoses=("F33.1",),
    suicide_risk=RiskLevel.LOW,
    plan=PLAN,
    rests_on=tuple(each.fact_id for each in (HISTORY, DIAGNOSIS, SCREENER, MEDICATIONS, ALLERGIES, PLAN_PROPOSED)),
    occurred_at=TUESDAY,
)
AMENDED = AssessmentAmended(
    fact_id=fact("amended"),
    amends=COMPLETED.fact_id,
    amended_by=PSYCHIATRIST,
    credential=Role.PSYCHIATRIST,
    reason="Diagnosis revised after collateral history.",
    diagnoses=("F33.1",),
    suicide_risk=RiskLevel.LOW,
    plan=PLAN,
    rests_on=COMPLETED.rests_on,
    occurred_at=NOW,
)
STRUCK = EnteredInError(fact_id=MEDICATIONS.fact_id, reason="Another client's list.", marked_by=NURSE, occurred_at=NOW)

ENROLL = EnrollPatient(
    fact_id=ENROLLED.fact_id,
    name=ENROLLED.name,
    birth_date=ENROLLED.birth_date,
    sex=ENROLLED.sex,
    phone=ENROLLED.phone,
    email=ENROLLED.email,
    emergency_contact=ENROLLED.emergency_contact,
    location=ENROLLED.location,
    time_zone=ENROLLED.time_zone,
    occurred_at=MONDAY,
    now=NOW,
)
RECORD_HISTORY = RecordHistory(
    fact_id=HISTORY.fact_id,
    conditions=HISTORY.conditions,
    earlier_treatments=HISTORY.earlier_treatments,
    source="client",
    occurred_at=MONDAY,
    now=NOW,
)
RECONCILE = ReconcileMedications(
    fact_id=MEDICATIONS.fact_id, medications=MEDICATIONS.medications, occurred_at=MONDAY, now=NOW
)
RECORD_ALLERGIES = RecordAllergies(
    fact_id=ALLERGIES.fact_id, allergies=ALLERGIES.allergies, occurred_at=MONDAY, now=NOW
)
RECORD_LIST_GAPS = RecordListGaps(
    fact_id=LIST_GAPS.fact_id, list=ChartList.ALLERGIES, left_out=2, source="ehr-import", occurred_at=MONDAY, now=NOW
)
RECORD_PREGNANCY = RecordPregnancy(
    fact_id=NOT_PREGNANT.fact_id, status=NOT_PREGNANT.status, source="client", occurred_at=MONDAY, now=NOW
)
RECORD_RESULTS = RecordResults(
    fact_id=RESULTS.fact_id, results=RESULTS.results, source="laboratory", occurred_at=MONDAY, now=NOW
)
RECORD_GENOTYPES = RecordGenotypes(
    fact_id=GENOTYPES.fact_id, genotypes=GENOTYPES.genotypes, source="laboratory", occurred_at=MONDAY, now=NOW
)
RECORD_SMOKING = RecordSmoking(
    fact_id=FORMER_SMOKER.fact_id,
    status=FORMER_SMOKER.status,
    stopped_on=FORMER_SMOKER.stopped_on,
    source="client",
    occurred_at=MONDAY,
    now=NOW,
)
ANSWER_SCREENER = AnswerScale(
    fact_id=SCREENER.fact_id,
    instrument="c-ssrs",
    items=(1, 0, None, None, None, 0, 0),
    source="clinician",
    actor=NURSE,
    reporter=Reporter.CLINICIAN,
    occurred_at=MONDAY,
    now=NOW,
)
ANSWER_PHQ_9 = AnswerScale(
    fact_id=PHQ_9.fact_id,
    instrument="phq-9",
    items=(2, 1, 3, 0, 1, 2, 1, 0, 1),
    source="client",
    actor=NURSE,
    reporter=Reporter.CLINICIAN,
    occurred_at=TUESDAY,
    now=NOW,
)
RECORD_TOTAL = RecordScaleTotal(
    fact_id=fact("gad-7-total"),
    instrument="gad-7",
    total=12,
    source="ehr-import",
    actor=NURSE,
    occurred_at=MONDAY,
    now=NOW,
)
ESTABLISH = EstablishDiagnosis(
    fact_id=DIAGNOSIS.fact_id,
    icd10=DIAGNOSIS.icd10,
    display=DIAGNOSIS.display,
    severity=DIAGNOSIS.severity,
    verification=DIAGNOSIS.verification,
    occurred_at=MONDAY,
    now=NOW,
)
PROPOSE = ProposePlan(fact_id=PLAN_PROPOSED.fact_id, plan=PLAN, occurred_at=MONDAY, now=NOW)
ADD_MEDICATION = AddMedication(
    fact_id=fact("one medication more"),
    medication=CurrentMedication(medicine=Medicine(name="ibuprofen"), daily_dose_mg=Decimal(400), source="client"),
    occurred_at=TUESDAY,
    now=NOW,
)
ADD_ALLERGY = AddAllergy(
    fact_id=fact("one allergy more"),
    allergy=Allergy(
        substance=Medicine(name="lamotrigine"), type=AllergyType.ALLERGY, criticality=Criticality.HIGH, reaction="rash"
    ),
    occurred_at=TUESDAY,
    now=NOW,
)
ADD_TO_PLAN = AddToPlan(
    fact_id=fact("more of the plan"), plan=Plan(therapies=("group therapy",)), occurred_at=TUESDAY, now=NOW
)
COMPLETE = CompleteAssessment(
    fact_id=COMPLETED.fact_id, actor=PSYCHIATRIST, credential=CREDENTIAL, occurred_at=TUESDAY, now=NOW
)
AMEND = AmendAssessment(
    fact_id=AMENDED.fact_id,
    actor=PSYCHIATRIST,
    credential=CREDENTIAL,
    reason=AMENDED.reason,
    occurred_at=NOW,
    now=NOW,
)
STRIKE = MarkEnteredInError(fact_id=MEDICATIONS.fact_id, reason=STRUCK.reason, actor=NURSE, now=NOW)
HANDED_TO = CareHandedOver(
    who="Dr. Imani Wells, Lakeside Clinic",
    accepted_by="Dr. Imani Wells",
    first_appointment_on=date(2026, 11, 24),
    supply_until=date(2026, 12, 1),
)
TRIED = (
    ContactAttempt(channel=ContactChannel.PHONE, on=date(2026, 11, 12)),
    ContactAttempt(channel=ContactChannel.PHONE, on=date(2026, 11, 13)),
    ContactAttempt(channel=ContactChannel.TEXT, on=date(2026, 11, 14)),
)
CLOSED = EpisodeClosed(
    fact_id=fact("closed"),
    reason=EndReason.LEFT,
    on=date(2026, 11, 17),
    handed_to=HANDED_TO,
    letter_sent_on=date(2026, 11, 14),
    attempts=TRIED,
    last_risk=RiskLevel.MODERATE,
    reported_by="",
    agreed_by=PSYCHIATRIST,
    closed_by="maya-manager",
    confirm_by=None,
    occurred_at=TUESDAY,
)
DIED = replace(
    CLOSED,
    fact_id=fact("died"),
    reason=EndReason.DECEASED,
    handed_to=None,
    letter_sent_on=None,
    attempts=(),
    reported_by="the client's mother, by phone",
    agreed_by="",
    closed_by="rita-registrar",
    confirm_by=datetime(2026, 11, 19, 6, 0, tzinfo=UTC),
    occurred_at=NOW,
)
DEATH_CONFIRMED = DeathConfirmed(
    fact_id=fact("death confirmed"), closing=DIED.fact_id, confirmed_by=NURSE, occurred_at=NOW
)
CONTACT = next(iter(contacts_after(CLOSED)))
CONTACT_DUE = CaringContactDue(
    fact_id=fact("contact due"), closing=CLOSED.fact_id, due_at=CONTACT.due_at, occurred_at=CONTACT.begins
)
CLOSE = CloseEpisode(
    fact_id=CLOSED.fact_id,
    reason=EndReason.LEFT,
    on=CLOSED.on,
    handed_to=HANDED_TO,
    letter_sent_on=CLOSED.letter_sent_on,
    attempts=TRIED,
    actor=PSYCHIATRIST,
    role=Role.PSYCHIATRIST,
    credential=CREDENTIAL,
    informed=True,
    occurred_at=TUESDAY,
    now=NOW,
)
RECORD_DEATH = replace(
    CLOSE,
    fact_id=DIED.fact_id,
    reason=EndReason.DECEASED,
    handed_to=None,
    letter_sent_on=None,
    attempts=(),
    reported_by=DIED.reported_by,
    actor=PersonId("rita-registrar"),
    role=Role.REGISTRAR,
    credential=None,
    informed=False,
    occurred_at=NOW,
)
CONFIRM = ConfirmDeath(fact_id=DEATH_CONFIRMED.fact_id, closing=DIED.fact_id, actor=NURSE, occurred_at=NOW, now=NOW)

BACKGROUND: tuple[Event, ...] = ()
COMMANDS: tuple[Any, ...] = (
    ENROLL,
    CLOSE,
    AskForContact(contact=CONTACT),
    RECORD_HISTORY,
    RECONCILE,
    ADD_MEDICATION,
    RECORD_ALLERGIES,
    ADD_ALLERGY,
    RECORD_LIST_GAPS,
    RECORD_PREGNANCY,
    RECORD_RESULTS,
    RECORD_GENOTYPES,
    RECORD_SMOKING,
    ANSWER_SCREENER,
    ANSWER_PHQ_9,
    RECORD_TOTAL,
    ESTABLISH,
    PROPOSE,
    ADD_TO_PLAN,
    COMPLETE,
    AMEND,
    RECORD_DEATH,
    CONFIRM,
    STRIKE,
)
_COMPLETE: tuple[Event, ...] = (
    *RECORDED,
    LIST_GAPS,
    NOT_PREGNANT,
    RESULTS,
    GENOTYPES,
    FORMER_SMOKER,
    PHQ_9,
    PHQ_9_OF_BEFORE,
    RISK,
    replace(RISK, reporter=UNSET),
    COMPLETED,
    AMENDED,
    STRUCK,
)
_FEWEST: tuple[Event, ...] = (
    PatientEnrolled(
        fact_id=fact("enrolled barely"),
        name="Alma Reyes",
        birth_date=date(1990, 4, 12),
        sex=Sex.UNKNOWN,
        occurred_at=MONDAY,
    ),
    HistoryRecorded(
        fact_id=fact("no history"),
        conditions=(),
        earlier_treatments=(),
        nothing_known=True,
        source="client",
        occurred_at=MONDAY,
    ),
    MedicationsReconciled(fact_id=fact("none taken"), medications=(), none_taken=True, occurred_at=MONDAY),
    AllergiesRecorded(fact_id=fact("none known"), allergies=(), no_known_allergies=True, occurred_at=MONDAY),
    ResultsRecorded(fact_id=fact("no results"), results=(), none_known=True, source="client", occurred_at=MONDAY),
    GenotypesRecorded(fact_id=fact("no genes"), genotypes=(), none_known=True, source="client", occurred_at=MONDAY),
    SmokingRecorded(
        fact_id=fact("unknown smoker"),
        status=SmokingStatus.UNKNOWN,
        stopped_on=None,
        source="client",
        occurred_at=MONDAY,
    ),
    ScaleScored(
        fact_id=RECORD_TOTAL.fact_id,
        instrument="gad-7",
        instrument_version=1,
        total=12,
        band="moderate",
        source="ehr-import",
        scored_by=NURSE,
        occurred_at=MONDAY,
    ),
    PlanProposed(fact_id=fact("bare plan"), plan=Plan(therapies=("group",)), occurred_at=MONDAY),
    PlanProposed(
        fact_id=fact("changed plan"),
        plan=Plan(therapies=("group",)),
        occurred_at=TUESDAY,
        replaces=PLAN_PROPOSED.fact_id,
    ),
)


def evidence(name: str) -> EventId:
    return EventId(derived_id("controls", "assessment", "evidence", name))


PRESCRIBED = noted.PrescriptionNoted(fact_id=fact("prescribed"), evidence=evidence("prescribed"), occurred_at=MONDAY)
PRESCRIPTION_ENDED = noted.PrescriptionEndNoted(
    fact_id=fact("prescription ended"),
    evidence=evidence("prescription ended"),
    prescription=PRESCRIBED.fact_id,
    occurred_at=TUESDAY,
)
RISK_NOTED = noted.RiskNoted(
    fact_id=fact("risk noted"), evidence=evidence("risk noted"), level=RiskLevel.HIGH, occurred_at=MONDAY
)
SEEN_TO = noted.RisksSeenToNoted(
    fact_id=fact("seen to"), evidence=evidence("seen to"), risks=(RISK_NOTED.fact_id,), occurred_at=TUESDAY
)
SCREEN_NOTED = noted.ScreenNoted(
    fact_id=fact("screen noted"),
    evidence=evidence("screen noted"),
    level=RiskLevel.LOW,
    scored_by=LEAVER,
    occurred_at=TUESDAY,
    reporter=Reporter.CLINICIAN,
)
DECLARED = noted.EmergencyNoted(fact_id=fact("declared"), evidence=evidence("declared"), occurred_at=MONDAY)
EMERGENCY_NOTED = noted.SideEffectNoted(
    fact_id=fact("emergency"),
    evidence=evidence("emergency"),
    level=TriageLevel.EMERGENCY_NOW,
    occurred_at=MONDAY,
)
RESOLVED = noted.ResolutionNoted(
    fact_id=fact("resolved"),
    evidence=evidence("resolved"),
    side_effect=EMERGENCY_NOTED.fact_id,
    occurred_at=TUESDAY,
)
CONCERNS_NOTED = noted.ConcernsNoted(
    fact_id=fact("concerns raised"),
    evidence=evidence("concerns raised"),
    concerns=(fact("a concern"),),
    occurred_at=MONDAY,
)
CONCERN_CLOSED = noted.ConcernClosedNoted(
    fact_id=fact("concern answered"),
    evidence=evidence("concern answered"),
    concern=CONCERNS_NOTED.concerns[0],
    occurred_at=TUESDAY,
)
EMERGENCY_NOTICE = noted.EmergencyNoticeNoted(
    fact_id=fact("emergency notice"),
    evidence=evidence("emergency notice"),
    cause_fact=DECLARED.fact_id,
    occurred_at=MONDAY,
)
ACKNOWLEDGED = noted.AcknowledgementNoted(
    fact_id=EMERGENCY_NOTICE.fact_id, evidence=evidence("acknowledged"), occurred_at=TUESDAY
)
TEAM_STRUCK = StrikeNoted(fact_id=CAME_NOTED.fact_id, evidence=CAME_NOTED.evidence, occurred_at=NOW)
NOTED: tuple[Event, ...] = (
    PRESCRIBED,
    PRESCRIPTION_ENDED,
    RISK_NOTED,
    SEEN_TO,
    SCREEN_NOTED,
    replace(SCREEN_NOTED, reporter=UNSET),
    DECLARED,
    EMERGENCY_NOTED,
    RESOLVED,
    CONCERNS_NOTED,
    CONCERN_CLOSED,
    EMERGENCY_NOTICE,
    ACKNOWLEDGED,
)
EXAMPLES: tuple[Event, ...] = (
    *_COMPLETE,
    *_FEWEST,
    CLOSED,
    DIED,
    DEATH_CONFIRMED,
    CONTACT_DUE,
    CAME_NOTED,
    LEFT_NOTED,
    *NOTED,
    TEAM_STRUCK,
)


PUBLISHED_EXAMPLES: tuple[Any, ...] = tuple(as_published("assessment", EXAMPLES))


def as_of(command: Any, **changes: Any) -> Any:
    """The command with other content under a fact id of its own."""
    assert {field.name for field in fields(command)} >= set(changes)
    return replace(command, fact_id=fact(repr(sorted(changes.items()))), **changes)
