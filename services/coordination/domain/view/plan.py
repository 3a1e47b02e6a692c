"""The plan and the completed assessment that it stands in, as the view shows them."""

from dataclasses import dataclass
from typing import Any, cast

from careloop.contracts.assessment import AssessmentAmended, AssessmentCompleted, PlanProposed, ProposedMedication
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from services.coordination.domain.view.dated_fact import DatedFact, newest, order
from services.coordination.domain.view.sections.assessment import AssessmentSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    fact_id: FactId
    medications: tuple[ProposedMedication, ...]
    therapies: tuple[str, ...]
    goals: tuple[str, ...]
    occurred_at: Instant


STATED = {part: f"plan.{part}" for part in ("medications", "therapies", "goals")}
PLANS = {cls: shown(Plan, cls, **STATED) for cls in (PlanProposed, AssessmentCompleted, AssessmentAmended)}


def plan(section: AssessmentSection) -> Plan | None:
    """The newest of what was proposed, completed and amended."""
    stated: list[DatedFact[PlanProposed | AssessmentCompleted | AssessmentAmended]] = []
    for facts in (section.plans, section.completions, section.amendments):
        stated.extend(cast(Any, facts))
    if not stated:
        return None
    fact = max(stated, key=order).fact
    return PLANS[type(fact)](fact)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    fact_id: FactId
    completed_by: str
    credential: str
    occurred_at: Instant
    diagnoses: tuple[str, ...]
    suicide_risk: str
    amended_by: str
    amendment_reason: str


completed_as = shown(Completion, AssessmentCompleted, "diagnoses", "suicide_risk", "amended_by", "amendment_reason")


def completion(section: AssessmentSection) -> Completion | None:
    """Who completed the assessment, and what it says after its last amendment."""
    completed = newest(section.completions)
    if completed is None:
        return None
    amended = newest(section.amendments)
    says: AssessmentCompleted | AssessmentAmended = amended or completed
    return completed_as(
        completed,
        diagnoses=says.diagnoses,
        suicide_risk=says.suicide_risk,
        amended_by=amended.amended_by if amended else "",
        amendment_reason=amended.reason if amended else "",
    )
