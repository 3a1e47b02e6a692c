"""Side effects: reported with their triage, and resolved."""

from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.errors import InvalidInput, NotKnown, RuleViolated
from careloop.kernel.events import require_past
from careloop.kernel.ids import FactId, PersonId
from careloop.knowledge.urgency import triage as knowledge
from services.monitoring.domain.codes import ReporterKind, SideEffectOutcome, TriageLevel
from services.monitoring.domain.events import Event, SideEffectReported, SideEffectResolved, Triage
from services.monitoring.domain.medicines import Medicine
from services.monitoring.domain.state import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSideEffect:
    """`ctcae_grade` is 1-5 and FIBSER items 0-6; None is not asked."""

    fact_id: FactId
    symptom: str
    own_words: str
    ctcae_grade: int | None
    fibser_frequency: int | None
    fibser_intensity: int | None
    fibser_burden: int | None
    suspected_medicine: Medicine | None
    reporter: ReporterKind
    actor: PersonId
    occurred_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveSideEffect:
    fact_id: FactId
    side_effect: FactId
    outcome: SideEffectOutcome
    action_taken: str
    actor: PersonId
    occurred_at: datetime
    now: datetime


def report_side_effect(command: ReportSideEffect, watch: Watch) -> list[Event]:
    """The report with its triage: how urgent, which rule says so, and when a clinician must have looked.

    The clock starts now, when it became known. A report for someone not enrolled here yet is taken all the same:
    enrolment may still be on its way. Raises InvalidInput for grades out of range or a time in the future.
    """
    if command.fact_id in watch.recorded:
        return []
    require_past(command.occurred_at, command.now)
    _require_range(command.ctcae_grade, "ctcae_grade", 1, 5)
    for name in ("fibser_frequency", "fibser_intensity", "fibser_burden"):
        _require_range(getattr(command, name), name, 0, 6)
    return [
        SideEffectReported(
            fact_id=command.fact_id,
            symptom=command.symptom,
            own_words=command.own_words,
            ctcae_grade=command.ctcae_grade,
            fibser_frequency=command.fibser_frequency,
            fibser_intensity=command.fibser_intensity,
            fibser_burden=command.fibser_burden,
            suspected_medicine=command.suspected_medicine,
            reporter=command.reporter,
            reported_by=command.actor,
            triage=_triaged(command, watch),
            occurred_at=command.occurred_at,
        )
    ]


def _triaged(command: ReportSideEffect, watch: Watch) -> Triage:
    felt_on = command.occurred_at.date()
    taken = watch.taken_on(felt_on)
    found = knowledge.triage(
        knowledge.ReportedSideEffect(
            symptom=command.symptom,
            own_words=command.own_words,
            ctcae_grade=command.ctcae_grade,
            fibser_burden=command.fibser_burden,
            suspected_medicine=command.suspected_medicine.name if command.suspected_medicine else None,
            medicines=None if taken is None else tuple(medicine.name for medicine in taken),
            felt_on=felt_on,
        )
    )
    return Triage(
        level=TriageLevel(found.level),
        rule=found.rule,
        rule_version=found.version,
        red_flags=found.red_flags,
        due_at=None if found.within is None else command.now + found.within,
    )


def resolve_side_effect(command: ResolveSideEffect, watch: Watch) -> list[Event]:
    """Closes the loop on a reported side effect. Raises NotKnown if there is none, RuleViolated if it was closed."""
    if command.fact_id in watch.recorded:
        return []
    require_past(command.occurred_at, command.now)
    if watch.side_effect(command.side_effect) is None:
        raise NotKnown("side-effect-not-known", "There is no such side effect.", field="side_effect_id")
    if watch.is_resolved(command.side_effect):
        raise RuleViolated("side-effect-resolved", "The side effect was resolved before.", field="side_effect_id")
    return [
        SideEffectResolved(
            fact_id=command.fact_id,
            side_effect=command.side_effect,
            outcome=command.outcome,
            action_taken=command.action_taken,
            resolved_by=command.actor,
            occurred_at=command.occurred_at,
        )
    ]


def _require_range(value: int | None, name: str, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise InvalidInput("out-of-range", f"{name} must be from {least} to {most}.", field=name)
