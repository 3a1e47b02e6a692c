"""Facts of assessment and monitoring become notes in prescribing's own stream, in the words a screen reads."""

from decimal import Decimal
from typing import Any

from careloop.chassis.consuming.noting import Notes
from careloop.chassis.events.envelope import Envelope
from careloop.contracts import assessment, monitoring, terms
from careloop.knowledge import chart as known
from careloop.knowledge.scales.score import READ_BY_THE_CHECK
from services.prescribing.domain import noted
from services.prescribing.domain.events import Event
from services.prescribing.domain.noted import Noted


def note_profile(envelope: Envelope, fact: assessment.PatientEnrolled) -> Noted:
    return noted.ProfileNoted(
        fact_id=fact.fact_id,
        evidence=envelope.event_id,
        birth_date=fact.birth_date,
        sex=known.Sex(fact.sex),
        occurred_at=fact.occurred_at,
    )


def note_history(envelope: Envelope, fact: assessment.HistoryRecorded) -> Noted:
    return noted.HistoryNoted(
        fact_id=fact.fact_id,
        evidence=envelope.event_id,
        conditions=tuple(_condition(condition) for condition in fact.conditions),
        trials=tuple(_trial(treatment) for treatment in fact.earlier_treatments),
        occurred_at=fact.occurred_at,
    )


def _condition(condition: assessment.Condition) -> known.Condition:
    code = condition.coding
    return known.Condition(
        icd10=code.code if code.system == "icd-10-cm" else None,
        snomed=code.code if code.system == "snomed" else None,
        text=code.display or None,
    )


def _trial(treatment: assessment.EarlierTreatment) -> known.Trial:
    stopped = treatment.stopped_for
    known_reason = stopped not in (assessment.StoppedFor.UNKNOWN, assessment.StoppedFor.NOT_STOPPED)
    return known.Trial(
        name=treatment.medicine.name or None,
        rxcui=treatment.medicine.rxcui or None,
        daily_dose_mg=treatment.daily_dose_mg,
        weeks=None if treatment.weeks is None else Decimal(treatment.weeks),
        response=known.TrialResponse(treatment.response),
        stopped_for=known.StoppedFor(stopped) if known_reason else None,
    )


def note_medications(envelope: Envelope, fact: assessment.MedicationsReconciled) -> Noted:
    return noted.MedicationsNoted(
        fact_id=fact.fact_id,
        evidence=envelope.event_id,
        medications=tuple(_medication(medication) for medication in fact.medications),
        occurred_at=fact.occurred_at,
    )


def _medication(taken: assessment.CurrentMedication) -> known.Medication:
    return known.Medication(
        name=taken.medicine.name or None,
        rxcui=taken.medicine.rxcui or None,
        daily_dose_mg=taken.daily_dose_mg,
        started_on=taken.started_on,
        stopped_on=taken.stopped_on,
    )


def note_allergies(envelope: Envelope, fact: assessment.AllergiesRecorded) -> Noted:
    return noted.AllergiesNoted(
        fact_id=fact.fact_id,
        evidence=envelope.event_id,
        allergies=tuple(_allergy(allergy) for allergy in fact.allergies),
        occurred_at=fact.occurred_at,
    )


def _allergy(allergy: assessment.Allergy) -> known.Allergy:
    return known.Allergy(
        substance=allergy.substance.name or None,
        rxcui=allergy.substance.rxcui or None,
        type=known.AllergyType(allergy.type),
        criticality=known.Criticality(allergy.criticality),
    )


def note_pregnancy(envelope: Envelope, fact: assessment.PregnancyRecorded) -> Noted:
    return noted.PregnancyNoted(
        fact_id=fact.fact_id,
        evidence=envelope.event_id,
        status=known.Pregnancy(fact.status),
        occurred_at=fact.occurred_at,
    )


