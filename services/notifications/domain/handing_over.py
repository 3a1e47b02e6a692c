"""A role changes hands: what is open goes to who holds the role now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from careloop.contracts.coordination import CLIENT
from careloop.contracts.terms import Role
from careloop.kernel.decisions import guarded
from careloop.kernel.restating import fact
from services.notifications.domain.causes import TABLE, Rule
from services.notifications.domain.deciding import in_inboxes
from services.notifications.domain.events import Event, NoticeHandedOver
from services.notifications.domain.ladder import stand_in
from services.notifications.domain.noted import ReleaseNoted, StrikeNoted, TeamNoted
from services.notifications.domain.notices import Notice
from services.notifications.domain.rules import NoticeRules
from services.notifications.domain.state import NoticeBoard, evolve
from services.notifications.domain.team import alike


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """The team has changed. `vacant`: a role that nobody took over meanwhile is taken for vacant."""

    vacant: bool
    rules: NoticeRules
    now: datetime


handed_over = fact(NoticeHandedOver, (HandOver, Rule), "notice", "left", "persons", "step", occurred_at="now")


@guarded()
def hand_over(command: HandOver, board: NoticeBoard) -> list[Event]:
    """Of every open notice: in place of each person who no longer has the role for which they were notified, those who
    have it now. Its clock runs on, and what is to come of it goes by the team as it is then.

    A notice that nobody has who is in the team goes to the care manager, else the prescriber, else the on-call person,
    once its role is vacant. What was handed over is not handed over again.
    """
    found: list[Event] = []
    for notice in sorted((it for it in board.notices.values() if it.is_open), key=lambda it: it.decided.occurred_at):
        found += _handed_over(command, notice, board)
    return found


def with_hand_over(noted: list[Event], board: NoticeBoard, rules: NoticeRules, now: datetime) -> list[Event]:
    """These events, and what they hand over where they change the team. A mistaken assignment has no successor to wait
    for."""
    struck = any(isinstance(it, StrikeNoted) and board.team.holds(it.fact_id) for it in noted)
    if not struck and not any(isinstance(it, TeamNoted | ReleaseNoted) for it in noted):
        return noted
    for event in noted:
        board = evolve(board, event)
    return [*noted, *hand_over(HandOver(vacant=struck, rules=rules, now=now), board)]


def _handed_over(command: HandOver, notice: Notice, board: NoticeBoard) -> list[Event]:
    found: list[Event] = []
    for person in notice.holders:
        if _is_gone(person, notice, board, command):
            found += _to(command, _after(found, notice, board), person, _successors(person, notice, board, command))
    held = _after(found, notice, board)
    if command.vacant and all(_is_gone(person, held, board, command) for person in held.holders):
        instead = stand_in(board.members(command.now), command.rules.on_call)
        found += _to(command, held, held.holders[-1], (it.person for it in instead))
    return found


def _after(events: Iterable[Event], notice: Notice, board: NoticeBoard) -> Notice:
    for event in events:
        board = evolve(board, event)
    return board.notices[notice.decided.fact_id]


def _is_gone(person: str, notice: Notice, board: NoticeBoard, command: HandOver) -> bool:
    """Whether they no longer have the role for which they were notified. Who never was in the team has no role to
    leave: the client, and the on-call person."""
    always_there = {it.person for it in command.rules.always_there}
    if person in {CLIENT, *always_there} or not board.team.was_noted(person):
        return False
    roles = _notified_as(person, notice)
    held = {it.role for it in board.members(command.now) if it.person == person}
    return not (held & alike(roles) if roles else held)


def _notified_as(person: str, notice: Notice) -> frozenset[Role]:
    """The roles for which the notice was meant for them; none where it was not, and they came to it later."""
    return frozenset(it.role for it in notice.decided.addressees if it.person == person)


def _successors(person: str, notice: Notice, board: NoticeBoard, command: HandOver) -> list[str]:
    """One prescriber, and everybody in another role, who do not have the notice yet."""
    roles = _notified_as(person, notice) or board.team.roles_had(person, command.now, board.struck)
    members = board.team.in_place_of(roles, command.now, board.struck)
    new = [it for it in members if it.person != person and it.person not in notice.holders]
    prescribers = [it.person for it in new if it.prescribes]
    return prescribers[:1] + [it.person for it in new if not it.prescribes]


def _to(command: HandOver, notice: Notice, left: str, persons: Iterable[str]) -> list[Event]:
    rule, notice_id = TABLE[notice.decided.kind], notice.decided.fact_id
    to = tuple(dict.fromkeys(person for person in persons if person not in notice.holders))
    if not to:
        return []
    event = handed_over(command, rule, notice=notice_id, left=left, persons=to, step=notice.step)
    return [event, *in_inboxes(notice_id, to, rule, step=notice.step, now=command.now)]
