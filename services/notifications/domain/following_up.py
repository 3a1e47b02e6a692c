"""What becomes of a notice once it is decided: who is notified next, and who took it on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import UNSET, UnsetType

from careloop.contracts.notifications import Priority
from careloop.contracts.terms import Role
from careloop.kernel.decisions import guarded, not_in_team
from careloop.kernel.errors import NotAllowed, RuleViolated
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, Named, Now
from careloop.kernel.restating import fact
from services.notifications.domain.causes import ASK_FOR_AN_ACT, TABLE, Rule
from services.notifications.domain.deciding import in_inboxes, ladder
from services.notifications.domain.events import Event, NoticeAcknowledged, NoticeEscalated
from services.notifications.domain.ladder import Steps
from services.notifications.domain.notices import Notice, NoticeStatus
from services.notifications.domain.rules import NoticeRules
from services.notifications.domain.state import NoticeBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """The clock of `step` ran out, or (`unreachable`) somebody of that step cannot be reached at all."""

    notice: FactId
    step: int
    unreachable: bool
    rules: NoticeRules
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAgain:
    """`at`: the time that was given."""

    notice: FactId
    at: datetime
    rules: NoticeRules
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeNotice:
    notice: Annotated[FactId, Named("notice_id")]
    actor: Actor
    now: Now


escalated = fact(NoticeEscalated, (Escalate, Rule), "step", "persons", "acknowledge_by", occurred_at="now")
acknowledged = fact(NoticeAcknowledged, AcknowledgeNotice, "resumes_at", acknowledged_by="actor", occurred_at="now")
HOLDS = {Priority.STAT: timedelta(minutes=60), Priority.URGENT: timedelta(days=1), Priority.ROUTINE: timedelta(days=3)}
"""How long to take on what asks for an act holds the paging; what is no emergency is held until it is due."""


@guarded()
def escalate(command: Escalate, board: NoticeBoard) -> list[Event]:
    """The next people not notified yet, from the team as it is now; after all of them the on-call person again.

    Nothing if somebody took it on, the notice no longer stands, or its step has moved on. An unreachable person brings
    the next people forward, but never another page of the same.
    """
    notice = board.notices.get(command.notice)
    if notice is None or notice.step != command.step or not _clock_runs(notice):
        return []
    if not command.unreachable and notice.acknowledge_by and command.now < notice.acknowledge_by:
        return []
    rule = TABLE[notice.decided.kind]
    next_people = _not_notified(notice, _ladder(command, notice, board))
    if next_people:
        window = command.rules.window(rule.priority)
        return _notify(command, notice, rule, (*next_people, *_last_resort(command, notice)), wait=window)
    if command.unreachable:
        return []
    on_call = command.rules.on_call.person
    ends = rule.priority is not Priority.STAT and notice.notified.count(on_call) >= command.rules.repages
    wait = command.rules.paged_again_after(rule.priority)
    return _notify(command, notice, rule, (on_call, *_last_resort(command, notice)), wait=None if ends else wait)


@guarded()
def page_again(command: PageAgain, board: NoticeBoard) -> list[Event]:
    """The time has come that was given to the person who took the notice on, or who tried without success. Who took it
    on is paged together with those who were first; else the next people are, as if its clock had run out.

    Nothing if what it asks for was done, or another time was given since.
    """
    notice = board.notices.get(command.notice)
    if notice is None or notice.acknowledge_by != command.at or command.now < command.at:
        return []
    step = Escalate(notice=command.notice, step=notice.step, unreachable=False, rules=command.rules, now=command.now)
    if not notice.pages_again:
        return escalate(step, board)
    rule, first = TABLE[notice.decided.kind], _ladder(step, notice, board)[0]
    persons = dict.fromkeys([notice.acknowledged_by, *(it.person for it in first)])
    return _notify(step, notice, rule, tuple(persons), wait=command.rules.window(rule.priority))


def _ladder(command: Escalate, notice: Notice, board: NoticeBoard) -> Steps:
    return ladder(notice.decided.kind, notice.decided.named, board, command.rules, command.now)


def _last_resort(command: Escalate, notice: Notice) -> tuple[str, ...]:
    """Who is paged besides when nobody answered an emergency for so long."""
    rules, priority = command.rules, TABLE[notice.decided.kind].priority
    asked = priority is Priority.STAT and notice.unanswered >= rules.pages_unanswered
    return (rules.last_resort.person,) if asked and rules.last_resort is not None else ()


def _clock_runs(notice: Notice) -> bool:
    return notice.is_open and notice.acknowledge_by is not None


def _not_notified(notice: Notice, found: Steps) -> tuple[str, ...]:
    remaining = (tuple(it.person for it in step if it.person not in notice.notified) for step in found)
    return next((persons for persons in remaining if persons), ())


def _notify(
    command: Escalate, notice: Notice, rule: Rule, persons: tuple[str, ...], *, wait: timedelta | None
) -> list[Event]:
    """They are notified now, and others after that wait; None: nobody else is."""
    step = notice.step + 1
    next_page = escalated(
        command,
        rule,
        step=step,
        persons=persons,
        acknowledge_by=None if wait is None else command.now + wait,
    )
    return [next_page, *in_inboxes(command.notice, persons, rule, step=step, now=command.now)]


@guarded()
def acknowledge(command: AcknowledgeNotice, board: NoticeBoard) -> list[Event]:
    """Taken on by the first: somebody it is for, notified or not yet, or any prescriber or care manager of the team.
    Who left the team takes on what they were paged for since. Where the notice asks for an act, that holds the paging:
    of an emergency for an hour, of all else until the act is due, and after that for a day or more.

    Raises NotKnown, NotAllowed, or RuleViolated for a notice that no longer stands or never reached anybody.
    """
    notice = board.notice(command.notice)
    if command.actor not in who_may_answer(notice, board, command.now):
        if board.has_left(command.actor, command.now):
            raise not_in_team()
        raise NotAllowed("not-an-addressee", "Only those whom a notice is for may acknowledge it.", field="notice_id")
    if notice.status is NoticeStatus.ACKNOWLEDGED:
        return []
    if not notice.is_open:
        raise RuleViolated(f"notice-{notice.status}", "This notice no longer asks to be acknowledged.")
    return [acknowledged(command, resumes_at=_resumes_at(notice, command.now))]


def _resumes_at(notice: Notice, now: datetime) -> datetime | UnsetType:
    decided = notice.decided
    if decided.kind not in ASK_FOR_AN_ACT:
        return UNSET
    priority = TABLE[decided.kind].priority
    if priority is not Priority.STAT and decided.due_at is not UNSET and decided.due_at > now:
        return decided.due_at
    return now + HOLDS[priority]


def who_may_answer(notice: Notice, board: NoticeBoard, now: datetime) -> set[str]:
    """The people it is for, notified or not yet, and those in charge of the team. Of those who left the team, who was
    notified since; nobody in whose place others were notified."""
    in_charge = {it.person for it in board.members(now) if it.prescribes or it.role is Role.CARE_MANAGER}
    meant = {it.person for it in notice.decided.addressees} | set(notice.notified)
    return in_charge | {it for it in meant - notice.left if not board.has_left(it, now) or _is_paged(it, notice, board)}


def _is_paged(person: str, notice: Notice, board: NoticeBoard) -> bool:
    """Whether somebody who left was notified after that, as the on-call person is."""
    at = notice.notified_at.get(person)
    return at is not None and board.has_left(person, at)
