"""The second reading's earlier course: what failed or was not tolerated, here too, and what conditions stand."""

from decimal import Decimal

from msgspec import UNSET

from careloop.contracts.prescribing import PrescriptionDiscontinued, StatusReason
from careloop.knowledge import chart as known
from careloop.knowledge.urgency.triage import SEVERE_GRADE
from services.prescribing.domain.events import PrescriptionIssued
from services.prescribing.domain.noted import (
    ConditionStatusNoted,
    DiagnosisNoted,
    DiagnosisSeverityNoted,
    HistoryNoted,
    ScaleNoted,
    SideEffectNoted,
)
from services.prescribing.domain.state import PrescriptionChart

ENDED_FOR = {
    StatusReason.INEFFICACY: known.StoppedFor.INEFFICACY,
    StatusReason.INTOLERANCE: known.StoppedFor.INTOLERANCE,
    StatusReason.ALLERGY: known.StoppedFor.ALLERGY,
}
LIFE_THREATENING_GRADE = 4
TROUBLESOME_GRADE = 2
"""CTCAE: moderate, from which on a side effect is remembered against the medicine that is suspected of it."""


def conditions(chart: PrescriptionChart) -> tuple[known.Condition, ...]:
    """Diagnoses with their severity, the conditions of the history with their status, and what scales make likely."""
    severity = {noted.fact_id: noted.severity for noted in chart.standing(DiagnosisSeverityNoted)}
    told = {noted.fact_id: noted.conditions for noted in chart.standing(ConditionStatusNoted)}
    diagnoses = tuple(
        known.Condition(icd10=fact.icd10, severity=severity.get(fact.fact_id, UNSET))
        for fact in chart.standing(DiagnosisNoted)
    )
    histories = chart.standing(HistoryNoted)
    recorded = tuple(one for history in histories for one in told.get(history.fact_id, history.conditions))
    return diagnoses + recorded + likely(chart.standing(ScaleNoted))


def likely(scales: list[ScaleNoted]) -> tuple[known.Condition, ...]:
    """What the last answers of each scale make likely, in the words that the conditions of the pack are found by."""
    last = {scale.instrument: scale for scale in scales}
    return tuple(
        known.Condition(text=f"{scale.instrument} {scale.band}", verification_status="unconfirmed")
        for scale in last.values()
        if scale.band
    )


def trials(chart: PrescriptionChart) -> tuple[known.Trial, ...]:
    """Our prescriptions that ended for want of effect, intolerance or allergy; medicines suspected of a troublesome
    side effect; and the earlier treatments of the history."""
    told = tuple(trial for history in chart.standing(HistoryNoted) for trial in history.trials)
    suspected = tuple(
        known.Trial(
            name=effect.suspected_medicine or None,
            rxcui=effect.suspected_rxcui or None,
            stopped_for=known.StoppedFor.INTOLERANCE,
        )
        for effect in _suspecting(chart, TROUBLESOME_GRADE)
    )
    return _ended(chart) + suspected + told


def _ended(chart: PrescriptionChart) -> tuple[known.Trial, ...]:
    ended = ((issued, chart.discontinuation(issued.fact_id)) for issued in chart.standing_prescriptions())
    return tuple(
        _trial(chart, issued, end) for issued, end in ended if end is not None and end.status_reason in ENDED_FOR
    )


def _trial(chart: PrescriptionChart, issued: PrescriptionIssued, end: PrescriptionDiscontinued) -> known.Trial:
    """`weeks` from the first dose to the last, whole ones: how long it was tried."""
    days = max((end.stopped_on - issued.order.starts_on).days, 0)
    return known.Trial(
        name=issued.order.medicine.name,
        rxcui=issued.order.medicine.rxcui or None,
        daily_dose_mg=chart.daily_dose_mg(issued, end.stopped_on),
        weeks=Decimal(days // 7),
        stopped_for=ENDED_FOR[end.status_reason],
    )


def reactions(chart: PrescriptionChart) -> tuple[known.Allergy, ...]:
    """Severe reactions here, as the allergy list would have them: medicines suspected of a severe side effect, of which
    a life-threatening one may be an allergy, and prescriptions that ended for one."""
    severe = tuple(
        known.Allergy(
            substance=effect.suspected_medicine or None,
            rxcui=effect.suspected_rxcui or None,
            type=None if (effect.ctcae_grade or 0) >= LIFE_THREATENING_GRADE else known.AllergyType.INTOLERANCE,
            criticality=known.Criticality.HIGH,
        )
        for effect in _suspecting(chart, SEVERE_GRADE)
    )
    ended = ((issued, chart.discontinuation(issued.fact_id)) for issued in chart.standing_prescriptions())
    allergic = tuple(
        known.Allergy(
            substance=issued.order.medicine.name,
            rxcui=issued.order.medicine.rxcui or None,
            type=known.AllergyType.ALLERGY,
        )
        for issued, end in ended
        if end is not None and end.status_reason == StatusReason.ALLERGY
    )
    return severe + allergic


def _suspecting(chart: PrescriptionChart, grade: int) -> list[SideEffectNoted]:
    return [
        effect
        for effect in chart.standing(SideEffectNoted)
        if (effect.suspected_medicine or effect.suspected_rxcui) and (effect.ctcae_grade or 0) >= grade
    ]
