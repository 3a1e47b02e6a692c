"""The individual plan."""

from dataclasses import dataclass

from careloop.kernel.errors import InvalidInput
from services.assessment.domain.details import Plan
from services.assessment.domain.events import Event, PlanProposed
from services.assessment.domain.recording import FactCommand, is_new
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposePlan(FactCommand):
    plan: Plan


def propose_plan(command: ProposePlan, state: Assessment) -> list[Event]:
    """A plan that replaces the earlier one. Raises InvalidInput for a plan without medication and without therapy."""
    if not is_new(command, state):
        return []
    if not command.plan.medications and not command.plan.therapies:
        raise InvalidInput("plan-empty", "plan needs at least one medication or therapy.", field="plan")
    return [PlanProposed(fact_id=command.fact_id, plan=command.plan, occurred_at=command.occurred_at)]
