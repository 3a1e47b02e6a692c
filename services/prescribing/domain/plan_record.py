"""What is known of dose plans: each as its events left it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import reduce

from careloop.contracts.prescribing import PlannedStep, StepDay
from careloop.kernel.ids import FactId
from services.prescribing.domain.events import (
    DosePlanEnded,
    DosePlanSigned,
    Planned,
    SafetyStepTaken,
    StepChanged,
    StepConfirmed,
    StepDeclined,
    StepDue,
    StepHeld,
    StepOverdue,
)

Done = StepConfirmed | SafetyStepTaken


@dataclass(frozen=True, slots=True, kw_only=True)
class DosePlan:
    """A plan now: `steps` on the days that they have, `done` by number as they were confirmed or taken for safety.

    `due` and `overdue` are the steps and days of which that was said. `holds` counts the client's since a step was
    done. `latest` is the event that came last.
    """

    signed: DosePlanSigned
    steps: tuple[PlannedStep, ...]
    done: Mapping[int, Done] = field(default_factory=dict)
    due: frozenset[tuple[int, date]] = frozenset()
    overdue: Mapping[tuple[int, date], FactId] = field(default_factory=dict)
    holds: int = 0
    ended: DosePlanEnded | None = None
    latest: Planned

    @property
    def fact_id(self) -> FactId:
        return self.signed.fact_id

    @property
    def next_step(self) -> PlannedStep | None:
        """The first that is not done."""
        return next((step for step in self.steps if step.number not in self.done), None)

    @property
    def last_done(self) -> PlannedStep | None:
        done = [step for step in self.steps if step.number in self.done]
        return done[-1] if done else None

    @property
    def prescriptions(self) -> frozenset[FactId]:
        return frozenset(dose.prescription for step in self.steps for dose in step.doses)

    def step(self, number: int) -> PlannedStep | None:
        return next((step for step in self.steps if step.number == number), None)

    def waits(self, step: PlannedStep) -> FactId | None:
        """The overdue step that somebody is asked about."""
        return self.overdue.get((step.number, step.from_on))


@dataclass(frozen=True, slots=True, kw_only=True)
class DosePlans:
    """The events of all plans, in the order in which they were stored."""

    events: tuple[Planned, ...] = ()

    def having(self, event: Planned) -> "DosePlans":
        return replace(self, events=(*self.events, event))

    def plan(self, fact_id: FactId, struck: frozenset[FactId]) -> DosePlan | None:
        """The plan without what was struck; None where it is not there."""
        mine = [one for one in self.events if one.fact_id not in struck and fact_id in (one.fact_id, _plan_of(one))]
        if not mine or not isinstance(mine[0], DosePlanSigned):
            return None
        return reduce(_evolve, mine[1:], DosePlan(signed=mine[0], steps=mine[0].steps, latest=mine[0]))

    def plan_with(self, fact_id: FactId, struck: frozenset[FactId]) -> DosePlan | None:
        """The plan that this fact, struck or not, is part of."""
        event = next((one for one in self.events if one.fact_id == fact_id), None)
        return None if event is None else self.plan(_plan_of(event) or event.fact_id, struck)

    def every(self, struck: frozenset[FactId]) -> list[DosePlan]:
        signed = (one.fact_id for one in self.events if isinstance(one, DosePlanSigned))
        return [plan for fact_id in signed if (plan := self.plan(fact_id, struck)) is not None]

    def in_force(self, prescription: FactId, struck: frozenset[FactId]) -> DosePlan | None:
        """The plan that has not ended and that this prescription is part of."""
        if not self.events:
            return None
        plans = (plan for plan in self.every(struck) if plan.ended is None)
        return next((plan for plan in plans if prescription in plan.prescriptions), None)

    def cancelled(self, struck: frozenset[FactId]) -> frozenset[FactId]:
        """The changes of dose that were confirmed and do not take place."""
        held = (one for one in self.events if isinstance(one, StepHeld | StepChanged | DosePlanEnded))
        return frozenset(change for one in held if one.fact_id not in struck for change in one.cancels)


def _plan_of(event: Planned) -> FactId | None:
    return None if isinstance(event, DosePlanSigned) else event.plan


def _evolve(plan: DosePlan, event: Planned) -> DosePlan:
    now = replace(plan, latest=event)
    match event:
        case StepConfirmed() | SafetyStepTaken():
            days = event.moved if isinstance(event, StepConfirmed) else ()
            now = replace(now, steps=moved(plan.steps, days), done={**plan.done, event.step: event}, holds=0)
        case StepDue():
            now = replace(now, due=plan.due | {(event.step, event.from_on)})
        case StepOverdue():
            now = replace(now, overdue={**plan.overdue, (event.step, event.from_on): event.fact_id})
        case StepHeld():
            now = replace(_waiting(now, event), holds=event.in_a_row)
        case StepChanged():
            now = _waiting(now, event)
        case DosePlanEnded():
            now = replace(now, ended=event)
        case StepDeclined() | DosePlanSigned():
            pass
    return now


def _waiting(plan: DosePlan, event: StepHeld | StepChanged) -> DosePlan:
    return replace(
        plan,
        steps=moved(plan.steps, event.moved),
        done={number: one for number, one in plan.done.items() if number != event.step},
    )


def moved(steps: Iterable[PlannedStep], days: Iterable[StepDay]) -> tuple[PlannedStep, ...]:
    """The steps on these days; the others stay."""
    new = {one.step: one.from_on for one in days}
    return tuple(replace(step, from_on=new.get(step.number, step.from_on)) for step in steps)
