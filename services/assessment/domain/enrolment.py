"""Who is a client of the programme, and how a recorded fact is struck."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from careloop.kernel.errors import InvalidInput, NotKnown, RuleViolated
from careloop.kernel.events import require_past
from services.assessment.domain.commands import EnrollPatient, MarkEnteredInError
from services.assessment.domain.events import EnteredInError, Event, PatientEnrolled
from services.assessment.domain.state import Assessment


def enroll(command: EnrollPatient, state: Assessment) -> list[Event]:
    """A first enrolment, or a correction of the identity; the same content again is nothing.

    A correction may change the name or the birth date, never both at once: that is another person.
    Raises InvalidInput for a birth date after the enrolment or an unknown time zone, RuleViolated `another-person`.
    """
    if state.knows(command.fact_id):
        return []
    require_past(command.occurred_at, command.now)
    _require_plausible(command)
    enrolled, known = _enrolled(command), state.identity
    if known is None:
        return [enrolled]
    if replace(enrolled, fact_id=known.fact_id, occurred_at=known.occurred_at) == known:
        return []
    if enrolled.name != known.name and enrolled.birth_date != known.birth_date:
        raise RuleViolated("another-person", "A correction may change the name or the birth date, not both at once.")
    return [enrolled]


def _enrolled(command: EnrollPatient) -> PatientEnrolled:
    return PatientEnrolled(
        fact_id=command.fact_id,
        name=command.name,
        birth_date=command.birth_date,
        sex=command.sex,
        phone=command.phone,
        email=command.email,
        emergency_contact=command.emergency_contact,
        location=command.location,
        time_zone=command.time_zone,
        occurred_at=command.occurred_at,
    )


def _require_plausible(command: EnrollPatient) -> None:
    if command.birth_date > command.occurred_at.date():
        raise InvalidInput("birth-after-enrolment", "birth_date may not lie after the enrolment.", field="birth_date")
    try:
        ZoneInfo(command.time_zone)
    except (ValueError, OSError, LookupError):
        raise InvalidInput(
            "time-zone-unknown", "time_zone must be an IANA name such as America/Chicago.", field="time_zone"
        ) from None


def require_enrolled(state: Assessment) -> PatientEnrolled:
    """The client's identity. Raises RuleViolated if nobody enrolled this client."""
    if state.identity is None:
        raise RuleViolated("not-enrolled", "This client is not enrolled.")
    return state.identity


def mark_entered_in_error(command: MarkEnteredInError, state: Assessment) -> list[Event]:
    """Strikes a fact and what means nothing without it: with a scale the risk it raised, with a completion its
    amendments.

    Striking again is nothing. Raises NotKnown for a fact this client does not have, RuleViolated `only-enrolment`
    for the one identity that stands (enrol again to correct it).
    """
    require_enrolled(state)
    if not state.knows(command.fact_id):
        raise NotKnown("fact-not-known", "This client has no such fact here.", field="fact_id")
    if command.fact_id in state.struck:
        return []
    if [fact.fact_id for fact in state.standing(PatientEnrolled)] == [command.fact_id]:
        raise RuleViolated("only-enrolment", "A client's only identity is corrected by enrolling again, not struck.")
    return [
        EnteredInError(fact_id=struck, reason=command.reason, marked_by=command.actor, occurred_at=command.now)
        for struck in (command.fact_id, *state.following(command.fact_id))
    ]
