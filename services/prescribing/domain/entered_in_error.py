"""Striking a fact that prescribing should never have recorded."""

from dataclasses import replace

from careloop.contracts.prescribing import PlanEnding, StepConfirmed
from careloop.contracts.terms import EnteredInError
from careloop.kernel.commands import MarkEnteredInError
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.ids import FactId
from careloop.kernel.restating import fact
from services.prescribing.domain.events import Event
from services.prescribing.domain.plan_endings import ended_with
from services.prescribing.domain.state import PrescriptionChart

strike = fact(EnteredInError, MarkEnteredInError, marked_by="actor", occurred_at="now")


@guarded(Guard.STRIKE)
def mark_entered_in_error(command: MarkEnteredInError, chart: PrescriptionChart) -> list[Event]:
    """Strikes a fact decided here; the history of what was known stays. With a prescription ends the dose plan that it
    is part of, with a plan all of its steps that are still to come, and with a confirmed step its changes of dose."""
    plan = chart.plan(command.fact_id) or chart.plan_of(command.fact_id)
    ends = [] if plan is None or plan.ended else [ended_with(plan, chart, command, PlanEnding.PRESCRIPTION_ENDED)]
    came_to = [replace(strike(command), fact_id=change) for change in _changes_of(command.fact_id, chart)]
    return [strike(command), *came_to, *ends]


def _changes_of(fact_id: FactId, chart: PrescriptionChart) -> list[FactId]:
    """The changes of dose that a confirmed step came to; a prescription that it began stands until it is struck."""
    confirmed = (one for one in chart.plans.events if isinstance(one, StepConfirmed) and one.fact_id == fact_id)
    changes = {one.fact_id for one in chart.dose_changes} - chart.struck
    return [decision for one in confirmed for decision in one.decisions if decision in changes]