def note_results(envelope: Envelope, fact: assessment.ResultsRecorded) -> Noted:
    return noted.ResultsNoted(
        fact_id=fact.fact_id,
        evidence=envelope.event_id,
        results=tuple(
            known.Lab(loinc=result.loinc, value=result.value, at=result.on, unit=result.unit or None)
            for result in fact.results
        ),
        occurred_at=fact.occurred_at,
    )


def note_diagnosis(envelope: Envelope, fact: assessment.DiagnosisEstablished) -> Noted:
    return noted.DiagnosisNoted(
        fact_id=fact.fact_id, evidence=envelope.event_id, icd10=fact.icd10, occurred_at=fact.occurred_at
    )


def note_scale(envelope: Envelope, fact: terms.ScaleScored) -> Noted | None:
    """Other scales say nothing that the safety check reads."""
    if fact.instrument not in READ_BY_THE_CHECK:
        return None
    return noted.ScaleNoted(
        fact_id=fact.fact_id,
        evidence=envelope.event_id,
        instrument=fact.instrument,
        band=fact.band,
        occurred_at=fact.occurred_at,
    )


def note_completion(envelope: Envelope, fact: assessment.AssessmentCompleted | assessment.AssessmentAmended) -> Noted:
    return _risk(envelope, fact.suicide_risk, fact)


def note_risk(envelope: Envelope, fact: terms.RiskRaised) -> Noted:
    return _risk(envelope, fact.level, fact)


def _risk(envelope: Envelope, level: terms.RiskLevel, fact: Any) -> Noted:
    return noted.SuicideRiskNoted(
        fact_id=fact.fact_id,
        evidence=envelope.event_id,
        level=known.SuicideRisk(level),
        occurred_at=fact.occurred_at,
    )


def note_side_effect(envelope: Envelope, fact: monitoring.SideEffectReported) -> Noted:
    suspected = fact.suspected_medicine
    return noted.SideEffectNoted(
        fact_id=fact.fact_id,
        evidence=envelope.event_id,
        suspected_medicine=suspected.name if suspected else "",
        suspected_rxcui=suspected.rxcui if suspected else "",
        ctcae_grade=fact.ctcae_grade,
        occurred_at=fact.occurred_at,
    )


def note_strike(envelope: Envelope, fact: terms.EnteredInError) -> Noted:
    return noted.StrikeNoted(fact_id=fact.fact_id, evidence=envelope.event_id, occurred_at=fact.occurred_at)


NOTES: Notes[Event | None] = {
    "care.assessment.PatientEnrolled.v1": (assessment.PatientEnrolled, note_profile),
    "care.assessment.HistoryRecorded.v1": (assessment.HistoryRecorded, note_history),
    "care.assessment.MedicationsReconciled.v1": (assessment.MedicationsReconciled, note_medications),
    "care.assessment.AllergiesRecorded.v1": (assessment.AllergiesRecorded, note_allergies),
    "care.assessment.PregnancyRecorded.v1": (assessment.PregnancyRecorded, note_pregnancy),
    "care.assessment.ResultsRecorded.v1": (assessment.ResultsRecorded, note_results),
    "care.assessment.DiagnosisEstablished.v1": (assessment.DiagnosisEstablished, note_diagnosis),
    "care.assessment.ScaleScored.v1": (terms.ScaleScored, note_scale),
    "care.assessment.RiskRaised.v1": (terms.RiskRaised, note_risk),
    "care.assessment.AssessmentCompleted.v1": (assessment.AssessmentCompleted, note_completion),
    "care.assessment.AssessmentAmended.v1": (assessment.AssessmentAmended, note_completion),
    "care.assessment.EnteredInError.v1": (terms.EnteredInError, note_strike),
    "care.monitoring.SideEffectReported.v1": (monitoring.SideEffectReported, note_side_effect),
    "care.monitoring.ScaleScored.v1": (terms.ScaleScored, note_scale),
    "care.monitoring.RiskRaised.v1": (terms.RiskRaised, note_risk),
    "care.monitoring.EnteredInError.v1": (terms.EnteredInError, note_strike),
}
"""What prescribing listens to, and the note each becomes."""
