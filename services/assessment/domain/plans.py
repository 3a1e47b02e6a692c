"""The individual plan."""

from dataclasses import dataclass

from msgspec import UNSET

from careloop.contracts.assessment import Plan, PlanProposed
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput, RuleViolated
from careloop.kernel.restating import fact
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment
from services.assessment.domain.whole_lists import planned_in, require_confirmed, substance


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposePlan(FactCommand):
    """`confirm_removal`: what the plan before held may drop out."""

    plan: Plan
    confirm_removal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AddToPlan(FactCommand):
    """What comes to the plan as it is."""

    plan: Plan


proposed = fact(PlanProposed, ProposePlan, "replaces")
extended = fact(PlanProposed, AddToPlan, "plan", "replaces", "occurred_at")


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def propose_plan(command: ProposePlan, state: Assessment) -> list[Event]:
    """A plan that replaces the earlier one. Raises InvalidInput for a plan without medication and without therapy, and
    NeedsConfirmation when something of the earlier one would drop out."""
    if not command.plan.medications and not command.plan.therapies:
        raise InvalidInput("plan-empty", "plan needs at least one medication or therapy.", field="plan")
    before = state.latest(PlanProposed)
    if before is None or command.occurred_at < before.occurred_at:
        return [proposed(command, replaces=UNSET)]
    require_confirmed(planned_in(before.plan), planned_in(command.plan), confirmed=command.confirm_removal)
    return [proposed(command, replaces=before.fact_id)]


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def add_to_plan(command: AddToPlan, state: Assessment) -> list[Event]:
    """The plan with what comes to it, a medication in the place of the same one; as of the plan's own moment where
    `occurred_at` lies before it. Raises RuleViolated `no-plan-yet` where there is none, InvalidInput for an addition of
    nothing."""
    before, more = state.latest(PlanProposed), command.plan
    if not (more.medications or more.therapies or more.goals):
        raise InvalidInput("plan-empty", "plan needs something to add.", field="plan")
    if before is None:
        raise RuleViolated("no-plan-yet", "There is no plan to add to: propose one with ProposePlan.")
    added = {substance(one.medicine) for one in more.medications}
    rest = tuple(one for one in before.plan.medications if substance(one.medicine) not in added)
    plan = Plan(
        medications=(*rest, *more.medications),
        therapies=tuple(dict.fromkeys((*before.plan.therapies, *more.therapies))),
        goals=tuple(dict.fromkeys((*before.plan.goals, *more.goals))),
    )
    occurred_at = max(command.occurred_at, before.occurred_at)
    return [extended(command, plan=plan, replaces=before.fact_id, occurred_at=occurred_at)]
