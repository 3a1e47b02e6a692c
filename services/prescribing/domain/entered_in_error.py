"""Striking a fact that prescribing should never have recorded."""

from careloop.contracts.prescribing import PlanEnding
from careloop.contracts.terms import EnteredInError
from careloop.kernel.commands import MarkEnteredInError
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.restating import fact
from services.prescribing.domain.events import Event
from services.prescribing.domain.plan_endings import ended_with
from services.prescribing.domain.state import PrescriptionChart

strike = fact(EnteredInError, MarkEnteredInError, marked_by="actor", occurred_at="now")


@guarded(Guard.STRIKE)
def mark_entered_in_error(command: MarkEnteredInError, chart: PrescriptionChart) -> list[Event]:
    """Strikes a fact decided here; the history of what was known stays. With a prescription ends the dose plan that it
    is part of, and with a plan all of its steps that are still to come."""
    plan = chart.plan(command.fact_id) or chart.plan_of(command.fact_id)
    ends = [] if plan is None or plan.ended else [ended_with(plan, chart, command, PlanEnding.PRESCRIPTION_ENDED)]
    return [strike(command), *ends]
