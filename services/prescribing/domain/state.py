"""What prescribing knows of a patient: noted facts and its own prescriptions, folded from the events."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar, assert_never
from zoneinfo import ZoneInfo

from careloop.contracts.care_team import Changes, MembershipEndNoted, MembershipNoted, with_noted
from careloop.kernel.decider import Decider
from careloop.kernel.ids import EventId, FactId
from careloop.knowledge.local_time import local_day, zone_named
from services.prescribing.domain.concerns import Concerns
from services.prescribing.domain.events import (
    ConcernAnswered,
    ConcernEnded,
    ConcernsRaised,
    DiscrepancyFound,
    DiscrepancyOverdue,
    DiscrepancyResolved,
    DoseChanged,
    DoseTookEffect,
    EnteredInError,
    Event,
    ListCompared,
    PrescriptionDeclined,
    PrescriptionDiscontinued,
    PrescriptionIssued,
    SupplyCounted,
)
from services.prescribing.domain.noted import (
    AllergiesNoted,
    AssessmentPartNoted,
    CompletionNoted,
    ConditionStatusNoted,
    DiagnosisNoted,
    DiagnosisSeverityNoted,
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
    TimeZoneNoted,
)
from services.prescribing.domain.regimens import dose_of, most_from

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
    discrepancies: tuple[DiscrepancyFound, ...] = ()
    resolved: tuple[DiscrepancyResolved, ...] = ()
    zones: tuple[TimeZoneNoted, ...] = ()
    decided: frozenset[FactId] = frozenset()
    concerns: Concerns = field(default_factory=Concerns)
    team: Changes = field(default_factory=Changes)

    @property
    def enrolled(self) -> bool:
        return self.latest(ProfileNoted) is not None

    @property
    def birth_date(self) -> date | None:
        profile = self.latest(ProfileNoted)
        return profile.birth_date if profile else None

    def knows(self, fact_id: FactId) -> bool:
        return fact_id in self.decided

    def has_left(self, person: str, moment: datetime) -> bool:
        return self.team.has_left(person, moment, self.struck)

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

    @property
    def zone(self) -> ZoneInfo:
        """Where the client lives; UTC while nobody said."""
        noted = [it for it in self.zones if it.fact_id not in self.struck]
        return zone_named(max(noted, key=lambda it: it.occurred_at).time_zone if noted else "UTC")

    def today(self, now: datetime) -> date:
        """The day of the client, or that of UTC where it is the later: what happened today has happened."""
        return max(now.date(), local_day(now, self.zone))

    def standing_changes(self, prescription: FactId) -> list[DoseChanged]:
        """The changes of its dose that were neither struck nor cancelled by a later one, by when they take effect; of
        one day, by when decided."""
        mine = [c for c in self.dose_changes if c.prescription == prescription and c.fact_id not in self.struck]
        cancelled = {cancelled for change in mine for cancelled in change.cancels or ()}
        standing = (change for change in mine if change.fact_id not in cancelled)
        return sorted(standing, key=lambda change: (change.effective_on, change.occurred_at))

    def last_change(self, issued: PrescriptionIssued, day: date) -> DoseChanged | None:
        """The change by which the dose of that day is what it is; None where it is the order's."""
        return next((c for c in reversed(self.standing_changes(issued.fact_id)) if c.effective_on <= day), None)

    def daily_dose_mg(self, issued: PrescriptionIssued, day: date) -> Decimal | None:
        """The dose in force on that day, in milligrams: that of the last change up to it, else that of the order."""
        change = self.last_change(issued, day)
        return change.to_daily_dose_mg if change else dose_of(issued.order, day)

    def highest_dose_mg(self, issued: PrescriptionIssued, day: date) -> Decimal | None:
        """The highest dose from that day on, in force or planned, what may be taken as needed included; None while the
        one in force is not known."""
        change = self.last_change(issued, day)
        today = change.to_daily_dose_mg if change else most_from(issued.order, day)
        if today is None:
            return None
        later = (c.to_daily_dose_mg for c in self.standing_changes(issued.fact_id) if c.effective_on > day)
        return max([today, *later])

    def taken_since(self, changing: FactId | None) -> date | None:
        """The first day of the prescription whose dose is being changed."""
        issued = self.prescription(changing) if changing is not None else None
        return issued.order.starts_on if issued else None

    def standing_prescriptions(self) -> list[PrescriptionIssued]:
        """Ours that were not struck, ended ones too."""
        return [issued for issued in self.prescriptions if issued.fact_id not in self.struck]

    def discrepancy(self, fact_id: FactId) -> DiscrepancyFound | None:
        standing = (found for found in self.discrepancies if found.fact_id not in self.struck)
        return next((found for found in standing if found.fact_id == fact_id), None)

    def is_resolved(self, discrepancy: FactId) -> bool:
        return any(one.discrepancy == discrepancy and one.fact_id not in self.struck for one in self.resolved)

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
        case DiscrepancyFound():
            found = (*now.discrepancies, event)
            now = replace(now, discrepancies=found, decided=now.decided | {event.fact_id})
        case DiscrepancyResolved():
            now = replace(now, resolved=(*now.resolved, event), decided=now.decided | {event.fact_id})
        case ConcernsRaised() | ConcernAnswered() | ConcernEnded():
            now = replace(now, concerns=now.concerns.having(event), decided=now.decided | {event.fact_id})
        case PrescriptionDeclined() | SupplyCounted() | DoseTookEffect() | ListCompared() | DiscrepancyOverdue():
            now = replace(now, decided=now.decided | {event.fact_id})
        case TimeZoneNoted():
            now = replace(now, zones=(*now.zones, event))
        case MembershipNoted() | MembershipEndNoted():
            now = replace(now, team=with_noted(now.team, event))
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
            | GenotypesNoted()
            | SmokingNoted()
            | DiagnosisNoted()
            | ScaleNoted()
            | SuicideRiskNoted()
            | SideEffectNoted()
            | AssessmentPartNoted()
            | ConditionStatusNoted()
            | DiagnosisSeverityNoted()
            | CompletionNoted()
        ):
            now = replace(now, facts=(*now.facts, event))
        case _:
            assert_never(event)
    return now


DECIDER: Decider[PrescriptionChart, Event] = Decider(initial=initial, evolve=evolve)
