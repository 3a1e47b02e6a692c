"""What monitoring knows of a patient: the medicines taken, the side effects reported, what was struck."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar, assert_never
from zoneinfo import ZoneInfo

from careloop.contracts.care_team import Changes, MembershipEndNoted, MembershipNoted, with_noted
from careloop.contracts.monitoring import DoseStatus
from careloop.contracts.terms import Medicine
from careloop.kernel.decider import Decider
from careloop.kernel.ids import EventId, FactId
from careloop.knowledge.local_time import zone_named
from services.monitoring.domain import noted
from services.monitoring.domain.events import (
    DoseRecorded,
    EmergencyDeclared,
    EnteredInError,
    Event,
    ExtraDoseReported,
    Reported,
    ResultActionEnded,
    ResultActionRaised,
    RiskContactRecorded,
    RiskEnded,
    RiskRaised,
    ScaleScored,
    SideEffectReported,
    SideEffectResolved,
)
from services.monitoring.domain.medicines import Course, same_medicine, still_acts
from services.monitoring.domain.noted import (
    DailyDoseNoted,
    DiscontinuationNoted,
    EmergencyDepartmentNoted,
    EnrolmentNoted,
    MedicationsNoted,
    PrescriptionNoted,
    ResultsNoted,
    RiskNoted,
    ScreeningNoted,
    StrikeNoted,
    TimeZoneNoted,
)
from services.monitoring.domain.result_watch import ResultEvent, ResultWatch
from services.monitoring.domain.risk_watch import RiskEvent, RiskWatch

Noted = TypeVar("Noted", MedicationsNoted, PrescriptionNoted, DiscontinuationNoted, DailyDoseNoted)

LATEST_DOSES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """`recorded` are the facts reported to this service itself, struck or not; `doses` the latest of them; `followed`
    is the evidence of what was noted of risks and results."""

    enrolments: frozenset[FactId] = frozenset()
    lists: tuple[MedicationsNoted, ...] = ()
    prescriptions: tuple[PrescriptionNoted, ...] = ()
    discontinuations: tuple[DiscontinuationNoted, ...] = ()
    side_effects: tuple[SideEffectReported, ...] = ()
    resolutions: tuple[SideEffectResolved, ...] = ()
    doses: tuple[DoseRecorded, ...] = ()
    daily_doses: tuple[DailyDoseNoted, ...] = ()
    recorded: frozenset[FactId] = frozenset()
    struck: frozenset[FactId] = frozenset()
    zones: tuple[TimeZoneNoted, ...] = ()
    departments: tuple[EmergencyDepartmentNoted, ...] = ()
    team: Changes = field(default_factory=Changes)
    risks: RiskWatch = field(default_factory=RiskWatch)
    results: ResultWatch = field(default_factory=ResultWatch)
    followed: frozenset[EventId] = frozenset()

    @property
    def enrolled(self) -> bool:
        return bool(self.enrolments - self.struck)

    def knows(self, fact_id: FactId) -> bool:
        return fact_id in self.recorded

    def newly_ended(self) -> list[RiskEnded]:
        """The ends of open risks that nobody said yet."""
        return list(self.risks.newly_ended(self.struck))

    def has_left(self, person: str, moment: datetime) -> bool:
        return self.team.has_left(person, moment, self.struck)

    @property
    def zone(self) -> ZoneInfo:
        """Where the client lives; UTC while nobody said."""
        zones = [it for it in self.zones if it.fact_id not in self.struck]
        return zone_named(max(zones, key=lambda it: it.occurred_at).time_zone if zones else "UTC")

    @property
    def department(self) -> EmergencyDepartmentNoted | None:
        """The emergency department on record; None where nobody named one, or the newest enrolment names none."""
        noted = [it for it in self.departments if it.fact_id not in self.struck]
        newest = max(noted, key=lambda it: it.occurred_at, default=None)
        return newest if newest is not None and newest.name else None

    def prescription(self, fact_id: FactId) -> PrescriptionNoted | None:
        """This client's, unless it was struck."""
        return next((one for one in self._standing(self.prescriptions) if one.fact_id == fact_id), None)

    def taken(self) -> list[DoseRecorded]:
        """The latest doses that were taken, extra ones too, and not struck."""
        swallowed = (one for one in self.doses if one.status is not DoseStatus.SKIPPED)
        return [one for one in swallowed if one.fact_id not in self.struck]

    def prescription_of(self, medicine: Medicine, named: FactId | None) -> PrescriptionNoted | None:
        """The prescription named, or the latest one of this medicine."""
        if named is not None:
            return self.prescription(named)
        found = [one for one in self._standing(self.prescriptions) if same_medicine(one.medicine, medicine)]
        return found[-1] if found else None

    def daily_dose_mg(self, prescription: FactId, day: date) -> Decimal | None:
        """The dose of that day in milligrams; None where it is not known."""
        mine = [it for it in self._standing(self.daily_doses) if it.prescription == prescription]
        cancelled = {one for it in mine for one in it.cancels or ()}
        begun = [it for it in mine if it.effective_on <= day and it.fact_id not in cancelled]
        last = max(begun, key=lambda it: (it.effective_on, it.occurred_at), default=None)
        return last.daily_dose_mg if last else None

    def side_effect(self, fact_id: FactId) -> SideEffectReported | None:
        return next((e for e in self.side_effects if e.fact_id == fact_id and fact_id not in self.struck), None)

    def is_resolved(self, side_effect: FactId) -> bool:
        return any(r.side_effect == side_effect and r.fact_id not in self.struck for r in self.resolutions)

    def taken_on(self, day: date) -> tuple[Medicine, ...] | None:
        """The medicines whose effects may show on `day`; None while neither a list nor a prescription is known."""
        lists, prescriptions = self._standing(self.lists), self._standing(self.prescriptions)
        if not lists and not prescriptions:
            return None
        listed = max(lists, key=lambda noted: noted.occurred_at, default=None)
        taken = [one.medicine for one in (listed.medicines if listed else ()) if still_acts(one.stopped_on, day)]
        ours = (p for p in prescriptions if p.starts_on <= day and still_acts(self._stopped_on(p.fact_id), day))
        taken += [p.medicine for p in ours]
        return tuple(dict.fromkeys(taken))

    def courses(self) -> list[Course]:
        """Our prescriptions, and the medicines of the newest list."""
        listed = max(self._standing(self.lists), key=lambda noted: noted.occurred_at, default=None)
        found = [
            Course(medicine=one.medicine, started_on=one.starts_on, stopped_on=self._stopped_on(one.fact_id))
            for one in self._standing(self.prescriptions)
        ]
        medicines = listed.medicines if listed else ()
        return found + [Course(medicine=one.medicine, started_on=None, stopped_on=one.stopped_on) for one in medicines]

    def _standing(self, noted: Iterable[Noted]) -> list[Noted]:
        return [one for one in noted if one.fact_id not in self.struck]

    def _stopped_on(self, prescription: FactId) -> date | None:
        ended = self._standing(self.discontinuations)
        return next((one.stopped_on for one in ended if one.prescription == prescription), None)


