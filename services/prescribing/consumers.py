"""Facts of assessment and monitoring become notes in prescribing's own stream, in the words a screen reads."""

from decimal import Decimal

from careloop.chassis.consuming.noting import Notes, listening, note
from careloop.contracts import assessment, monitoring
from careloop.contracts.terms import EnteredInError, Medicine, RiskRaised, ScaleScored
from careloop.kernel.restating import restating
from careloop.knowledge import chart as known
from careloop.knowledge.scales.score import READ_BY_THE_CHECK
from services.prescribing.domain import noted
from services.prescribing.domain.events import Event

medication = restating(known.Medication, assessment.CurrentMedication, "name", "rxcui")
trial = restating(known.Trial, assessment.EarlierTreatment, "name", "rxcui", "weeks", "stopped_for")
allergy = restating(known.Allergy, assessment.Allergy, "substance", "rxcui")
lab = restating(known.Lab, assessment.Result, "unit", at="on")


def conditions(fact: assessment.HistoryRecorded) -> tuple[known.Condition, ...]:
    return tuple(_condition(condition) for condition in fact.conditions)


def _condition(condition: assessment.Condition) -> known.Condition:
    code = condition.coding
    return known.Condition(
        icd10=code.code if code.system == "icd-10-cm" else None,
        snomed=code.code if code.system == "snomed" else None,
        text=code.display or None,
    )


def trials(fact: assessment.HistoryRecorded) -> tuple[known.Trial, ...]:
    return tuple(_trial(treatment) for treatment in fact.earlier_treatments)


def _trial(treatment: assessment.EarlierTreatment) -> known.Trial:
    stopped = treatment.stopped_for
    known_reason = stopped.known and stopped not in (assessment.StoppedFor.UNKNOWN, assessment.StoppedFor.NOT_STOPPED)
    return trial(
        treatment,
        name=treatment.medicine.name or None,
        rxcui=treatment.medicine.rxcui or None,
        weeks=None if treatment.weeks is None else Decimal(treatment.weeks),
        stopped_for=known.StoppedFor(stopped) if known_reason else None,
    )


def medications(fact: assessment.MedicationsReconciled) -> tuple[known.Medication, ...]:
    return tuple(
        medication(taken, name=taken.medicine.name or None, rxcui=taken.medicine.rxcui or None)
        for taken in fact.medications
    )


def allergies(fact: assessment.AllergiesRecorded) -> tuple[known.Allergy, ...]:
    return tuple(
        allergy(one, substance=one.substance.name or None, rxcui=one.substance.rxcui or None) for one in fact.allergies
    )


def results(fact: assessment.ResultsRecorded) -> tuple[known.Lab, ...]:
    return tuple(lab(result, unit=result.unit or None) for result in fact.results)


def suspected(fact: monitoring.SideEffectReported) -> Medicine:
    return fact.suspected_medicine or Medicine(name="")


def is_read_by_the_check(fact: ScaleScored) -> bool:
    """Other scales say nothing that the safety check reads."""
    return fact.instrument in READ_BY_THE_CHECK


OF_BOTH = (
    note(noted.ScaleNoted, ScaleScored, only=is_read_by_the_check),
    note(noted.SuicideRiskNoted, RiskRaised),
    note(noted.StrikeNoted, EnteredInError),
)
NOTES: Notes[Event | None] = {
    **listening(
        assessment.TYPES,
        note(noted.ProfileNoted, assessment.PatientEnrolled),
        note(noted.HistoryNoted, assessment.HistoryRecorded, conditions=conditions, trials=trials),
        note(noted.MedicationsNoted, assessment.MedicationsReconciled, medications=medications),
        note(noted.AllergiesNoted, assessment.AllergiesRecorded, allergies=allergies),
        note(noted.ListGapsNoted, assessment.ListGapsRecorded),
        note(noted.PregnancyNoted, assessment.PregnancyRecorded),
        note(noted.ResultsNoted, assessment.ResultsRecorded, results=results),
        note(noted.DiagnosisNoted, assessment.DiagnosisEstablished),
        note(noted.SuicideRiskNoted, assessment.AssessmentCompleted, at={"level": "suicide_risk"}),
        note(noted.SuicideRiskNoted, assessment.AssessmentAmended, at={"level": "suicide_risk"}),
        *OF_BOTH,
    ),
    **listening(
        monitoring.TYPES,
        note(
            noted.SideEffectNoted,
            monitoring.SideEffectReported,
            suspected_medicine=lambda fact: suspected(fact).name,
            suspected_rxcui=lambda fact: suspected(fact).rxcui,
        ),
        *OF_BOTH,
    ),
}
"""What prescribing listens to, and the note each becomes."""
