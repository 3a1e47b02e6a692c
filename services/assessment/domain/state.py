"""What is recorded of one client, folded from the events: the state every decision is taken on."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TypeVar

from careloop.contracts.assessment import AssessmentAmended, AssessmentCompleted, PatientEnrolled
from careloop.contracts.care_team import Changes, MembershipEndNoted, MembershipNoted, with_noted
from careloop.contracts.terms import EnteredInError, RiskRaised
from careloop.kernel.days import Span, latest_day
from careloop.kernel.decider import Decider
from careloop.kernel.ids import FactId
from careloop.kernel.persistent_map import PersistentMap
from services.assessment.domain.events import ClinicalFact, Event
from services.assessment.domain.noted import StrikeNoted

Fact = TypeVar("Fact", bound=ClinicalFact)


@dataclass(frozen=True, slots=True)
class Assessment:
    """Every fact by its id, in the order it was recorded; struck ones stay, and count for nothing."""

    facts: PersistentMap[FactId, ClinicalFact] = field(default_factory=PersistentMap)
    struck: frozenset[FactId] = frozenset()
    enrolments: tuple[FactId, ...] = ()
    team: Changes = field(default_factory=Changes)

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

    def knows(self, fact_id: FactId) -> bool:
        return fact_id in self.facts

    def has_left(self, person: str, moment: datetime) -> bool:
        return self.team.has_left(person, moment, self.struck)

    @property
    def enrolled(self) -> bool:
        return self.identity is not None

    @property
    def identity(self) -> PatientEnrolled | None:
        """The identity recorded last, for a later recording corrects an earlier one whenever that was true."""
        enrolled = (self.facts[fact_id] for fact_id in reversed(self.enrolments) if fact_id not in self.struck)
        return next((fact for fact in enrolled if isinstance(fact, PatientEnrolled)), None)

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
        """What the assessment now says: its last amendment, or its completion; None while it is not complete."""
        completed = self.latest(AssessmentCompleted)
        if completed is None:
            return None
        amendments = self.amendments(completed.fact_id)
        return amendments[-1] if amendments else completed

    def amendments(self, completion: FactId) -> list[AssessmentAmended]:
        return [amendment for amendment in self.standing(AssessmentAmended) if amendment.amends == completion]

    def following(self, fact_id: FactId) -> list[FactId]:
        """The standing facts that mean nothing without this one: a scale's risk, a completion's amendments."""
        risks = [risk.fact_id for risk in self.standing(RiskRaised) if risk.scale_fact_id == fact_id]
        return risks + [amendment.fact_id for amendment in self.amendments(fact_id)]


initial = Assessment()


def evolve(state: Assessment, event: Event) -> Assessment:
    """The state after one more event. A fact recorded under a known id replaces that record."""
    match event:
        case MembershipNoted() | MembershipEndNoted():
            return replace(state, team=with_noted(state.team, event))
        case EnteredInError() | StrikeNoted():
            return replace(state, struck=state.struck | {event.fact_id})
        case PatientEnrolled():
            enrolments = state.enrolments if event.fact_id in state.enrolments else (*state.enrolments, event.fact_id)
            return replace(state, facts=state.facts.having(event.fact_id, event), enrolments=enrolments)
        case _:
            return replace(state, facts=state.facts.having(event.fact_id, event))


DECIDER: Decider[Assessment, Event] = Decider(initial=initial, evolve=evolve)
