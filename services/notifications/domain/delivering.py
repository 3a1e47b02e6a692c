"""The decisions about one attempt to send: recorded before it is made, and its outcome once."""

from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.ids import FactId
from services.notifications.domain.codes import FailureReason
from services.notifications.domain.deciding import message_id
from services.notifications.domain.events import DeliveryAttempted, Event, NoticeFailed, NoticeSent
from services.notifications.domain.notices import Attempt
from services.notifications.domain.rules import NoticeRules
from services.notifications.domain.state import NoticeBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginAttempt:
    notice: FactId
    attempt: Attempt
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndAttempt:
    """How the attempt ended: `failure` is None if it was sent. `hopeless`: trying again cannot help."""

    notice: FactId
    attempt: Attempt
    failure: FailureReason | None
    hopeless: bool
    rules: NoticeRules
    now: datetime


def begin(command: BeginAttempt, board: NoticeBoard) -> list[Event]:
    """The attempt, unless it was begun before or nobody needs to be notified any more."""
    notice = board.notices.get(command.notice)
    if notice is None or not notice.is_open or command.attempt in notice.begun:
        return []
    attempt = command.attempt
    return [
        DeliveryAttempted(
            notice=command.notice,
            person=attempt.person,
            channel=attempt.channel,
            step=attempt.step,
            attempt=attempt.number,
            message_id=message_id(command.notice, attempt.person, attempt.step),
            occurred_at=command.now,
        )
    ]


def is_unfinished(notice_id: FactId, attempt: Attempt, board: NoticeBoard) -> bool:
    """Whether it was begun and nobody recorded how it ended."""
    notice = board.notices.get(notice_id)
    return notice is not None and attempt in notice.begun and attempt not in notice.finished


def end(command: EndAttempt, board: NoticeBoard) -> list[Event]:
    """The outcome of an attempt that was begun; the first one reported stands."""
    if not is_unfinished(command.notice, command.attempt, board):
        return []
    return [_sent(command) if command.failure is None else _failed(command, command.failure)]


def _sent(command: EndAttempt) -> NoticeSent:
    attempt = command.attempt
    return NoticeSent(
        notice=command.notice,
        person=attempt.person,
        channel=attempt.channel,
        step=attempt.step,
        attempt=attempt.number,
        message_id=message_id(command.notice, attempt.person, attempt.step),
        occurred_at=command.now,
    )


def _failed(command: EndAttempt, reason: FailureReason) -> NoticeFailed:
    attempt, rules = command.attempt, command.rules
    final = command.hopeless or attempt.number >= rules.attempts
    return NoticeFailed(
        notice=command.notice,
        person=attempt.person,
        channel=attempt.channel,
        step=attempt.step,
        attempt=attempt.number,
        message_id=message_id(command.notice, attempt.person, attempt.step),
        reason=reason,
        final=final,
        retry_at=None if final else command.now + rules.retry_after(attempt.number),
        occurred_at=command.now,
    )
