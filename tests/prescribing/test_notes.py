"""What prescribing notes of others' facts: every field of every event it listens to, and every code."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from careloop.contracts import assessment, monitoring, terms
from careloop.kernel.ids import FactId
from careloop.knowledge import chart as known
from services.prescribing.consumers import NOTES
from services.prescribing.domain.noted import (
    AllergiesNoted,
    DiagnosisNoted,
    GenotypesNoted,
    HistoryNoted,
    ListGapsNoted,
    MedicationsNoted,
    Noted,
    PregnancyNoted,
    ProfileNoted,
    ResultsNoted,
    ScaleNoted,
    SideEffectNoted,
    SmokingNoted,
    StrikeNoted,
    SuicideRiskNoted,
)
from tests.prescribing.serving import Log
from tests.support.completeness import never_set
from tests.support.controls.moments import fact
from tests.support.noting import EVENT, noted

HEARD = {
    "care.assessment.PatientEnrolled.v1",
    "care.assessment.HistoryRecorded.v1",
    "care.assessment.MedicationsReconciled.v1",
    "care.assessment.AllergiesRecorded.v1",
    "care.assessment.ListGapsRecorded.v1",
    "care.assessment.PregnancyRecorded.v1",
    "care.assessment.ResultsRecorded.v1",
    "care.assessment.GenotypesRecorded.v1",
    "care.assessment.SmokingRecorded.v1",
    "care.assessment.ScaleScored.v1",
    "care.assessment.RiskRaised.v1",
    "care.assessment.DiagnosisEstablished.v1",
    "care.assessment.AssessmentCompleted.v1",
    "care.assessment.AssessmentAmended.v1",
    "care.assessment.EnteredInError.v1",
    "care.monitoring.SideEffectReported.v1",
    "care.monitoring.ScaleScored.v1",
    "care.monitoring.RiskRaised.v1",
    "care.monitoring.EnteredInError.v1",
}
SOURCES = ("assessment", "monitoring")
THEN = datetime(2026, 10, 5, 8, 30, tzinfo=UTC)
THIS = fact("this")
FLUOXETINE = terms.Medicine(name="fluoxetine", rxcui="4493")
NAMELESS = terms.Medicine(name="")

ENROLLED = assessment.PatientEnrolled(
    fact_id=THIS,
    name="Alma Reyes",
    birth_date=date(1990, 4, 12),
    sex=assessment.Sex.FEMALE,
    phone="555-0100",
    email="alma@example.org",
    emergency_contact=assessment.EmergencyContact(name="Rosa", relationship="mother", phone="555-0101"),
    location=assessment.Location(address="12 Elm Street", emergency_department="Springfield General"),
    time_zone="America/Chicago",
    occurred_at=THEN,
)
BARELY_ENROLLED = replace(ENROLLED, name="", phone="", email="", emergency_contact=None, location=None, time_zone="UTC")
PROFILE = ProfileNoted(
    fact_id=THIS, evidence=EVENT, birth_date=date(1990, 4, 12), sex=known.Sex.FEMALE, occurred_at=THEN
)

CONDITION = assessment.Condition(
    coding=terms.Coding(system="icd-10-cm", code="I10", display="hypertension"),
    clinical_status="active",
    onset=date(2020, 1, 1),
)
TREATMENT = assessment.EarlierTreatment(
    medicine=FLUOXETINE,
    daily_dose_mg=Decimal("37.5"),
    weeks=8,
    response=assessment.TreatmentResponse.PARTIAL,
    side_effects=("insomnia",),
    stopped_for=assessment.StoppedFor.INEFFICACY,
)
BARE_TREATMENT = replace(
    TREATMENT,
    medicine=NAMELESS,
    daily_dose_mg=None,
    weeks=None,
    response=assessment.TreatmentResponse.UNKNOWN,
    side_effects=(),
    stopped_for=assessment.StoppedFor.UNKNOWN,
)
HISTORY = assessment.HistoryRecorded(
    fact_id=THIS,
    conditions=(
        CONDITION,
        assessment.Condition(coding=terms.Coding(system="snomed", code="38341003"), clinical_status="active"),
        assessment.Condition(coding=terms.Coding(system="local", code="9", display="high blood"), clinical_status=""),
    ),
    earlier_treatments=(TREATMENT, BARE_TREATMENT),
    source="client",
    occurred_at=THEN,
)
NO_HISTORY = replace(HISTORY, conditions=(), earlier_treatments=(), nothing_known=True)
TRIAL = known.Trial(
    name="fluoxetine",
    rxcui="4493",
    daily_dose_mg=Decimal("37.5"),
    weeks=Decimal(8),
    response=known.TrialResponse.PARTIAL,
    stopped_for=known.StoppedFor.INEFFICACY,
)
UNKNOWN_TRIAL = known.Trial(
    name=None, rxcui=None, daily_dose_mg=None, weeks=None, response=known.TrialResponse.UNKNOWN, stopped_for=None
)
HISTORY_NOTED = HistoryNoted(
    fact_id=THIS,
    evidence=EVENT,
    conditions=(
        known.Condition(icd10="I10", snomed=None, text="hypertension"),
        known.Condition(icd10=None, snomed="38341003", text=None),
        known.Condition(icd10=None, snomed=None, text="high blood"),
    ),
    trials=(TRIAL, UNKNOWN_TRIAL),
    occurred_at=THEN,
)

TAKEN = assessment.CurrentMedication(
    medicine=terms.Medicine(name="phenelzine", rxcui="8123"),
    daily_dose_mg=Decimal(45),
    started_on=date(2024, 2, 3),
    stopped_on=date(2026, 10, 1),
    source="pharmacy",
)
MEDICATIONS = assessment.MedicationsReconciled(
    fact_id=THIS,
    medications=(
        TAKEN,
        replace(TAKEN, medicine=NAMELESS, daily_dose_mg=None, started_on=None, stopped_on=None),
    ),
    none_taken=False,
    occurred_at=THEN,
)
MEDICATIONS_NOTED = MedicationsNoted(
    fact_id=THIS,
    evidence=EVENT,
    medications=(
        known.Medication(
            name="phenelzine",
            rxcui="8123",
            daily_dose_mg=Decimal(45),
            started_on=date(2024, 2, 3),
            stopped_on=date(2026, 10, 1),
        ),
        known.Medication(name=None, rxcui=None, daily_dose_mg=None, started_on=None, stopped_on=None),
    ),
    occurred_at=THEN,
)

ALLERGY = assessment.Allergy(
    substance=terms.Medicine(name="penicillin V", rxcui="7984"),
    type=assessment.AllergyType.ALLERGY,
    criticality=assessment.Criticality.HIGH,
    reaction="hives",
)
ALLERGIES = assessment.AllergiesRecorded(
    fact_id=THIS,
    allergies=(
        ALLERGY,
        assessment.Allergy(
            substance=NAMELESS, type=assessment.AllergyType.INTOLERANCE, criticality=assessment.Criticality.LOW
        ),
    ),
    no_known_allergies=False,
    occurred_at=THEN,
)
ALLERGIES_NOTED = AllergiesNoted(
    fact_id=THIS,
    evidence=EVENT,
    allergies=(
        known.Allergy(
            substance="penicillin V",
            rxcui="7984",
            type=known.AllergyType.ALLERGY,
            criticality=known.Criticality.HIGH,
        ),
        known.Allergy(
            substance=None, rxcui=None, type=known.AllergyType.INTOLERANCE, criticality=known.Criticality.LOW
        ),
    ),
    occurred_at=THEN,
)

LIST_GAPS = assessment.ListGapsRecorded(
    fact_id=THIS, list=assessment.ChartList.ALLERGIES, left_out=2, source="ehr-import", occurred_at=THEN
)
LIST_GAPS_NOTED = ListGapsNoted(
    fact_id=THIS, evidence=EVENT, list="allergies", left_out=2, source="ehr-import", occurred_at=THEN
)
PREGNANCY = assessment.PregnancyRecorded(
    fact_id=THIS, status=assessment.PregnancyStatus.PREGNANT, source="client", occurred_at=THEN
)
PREGNANCY_NOTED = PregnancyNoted(fact_id=THIS, evidence=EVENT, status=known.Pregnancy.PREGNANT, occurred_at=THEN)

RESULTS = assessment.ResultsRecorded(
    fact_id=THIS,
    results=(
        assessment.Result(
            loinc="2160-0", value=Decimal("1.2"), unit="mg/dL", on=date(2026, 10, 2), display="Creatinine"
        ),
        assessment.Result(loinc="751-8", value=Decimal(4100), unit="", on=date(2026, 10, 3), display=""),
    ),
    none_known=False,
    source="laboratory",
    occurred_at=THEN,
)
RESULTS_NOTED = ResultsNoted(
    fact_id=THIS,
    evidence=EVENT,
    results=(
        known.Lab(loinc="2160-0", value=Decimal("1.2"), at=date(2026, 10, 2), unit="mg/dL"),
        known.Lab(loinc="751-8", value=Decimal(4100), at=date(2026, 10, 3), unit=None),
    ),
    occurred_at=THEN,
)

GENOTYPES = assessment.GenotypesRecorded(
    fact_id=THIS,
    genotypes=(assessment.GenotypeResult(gene="HLA-B", phenotype="*15:02 positive"),),
    none_known=False,
    source="laboratory",
    occurred_at=THEN,
)
GENOTYPES_NOTED = GenotypesNoted(
    fact_id=THIS,
    evidence=EVENT,
    genotypes=(known.Genotype(gene="HLA-B", phenotype="*15:02 positive"),),
    occurred_at=THEN,
)
SMOKING = assessment.SmokingRecorded(
    fact_id=THIS,
    status=assessment.SmokingStatus.FORMER,
    stopped_on=date(2026, 10, 1),
    source="client",
    occurred_at=THEN,
)
SMOKING_NOTED = SmokingNoted(
    fact_id=THIS,
    evidence=EVENT,
    status=known.SmokingStatus.FORMER,
    stopped_on=date(2026, 10, 1),
    occurred_at=THEN,
)

DIAGNOSIS = assessment.DiagnosisEstablished(
    fact_id=THIS,
    icd10="F33.1",
    display="Major depressive disorder",
    severity=assessment.Severity.MODERATE,
    verification=assessment.VerificationStatus.CONFIRMED,
    occurred_at=THEN,
)
DIAGNOSIS_NOTED = DiagnosisNoted(fact_id=THIS, evidence=EVENT, icd10="F33.1", occurred_at=THEN)

SCALE = terms.ScaleScored(
    fact_id=THIS,
    instrument="mdq",
    instrument_version=2,
    items=(1, None),
    total=7,
    band="positive",
    flags=("clustered",),
    missing=1,
    source="client",
    scored_by="nurse",
    occurred_at=THEN,
)
BARE_SCALE = replace(SCALE, items=None, total=None, flags=(), missing=0)
SCALE_NOTED = ScaleNoted(fact_id=THIS, evidence=EVENT, instrument="mdq", band="positive", occurred_at=THEN)

RISK = terms.RiskRaised(
    fact_id=THIS,
    scale_fact_id=fact("scale"),
    level=terms.RiskLevel.HIGH,
    reason="c-ssrs-high",
    rule="risk.c-ssrs-band",
    rule_version=3,
    due_at=datetime(2026, 10, 5, 9, 30, tzinfo=UTC),
    occurred_at=THEN,
)
COMPLETED = assessment.AssessmentCompleted(
    fact_id=THIS,
    completed_by="dr-lindqvist",
    credential=terms.Role.PSYCHIATRIST,
    diagnoses=("F33.1",),
    suicide_risk=terms.RiskLevel.HIGH,
    plan=assessment.Plan(medications=(), therapies=("group",), goals=("sleep",)),
    rests_on=(fact("history"),),
    occurred_at=THEN,
)
AMENDED = assessment.AssessmentAmended(
    fact_id=THIS,
    amends=fact("completion"),
    amended_by="dr-lindqvist",
    credential=terms.Role.PSYCHIATRIST,
    reason="a letter came",
    diagnoses=("F33.1",),
    suicide_risk=terms.RiskLevel.HIGH,
    plan=assessment.Plan(medications=(), therapies=("group",), goals=("sleep",)),
    rests_on=(fact("history"),),
    occurred_at=THEN,
)
RISK_NOTED = SuicideRiskNoted(fact_id=THIS, evidence=EVENT, level=known.SuicideRisk.HIGH, occurred_at=THEN)

REPORT = monitoring.SideEffectReported(
    fact_id=THIS,
    symptom="nausea",
    own_words="I feel sick",
    ctcae_grade=3,
    fibser_frequency=1,
    fibser_intensity=2,
    fibser_burden=4,
    suspected_medicine=terms.Medicine(name="sertraline", rxcui="36437"),
    reporter=monitoring.ReporterKind.CLIENT,
    reported_by="client-1",
    triage=terms.Triage(
        level=terms.TriageLevel.SAME_DAY, rule="triage.severe", rule_version=1, red_flags=("rash",), due_at=THEN
    ),
    occurred_at=THEN,
)
BARE_REPORT = replace(
    REPORT,
    own_words="",
    ctcae_grade=None,
    fibser_frequency=None,
    fibser_intensity=None,
    fibser_burden=None,
    suspected_medicine=None,
)
SIDE_EFFECT = SideEffectNoted(
    fact_id=THIS,
    evidence=EVENT,
    suspected_medicine="sertraline",
    suspected_rxcui="36437",
    ctcae_grade=3,
    occurred_at=THEN,
)
BARE_SIDE_EFFECT = replace(SIDE_EFFECT, suspected_medicine="", suspected_rxcui="", ctcae_grade=None)

STRIKE = terms.EnteredInError(fact_id=THIS, reason="wrong client", marked_by="nurse", occurred_at=THEN)
STRUCK = StrikeNoted(fact_id=THIS, evidence=EVENT, occurred_at=THEN)

EXAMPLES: list[tuple[str, Any, Noted]] = [
    ("care.assessment.PatientEnrolled.v1", ENROLLED, PROFILE),
    ("care.assessment.PatientEnrolled.v1", BARELY_ENROLLED, PROFILE),
    ("care.assessment.HistoryRecorded.v1", HISTORY, HISTORY_NOTED),
    ("care.assessment.HistoryRecorded.v1", NO_HISTORY, replace(HISTORY_NOTED, conditions=(), trials=())),
    ("care.assessment.MedicationsReconciled.v1", MEDICATIONS, MEDICATIONS_NOTED),
    (
        "care.assessment.MedicationsReconciled.v1",
        replace(MEDICATIONS, medications=(), none_taken=True),
        replace(MEDICATIONS_NOTED, medications=()),
    ),
    ("care.assessment.AllergiesRecorded.v1", ALLERGIES, ALLERGIES_NOTED),
    (
        "care.assessment.AllergiesRecorded.v1",
        replace(ALLERGIES, allergies=(), no_known_allergies=True),
        replace(ALLERGIES_NOTED, allergies=()),
    ),
    ("care.assessment.ListGapsRecorded.v1", LIST_GAPS, LIST_GAPS_NOTED),
    ("care.assessment.PregnancyRecorded.v1", PREGNANCY, PREGNANCY_NOTED),
    ("care.assessment.ResultsRecorded.v1", RESULTS, RESULTS_NOTED),
    (
        "care.assessment.ResultsRecorded.v1",
        replace(RESULTS, results=(), none_known=True),
        replace(RESULTS_NOTED, results=()),
    ),
    ("care.assessment.GenotypesRecorded.v1", GENOTYPES, GENOTYPES_NOTED),
    (
        "care.assessment.GenotypesRecorded.v1",
        replace(GENOTYPES, genotypes=(), none_known=True),
        replace(GENOTYPES_NOTED, genotypes=()),
    ),
    ("care.assessment.SmokingRecorded.v1", SMOKING, SMOKING_NOTED),
    ("care.assessment.DiagnosisEstablished.v1", DIAGNOSIS, DIAGNOSIS_NOTED),
    ("care.assessment.ScaleScored.v1", SCALE, SCALE_NOTED),
    ("care.assessment.ScaleScored.v1", BARE_SCALE, SCALE_NOTED),
    ("care.assessment.RiskRaised.v1", RISK, RISK_NOTED),
    ("care.assessment.AssessmentCompleted.v1", COMPLETED, RISK_NOTED),
    ("care.assessment.AssessmentAmended.v1", AMENDED, RISK_NOTED),
    ("care.assessment.EnteredInError.v1", STRIKE, STRUCK),
    ("care.monitoring.SideEffectReported.v1", REPORT, SIDE_EFFECT),
    ("care.monitoring.SideEffectReported.v1", BARE_REPORT, BARE_SIDE_EFFECT),
    ("care.monitoring.ScaleScored.v1", SCALE, SCALE_NOTED),
    ("care.monitoring.ScaleScored.v1", BARE_SCALE, SCALE_NOTED),
    ("care.monitoring.RiskRaised.v1", RISK, RISK_NOTED),
    ("care.monitoring.EnteredInError.v1", STRIKE, STRUCK),
]


async def note_of(wire_type: str, published: Any) -> Any:
    (note,) = await noted(NOTES, Log().streams, wire_type, published)
    return note


def test_prescribing_hears_all_that_a_safety_check_stands_on_and_every_strike_of_it() -> None:
    assert set(NOTES) == HEARD


def test_every_event_heard_has_an_example_and_every_field_of_every_note_a_value() -> None:
    assert {wire_type for wire_type, _published, _note in EXAMPLES} == HEARD
    of_another_note = {"Condition.clinical_status", "Condition.severity", "Condition.verification_status"}
    assert never_set(*(note for _type, _published, note in EXAMPLES)) == of_another_note


@pytest.mark.parametrize(("wire_type", "published", "note"), EXAMPLES)
async def test_a_note_says_what_was_published(wire_type: str, published: Any, note: Noted) -> None:
    assert await note_of(wire_type, published) == note


@pytest.mark.parametrize("sex", assessment.Sex)
async def test_the_sex_is_noted_as_enrolled(sex: assessment.Sex) -> None:
    note = await note_of("care.assessment.PatientEnrolled.v1", replace(ENROLLED, sex=sex))
    assert note == replace(PROFILE, sex=known.Sex(str(sex)))


@pytest.mark.parametrize(
    ("system", "condition"),
    [
        ("icd-10-cm", known.Condition(icd10="X1", text="words")),
        ("snomed", known.Condition(snomed="X1", text="words")),
        ("icd-10", known.Condition(text="words")),
        ("", known.Condition(text="words")),
    ],
)
async def test_a_condition_is_known_by_a_code_only_in_the_systems_that_the_check_reads(
    system: str, condition: known.Condition
) -> None:
    told = replace(CONDITION, coding=terms.Coding(system=system, code="X1", display="words"))
    note = await note_of("care.assessment.HistoryRecorded.v1", replace(NO_HISTORY, conditions=(told,)))
    assert note.conditions == (condition,)


async def trials(*treatments: assessment.EarlierTreatment) -> Sequence[known.Trial]:
    note = await note_of("care.assessment.HistoryRecorded.v1", replace(NO_HISTORY, earlier_treatments=treatments))
    found: Sequence[known.Trial] = note.trials
    return found


@pytest.mark.parametrize("response", assessment.TreatmentResponse)
async def test_how_a_treatment_helped_is_noted(response: assessment.TreatmentResponse) -> None:
    expected = replace(TRIAL, response=known.TrialResponse(str(response)))
    assert await trials(replace(TREATMENT, response=response)) == (expected,)


STOPPED_FOR = {
    assessment.StoppedFor.INEFFICACY: known.StoppedFor.INEFFICACY,
    assessment.StoppedFor.INTOLERANCE: known.StoppedFor.INTOLERANCE,
    assessment.StoppedFor.ALLERGY: known.StoppedFor.ALLERGY,
    assessment.StoppedFor.OTHER: known.StoppedFor.OTHER,
    assessment.StoppedFor.UNKNOWN: None,
    assessment.StoppedFor.NOT_STOPPED: None,
}


@pytest.mark.parametrize("reason", assessment.StoppedFor)
async def test_why_a_treatment_ended_is_noted_where_it_is_known(reason: assessment.StoppedFor) -> None:
    expected = replace(TRIAL, stopped_for=STOPPED_FOR[reason])
    assert await trials(replace(TREATMENT, stopped_for=reason)) == (expected,)


async def test_a_reason_that_only_a_later_build_knows_is_noted_as_unknown() -> None:
    later = assessment.StoppedFor("cost")
    assert await trials(replace(TREATMENT, stopped_for=later)) == (replace(TRIAL, stopped_for=None),)


async def test_no_week_at_a_dose_is_not_an_unknown_number_of_weeks() -> None:
    none, unknown = await trials(replace(TREATMENT, weeks=0), replace(TREATMENT, weeks=None))
    assert (none.weeks, unknown.weeks) == (Decimal(0), None)


@pytest.mark.parametrize("type_", assessment.AllergyType)
@pytest.mark.parametrize("criticality", assessment.Criticality)
async def test_type_and_criticality_of_an_allergy_are_noted(
    type_: assessment.AllergyType, criticality: assessment.Criticality
) -> None:
    told = replace(ALLERGIES, allergies=(replace(ALLERGY, type=type_, criticality=criticality),))
    (allergy,) = (await note_of("care.assessment.AllergiesRecorded.v1", told)).allergies
    expected = (known.AllergyType(str(type_)), known.Criticality(str(criticality)))
    assert (allergy.type, allergy.criticality) == expected


@pytest.mark.parametrize("status", assessment.PregnancyStatus)
async def test_every_answer_about_pregnancy_is_noted(status: assessment.PregnancyStatus) -> None:
    note = await note_of("care.assessment.PregnancyRecorded.v1", replace(PREGNANCY, status=status))
    assert note == replace(PREGNANCY_NOTED, status=known.Pregnancy(str(status)))


@pytest.mark.parametrize("level", terms.RiskLevel)
async def test_every_level_of_suicide_risk_is_noted_whoever_says_it(level: terms.RiskLevel) -> None:
    expected = replace(RISK_NOTED, level=known.SuicideRisk(str(level)))
    for source in SOURCES:
        assert await note_of(f"care.{source}.RiskRaised.v1", replace(RISK, level=level)) == expected
    for name, said in (("Completed", COMPLETED), ("Amended", AMENDED)):
        assert await note_of(f"care.assessment.Assessment{name}.v1", replace(said, suicide_risk=level)) == expected


@pytest.mark.parametrize("grade", [None, 1, 2, 3, 4, 5])
async def test_every_grade_of_a_side_effect_is_noted(grade: int | None) -> None:
    note = await note_of("care.monitoring.SideEffectReported.v1", replace(REPORT, ctcae_grade=grade))
    assert note == replace(SIDE_EFFECT, ctcae_grade=grade)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("instrument", "band", "is_noted"),
    [
        ("mdq", "positive", True),
        ("mdq", "negative", True),
        ("asrm", "probable-mania", True),
        ("asrm", "", True),
        ("phq-9", "severe", False),
        ("gad-7", "severe", False),
        ("c-ssrs", "high", False),
        ("ymrs", "severe", False),
    ],
)
async def test_only_the_scales_that_the_check_reads_are_noted(
    source: str, instrument: str, band: str, is_noted: bool
) -> None:
    told = replace(SCALE, instrument=instrument, band=band)
    notes = await noted(NOTES, Log().streams, f"care.{source}.ScaleScored.v1", told)
    assert notes == [replace(SCALE_NOTED, instrument=instrument, band=band)] * is_noted


@pytest.mark.parametrize("source", SOURCES)
async def test_a_strike_names_the_fact_that_was_struck(source: str) -> None:
    other = FactId(fact("another"))
    note = await note_of(f"care.{source}.EnteredInError.v1", replace(STRIKE, fact_id=other))
    assert note == replace(STRUCK, fact_id=other)
