"""Striking a fact that should never have been recorded."""

from careloop.contracts.assessment import PatientEnrolled
from careloop.contracts.terms import EnteredInError
from careloop.kernel.commands import MarkEnteredInError
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import RuleViolated
from careloop.kernel.restating import fact
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment

strike = fact(EnteredInError, MarkEnteredInError, "fact_id", marked_by="actor", occurred_at="now")


@guarded(Guard.ENROLLED, Guard.STRIKE)
def mark_entered_in_error(command: MarkEnteredInError, state: Assessment) -> list[Event]:
    """Strikes a fact and what means nothing without it: with a scale the risk it raised, with a completion its
    amendments, with the end of an episode, which is open again then, what became of it.

    Raises RuleViolated `only-enrolment` for the one identity that stands (enrol again to correct it).
    """
    if [enrolled.fact_id for enrolled in state.standing(PatientEnrolled)] == [command.fact_id]:
        raise RuleViolated("only-enrolment", "A client's only identity is corrected by enrolling again, not struck.")
    return [strike(command, fact_id=fact_id) for fact_id in (command.fact_id, *state.following(command.fact_id))]
