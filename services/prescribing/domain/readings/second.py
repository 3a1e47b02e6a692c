"""The second reading, by which this build decides."""

from collections.abc import Hashable
from dataclasses import replace
from datetime import date

from careloop.contracts.prescribing import Order, Override, StatusReason
from careloop.kernel.restating import restating
from careloop.knowledge import chart as known
from careloop.knowledge.findings import Check, NotChecked, Reason, Screening, Severity
from careloop.knowledge.pack.drugs import high_risk
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.screening.overriding import INCOMPLETE
from careloop.knowledge.urgency.triage import SEVERE_GRADE
from services.prescribing.domain.assessed import missing
from services.prescribing.domain.events import PrescriptionIssued
from services.prescribing.domain.matching import substance, substance_of
from services.prescribing.domain.noted import (
    AllergiesNoted,
    DiagnosisNoted,
    HistoryNoted,
    ListGapsNoted,
    MedicationsNoted,
    PregnancyNoted,
    ProfileNoted,
    ResultsNoted,
    ScaleNoted,
    SideEffectNoted,
    SuicideRiskNoted,
)
from services.prescribing.domain.overrides import is_answered, rule_of_gap
from services.prescribing.domain.readings.first import CONTRAINDICATED, NOT_CHECKED, NOT_OVERRIDDEN
from services.prescribing.domain.readings.first import not_recorded as first_not_recorded
from services.prescribing.domain.readings.reading import Asking, Reading
from services.prescribing.domain.state import PrescriptionChart

NOT_TOLERATED = {
    StatusReason.INTOLERANCE: known.StoppedFor.INTOLERANCE,
    StatusReason.ALLERGY: known.StoppedFor.ALLERGY,
}
READS_LIST: dict[str, tuple[Check, ...]] = {
    "medications": (Check.DRUG_DRUG, Check.WASHOUT, Check.DUPLICATE_THERAPY),
    "allergies": (Check.ALLERGY,),
    "history": (Check.DRUG_CONDITION, Check.PRIOR_TRIAL),
}
"""Which checks read which list; what is missing of a list that is not known here may concern every check."""


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
    medications = prescribed(asking) + reconciled(chart, lists)
    return known.Chart(
        patient=patient,
        medications=medications if lists or medications else None,
        trials=trials if histories or trials else None,
    )


def likely(scales: list[ScaleNoted]) -> tuple[known.Condition, ...]:
    """What the last answers of each scale make likely, in the words that the conditions of the pack are found by."""
    last = {scale.instrument: scale for scale in scales}
    return tuple(known.Condition(text=f"{scale.instrument} {scale.band}") for scale in last.values() if scale.band)


def reconciled(chart: PrescriptionChart, lists: list[MedicationsNoted]) -> tuple[known.Medication, ...]:
    """All medications of the reconciled lists that are not our own prescriptions, oldest list first.

    A medication that a later list no longer names is taken to have been stopped on that list's day: the last day it
    can have been taken, from which a washout counts.
    """
    taken: dict[str, known.Medication] = {}
    for noted in lists:
        day = noted.occurred_at.date()
        ours = in_force(chart, day)
        others = [one for one in noted.medications if substance_of(one.name, one.rxcui) not in ours]
        named = {medication.rxcui or (medication.name or "").casefold(): medication for medication in others}
        gone = {key: before for key, before in taken.items() if key not in named and before.stopped_on is None}
        taken |= {key: replace(before, stopped_on=day) for key, before in gone.items()} | named
    return tuple(taken.values())


def in_force(chart: PrescriptionChart, day: date) -> set[Hashable]:
    """What we prescribe and had not ended by that day: what a list of the day says of it is a discrepancy or nothing,
    never a second medicine."""
    ended = {issued.fact_id: chart.discontinuation(issued.fact_id) for issued in chart.standing_prescriptions()}
    return {
        substance(issued.order.medicine)
        for issued in chart.standing_prescriptions()
        if (end := ended[issued.fact_id]) is None or end.stopped_on >= day
    }


