"""What is recorded of one client, folded from the events: the state every decision is taken on."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TypeVar

from careloop.contracts.assessment import (
    AssessmentAmended,
    AssessmentCompleted,
    CaringContactDue,
    DeathConfirmed,
    EpisodeClosed,
    PatientEnrolled,
)
from careloop.contracts.care_team import Changes, MembershipEndNoted, MembershipNoted, with_noted
from careloop.contracts.episodes import earlier_end, standing_end
from careloop.contracts.terms import EnteredInError, RiskRaised, Role
from careloop.kernel.days import Span, latest_day
from careloop.kernel.decider import Decider
from careloop.kernel.ids import FactId
from careloop.kernel.persistent_map import PersistentMap
from services.assessment.domain.events import ClinicalFact, Event
from services.assessment.domain.noted import (
    AcknowledgementNoted,
    ConcernClosedNoted,
    ConcernsNoted,
    EmergencyNoted,
    EmergencyNoticeNoted,
    OpenMatter,
    PrescriptionEndNoted,
    PrescriptionNoted,
    ResolutionNoted,
    RiskNoted,
    RisksSeenToNoted,
    ScreenNoted,
    SideEffectNoted,
    StrikeNoted,
)

Fact = TypeVar("Fact", bound=ClinicalFact)
Matter = TypeVar("Matter", bound=OpenMatter)


@dataclass(frozen=True, slots=True)
class Assessment:
    """Every fact by its id, in the order it was recorded; struck ones stay, and count for nothing. `noted` is what
    other services said of what is open."""

    facts: PersistentMap[FactId, ClinicalFact] = field(default_factory=PersistentMap)
    struck: frozenset[FactId] = frozenset()
    enrolments: tuple[FactId, ...] = ()
    team: Changes = field(default_factory=Changes)
    noted: tuple[OpenMatter, ...] = ()

    def standing(self, kind: type[Fact], as_of: datetime | None = None) -> list[Fact]:
        """The facts of one kind that were not struck and were true by `as_of`, in the order they were true."""
        found = (fact for fact in self._standing() if isinstance(fact, kind))
        return sorted(
            (fact for fact in found if as_of is None or fact.occurred_at <= as_of), key=lambda fact: fact.occurred_at
        )

    def latest(self, kind: type[Fact], as_of: datetime | None = None) -> Fact | None:
        """The one that was true last; of two at the same moment, the one recorded later."""
        found = self.standing(kind, as_of)
        return found[-1] if found else None

    def _standing(self) -> Iterator[ClinicalFact]:
        return (fact for fact_id, fact in self.facts.items() if fact_id not in self.struck)

    def matters(self, kind: type[Matter]) -> list[Matter]:
        """What was noted of one kind and not struck."""
        return [it for it in self.noted if isinstance(it, kind) and it.fact_id not in self.struck]

    def knows(self, fact_id: FactId) -> bool:
        return fact_id in self.facts

    def has_left(self, person: str, moment: datetime) -> bool:
        return self.team.has_left(person, moment, self.struck)

    def was_member(self, person: str, moment: datetime) -> bool:
        """Whether the person ever was in the care team up to then, other than as the client."""
        return bool(self.team.roles_had(person, moment, self.struck) - {Role.CLIENT})

    def roles_held(self, person: str, moment: datetime) -> frozenset[Role]:
        """The roles of the person in the care team at that moment."""
        return frozenset(role for member, role in self.team.held(moment, self.struck) if member == person)

    @property
    def enrolled(self) -> bool:
        return self.identity is not None

    @property
    def identity(self) -> PatientEnrolled | None:
        """The identity recorded last, for a later recording corrects an earlier one whenever that was true."""
        enrolled = (self.facts[fact_id] for fact_id in reversed(self.enrolments) if fact_id not in self.struck)
        return next((fact for fact in enrolled if isinstance(fact, PatientEnrolled)), None)

    @property
    def ended(self) -> EpisodeClosed | None:
        """The end by which the client is in no episode of care now."""
        return standing_end(self.standing(EpisodeClosed), self.standing(PatientEnrolled), self.struck)

    @property
    def earlier_end(self) -> datetime | None:
        """Up to when what is recorded belongs to an earlier episode; None in the first."""
        return earlier_end(self.standing(EpisodeClosed), self.standing(PatientEnrolled), self.struck)

    @property
    def birth_date(self) -> date | None:
        return self.identity.birth_date if self.identity else None

    @property
    def first_day(self) -> date | None:
        """The first day of which anything is recorded that was not struck."""
        return min((fact.occurred_at.date() for fact in self._standing()), default=None)

    def days_until(self, moment: datetime) -> Span:
        """From the client's birth to that moment, by the client's calendar where that is ahead."""
        zone = self.identity.time_zone if self.identity else "UTC"
        return Span(self.birth_date, latest_day(moment, zone))

    @property
    def completion(self) -> AssessmentCompleted | AssessmentAmended | None:
        """What the assessment of this episode now says: its last amendment, or its completion; None while it is not
        complete."""
        completed, before = self.latest(AssessmentCompleted), self.earlier_end
        if completed is None or (before is not None and completed.occurred_at <= before):
            return None
        amendments = self.amendments(completed.fact_id)
        return amendments[-1] if amendments else completed

    def amendments(self, completion: FactId) -> list[AssessmentAmended]:
        return [amendment for amendment in self.standing(AssessmentAmended) if amendment.amends == completion]

    def following(self, fact_id: FactId) -> list[FactId]:
        """The standing facts that mean nothing without this one: a scale's risk, a completion's amendments, what became
        of the end of an episode."""
        risks = [risk.fact_id for risk in self.standing(RiskRaised) if risk.scale_fact_id == fact_id]
        deaths = [one.fact_id for one in self.standing(DeathConfirmed) if one.closing == fact_id]
        contacts = [one.fact_id for one in self.standing(CaringContactDue) if one.closing == fact_id]
        return [*risks, *(one.fact_id for one in self.amendments(fact_id)), *deaths, *contacts]


initial = Assessment()


def evolve(state: Assessment, event: Event) -> Assessment:
    """The state after one more event. A fact recorded under a known id replaces that record."""
    match event:
        case MembershipNoted() | MembershipEndNoted():
            return replace(state, team=with_noted(state.team, event))
        case EnteredInError() | StrikeNoted():
            return replace(state, struck=state.struck | {event.fact_id})
        case (
            PrescriptionNoted()
            | PrescriptionEndNoted()
            | RiskNoted()
            | RisksSeenToNoted()
            | ScreenNoted()
            | EmergencyNoted()
            | SideEffectNoted()
            | ResolutionNoted()
            | ConcernsNoted()
            | ConcernClosedNoted()
            | EmergencyNoticeNoted()
            | AcknowledgementNoted()
        ):
            return replace(state, noted=(*state.noted, event))
        case PatientEnrolled():
            enrolments = state.enrolments if event.fact_id in state.enrolments else (*state.enrolments, event.fact_id)
            return replace(state, facts=state.facts.having(event.fact_id, event), enrolments=enrolments)
        case _:
            return replace(state, facts=state.facts.having(event.fact_id, event))


DECIDER: Decider[Assessment, Event] = Decider(initial=initial, evolve=evolve)
