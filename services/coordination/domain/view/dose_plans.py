"""Dose plans as the view shows them: each step with where it stands, by facts alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import reduce

from careloop.contracts.prescribing import (
    DosePlanEnded,
    DosePlanSigned,
    Override,
    PlannedDose,
    PlannedStep,
    SafetyStepTaken,
    StepChanged,
    StepConfirmed,
    StepDay,
    StepDeclined,
    StepDue,
    StepHeld,
    StepOverdue,
)
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from services.coordination.domain.view.sections.prescribing import PrescribingSection

IN_FORCE, PLANNED, CONFIRMED, DECLINED = "in-force", "planned", "confirmed", "declined"
Told = StepDue | StepOverdue | StepConfirmed | SafetyStepTaken | StepDeclined | StepHeld | StepChanged
STATUS: dict[type, str] = {
    StepDue: "due",
    StepOverdue: "overdue",
    StepConfirmed: CONFIRMED,
    SafetyStepTaken: CONFIRMED,
    StepDeclined: DECLINED,
    StepHeld: "held",
    StepChanged: "moved",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDose:
    drug: str
    prescription: FactId
    begins: bool
    daily_dose_mg: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseStep:
    number: int
    from_on: date
    doses: tuple[StepDose, ...]
    asks: tuple[str, ...]
    status: str = PLANNED
    changed_by: str = ""
    changed_at: Instant | None = None
    reasons: tuple[str, ...] = ()
    comment: str = ""
    breaks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DosePlan:
    fact_id: FactId
    kind: str
    status: str
    steps: tuple[DoseStep, ...]
    safety: bool
    client_sets_pace: bool
    overrides: tuple[Override, ...]
    prescriber: str
    occurred_at: Instant
    ended_by: str = ""
    ended_at: Instant | None = None
    comment: str = ""


step_dose = shown(StepDose, PlannedDose)
planned = shown(DoseStep, PlannedStep, "doses")
signed = shown(DosePlan, DosePlanSigned, "status", "steps")


def dose_plans(section: PrescribingSection) -> tuple[DosePlan, ...]:
    """Those in force first, each kind with the latest first."""
    found = [_plan(k.fact, section) for k in reversed(section.plans_signed)]
    return tuple(sorted(found, key=lambda plan: plan.status != IN_FORCE))


def _plan(plan: DosePlanSigned, section: PrescribingSection) -> DosePlan:
    steps = tuple(planned(step, doses=tuple(map(step_dose, step.doses))) for step in plan.steps)
    steps = reduce(_with, _of_plan(plan.fact_id, section), steps)
    effective = {k.fact.change or k.fact.prescription for k in section.took_effect}
    effective |= {k.fact.prescription for k in section.discontinued}
    comes_to = _comes_to(plan, section)
    steps = tuple(replace(one, status=IN_FORCE) if _is_in_force(one, comes_to, effective) else one for one in steps)
    ended = next((k.fact for k in section.plans_ended if k.fact.plan == plan.fact_id), None)
    return _ended(signed(plan, status=IN_FORCE, steps=steps), ended)


def _of_plan(plan: FactId, section: PrescribingSection) -> list[Told]:
    """What happened with its steps, as it was recorded."""
    shelves = (
        section.steps_due, section.steps_overdue, section.steps_confirmed, section.safety_steps_taken,
        section.steps_declined, section.steps_held, section.steps_changed,
    )  # fmt: skip
    dated = sorted((k for shelf in shelves for k in shelf if k.fact.plan == plan), key=lambda k: k.recorded_at)
    return [k.fact for k in dated]


def _with(steps: tuple[DoseStep, ...], told: Told) -> tuple[DoseStep, ...]:
    days: Sequence[StepDay] = getattr(told, "moved", ())
    moved = {one.step: one.from_on for one in days}
    steps = tuple(replace(one, from_on=moved.get(one.number, one.from_on)) for one in steps)
    return tuple(_changed(one, told) if one.number == told.step else one for one in steps)


def _changed(step: DoseStep, told: Told) -> DoseStep:
    by = told.held_by if isinstance(told, StepHeld) else getattr(told, "prescriber", "")
    reasons: tuple[str, ...] = ()
    if isinstance(told, StepHeld | StepChanged):
        reasons = (str(told.reason),)
    elif isinstance(told, StepDeclined):
        reasons = told.reasons
    return replace(
        step,
        status=STATUS[type(told)],
        changed_by="" if isinstance(told, StepDue | StepOverdue) else by,
        changed_at=told.occurred_at,
        reasons=reasons,
        comment=told.comment if isinstance(told, StepHeld | StepChanged) else "",
        breaks=told.breaks if isinstance(told, StepHeld) else (),
    )


def _comes_to(plan: DosePlanSigned, section: PrescribingSection) -> dict[int, set[FactId]]:
    """By step the decisions, and the prescriptions that end, by which it is in force."""
    done = [k.fact for k in section.steps_confirmed if k.fact.plan == plan.fact_id]
    taken = [k.fact for k in section.safety_steps_taken if k.fact.plan == plan.fact_id]
    every: list[StepConfirmed | SafetyStepTaken] = [*done, *taken]
    return {one.step: {*one.decisions, *one.stops} for one in every}


def _is_in_force(step: DoseStep, comes_to: dict[int, set[FactId]], effective: set[FactId]) -> bool:
    decisions = comes_to.get(step.number, set())
    return step.status == CONFIRMED and bool(decisions) and decisions <= effective


def _ended(plan: DosePlan, ended: DosePlanEnded | None) -> DosePlan:
    if ended is None:
        return plan
    return replace(
        plan,
        status=str(ended.reason),
        ended_by=ended.ended_by,
        ended_at=ended.occurred_at,
        comment=ended.comment,
    )
