"""Completing the initial assessment, and amending what it says: who may, and when."""

from dataclasses import dataclass

from careloop.contracts.assessment import AssessmentAmended, AssessmentCompleted
from careloop.contracts.terms import Role
from careloop.kernel.commands import FactCommand
from careloop.kernel.credentials import Credential, require_prescriber
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import RuleViolated
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, Licence
from careloop.kernel.restating import fact
from services.assessment.domain.completeness import Findings, findings
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteAssessment(FactCommand):
    """`credential` is the signed claim of the caller's token, None if it carries none."""

    actor: Actor
    credential: Licence


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendAssessment(FactCommand):
    """States what the completed assessment comes to on the facts now standing, and why that changed."""

    actor: Actor
    credential: Licence
    reason: str


completed = fact(AssessmentCompleted, (CompleteAssessment, Findings), "credential", completed_by="actor")
amended = fact(AssessmentAmended, (AmendAssessment, Findings), "credential", "amends", amended_by="actor")


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN, Guard.PRESCRIBER)
def complete(command: CompleteAssessment, state: Assessment) -> list[Event]:
    """Completes the assessment on what was true by `occurred_at`.

    Raises RuleViolated `assessment-incomplete` or, when it is complete, `already-completed`.
    """
    if state.completion is not None:
        raise RuleViolated("already-completed", "The assessment is complete; amend it instead.")
    return [completed(command, findings(state, command.occurred_at), credential=_kind(command.credential))]


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN, Guard.PRESCRIBER)
def amend(command: AmendAssessment, state: Assessment) -> list[Event]:
    """States what the completed assessment comes to on the facts that stood at `occurred_at`, with the reason.

    Raises RuleViolated `not-completed`, `amendment-too-early` (before what it amends) or `assessment-incomplete`.
    """
    before = state.completion
    if before is None:
        raise RuleViolated("not-completed", "There is no completed assessment to amend.")
    if command.occurred_at < before.occurred_at:
        raise RuleViolated("amendment-too-early", "An amendment may not lie before what it amends.")
    found = findings(state, command.occurred_at)
    return [amended(command, found, credential=_kind(command.credential), amends=_root(before))]


def _kind(credential: Credential | None) -> Role:
    """Of the credential that the guard has let pass."""
    return Role(require_prescriber(credential).kind)


def _root(said: AssessmentCompleted | AssessmentAmended) -> FactId:
    """Every amendment names the completion, so that it stands whatever becomes of the amendments between."""
    return said.amends if isinstance(said, AssessmentAmended) else said.fact_id