initial = Watch()


def evolve(watch: Watch, event: Event) -> Watch:
    """What is known after one more event."""
    match event:
        case SideEffectReported() | SideEffectResolved():
            watch = _of_side_effect(watch, event)
        case DoseRecorded():
            watch = replace(_recorded(watch, event), doses=(*watch.doses, event)[-LATEST_DOSES:])
        case ScaleScored() | RiskRaised() | RiskContactRecorded() | RiskEnded():
            watch = _of_risk(watch, event)
        case ResultActionRaised() | ResultActionEnded():
            watch = _of_result(watch, event)
        case ExtraDoseReported() | EmergencyDeclared():
            watch = _recorded(watch, event)
        case EnteredInError():
            watch = replace(watch, struck=watch.struck | {event.fact_id})
        case _:
            watch = _noted(watch, event)
    return watch


def _noted(watch: Watch, event: noted.Noted) -> Watch:
    match event:
        case EnrolmentNoted():
            watch = replace(watch, enrolments=watch.enrolments | {event.fact_id})
        case TimeZoneNoted() | EmergencyDepartmentNoted():
            watch = _of_profile(watch, event)
        case MembershipNoted() | MembershipEndNoted():
            watch = replace(watch, team=with_noted(watch.team, event))
        case MedicationsNoted():
            watch = replace(watch, lists=(*watch.lists, event))
        case PrescriptionNoted():
            watch = replace(watch, prescriptions=(*watch.prescriptions, event))
        case DiscontinuationNoted():
            watch = replace(watch, discontinuations=(*watch.discontinuations, event))
        case DailyDoseNoted():
            watch = replace(watch, daily_doses=(*watch.daily_doses, event))
        case RiskNoted() | ScreeningNoted():
            watch = _of_risk(watch, event)
        case ResultsNoted():
            watch = _of_result(watch, event)
        case StrikeNoted():
            watch = replace(watch, struck=watch.struck | {event.fact_id})
        case _:
            assert_never(event)
    return watch


def _of_profile(watch: Watch, event: TimeZoneNoted | EmergencyDepartmentNoted) -> Watch:
    if isinstance(event, TimeZoneNoted):
        return replace(watch, zones=(*watch.zones, event))
    return replace(watch, departments=(*watch.departments, event))


def _of_side_effect(watch: Watch, event: SideEffectReported | SideEffectResolved) -> Watch:
    watch = _recorded(watch, event)
    if isinstance(event, SideEffectReported):
        return replace(watch, side_effects=(*watch.side_effects, event))
    return replace(watch, resolutions=(*watch.resolutions, event))


def _of_risk(watch: Watch, event: RiskEvent) -> Watch:
    watch = replace(watch, risks=watch.risks.having(event))
    if isinstance(event, RiskNoted | ScreeningNoted):
        return replace(watch, followed=watch.followed | {event.evidence})
    return _recorded(watch, event)


def _of_result(watch: Watch, event: ResultEvent) -> Watch:
    watch = replace(watch, results=watch.results.having(event))
    if isinstance(event, ResultsNoted):
        return replace(watch, followed=watch.followed | {event.evidence})
    return _recorded(watch, event)


def _recorded(watch: Watch, event: Reported) -> Watch:
    return replace(watch, recorded=watch.recorded | {event.fact_id})


DECIDER: Decider[Watch, Event] = Decider(initial=initial, evolve=evolve)
