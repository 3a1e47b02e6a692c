"""What prescribing knows of a patient: noted facts and its own prescriptions, folded; and the chart a screen reads."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TypeVar

from careloop.kernel.decider import Decider
from careloop.kernel.ids import EventId, FactId
from careloop.knowledge import chart as known
from careloop.knowledge.urgency.triage import SEVERE_GRADE
from services.prescribing.domain.events import (
    AllergiesNoted,
    DiagnosisNoted,
    DoseChanged,
    EnteredInError,
    Event,
    HistoryNoted,
    MedicationsNoted,
    Noted,
    Order,
    PregnancyNoted,
    PrescriptionDeclined,
    PrescriptionDiscontinued,
    PrescriptionIssued,
    ProfileNoted,
    ResultsNoted,
    ScaleNoted,
    SideEffectNoted,
    StatusReason,
    StrikeNoted,
    SuicideRiskNoted,
)

NOT_TOLERATED = {
    StatusReason.INTOLERANCE: known.StoppedFor.INTOLERANCE,
    StatusReason.ALLERGY: known.StoppedFor.ALLERGY,
}
Fact = TypeVar("Fact", bound=Noted)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionChart:
    """`version` counts the events folded; `facts` holds all noted ones, struck or not; `decided` our own."""

    version: int = 0
    facts: tuple[Noted, ...] = ()
    struck: frozenset[FactId] = frozenset()
    prescriptions: tuple[PrescriptionIssued, ...] = ()
    dose_changes: tuple[DoseChanged, ...] = ()
    discontinued: tuple[PrescriptionDiscontinued, ...] = ()
    decided: frozenset[FactId] = frozenset()

    def standing(self, kind: type[Fact]) -> list[Fact]:
        """The noted facts of one kind that were not struck, by when they were true."""
        found = [fact for fact in self.facts if isinstance(fact, kind) and fact.fact_id not in self.struck]
        return sorted(found, key=lambda fact: fact.occurred_at)

    def latest(self, kind: type[Fact]) -> Fact | None:
        standing = self.standing(kind)
        return standing[-1] if standing else None

    def prescription(self, fact_id: FactId) -> PrescriptionIssued | None:
        return next((issued for issued in self._standing_prescriptions() if issued.fact_id == fact_id), None)

    def discontinuation(self, prescription: FactId) -> PrescriptionDiscontinued | None:
        ended = (end for end in self.discontinued if end.prescription == prescription)
        return next((end for end in ended if end.fact_id not in self.struck), None)

    def daily_dose_mg(self, issued: PrescriptionIssued) -> Decimal | None:
        """The dose now in force: that of the last change, else that of the order."""
        changes = [c for c in self.dose_changes if c.prescription == issued.fact_id and c.fact_id not in self.struck]
        if not changes:
            return issued.order.daily_dose_mg
        return max(changes, key=lambda change: (change.effective_on, change.occurred_at)).to_daily_dose_mg

    def prescribed(self, *, without: FactId | None = None) -> tuple[known.Medication, ...]:
        """Every prescription of ours, ended ones with the day of the last dose; without the one named."""
        return tuple(self._taken(issued) for issued in self._standing_prescriptions() if issued.fact_id != without)

    def taken_since(self, changing: FactId | None) -> date | None:
        """The first day of the prescription whose dose is being changed."""
        issued = self.prescription(changing) if changing is not None else None
        return issued.order.starts_on if issued else None

    def _standing_prescriptions(self) -> list[PrescriptionIssued]:
        return [issued for issued in self.prescriptions if issued.fact_id not in self.struck]

    def _taken(self, issued: PrescriptionIssued) -> known.Medication:
        ended = self.discontinuation(issued.fact_id)
        return known.Medication(
            name=issued.order.medicine.name,
            rxcui=issued.order.medicine.rxcui or None,
            daily_dose_mg=self.daily_dose_mg(issued),
            started_on=issued.order.starts_on,
            stopped_on=ended.stopped_on if ended else None,
        )

    def not_tolerated(self) -> tuple[known.Trial, ...]:
        """Our prescriptions that ended for intolerance or allergy, and medicines suspected of a severe side effect."""
        ended = ((issued, self.discontinuation(issued.fact_id)) for issued in self._standing_prescriptions())
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
            for effect in self.standing(SideEffectNoted)
            if (effect.suspected_medicine or effect.suspected_rxcui) and (effect.ctcae_grade or 0) >= SEVERE_GRADE
        )
        return ours + severe

    def evidence(self) -> tuple[EventId, ...]:
        """The source events that the chart stands on, without struck ones."""
        return tuple(fact.evidence for fact in self.facts if fact.fact_id not in self.struck)


def _trial(order: Order, stopped_for: known.StoppedFor) -> known.Trial:
    return known.Trial(
        name=order.medicine.name,
        rxcui=order.medicine.rxcui or None,
        daily_dose_mg=order.daily_dose_mg,
        stopped_for=stopped_for,
    )


def screening_chart(chart: PrescriptionChart, *, changing: FactId | None = None) -> known.Chart:
    """The chart as a screen reads it. What nobody recorded stays unknown, it never becomes "none".

    `changing` leaves out the prescription whose own dose is being changed.
    """
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
    trials = chart.not_tolerated() + tuple(trial for history in histories for trial in history.trials)
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
    medications = chart.prescribed(without=changing) + reconciled(lists)
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


def evolve(chart: PrescriptionChart, event: Event) -> PrescriptionChart:
    """What is known after one more event."""
    now = replace(chart, version=chart.version + 1)
    match event:
        case PrescriptionIssued():
            now = replace(now, prescriptions=(*now.prescriptions, event), decided=now.decided | {event.fact_id})
        case DoseChanged():
            now = replace(now, dose_changes=(*now.dose_changes, event), decided=now.decided | {event.fact_id})
        case PrescriptionDiscontinued():
            now = replace(now, discontinued=(*now.discontinued, event), decided=now.decided | {event.fact_id})
        case PrescriptionDeclined():
            now = replace(now, decided=now.decided | {event.fact_id})
        case EnteredInError() | StrikeNoted():
            now = replace(now, struck=now.struck | {event.fact_id})
        case _:
            now = replace(now, facts=(*now.facts, event))
    return now


DECIDER: Decider[PrescriptionChart, Event] = Decider(PrescriptionChart(), evolve)
