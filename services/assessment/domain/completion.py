"""Completing the initial assessment, and amending what it says: who may, and when."""

from dataclasses import dataclass

from careloop.kernel.credentials import Credential, require_prescriber
from careloop.kernel.errors import RuleViolated
from careloop.kernel.ids import FactId, PersonId
from services.assessment.domain.completeness import findings
from services.assessment.domain.events import AssessmentAmended, AssessmentCompleted, Event
from services.assessment.domain.recording import FactCommand, is_new
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteAssessment(FactCommand):
    """`credential` is the signed claim of the caller's token, None if it carries none."""

    actor: PersonId
    credential: Credential | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendAssessment(FactCommand):
    """States what the completed assessment comes to on the facts now standing, and why that changed."""

    actor: PersonId
    credential: Credential | None
    reason: str


def complete(command: CompleteAssessment, state: Assessment) -> list[Event]:
    """Completes the assessment on what was true by `occurred_at`.

    Raises NotAllowed without a prescriber's credential valid then and now, RuleViolated `assessment-incomplete` or,
    when it is complete, `already-completed`.
    """
    if not is_new(command, state):
        return []
    credential = require_prescriber(command.credential, command.occurred_at, command.now)
    if state.completion is not None:
        raise RuleViolated("already-completed", "The assessment is complete; amend it instead.")
    found = findings(state, command.occurred_at)
    return [
        AssessmentCompleted(
            fact_id=command.fact_id,
            completed_by=command.actor,
            credential=credential.kind,
            diagnoses=found.diagnoses,
            suicide_risk=found.suicide_risk,
            plan=found.plan,
            rests_on=found.rests_on,
            occurred_at=command.occurred_at,
        )
    ]


def amend(command: AmendAssessment, state: Assessment) -> list[Event]:
    """States what the completed assessment comes to on the facts that stood at `occurred_at`, with the reason.

    Raises NotAllowed as `complete` does; RuleViolated `not-completed`, `amendment-too-early` (before what it amends)
    or `assessment-incomplete`.
    """
    if not is_new(command, state):
        return []
    credential = require_prescriber(command.credential, command.occurred_at, command.now)
    amended = state.completion
    if amended is None:
        raise RuleViolated("not-completed", "There is no completed assessment to amend.")
    if command.occurred_at < amended.occurred_at:
        raise RuleViolated("amendment-too-early", "An amendment may not lie before what it amends.")
    found = findings(state, command.occurred_at)
    return [
        AssessmentAmended(
            fact_id=command.fact_id,
            amends=_root(amended),
            amended_by=command.actor,
            credential=credential.kind,
            reason=command.reason,
            diagnoses=found.diagnoses,
            suicide_risk=found.suicide_risk,
            plan=found.plan,
            rests_on=found.rests_on,
            occurred_at=command.occurred_at,
        )
    ]


def _root(said: AssessmentCompleted | AssessmentAmended) -> FactId:
    """Every amendment names the completion, so that it stands whatever becomes of the amendments between."""
    return said.amends if isinstance(said, AssessmentAmended) else said.fact_id
