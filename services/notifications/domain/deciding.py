"""What was heard and what follows: exactly one notice for each cause, none for what no longer stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.ids import FactId, derived_id
from services.notifications.domain.causes import TABLE, Cause, Rule
from services.notifications.domain.events import (
    Addressee,
    Channel,
    Event,
    NoticeDecided,
    NoticeSent,
    NoticeWithdrawn,
    ReleaseNoted,
    ResolutionNoted,
    StrikeNoted,
    TeamNoted,
)
from services.notifications.domain.ladder import Steps, steps
from services.notifications.domain.notices import RESOLVED, Notice, NoticeBoard
from services.notifications.domain.rules import NoticeRules

OLD_NEWS = "old-news"
CAUSE_STRUCK = "cause-entered-in-error"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideNotice:
    cause: Cause
    rules: NoticeRules
    now: datetime


def note(fact: TeamNoted | ReleaseNoted, board: NoticeBoard) -> list[Event]:
    """What another service said, once."""
    return [] if fact.evidence in board.noted else [fact]


def note_strike(strike: StrikeNoted, board: NoticeBoard) -> list[Event]:
    """The struck fact, and the withdrawal of every open notice that it caused."""
    if strike.evidence in board.noted:
        return []
    caused = (it for it in board.notices.values() if it.decided.cause_fact == strike.fact_id and it.is_open)
    return [strike, *(_withdrawn(notice, CAUSE_STRUCK, strike.occurred_at) for notice in caused)]


def note_resolution(resolution: ResolutionNoted, board: NoticeBoard) -> list[Event]:
    """The resolution, and the end of every open notice about its side effect: a clinician's answer stops the clock."""
    if resolution.evidence in board.noted:
        return []
    about = (it for it in board.notices.values() if it.decided.cause_fact == resolution.side_effect and it.is_open)
    return [resolution, *(_withdrawn(notice, RESOLVED, resolution.occurred_at) for notice in about)]


def _withdrawn(notice: Notice, reason: str, occurred_at: datetime) -> Event:
    return NoticeWithdrawn(notice=notice.decided.fact_id, reason=reason, occurred_at=occurred_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class TellAgain:
    strike: StrikeNoted
    rules: NoticeRules
    now: datetime


def tell_again(command: TellAgain, board: NoticeBoard) -> list[Event]:
    """A resolution was struck: what it had answered is open again, so a new notice is decided with a clock from now.

    Its cause is the strike. Nothing for a strike of anything else, or noted before.
    """
    strike = command.strike
    side_effect = board.resolutions.get(strike.fact_id)
    if side_effect is None or strike.evidence in board.noted:
        return []
    answered = [it for it in board.notices.values() if it.decided.cause_fact == side_effect and it.is_resolved]
    if not answered:
        return []
    decided = answered[-1].decided
    cause = Cause(
        event_id=strike.evidence,
        fact_id=side_effect,
        type=decided.cause_type,
        kind=decided.kind,
        occurred_at=command.now,
        recorded_at=command.now,
        recorded_by="",
        named=decided.named,
        detail=decided.detail,
    )
    return decide_notice(DecideNotice(cause=cause, rules=command.rules, now=command.now), board)


def decide_notice(command: DecideNotice, board: NoticeBoard) -> list[Event]:
    """Exactly one decision for each cause, at most once; with it, the entries in the inboxes of who is told at once."""
    cause, rules = command.cause, command.rules
    if cause.event_id in board.decided_causes:
        return []
    rule = TABLE[cause.kind]
    suppressed = _suppressed(cause, board, rules)
    notice = NoticeDecided(
        fact_id=notice_id(cause),
        cause=cause.event_id,
        cause_fact=cause.fact_id,
        cause_type=cause.type,
        cause_recorded_at=cause.recorded_at,
        kind=cause.kind,
        named=cause.named,
        subject=rule.subject,
        detail=cause.detail,
        priority=rule.priority,
        addressees=_addressees(rule, steps(rule, cause.named, board.members(command.now), rules.on_call)),
        acknowledge_by=None if suppressed or not rule.acknowledged else _clock(cause, rule, rules),
        suppressed=suppressed,
        occurred_at=command.now,
    )
    told = () if suppressed else tuple(it.person for it in notice.addressees if it.step == 0)
    return [notice, *in_inboxes(notice.fact_id, told, rule, step=0, now=command.now)]


def notice_id(cause: Cause) -> FactId:
    """The notice of a cause, named by it."""
    return FactId(derived_id("notifications", "notice", cause.event_id))


def message_id(notice: FactId, person: str, step: int) -> str:
    """One name for every attempt at telling this person in this step, so that receivers can drop what they have."""
    return f"<{derived_id('notifications', 'message', notice, person, step)}@careloop.invalid>"


def _suppressed(cause: Cause, board: NoticeBoard, rules: NoticeRules) -> str:
    if cause.fact_id in board.struck:
        return CAUSE_STRUCK
    late = cause.recorded_at - cause.occurred_at > rules.old_news_after
    return OLD_NEWS if late or cause.recorded_by in rules.importers else ""


def _clock(cause: Cause, rule: Rule, rules: NoticeRules) -> datetime:
    by_window = cause.recorded_at + rules.window(rule.priority)
    return min(by_window, cause.due_at) if cause.due_at else by_window


def _addressees(rule: Rule, found: Steps) -> tuple[Addressee, ...]:
    return tuple(
        Addressee(person=told.person, role=told.role, channels=rule.channels, step=number)
        for number, step in enumerate(found)
        for told in step
    )


def in_inboxes(notice: FactId, persons: Iterable[str], rule: Rule, *, step: int, now: datetime) -> list[Event]:
    """The entries in these people's inboxes: they lie there as soon as they are decided, in the same transaction."""
    if Channel.INBOX not in rule.channels:
        return []
    return [
        NoticeSent(
            notice=notice,
            person=person,
            channel=Channel.INBOX,
            step=step,
            attempt=1,
            message_id=message_id(notice, person, step),
            occurred_at=now,
        )
        for person in persons
    ]
