"""The decisions about one attempt to send: recorded before it is made, and its outcome once."""

from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.decisions import guarded
from careloop.kernel.ids import FactId
from careloop.kernel.restating import fact
from services.notifications.domain.codes import FailureReason
from services.notifications.domain.deciding import message_id
from services.notifications.domain.events import DeliveryAttempted, Event, NoticeFailed, NoticeSent
from services.notifications.domain.notices import Attempt, Notice
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


attempted = fact(DeliveryAttempted, (BeginAttempt, Attempt), "message_id", attempt="number", occurred_at="now")
sent = fact(NoticeSent, (EndAttempt, Attempt), "message_id", attempt="number", occurred_at="now")
failed = fact(
    NoticeFailed,
    (EndAttempt, Attempt),
    *("message_id", "reason", "final", "retry_at"),
    attempt="number",
    occurred_at="now",
)


@guarded()
def begin(command: BeginAttempt, board: NoticeBoard) -> list[Event]:
    """The attempt, unless it was begun before or nobody needs to be notified any more."""
    notice = board.notices.get(command.notice)
    if notice is None or not _wants(notice, command.attempt):
        return []
    return [begun(command)]


def begun(command: BeginAttempt) -> DeliveryAttempted:
    """The attempt, whatever is known of the notice."""
    return attempted(command, command.attempt, message_id=_message_id(command))


def _wants(notice: Notice, attempt: Attempt) -> bool:
    return notice.is_open and attempt not in notice.begun and attempt.person not in notice.left


def is_unfinished(notice_id: FactId, attempt: Attempt, board: NoticeBoard) -> bool:
    """Whether it was begun and nobody recorded how it ended."""
    notice = board.notices.get(notice_id)
    return notice is not None and attempt in notice.begun and attempt not in notice.finished


@guarded()
def end(command: EndAttempt, board: NoticeBoard) -> list[Event]:
    """The outcome of an attempt that was begun; the first one reported stands."""
    if not is_unfinished(command.notice, command.attempt, board):
        return []
    return [ended(command)]


def ended(command: EndAttempt) -> NoticeSent | NoticeFailed:
    """How the attempt ended, whatever is known of the notice."""
    if command.failure is None:
        return sent(command, command.attempt, message_id=_message_id(command))
    return _failed(command, command.failure)


def _failed(command: EndAttempt, reason: FailureReason) -> NoticeFailed:
    number, rules = command.attempt.number, command.rules
    final = command.hopeless or number >= rules.attempts
    return failed(
        command,
        command.attempt,
        message_id=_message_id(command),
        reason=reason,
        final=final,
        retry_at=None if final else command.now + rules.retry_after(number),
    )


def _message_id(command: BeginAttempt | EndAttempt) -> str:
    return message_id(command.notice, command.attempt.person, command.attempt.step)
