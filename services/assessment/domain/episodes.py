"""The end of a client's episode of care: who may close it, and what must be settled before."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from careloop.contracts.assessment import (
    CareHandedOver,
    ContactAttempt,
    EndReason,
    EpisodeClosed,
    Name,
    Source,
)
from careloop.contracts.terms import Role, TriageLevel
from careloop.kernel.commands import FactCommand
from careloop.kernel.credentials import require_prescriber
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput, NotAllowed, RuleViolated
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, Call, Else, FromCall, Later, Licence, Named, today
from careloop.kernel.restating import fact
from services.assessment.domain.events import Event
from services.assessment.domain.open_matters import (
    last_risk,
    open_concerns,
    open_emergencies,
    open_prescriptions,
    open_risks,
    open_side_effects,
)
from services.assessment.domain.state import Assessment

PRESCRIBERS = frozenset({Role.PSYCHIATRIST, Role.PSYCHIATRIC_NURSE_PRACTITIONER})
MARGIN = timedelta(days=7)
"""How much longer than to the first appointment elsewhere the medicines must last."""
ATTEMPTS, CHANNELS = 3, 2
"""How often, and by how many ways, somebody who left was tried to be reached."""


FRIDAY = 4


def role_of(call: Call) -> Role:
    return Role(call.role)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseEpisode(FactCommand):
    """`informed`: what prescribing, monitoring and notifications recorded has come in, as far as can be told."""

    reason: Annotated[EndReason, Named("end_reason")]
    on: Annotated[date, Else(today)]
    handed_to: CareHandedOver | None
    letter_sent_on: date | None
    attempts: tuple[ContactAttempt, ...] = ()
    reported_by: Source = ""
    agreed_by: Name = ""
    actor: Actor
    role: Annotated[Role, FromCall(role_of)]
    credential: Licence
    informed: Annotated[bool, Later()] = False


closed = fact(EpisodeClosed, CloseEpisode, "last_risk", "confirm_by", "occurred_at", closed_by="actor")


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def close_episode(command: CloseEpisode, state: Assessment) -> list[Event]:
    """The end of the episode, decided by a prescriber, or by the care manager whose agreement with a prescriber of the
    team is named. A registrar records a death only.

    A death is taken whatever is open; a second person has until the end of the next working day to confirm it. Any
    other end raises RuleViolated while something is open that must not be left so: see `_require_settled`. Raises
    NotAllowed, InvalidInput for days or accounts that cannot be, RuleViolated `episode-closed`.
    """
    deceased, ended = command.reason is EndReason.DECEASED, state.ended
    _require_allowed(command, state)
    if ended is not None and (not deceased or ended.reason is EndReason.DECEASED):
        raise RuleViolated("episode-closed", "The episode is closed; EnrollPatient begins the next one.")
    _require_days(command, state)
    if deceased:
        sentence = "reported_by says who reported the death."
        _require(bool(command.reported_by), "reported-by-required", sentence, "reported_by")
    else:
        _require_settled(command, state)
    began = state.identity.occurred_at if state.identity else command.occurred_at
    event = closed(
        command,
        last_risk=last_risk(state),
        confirm_by=_end_of_next_working_day(command.now, state) if deceased else None,
        occurred_at=max(command.occurred_at, began) if deceased else command.occurred_at,
    )
    return [event]


def _require(holds: bool, slug: str, sentence: str, field: str) -> None:
    if not holds:
        raise InvalidInput(slug, sentence, field=field)


def _require_allowed(command: CloseEpisode, state: Assessment) -> None:
    if command.reason is EndReason.DECEASED:
        return
    if command.role in PRESCRIBERS:
        require_prescriber(command.credential, command.occurred_at, command.now)
    elif command.role is Role.REGISTRAR:
        raise NotAllowed("only-deceased", "A registrar may record that the client died, and no other end.")
    elif not PRESCRIBERS & state.roles_held(command.agreed_by, command.now):
        sentence = "agreed_by names the prescriber of this care team with whom the end was agreed."
        raise RuleViolated("agreement-required", sentence, field="agreed_by")


def _require_days(command: CloseEpisode, state: Assessment) -> None:
    span = state.days_until(command.now)
    span.require(command.on, "on")
    span.require(command.letter_sent_on, "letter_sent_on")
    for index, attempt in enumerate(command.attempts):
        span.require(attempt.on, f"attempts[{index}].on")
    enrolled = state.identity
    if enrolled is None or command.reason is EndReason.DECEASED:
        return
    if command.occurred_at < enrolled.occurred_at:
        sentence = "occurred_at may not lie before the last enrolment; say the last day of care in on."
        raise InvalidInput("closed-before-enrolled", sentence, field="occurred_at")


def _require_settled(command: CloseEpisode, state: Assessment) -> None:
    """Nobody is left alone with a danger.

    Always: everything that bears on it is known here (`prescriptions-not-known`), no emergency and no suicide risk is
    open (`emergency-open`, `risk-open`), and who left was tried to be reached (`attempts-missing`). Prescriptions of
    ours (`prescriptions-left-open`), concerns about what is taken, high or worse, and side effects to be seen to the
    same day (both `concern-open`) may stay open only for somebody who goes on, by whose first appointment the medicines
    last seven days more (`supply-too-short`).
    """
    if not command.informed:
        sentence = "What the other services recorded has not come in, so nobody can say what is open; try again."
        raise RuleViolated("prescriptions-not-known", sentence)
    if emergencies := open_emergencies(state):
        raise _open("emergency-open", "An emergency is open: see to it, and resolve it, first.", emergencies)
    if risks := open_risks(state):
        raise _open("risk-open", "A suicide risk is open: contact the client, or screen again, first.", risks)
    _require_tried(command)
    _require_carried_on(command, state)


def _require_carried_on(command: CloseEpisode, state: Assessment) -> None:
    prescriptions = open_prescriptions(state)
    concerns = [*open_concerns(state), *open_side_effects(state, TriageLevel.SAME_DAY)]
    to = command.handed_to
    if to is None:
        if prescriptions:
            sentence = "Prescriptions are active: discontinue them, or say in handed_to who goes on with them."
            raise _open("prescriptions-left-open", sentence, prescriptions)
        if concerns:
            sentence = "A concern or a side effect is open: answer or resolve it, or hand the client over."
            raise _open("concern-open", sentence, concerns)
        return
    _require(bool(to.who), "required", "handed_to.who is required.", "handed_to.who")
    _require(bool(to.accepted_by), "required", "handed_to.accepted_by is required.", "handed_to.accepted_by")
    if to.first_appointment_on < command.on:
        sentence = "first_appointment_on may not lie before the end."
        raise InvalidInput("appointment-before-end", sentence, field="handed_to.first_appointment_on")
    if prescriptions and (to.supply_until is None or to.supply_until < to.first_appointment_on + MARGIN):
        sentence = "supply_until must say that the medicines last seven days beyond the first appointment."
        raise RuleViolated("supply-too-short", sentence, field="handed_to.supply_until")


def _require_tried(command: CloseEpisode) -> None:
    if command.reason is not EndReason.LEFT:
        return
    enough = len(command.attempts) >= ATTEMPTS and len({one.channel for one in command.attempts}) >= CHANNELS
    if command.letter_sent_on is None or not enough:
        sentence = "Before an episode ends so, a letter is sent and three attempts are made on two channels."
        field = "attempts" if command.letter_sent_on is not None else "letter_sent_on"
        raise InvalidInput("attempts-missing", sentence, field=field)


def _open(slug: str, sentence: str, facts: list[FactId]) -> RuleViolated:
    return RuleViolated(slug, sentence, details={"facts": ",".join(map(str, facts))})


def _end_of_next_working_day(now: datetime, state: Assessment) -> datetime:
    """The midnight, where the client lives, that ends the next day which is no Saturday or Sunday."""
    zone = ZoneInfo(state.identity.time_zone if state.identity else "UTC")
    day = now.astimezone(zone).date() + timedelta(days=1)
    while day.weekday() > FRIDAY:
        day += timedelta(days=1)
    return datetime.combine(day + timedelta(days=1), time(0), tzinfo=zone).astimezone(UTC)
