"""The end of a dose plan: by a prescriber, or with what it rests on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from careloop.contracts.prescribing import DosePlanEnded, HoldReason, PlanEnding
from careloop.kernel.commands import FactCommand, MarkEnteredInError
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput, NotKnown, RuleViolated
from careloop.kernel.ids import FactId, PersonId, derived_id
from careloop.kernel.reading import Actor, Licence, Named
from careloop.knowledge.local_time import local_day
from services.prescribing.domain.events import Event
from services.prescribing.domain.plan_record import DosePlan
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class EndDosePlan(FactCommand):
    plan: Annotated[FactId, Named("plan_id")]
    reason: HoldReason
    comment: str = ""
    prescriber: Actor
    credential: Licence


class Ending(Protocol):
    """A decision with which a plan ends."""

    @property
    def fact_id(self) -> FactId: ...

    @property
    def prescriber(self) -> PersonId: ...

    @property
    def now(self) -> datetime: ...


@guarded(Guard.REPEAT, Guard.PAST, Guard.BORN, Guard.PRESCRIBER)
def end_dose_plan(command: EndDosePlan, chart: PrescriptionChart) -> list[Event]:
    """No further step happens, confirmed ones that are still to come among them; the doses in force go on.

    Raises NotKnown for a plan that is not there, InvalidInput for a reason that is none of the codes. Ending one that
    has ended changes nothing.
    """
    plan = chart.plan(command.plan)
    if plan is None:
        raise NotKnown("plan-not-known", "There is no such dose plan.", field="plan_id")
    if not command.reason.known:
        raise InvalidInput("not-a-code", "reason is none of the codes.", field="reason")
    if plan.ended is not None:
        return []
    return [
        DosePlanEnded(
            fact_id=command.fact_id,
            plan=plan.fact_id,
            reason=PlanEnding(command.reason),
            comment=command.comment,
            cancels=not_in_force(plan, chart, command.now),
            settles=asked_about(plan),
            ended_by=command.prescriber,
            occurred_at=command.occurred_at,
        )
    ]


def standing_plan(plan: FactId, chart: PrescriptionChart) -> DosePlan:
    """Raises NotKnown for a plan that is not there, RuleViolated for one that has ended."""
    found = chart.plan(plan)
    if found is None:
        raise NotKnown("plan-not-known", "There is no such dose plan.", field="plan_id")
    if found.ended is not None:
        raise RuleViolated("plan-ended", "The dose plan has ended.", field="plan_id")
    return found


def ending_of(
    prescription: FactId, chart: PrescriptionChart, command: Ending | MarkEnteredInError, reason: PlanEnding
) -> list[DosePlanEnded]:
    """The end of the plan that this prescription is part of, with a decision about the prescription."""
    plan = chart.plan_of(prescription)
    return [] if plan is None else [ended_with(plan, chart, command, reason)]


def ended_with(
    plan: DosePlan, chart: PrescriptionChart, command: Ending | MarkEnteredInError, reason: PlanEnding
) -> DosePlanEnded:
    """The plan's end with another decision."""
    return DosePlanEnded(
        fact_id=FactId(derived_id("prescribing", "plan-ended", plan.fact_id, command.fact_id)),
        plan=plan.fact_id,
        reason=reason,
        comment="",
        cancels=not_in_force(plan, chart, command.now),
        settles=asked_about(plan),
        ended_by=command.actor if isinstance(command, MarkEnteredInError) else command.prescriber,
        occurred_at=command.now,
    )


def not_in_force(plan: DosePlan, chart: PrescriptionChart, now: datetime) -> tuple[FactId, ...]:
    """The changes of dose of its steps whose day has not come where the client lives."""
    today = local_day(now, chart.zone)
    mine = (change for prescription in sorted(plan.prescriptions) for change in chart.standing_changes(prescription))
    return tuple(one.fact_id for one in mine if one.plan == plan.fact_id and one.effective_on > today)


def asked_about(plan: DosePlan) -> FactId | None:
    """The overdue step that somebody was asked about, where there is one."""
    step = plan.next_step
    return plan.waits(step) if step is not None else None
