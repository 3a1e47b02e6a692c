"""What prescribing knows of a patient: noted facts and its own prescriptions, folded from the events."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar, assert_never
from zoneinfo import ZoneInfo

from careloop.contracts.care_team import Changes, MembershipEndNoted, MembershipNoted, with_noted
from careloop.contracts.episodes import EpisodeBegunNoted, EpisodeEndNoted, Episodes
from careloop.kernel.decider import Decider
from careloop.kernel.ids import EventId, FactId
from careloop.knowledge.local_time import local_day, zone_named
from services.prescribing.domain.concerns import Concerns
from services.prescribing.domain.events import (
    DiscrepancyFound,
    DiscrepancyOverdue,
    DiscrepancyResolved,
    DoseChanged,
    DoseTookEffect,
    EnteredInError,
    Event,
    ListCompared,
    Planned,
    PrescriptionDeclined,
    PrescriptionDiscontinued,
    PrescriptionIssued,
    Standing,
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
from services.prescribing.domain.plan_record import DosePlan, DosePlans
from services.prescribing.domain.regimens import dose_of, most_from, most_of_change

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
    episodes: Episodes = field(default_factory=Episodes)
    decided: frozenset[FactId] = frozenset()
    concerns: Concerns = field(default_factory=Concerns)
    team: Changes = field(default_factory=Changes)
    plans: DosePlans = field(default_factory=DosePlans)

    @property
    def ended(self) -> EpisodeEndNoted | None:
        """The end by which the client is in no episode of care now."""
        return self.episodes.ended(self.struck)

    @property
    def earlier_end(self) -> datetime | None:
        """Up to when what was noted belongs to an earlier episode; None in the first."""
        return self.episodes.earlier_end(self.struck)

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
        """The changes of its dose that were neither struck nor cancelled, by a later one or with a step of a plan, by
        when they take effect; of one day, by when decided."""
        mine = [c for c in self.dose_changes if c.prescription == prescription and c.fact_id not in self.struck]
        cancelled = {cancelled for change in mine for cancelled in change.cancels or ()}
        cancelled |= self.plans.cancelled(self.struck)
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
        today = most_of_change(change) if change else most_from(issued.order, day)
        if today is None:
            return None
        later = (most_of_change(c) for c in self.standing_changes(issued.fact_id) if c.effective_on > day)
        return max([today, *later])

    def plan(self, fact_id: FactId) -> DosePlan | None:
        """The dose plan, ended ones too."""
        return self.plans.plan(fact_id, self.struck)

    def plan_with(self, fact_id: FactId) -> DosePlan | None:
        """The dose plan that this fact is part of."""
        return self.plans.plan_with(fact_id, self.struck)

    def plan_of(self, prescription: FactId) -> DosePlan | None:
        """The plan in force by which its dose changes."""
        return self.plans.in_force(prescription, self.struck)

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
    if isinstance(event, Planned | Standing):
        return _with_own(now, event)
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
        case PrescriptionDeclined() | SupplyCounted() | DoseTookEffect() | ListCompared() | DiscrepancyOverdue():
            now = replace(now, decided=now.decided | {event.fact_id})
        case TimeZoneNoted() | EpisodeBegunNoted() | EpisodeEndNoted() | MembershipNoted() | MembershipEndNoted():
            now = _of_care(now, event)
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


def _with_own(chart: PrescriptionChart, event: Planned | Standing) -> PrescriptionChart:
    decided = chart.decided | {event.fact_id}
    if isinstance(event, Standing):
        return replace(chart, concerns=chart.concerns.having(event), decided=decided)
    return replace(chart, plans=chart.plans.having(event), decided=decided)


def _of_care(
    chart: PrescriptionChart,
    noted: TimeZoneNoted | EpisodeBegunNoted | EpisodeEndNoted | MembershipNoted | MembershipEndNoted,
) -> PrescriptionChart:
    """Where and by whom the client is cared for, and from when to when."""
    match noted:
        case TimeZoneNoted():
            return replace(chart, zones=(*chart.zones, noted))
        case EpisodeBegunNoted() | EpisodeEndNoted():
            return replace(chart, episodes=chart.episodes.having(noted))
        case MembershipNoted() | MembershipEndNoted():
            return replace(chart, team=with_noted(chart.team, noted))


DECIDER: Decider[PrescriptionChart, Event] = Decider(initial=initial, evolve=evolve)
