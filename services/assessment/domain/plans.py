"""The individual plan."""

from dataclasses import dataclass

from careloop.contracts.assessment import Plan, PlanProposed
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput
from careloop.kernel.restating import fact
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposePlan(FactCommand):
    plan: Plan


proposed = fact(PlanProposed, ProposePlan)


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def propose_plan(command: ProposePlan, state: Assessment) -> list[Event]:
    """A plan that replaces the earlier one. Raises InvalidInput for a plan without medication and without therapy."""
    if not command.plan.medications and not command.plan.therapies:
        raise InvalidInput("plan-empty", "plan needs at least one medication or therapy.", field="plan")
    return [proposed(command)]
