"""Side effects: reported with their triage, and resolved."""

from dataclasses import dataclass
from typing import Annotated

from careloop.contracts.monitoring import ReporterKind, SideEffectOutcome, SideEffectReported, SideEffectResolved
from careloop.contracts.terms import Medicine, Triage
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import NotKnown, RuleViolated
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, FromCall, Length, Named, NewFact, Now, Past, Range
from careloop.kernel.restating import fact
from careloop.knowledge.urgency import triage as knowledge
from services.monitoring.domain.events import Event
from services.monitoring.domain.state import Watch
from services.monitoring.domain.words import names_taken, reporter_of, stored

Fibser = Annotated[int | None, Range(0, 6)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSideEffect:
    """`ctcae_grade` is 1-5 and FIBSER items 0-6; None is not asked."""

    fact_id: NewFact
    symptom: Annotated[str, Length(500)]
    own_words: str = ""
    ctcae_grade: Annotated[int | None, Range(1, 5)]
    fibser_frequency: Fibser
    fibser_intensity: Fibser
    fibser_burden: Fibser
    suspected_medicine: Medicine | None
    reporter: Annotated[ReporterKind, FromCall(reporter_of)]
    actor: Actor
    occurred_at: Past
    now: Now


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveSideEffect:
    fact_id: NewFact
    side_effect: Annotated[FactId, Named("side_effect_id")]
    outcome: SideEffectOutcome
    action_taken: str
    actor: Actor
    occurred_at: Past
    now: Now


reported = fact(SideEffectReported, ReportSideEffect, "triage", reported_by="actor")
resolved = fact(SideEffectResolved, ResolveSideEffect, resolved_by="actor")


@guarded(Guard.REPEAT, Guard.PAST)
def report_side_effect(command: ReportSideEffect, watch: Watch) -> list[Event]:
    """The report with its triage: how urgent, which rule says so, and when a clinician must have looked.

    The clock starts now, when it became known. A report for someone not enrolled here yet is taken all the same:
    enrolment may still be on its way.
    """
    return [reported(command, triage=_triaged(command, watch))]


def _triaged(command: ReportSideEffect, watch: Watch) -> Triage:
    found = knowledge.triage(
        knowledge.ReportedSideEffect(
            symptom=command.symptom,
            own_words=command.own_words,
            ctcae_grade=command.ctcae_grade,
            fibser_burden=command.fibser_burden,
            suspected_medicine=command.suspected_medicine.name if command.suspected_medicine else None,
            medicines=names_taken(watch, command.occurred_at),
            felt_on=command.occurred_at.date(),
            by_client=command.reporter is ReporterKind.CLIENT,
        )
    )
    return stored(found, command.now)


@guarded(Guard.REPEAT, Guard.PAST)
def resolve_side_effect(command: ResolveSideEffect, watch: Watch) -> list[Event]:
    """Closes the loop on a reported side effect. Raises NotKnown if there is none, RuleViolated if it was closed, or if
    it would have ended before it was felt."""
    reported_one = watch.side_effect(command.side_effect)
    if reported_one is None:
        raise NotKnown("side-effect-not-known", "There is no such side effect.", field="side_effect_id")
    if watch.is_resolved(command.side_effect):
        raise RuleViolated("side-effect-resolved", "The side effect was resolved before.", field="side_effect_id")
    if command.occurred_at < reported_one.occurred_at:
        sentence = "occurred_at may not lie before the side effect was felt."
        raise RuleViolated("resolved-before-reported", sentence, field="occurred_at")
    return [resolved(command)]
