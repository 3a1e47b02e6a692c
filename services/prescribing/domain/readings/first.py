"""The first reading, of every capsule that names none. It is not changed any more."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from careloop.contracts.prescribing import Order, Override, StatusReason
from careloop.kernel.ids import FactId
from careloop.kernel.restating import restating
from careloop.knowledge import chart as known
from careloop.knowledge.findings import Check, NotChecked, Reason, Screening, Severity
from careloop.knowledge.pack.drugs import high_risk
from careloop.knowledge.urgency.triage import SEVERE_GRADE
from services.prescribing.domain.events import PrescriptionIssued
from services.prescribing.domain.noted import (
    AllergiesNoted,
    DiagnosisNoted,
    HistoryNoted,
    MedicationsNoted,
    PregnancyNoted,
    ProfileNoted,
    ResultsNoted,
    ScaleNoted,
    SideEffectNoted,
    SuicideRiskNoted,
)
from services.prescribing.domain.overrides import is_answered, rule_of_gap
from services.prescribing.domain.readings.reading import Asking, Reading
from services.prescribing.domain.state import PrescriptionChart

CONTRAINDICATED = "contraindicated"
NOT_OVERRIDDEN = "high-alert-not-overridden"
NOT_CHECKED = "high-risk-not-checked"

NOT_TOLERATED = {
    StatusReason.INTOLERANCE: known.StoppedFor.INTOLERANCE,
    StatusReason.ALLERGY: known.StoppedFor.ALLERGY,
}


def patient_chart(asking: Asking) -> known.Chart:
    """What nobody recorded stays unknown, it never becomes "none"."""
    chart = asking.chart
    profile = chart.latest(ProfileNoted)
    allergies = chart.latest(AllergiesNoted)
    lists = chart.standing(MedicationsNoted)
    histories = chart.standing(HistoryNoted)
    pregnancy = chart.latest(PregnancyNoted)
    results = chart.standing(ResultsNoted)
    risk = chart.latest(SuicideRiskNoted)
    diagnoses = tuple(known.Condition(icd10=fact.icd10) for fact in chart.standing(DiagnosisNoted))
    recorded = tuple(condition for history in histories for condition in history.conditions)
    conditions = diagnoses + recorded + likely(chart.standing(ScaleNoted))
    trials = not_tolerated(chart) + tuple(trial for history in histories for trial in history.trials)
    patient = known.Patient(
        birth_date=profile.birth_date if profile else None,
        sex=profile.sex if profile else None,
        pregnancy=pregnancy.status if pregnancy else None,
        conditions=conditions if histories or conditions else None,
        allergies=allergies.allergies if allergies else None,
        no_known_allergies=not allergies.allergies if allergies else None,
        labs=tuple(result for noted in results for result in noted.results) if results else None,
        suicide_risk=risk.level if risk else None,
    )
    medications = prescribed(chart, asking.changing) + reconciled(lists)
    return known.Chart(
        patient=patient,
        medications=medications if lists or medications else None,
        trials=trials if histories or trials else None,
    )


def likely(scales: list[ScaleNoted]) -> tuple[known.Condition, ...]:
    """What the last answers of each scale make likely, in the words that the conditions of the pack are found by."""
    last = {scale.instrument: scale for scale in scales}
    return tuple(known.Condition(text=f"{scale.instrument} {scale.band}") for scale in last.values() if scale.band)


def reconciled(lists: list[MedicationsNoted]) -> tuple[known.Medication, ...]:
    """All medications of the reconciled lists, oldest list first.

    A medication that a later list no longer names is taken to have been stopped on that list's day: the last day it
    can have been taken, from which a washout counts.
    """
    taken: dict[str, known.Medication] = {}
    for noted in lists:
        named = {medication.rxcui or (medication.name or "").casefold(): medication for medication in noted.medications}
        day = noted.occurred_at.date()
        gone = {key: before for key, before in taken.items() if key not in named and before.stopped_on is None}
        taken |= {key: replace(before, stopped_on=day) for key, before in gone.items()} | named
    return tuple(taken.values())


def not_tolerated(chart: PrescriptionChart) -> tuple[known.Trial, ...]:
    """Our prescriptions that ended for intolerance or allergy, and medicines suspected of a severe side effect."""
    ended = ((issued, chart.discontinuation(issued.fact_id)) for issued in chart.standing_prescriptions())
    ours = tuple(
        _trial(issued.order, NOT_TOLERATED[end.status_reason])
        for issued, end in ended
        if end is not None and end.status_reason in NOT_TOLERATED
    )
    severe = tuple(
        known.Trial(
            name=effect.suspected_medicine or None,
            rxcui=effect.suspected_rxcui or None,
            stopped_for=known.StoppedFor.INTOLERANCE,
        )
        for effect in chart.standing(SideEffectNoted)
        if (effect.suspected_medicine or effect.suspected_rxcui) and (effect.ctcae_grade or 0) >= SEVERE_GRADE
    )
    return ours + severe


def _trial(order: Order, stopped_for: known.StoppedFor) -> known.Trial:
    return known.Trial(
        name=order.medicine.name,
        rxcui=order.medicine.rxcui or None,
        daily_dose_mg=order.daily_dose_mg,
        stopped_for=stopped_for,
    )


def prescribed(chart: PrescriptionChart, without: FactId | None) -> tuple[known.Medication, ...]:
    return tuple(_taken(chart, issued) for issued in chart.standing_prescriptions() if issued.fact_id != without)


def _taken(chart: PrescriptionChart, issued: PrescriptionIssued) -> known.Medication:
    ended = chart.discontinuation(issued.fact_id)
    return known.Medication(
        name=issued.order.medicine.name,
        rxcui=issued.order.medicine.rxcui or None,
        daily_dose_mg=_daily_dose_mg(chart, issued),
        started_on=issued.order.starts_on,
        stopped_on=ended.stopped_on if ended else None,
    )


def _daily_dose_mg(chart: PrescriptionChart, issued: PrescriptionIssued) -> Decimal | None:
    """That of the change that is dated last, also where its day is yet to come; else that of the order."""
    changes = [c for c in chart.dose_changes if c.prescription == issued.fact_id and c.fact_id not in chart.struck]
    if not changes:
        return issued.order.daily_dose_mg
    return max(changes, key=lambda change: (change.effective_on, change.occurred_at)).to_daily_dose_mg


_ordered = restating(known.OrderedMedicine, Order, "name", "rxcui", "taken_since", "indication")


def ordered(asking: Asking) -> known.OrderedMedicine:
    medicine = asking.order.medicine
    return _ordered(
        asking.order,
        name=medicine.name or None,
        rxcui=medicine.rxcui or None,
        taken_since=_taken_since(asking),
        indication=None,
    )


def _taken_since(asking: Asking) -> date | None:
    issued = asking.chart.prescription(asking.changing) if asking.changing is not None else None
    return issued.order.starts_on if issued else None


def not_recorded(asking: Asking) -> tuple[NotChecked, ...]:
    """Our own prescriptions and diagnoses do not stand in for a list or history that nobody took."""
    gaps: list[NotChecked] = []
    if not asking.chart.standing(MedicationsNoted):
        listed = (Check.DRUG_DRUG, Check.WASHOUT, Check.DUPLICATE_THERAPY)
        gaps += [NotChecked(check=check, reason=Reason.MEDICATIONS_NOT_RECORDED) for check in listed]
    if not asking.chart.standing(HistoryNoted):
        gaps.append(NotChecked(check=Check.DRUG_CONDITION, reason=Reason.CONDITIONS_NOT_RECORDED))
        gaps.append(NotChecked(check=Check.PRIOR_TRIAL, reason=Reason.TRIALS_NOT_RECORDED))
    return tuple(gaps)


def reasons(asking: Asking, screening: Screening, answered: tuple[Override, ...]) -> tuple[str, ...]:
    """A contraindication cannot be overridden. A high alert needs a coded reason of its own. What was not checked needs
    one for a high-risk drug, and for a drug that nobody knows: it may be one."""
    worst = {alert.severity for alert in screening.alerts}
    found = [CONTRAINDICATED] if Severity.CONTRAINDICATED in worst else []
    high = [alert for alert in screening.alerts if alert.severity is Severity.HIGH]
    if any(not is_answered(alert, answered, screening) for alert in high):
        found.append(NOT_OVERRIDDEN)
    given = {override.rule for override in answered}
    medicine = asking.order.medicine
    risky = high_risk(medicine.name or None, medicine.rxcui or None)
    if risky and any(rule_of_gap(missing) not in given for missing in screening.not_checked):
        found.append(NOT_CHECKED)
    return tuple(found)


FIRST = Reading(number=1, patient_chart=patient_chart, ordered=ordered, not_recorded=not_recorded, reasons=reasons)