def prescribed(asking: Asking) -> tuple[known.Medication, ...]:
    """Ours, ended ones with the day of the last dose, without the one whose dose is being changed."""
    ours = (one for one in asking.chart.standing_prescriptions() if one.fact_id != asking.changing)
    return tuple(taken for issued in ours if (taken := _taken(asking.chart, issued, asking.as_of)) is not None)


def _taken(chart: PrescriptionChart, issued: PrescriptionIssued, as_of: date) -> known.Medication | None:
    """With the highest dose that holds or is planned from `as_of` on, so that neither hides the other; an ended one
    with its last. None for one that ended before it began. A last dose that was put before the first is taken to have
    been on the day on which that was said: the last day it can have been."""
    ended, starts_on = chart.discontinuation(issued.fact_id), issued.order.starts_on
    stopped_on = ended.stopped_on if ended else None
    if ended is not None and ended.stopped_on < starts_on:
        stopped_on = ended.occurred_at.date()
        if stopped_on < starts_on:
            return None
    return known.Medication(
        name=issued.order.medicine.name,
        rxcui=issued.order.medicine.rxcui or None,
        daily_dose_mg=chart.daily_dose_mg(issued, stopped_on) if stopped_on else chart.highest_dose_mg(issued, as_of),
        started_on=starts_on,
        stopped_on=stopped_on,
    )


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


_ordered = restating(known.OrderedMedicine, Order, "name", "rxcui", "taken_since")


def ordered(asking: Asking) -> known.OrderedMedicine:
    """A change of dose says since when its prescription is taken."""
    medicine = asking.order.medicine
    return _ordered(
        asking.order,
        name=medicine.name or None,
        rxcui=medicine.rxcui or None,
        taken_since=asking.chart.taken_since(asking.changing),
    )


def not_recorded(asking: Asking) -> tuple[NotChecked, ...]:
    """As the first reading has it; and a list of which some source holds more than could be read is checked, and is not
    the whole."""
    last = {(said.list, said.source): said.left_out for said in asking.chart.standing(ListGapsNoted)}
    short = sorted({name for (name, _), left_out in last.items() if left_out})
    gaps = (
        NotChecked(check=check, reason=Reason.LIST_INCOMPLETE, subject=name)
        for name in short
        for check in READS_LIST.get(name, tuple(Check))
    )
    return (*first_not_recorded(asking), *gaps)


def reasons(asking: Asking, screening: Screening, answered: tuple[Override, ...]) -> tuple[str, ...]:
    """A contraindication cannot be overridden. An order, unlike a change of dose, waits for a complete assessment
    unless a coded reason says why it cannot. A high alert needs a coded reason of its own. What was not checked needs
    one for a high-risk drug, and for a drug that nobody knows: it may be one. Notes, and what the pack lets pass, need
    none."""
    given = {override.rule for override in answered}
    high = [alert for alert in screening.alerts if alert.severity is Severity.HIGH]
    medicine = asking.order.medicine
    risky = high_risk(medicine.name or None, medicine.rxcui or None)
    declining = {
        CONTRAINDICATED: any(alert.severity is Severity.CONTRAINDICATED for alert in screening.alerts),
        INCOMPLETE: asking.changing is None and bool(missing(asking.chart)) and INCOMPLETE not in given,
        NOT_OVERRIDDEN: any(not is_answered(alert, answered, screening) for alert in high),
        NOT_CHECKED: risky and any(rule_of_gap(gap) not in given for gap in screening.not_checked if blocks(gap)),
    }
    return tuple(reason for reason, holds in declining.items() if holds)


def blocks(gap: NotChecked) -> bool:
    """Whether what was not checked holds up an order of a high-risk drug."""
    return gap.note is not True and gap.reason not in current_pack().title.passes


SECOND = Reading(number=2, patient_chart=patient_chart, ordered=ordered, not_recorded=not_recorded, reasons=reasons)
