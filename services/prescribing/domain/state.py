"""What prescribing knows of a patient: noted facts and its own prescriptions, folded from the events."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TypeVar, assert_never

from careloop.kernel.decider import Decider
from careloop.kernel.ids import EventId, FactId
from careloop.knowledge import chart as known
from services.prescribing.domain.events import (
    DoseChanged,
    EnteredInError,
    Event,
    PrescriptionDeclined,
    PrescriptionDiscontinued,
    PrescriptionIssued,
    SupplyCounted,
)
from services.prescribing.domain.noted import (
    AllergiesNoted,
    DiagnosisNoted,
    HistoryNoted,
    ListGapsNoted,
    MedicationsNoted,
    Noted,
    PregnancyNoted,
    ProfileNoted,
    ResultsNoted,
    ScaleNoted,
    SideEffectNoted,
    StrikeNoted,
    SuicideRiskNoted,
)

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

    @property
    def enrolled(self) -> bool:
        return self.latest(ProfileNoted) is not None

    def knows(self, fact_id: FactId) -> bool:
        return fact_id in self.decided

    def standing(self, kind: type[Fact]) -> list[Fact]:
        """The noted facts of one kind that were not struck, by when they were true."""
        found = [fact for fact in self.facts if isinstance(fact, kind) and fact.fact_id not in self.struck]
        return sorted(found, key=lambda fact: fact.occurred_at)

    def latest(self, kind: type[Fact]) -> Fact | None:
        standing = self.standing(kind)
        return standing[-1] if standing else None

    def prescription(self, fact_id: FactId) -> PrescriptionIssued | None:
        return next((issued for issued in self.standing_prescriptions() if issued.fact_id == fact_id), None)

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
        return tuple(self._taken(issued) for issued in self.standing_prescriptions() if issued.fact_id != without)

    def taken_since(self, changing: FactId | None) -> date | None:
        """The first day of the prescription whose dose is being changed."""
        issued = self.prescription(changing) if changing is not None else None
        return issued.order.starts_on if issued else None

    def standing_prescriptions(self) -> list[PrescriptionIssued]:
        """Ours that were not struck, ended ones too."""
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

    def evidence(self) -> tuple[EventId, ...]:
        """The source events that the chart stands on, without struck ones."""
        return tuple(fact.evidence for fact in self.facts if fact.fact_id not in self.struck)


initial = PrescriptionChart()


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
        case PrescriptionDeclined() | SupplyCounted():
            now = replace(now, decided=now.decided | {event.fact_id})
        case EnteredInError() | StrikeNoted():
            now = replace(now, struck=now.struck | {event.fact_id})
        case (
            ProfileNoted()
            | HistoryNoted()
            | MedicationsNoted()
            | AllergiesNoted()
            | ListGapsNoted()
            | PregnancyNoted()
            | ResultsNoted()
            | DiagnosisNoted()
            | ScaleNoted()
            | SuicideRiskNoted()
            | SideEffectNoted()
        ):
            now = replace(now, facts=(*now.facts, event))
        case _:
            assert_never(event)
    return now


DECIDER: Decider[PrescriptionChart, Event] = Decider(initial=initial, evolve=evolve)
