"""What time does with a dose plan: a step becomes due, or overdue, a reduction for safety happens, a plan is over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import UNSET

from careloop.contracts.prescribing import (
    DosePlanEnded,
    PlanEnding,
    PlannedStep,
    PrescriptionDiscontinued,
    SafetyStepTaken,
    StepDue,
    StepOverdue,
)
from careloop.kernel.decisions import guarded
from careloop.kernel.errors import Conflict
from careloop.kernel.ids import FactId, PersonId, derived_id
from careloop.knowledge.local_time import day_begins, instant
from services.prescribing.domain.confirming import CONFIRMED_AHEAD
from services.prescribing.domain.decision_capsule import DecisionCapsule
from services.prescribing.domain.declining import CheckedCommand
from services.prescribing.domain.events import Event, PrescriptionDeclined
from services.prescribing.domain.plan_record import DosePlan
from services.prescribing.domain.plan_steps import in_words, stops_of
from services.prescribing.domain.state import PrescriptionChart
from services.prescribing.domain.step_outcomes import checked_doses, outcome

NOON = time(12)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTurn:
    """A plan is looked at because of this fact of it, or because the fact was struck."""

    fact: FactId
    strike: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPlan:
    """The next thing that time does with the plan may have come."""

    turn: PlanTurn
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugEnd:
    """A confirmed step stops this drug: the first day without a dose."""

    plan: FactId
    step: int
    prescription: FactId
    from_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class StopDrug:
    """The first day without a dose has come."""

    end: DrugEnd
    now: datetime


@dataclass(frozen=True, slots=True)
class _Matter:
    at: datetime
    comes_to: Callable[[TurnPlan, datetime], list[Event]]


@guarded()
def turn_plan(command: TurnPlan, chart: PrescriptionChart) -> list[Event]:
    """What became true by now; `occurred_at` says when. Nothing where something else happened with the plan since.

    Raises Conflict while its time has not come: it is asked again.
    """
    matter = _matter(command.turn, chart)
    if matter is not None and command.now < matter.at:
        raise Conflict("not-yet", "Its time has not come.")
    return [] if matter is None else matter.comes_to(command, matter.at)


def turn_comes_at(turn: PlanTurn, chart: PrescriptionChart) -> datetime | None:
    """When the next thing becomes true as the plan is now; None where nothing does."""
    matter = _matter(turn, chart)
    return matter.at if matter is not None else None


def _matter(turn: PlanTurn, chart: PrescriptionChart) -> _Matter | None:
    plan = chart.plan_with(turn.fact)
    if plan is None or plan.ended is not None or not (turn.strike or plan.latest.fact_id == turn.fact):
        return None
    if chart.ended is not None:
        return _over(plan, PlanEnding.EPISODE_CLOSED, chart.ended.occurred_at)
    return _matter_of(plan, chart)


def _matter_of(plan: DosePlan, chart: PrescriptionChart) -> _Matter | None:
    step = plan.next_step
    if step is None:
        return _completion(plan, chart.zone)
    if (step.number, step.from_on) not in plan.due:
        return _becoming_due(plan, step, chart.zone)
    if plan.signed.safety:
        taken_at = day_begins(step.from_on, chart.zone)
        return _Matter(taken_at, lambda command, at: _taken(plan, step, chart, command, at))
    if plan.waits(step) is None:
        return _becoming_overdue(plan, step, chart.zone)
    return None


def _becoming_due(plan: DosePlan, step: PlannedStep, zone: ZoneInfo) -> _Matter:
    """Three days before its day, or as soon as it is the next."""
    opens = day_begins(step.from_on - CONFIRMED_AHEAD, zone)
    due = StepDue(
        fact_id=_named("step-due", plan, step),
        plan=plan.fact_id,
        step=step.number,
        from_on=step.from_on,
        asks=step.asks,
        what=in_words(step),
        prescriber=plan.signed.prescriber,
        occurred_at=max(opens, plan.latest.occurred_at),
    )
    return _Matter(opens, lambda _command, _at: [due])


def _becoming_overdue(plan: DosePlan, step: PlannedStep, zone: ZoneInfo) -> _Matter:
    noon = instant(step.from_on, NOON, zone)
    overdue = StepOverdue(
        fact_id=_named("step-overdue", plan, step),
        plan=plan.fact_id,
        step=step.number,
        from_on=step.from_on,
        what=in_words(step),
        prescriber=plan.signed.prescriber,
        occurred_at=max(noon, plan.latest.occurred_at),
    )
    return _Matter(noon, lambda _command, _at: [overdue])


def _completion(plan: DosePlan, zone: ZoneInfo) -> _Matter | None:
    last = plan.last_done
    if last is None:
        return None
    return _over(plan, PlanEnding.COMPLETED, day_begins(last.from_on, zone))


def _over(plan: DosePlan, reason: PlanEnding, since: datetime) -> _Matter:
    step = plan.next_step
    ended = DosePlanEnded(
        fact_id=FactId(derived_id("prescribing", "plan-over", plan.fact_id, reason, since.isoformat())),
        plan=plan.fact_id,
        reason=reason,
        comment="",
        cancels=(),
        settles=plan.waits(step) if step is not None else None,
        ended_by="",
        occurred_at=since,
    )
    return _Matter(since, lambda _command, _at: [ended])


def _taken(plan: DosePlan, step: PlannedStep, chart: PrescriptionChart, command: TurnPlan, at: datetime) -> list[Event]:
    """The reduction as it was signed, whatever the check says of it now: what it found is stored with it."""
    named = _named("safety-step", plan, step)
    checked = CheckedCommand(
        fact_id=named, occurred_at=at, now=command.now, overrides=(), prescriber=PersonId(plan.signed.prescriber),
        credential=None,
    )  # fmt: skip
    found = [
        outcome(checked, dose, _capsule(one), step=step, plan=plan, chart=chart)
        for dose, one in checked_doses(checked, step, plan, chart)
    ]
    taken = SafetyStepTaken(
        fact_id=named,
        plan=plan.fact_id,
        step=step.number,
        from_on=step.from_on,
        what=in_words(step),
        decisions=tuple(one.fact_id for one in found),
        stops=stops_of(step),
        occurred_at=at,
    )
    return [*found, taken]


def _capsule(found: DecisionCapsule | PrescriptionDeclined) -> DecisionCapsule:
    return found.capsule if isinstance(found, PrescriptionDeclined) else found


@guarded()
def stop_drug(command: StopDrug, chart: PrescriptionChart) -> list[Event]:
    """The prescription ends with its last dose the day before. Nothing where the step was held, or the plan ended,
    before that day, where the prescription ended otherwise, or the client's episode of care is closed."""
    end = command.end
    plan, issued = chart.plan(end.plan), chart.prescription(end.prescription)
    step = plan.step(end.step) if plan is not None else None
    done = plan is not None and end.step in plan.done and step is not None and step.from_on == end.from_on
    if plan is None or issued is None or not done or chart.discontinuation(end.prescription) or chart.ended:
        return []
    begins = day_begins(end.from_on, chart.zone)
    if plan.ended is not None and plan.ended.occurred_at < begins:
        return []
    return [
        PrescriptionDiscontinued(
            fact_id=FactId(derived_id("prescribing", "stopped-by-plan", end.plan, end.prescription)),
            prescription=end.prescription,
            status_reason=plan.signed.status_reason,
            stopped_on=end.from_on - timedelta(days=1),
            prescriber=plan.signed.prescriber,
            occurred_at=begins,
            alerts=UNSET,
            overrides=UNSET,
        )
    ]


def _named(what: str, plan: DosePlan, step: PlannedStep) -> FactId:
    return FactId(derived_id("prescribing", what, plan.fact_id, step.number, step.from_on))
