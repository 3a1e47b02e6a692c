"""Holding a step of a dose plan, and putting it on a later day: it waits, and all later steps with it."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from careloop.contracts.prescribing import DosePlanKind, HoldReason, PlannedStep, StepChanged, StepHeld
from careloop.kernel.commands import FactCommand
from careloop.kernel.credentials import require_prescriber
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput, RuleViolated
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, FromCall, Licence, Named, Range
from careloop.kernel.restating import fact
from careloop.knowledge.local_time import local_day
from services.prescribing.domain.events import Event
from services.prescribing.domain.plan_endings import standing_plan
from services.prescribing.domain.plan_record import DosePlan
from services.prescribing.domain.plan_steps import in_words
from services.prescribing.domain.remaining import broken, days_moved, shifted_from
from services.prescribing.domain.state import PrescriptionChart

USUAL_INTERVAL = timedelta(days=14)
"""How long the only step of a plan is held."""
LATEST = timedelta(days=366)
CLIENT = "client"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldStep(FactCommand):
    """A client gives a coded reason alone: what they write is read elsewhere, where somebody looks at it at once."""

    plan: Annotated[FactId, Named("plan_id")]
    step: Annotated[int, Range(1, 999)]
    reason: HoldReason
    comment: str = ""
    held_by: Actor
    by_client: Annotated[bool, FromCall(lambda call: call.role == CLIENT)]
    credential: Licence


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStep(FactCommand):
    """The step is to happen on `from_on` instead, and the later ones move along."""

    plan: Annotated[FactId, Named("plan_id")]
    step: Annotated[int, Range(1, 999)]
    from_on: date
    reason: HoldReason
    comment: str = ""
    prescriber: Actor
    credential: Licence


held = fact(StepHeld, HoldStep, "what", "in_a_row", "cancels", "moved", "breaks", "settles", "prescriber")
changed = fact(StepChanged, ChangeStep, "what", "cancels", "moved", "settles")


@guarded(Guard.REPEAT, Guard.PAST, Guard.BORN)
def hold_step(command: HoldStep, chart: PrescriptionChart) -> list[Event]:
    """The step waits for one interval: as long as from the step before it to this one. A confirmed step may be held
    until its day; what it would have changed does not take place.

    A client may hold a step down of a taper or a switch and no other: RuleViolated `only-tapers-may-be-held` for a step
    up, `safety-step` for one that was signed for safety. Raises NotKnown and RuleViolated as ConfirmStep for the plan
    and the step, `step-in-force` for one whose day has come, and NotAllowed for who is neither a prescriber nor the
    client.
    """
    if not command.by_client:
        require_prescriber(command.credential, command.occurred_at, command.now)
    plan, today = standing_plan(command.plan, chart), local_day(command.now, chart.zone)
    step = _waiting(command.step, plan, today)
    _require_code(command.reason)
    if command.by_client:
        _require_clients_own(command, step, plan)
    later = max(step.from_on, today) + _interval(step, plan)
    after = shifted_from(plan, step.number, later - step.from_on)
    found = broken(after, chart, chart.today(command.now), later)
    breaks = dict.fromkeys(f"{one.constraint} {one.drug} {one.day.isoformat()}" for one in found)
    return [
        held(
            command,
            what=in_words(step),
            in_a_row=plan.holds + 1 if command.by_client else 0,
            cancels=_cancelled(step, plan),
            moved=days_moved(plan, after),
            breaks=tuple(breaks),
            settles=plan.waits(step),
            prescriber=plan.signed.prescriber,
        )
    ]


@guarded(Guard.REPEAT, Guard.PAST, Guard.BORN, Guard.PRESCRIBER)
def change_step(command: ChangeStep, chart: PrescriptionChart) -> list[Event]:
    """The step on a later day: a plan may be slowed, never made faster than it was signed.

    Raises RuleViolated `not-later` for a day that is not after the one that the step has, or not after today;
    `plan-not-legal`, with what is broken first, where what remains breaks a constraint so; and as HoldStep.
    """
    plan, today = standing_plan(command.plan, chart), local_day(command.now, chart.zone)
    step = _waiting(command.step, plan, today)
    _require_code(command.reason)
    if command.from_on <= max(step.from_on, today):
        sentence = "A step is put on a later day: after its own, and after today. Sign another plan to go faster."
        raise RuleViolated("not-later", sentence, field="from_on")
    if command.from_on > today + LATEST:
        raise InvalidInput("out-of-range", "from_on lies at most 366 days ahead.", field="from_on")
    after = shifted_from(plan, step.number, command.from_on - step.from_on)
    found = broken(after, chart, chart.today(command.now), command.from_on)
    if found:
        details = {"constraint": str(found[0].constraint), "rule": found[0].rule, "day": found[0].day.isoformat()}
        sentence = "The schedule breaks a constraint; see violations."
        raise RuleViolated("plan-not-legal", sentence, field="from_on", details=details)
    return [
        changed(
            command,
            what=in_words(step),
            cancels=_cancelled(step, plan),
            moved=days_moved(plan, after),
            settles=plan.waits(step),
        )
    ]


def _cancelled(step: PlannedStep, plan: DosePlan) -> tuple[FactId, ...]:
    """The changes of dose of a step that was confirmed."""
    done = plan.done.get(step.number)
    return done.decisions if done is not None else ()


def _require_code(reason: HoldReason) -> None:
    if not reason.known:
        raise InvalidInput("not-a-code", "reason is none of the codes.", field="reason")


def _waiting(number: int, plan: DosePlan, today: date) -> PlannedStep:
    """The last confirmed step while its day is to come, else the next one. Raises RuleViolated for any other."""
    done, ahead = plan.last_done, plan.next_step
    if done is not None and done.number == number:
        if done.from_on <= today:
            raise RuleViolated("step-in-force", "The day of the step has come: it is in force.", field="step")
        if any(dose.begins for dose in done.doses):
            sentence = "The step began a drug and was confirmed: end that prescription instead."
            raise RuleViolated("step-begins-drug", sentence, field="step")
        return done
    unconfirmed = done is not None and done.from_on > today
    if ahead is None or ahead.number != number or unconfirmed:
        step = done if unconfirmed else ahead
        details = {} if step is None else {"next": str(step.number)}
        raise RuleViolated("step-not-next", "Another step is the next.", field="step", details=details)
    return ahead


def _require_clients_own(command: HoldStep, step: PlannedStep, plan: DosePlan) -> None:
    if command.comment.strip():
        sentence = "A client gives a coded reason; what they have to say goes to the care team as a message."
        raise InvalidInput("comment-not-here", sentence, field="comment")
    if plan.signed.safety:
        sentence = "This step was signed for safety: call the care team today."
        raise RuleViolated("safety-step", sentence, field="step")
    if plan.signed.kind is DosePlanKind.TITRATION or not any(dose.down for dose in step.doses):
        sentence = "Only a step down of a taper or a switch may be held by the client."
        raise RuleViolated("only-tapers-may-be-held", sentence, field="step")


def _interval(step: PlannedStep, plan: DosePlan) -> timedelta:
    """From the step before to this one; of the first to the next."""
    place = [one.number for one in plan.steps].index(step.number)
    if place:
        return step.from_on - plan.steps[place - 1].from_on
    return plan.steps[1].from_on - step.from_on if len(plan.steps) > 1 else USUAL_INTERVAL
