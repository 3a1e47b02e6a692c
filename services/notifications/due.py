"""What an event of a notice makes due: messages to send, and the moment its clock runs out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import UNSET

from careloop.chassis.due.rows import due_row
from careloop.chassis.events.codec import ENCODER
from careloop.chassis.log.protocol import DueRow
from careloop.contracts.notifications import Channel
from careloop.kernel.ids import FactId, derived_id
from careloop.kernel.restating import restating
from services.notifications.domain.events import (
    Event,
    NoticeAcknowledged,
    NoticeDecided,
    NoticeEscalated,
    NoticeFailed,
    NoticeHandedOver,
    NoticePaused,
)
from services.notifications.domain.noted import ReleaseNoted, TeamNoted
from services.notifications.domain.state import NoticeBoard

SEND = "send"
ESCALATE = "escalate"
PAGE_AGAIN = "page-again"
HAND_OVER = "hand-over"
VACANT_AFTER = timedelta(minutes=5)
"""How long after somebody left a role that nobody took over is taken for vacant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSend:
    """One attempt at notifying one person on one channel."""

    notice: FactId
    person: str
    channel: Channel
    step: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToEscalate:
    """A step whose clock ran out, or somebody of which cannot be reached."""

    notice: FactId
    step: int
    unreachable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToPageAgain:
    """The time that was given to who took a notice on, or tried and did not reach the client."""

    notice: FactId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ToHandOver:
    """A change of the team took effect, or (`vacant`) has been in effect for a while."""

    vacant: bool


sent_again = restating(ToSend, NoticeFailed, "attempt")


def due_rows(event: Event, stream_id: UUID) -> Iterable[DueRow]:
    """What becomes due by this event. Ids derive from what is to be done, so asking twice does it once.

    The inbox needs no sending: an entry lies in it as soon as it is stored.
    """
    match event:
        case NoticeDecided(suppressed=""):
            mailed = [it.person for it in event.addressees if it.step == 0 and Channel.EMAIL in it.channels]
            yield from _first_mails(stream_id, event.fact_id, mailed, 0, event.occurred_at)
            yield from _clock(stream_id, event.fact_id, 0, event.acknowledge_by)
        case NoticeEscalated() | NoticeHandedOver():
            if Channel.EMAIL in event.channels:
                yield from _first_mails(stream_id, event.notice, event.persons, event.step, event.occurred_at)
            if isinstance(event, NoticeEscalated):
                yield from _clock(stream_id, event.notice, event.step, event.acknowledge_by)
        case NoticeFailed():
            yield _after_failure(stream_id, event)
        case NoticeAcknowledged() | NoticePaused():
            yield from _page_again(stream_id, event)
        case TeamNoted() | ReleaseNoted():
            yield from _changes(stream_id, event)


def _page_again(stream_id: UUID, event: NoticeAcknowledged | NoticePaused) -> Iterable[DueRow]:
    at = event.resumes_at if isinstance(event, NoticeAcknowledged) else event.until
    if at is not UNSET:
        yield due_row(
            stream_id, PAGE_AGAIN, subject=event.notice, at=at, detail=ToPageAgain(notice=event.notice, at=at)
        )


def hand_overs(board: NoticeBoard, stream_id: UUID) -> Iterable[DueRow]:
    """The rows for those who left before there were such rows, while anything is open."""
    if any(notice.is_open for notice in board.notices.values()):
        for change in board.team.changes:
            if isinstance(change, ReleaseNoted):
                yield from _changes(stream_id, change)


def _changes(stream_id: UUID, change: TeamNoted | ReleaseNoted) -> Iterable[DueRow]:
    """What took effect by then is looked at when it is noted."""
    if change.effective_from > change.occurred_at:
        yield _hand_over(stream_id, change, change.effective_from, vacant=False)
    if isinstance(change, ReleaseNoted):
        yield _hand_over(stream_id, change, change.effective_from + VACANT_AFTER, vacant=True)


def _hand_over(stream_id: UUID, change: TeamNoted | ReleaseNoted, at: datetime, *, vacant: bool) -> DueRow:
    return due_row(stream_id, HAND_OVER, subject=change.evidence, at=at, detail=ToHandOver(vacant=vacant))


def _first_mails(stream_id: UUID, notice: FactId, persons: Iterable[str], step: int, at: datetime) -> Iterable[DueRow]:
    return [_first_mail(stream_id, notice, person, step, at) for person in persons]


def _first_mail(stream_id: UUID, notice: FactId, person: str, step: int, at: datetime) -> DueRow:
    return _send(stream_id, ToSend(notice=notice, person=person, channel=Channel.EMAIL, step=step, attempt=1), at)


def _send(stream_id: UUID, detail: ToSend, at: datetime) -> DueRow:
    attempt = (detail.notice, detail.person, detail.channel, detail.step, detail.attempt)
    return DueRow(
        due_id=derived_id("notifications", SEND, *attempt),
        kind=SEND,
        stream_id=stream_id,
        due_at=at,
        detail=ENCODER.encode(detail),
    )


def _clock(stream_id: UUID, notice: FactId, step: int, at: datetime | None) -> Iterable[DueRow]:
    if at is not None:
        yield _escalation(stream_id, ToEscalate(notice=notice, step=step, unreachable=False), at)


def _escalation(stream_id: UUID, detail: ToEscalate, at: datetime) -> DueRow:
    return DueRow(
        due_id=derived_id("notifications", ESCALATE, detail.notice, detail.step, detail.unreachable),
        kind=ESCALATE,
        stream_id=stream_id,
        due_at=at,
        detail=ENCODER.encode(detail),
    )


def _after_failure(stream_id: UUID, failed: NoticeFailed) -> DueRow:
    if failed.retry_at is None:
        detail = ToEscalate(notice=failed.notice, step=failed.step, unreachable=True)
        return _escalation(stream_id, detail, failed.occurred_at)
    return _send(stream_id, sent_again(failed, attempt=failed.attempt + 1), failed.retry_at)
