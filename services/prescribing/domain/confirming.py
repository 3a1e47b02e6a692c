"""Confirming a step of a dose plan: the check is run again on what is known now."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from careloop.contracts.prescribing import AnsweredAsk, PlannedStep, StepConfirmed, StepDeclined
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput, RuleViolated
from careloop.kernel.ids import FactId, derived_id
from careloop.kernel.reading import Named, Range
from careloop.kernel.restating import fact
from careloop.knowledge.local_time import local_day
from services.prescribing.domain.declining import CheckedCommand
from services.prescribing.domain.events import Event, PrescriptionDeclined
from services.prescribing.domain.orders import require_open
from services.prescribing.domain.plan_endings import standing_plan
from services.prescribing.domain.plan_record import DosePlan
from services.prescribing.domain.plan_steps import in_words, stops_of
from services.prescribing.domain.remaining import broken, days_moved, results_missing, shifted_from
from services.prescribing.domain.state import PrescriptionChart
from services.prescribing.domain.step_outcomes import checked_doses, outcome

CONFIRMED_AHEAD = timedelta(days=3)
"""How long before its day a step may be confirmed."""
NOT_LEGAL, RESULT_MISSING = "plan-not-legal", "result-missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmStep(CheckedCommand):
    """`asked` answers what the step asks. The overrides of the plan count as well as those given here."""

    plan: Annotated[FactId, Named("plan_id")]
    step: Annotated[int, Range(1, 999)]
    asked: tuple[AnsweredAsk, ...] = ()


confirmed = fact(StepConfirmed, ConfirmStep, "from_on", "what", "decisions", "stops", "moved", "settles")
declined = fact(StepDeclined, ConfirmStep, "fact_id", "what", "reasons", "declined")


@guarded(Guard.REPEAT, Guard.PAST, Guard.BORN, Guard.PRESCRIBER)
def confirm_step(command: ConfirmStep, chart: PrescriptionChart) -> list[Event]:
    """The step happens on its day; one that is confirmed on its day or later, at the next midnight of the client, and
    the later steps move along. It is declined where the check, run again, does not allow it; the plan stays.

    Raises NotKnown for a plan that is not there; RuleViolated for one that ended, for a step that is not the next
    (`step-not-next`) or whose day is more than three days ahead (`step-not-due`), and where something that the step
    asks is not answered (`ask-not-answered`), and as IssuePrescription after the end of an episode of care.
    """
    require_open(chart)
    plan = standing_plan(command.plan, chart)
    waiting = next_step(command.step, plan)
    today = local_day(command.now, chart.zone)
    _require_due(waiting, today)
    _require_asked(command, waiting)
    late = max(today + timedelta(days=1) - waiting.from_on, timedelta(0))
    ahead = shifted_from(plan, waiting.number, late)
    step = next_step(command.step, ahead)
    checked = checked_doses(command, step, plan, chart)
    stopped = next((one for _, one in checked if isinstance(one, PrescriptionDeclined)), None)
    reasons = (*(stopped.reasons if stopped else ()), *_against(command, step, ahead, chart))
    if reasons:
        return _declined(command, step, reasons, stopped)
    doses = [(dose, one) for dose, one in checked if not isinstance(one, PrescriptionDeclined)]
    found = [outcome(command, dose, capsule, step=step, plan=plan, chart=chart) for dose, capsule in doses]
    done = confirmed(
        command,
        from_on=step.from_on,
        what=in_words(step),
        decisions=tuple(one.fact_id for one in found),
        stops=stops_of(step),
        moved=days_moved(plan, ahead),
        settles=plan.waits(waiting),
    )
    return [*found, done]


def _declined(
    command: ConfirmStep, step: PlannedStep, reasons: tuple[str, ...], stopped: PrescriptionDeclined | None
) -> list[Event]:
    """The fact of the command is the declined order where there is one."""
    named = command.fact_id
    if stopped is not None:
        named = FactId(derived_id("prescribing", "step-declined", command.fact_id))
    order = stopped.fact_id if stopped is not None else None
    told = declined(command, fact_id=named, what=in_words(step), reasons=reasons, declined=order)
    return [told] if stopped is None else [stopped, told]


def next_step(number: int, plan: DosePlan) -> PlannedStep:
    """Raises RuleViolated for a step that is not the next."""
    step = plan.next_step
    if number in plan.done:
        raise RuleViolated("step-confirmed", "The step was confirmed before.", field="step")
    if step is None or step.number != number:
        sentence = "The step before it has not been confirmed."
        details = {} if step is None else {"next": str(step.number)}
        raise RuleViolated("step-not-next", sentence, field="step", details=details)
    return step


def _require_due(step: PlannedStep, today: date) -> None:
    opens = step.from_on - CONFIRMED_AHEAD
    if today < opens:
        sentence = "A step may be confirmed from three days before its day."
        raise RuleViolated("step-not-due", sentence, field="step", details={"due_on": opens.isoformat()})


def _require_asked(command: ConfirmStep, step: PlannedStep) -> None:
    answers = {one.ask: one.answer for one in command.asked}
    for number, one in enumerate(command.asked):
        if not one.answer.known:
            raise InvalidInput("not-a-code", "answer is none of the codes.", field=f"asked[{number}].answer")
    lacking = [ask for ask in step.asks if ask not in answers]
    if lacking:
        sentence = "The step asks something that is to be answered when it is confirmed."
        raise RuleViolated("ask-not-answered", sentence, field="asked", details={"ask": lacking[0]})


def _against(command: ConfirmStep, step: PlannedStep, plan: DosePlan, chart: PrescriptionChart) -> list[str]:
    """What besides the safety check does not allow this step; later ones are looked at in their turn."""
    later = next((one.from_on for one in plan.steps if one.number > step.number), None)
    found = broken(plan, chart, chart.today(command.now), step.from_on, later)
    reasons = [NOT_LEGAL] if found else []
    return reasons + ([RESULT_MISSING] if results_missing(step, plan, chart) else [])
