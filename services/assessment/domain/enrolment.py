"""Who is a client of the programme."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from careloop.contracts.assessment import (
    Code,
    EmergencyContact,
    EndReason,
    EpisodeClosed,
    Location,
    Name,
    PatientEnrolled,
    Sex,
)
from careloop.kernel.commands import FactCommand
from careloop.kernel.days import latest_day
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput, RuleViolated
from careloop.kernel.reading import Later
from careloop.kernel.restating import fact
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment

ADULT = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollPatient(FactCommand):
    """`minors`: the programme enrols clients under 18."""

    name: Name
    birth_date: date
    sex: Sex
    phone: Code = ""
    email: Name = ""
    emergency_contact: EmergencyContact | None = None
    location: Location | None = None
    time_zone: Code = "UTC"
    minors: Annotated[bool, Later()] = False


enrolled_as = fact(PatientEnrolled, EnrollPatient)


@guarded(Guard.REPEAT, Guard.PAST)
def enroll(command: EnrollPatient, state: Assessment) -> list[Event]:
    """A first enrolment, or a correction of the identity; the same content again is nothing. After the end of an
    episode it begins the next one, be it with the same content.

    A correction may change the name or the birth date, never both at once: that is another person.
    Raises InvalidInput for a birth date after the enrolment or after any fact recorded, or an unknown time zone,
    RuleViolated `another-person`, `minors-not-supported` for a client who is under 18 today where the programme does
    not enrol minors, `recorded-deceased`, and `enrolled-before-end` for a moment up to the end of the episode before.
    """
    _require_plausible(command)
    if not command.minors and _age(command.birth_date, latest_day(command.now, command.time_zone)) < ADULT:
        sentence = "This programme does not enrol clients under 18."
        raise RuleViolated("minors-not-supported", sentence, field="birth_date")
    enrolled, known = enrolled_as(command), state.identity
    if known is None:
        return [enrolled]
    ended = state.ended
    _require_after(ended, command.occurred_at)
    if ended is None and replace(enrolled, fact_id=known.fact_id, occurred_at=known.occurred_at) == known:
        return []
    _require_born_by(enrolled.birth_date, state)
    if enrolled.name != known.name and enrolled.birth_date != known.birth_date:
        raise RuleViolated("another-person", "A correction may change the name or the birth date, not both at once.")
    return [enrolled]


def _require_after(ended: EpisodeClosed | None, occurred_at: datetime) -> None:
    if ended is None:
        return
    if ended.reason is EndReason.DECEASED:
        sentence = "The client is recorded as deceased: where that is wrong, strike it, and the episode is open again."
        raise RuleViolated("recorded-deceased", sentence)
    if occurred_at <= ended.occurred_at:
        sentence = "occurred_at must lie after the end of the episode before."
        raise RuleViolated("enrolled-before-end", sentence, field="occurred_at")


def _age(born: date, on: date) -> int:
    """Whole years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _require_born_by(birth_date: date, state: Assessment) -> None:
    """What is recorded of the client stands: nobody was assessed before being born."""
    first = state.first_day
    if first is not None and birth_date > first:
        sentence = "birth_date may not lie after what is recorded of the client."
        raise InvalidInput("birth-after-facts", sentence, field="birth_date")


def _require_plausible(command: EnrollPatient) -> None:
    if command.birth_date > command.occurred_at.date():
        raise InvalidInput("birth-after-enrolment", "birth_date may not lie after the enrolment.", field="birth_date")
    try:
        ZoneInfo(command.time_zone)
    except (ValueError, OSError, LookupError):
        raise InvalidInput(
            "time-zone-unknown", "time_zone must be an IANA name such as America/Chicago.", field="time_zone"
        ) from None
