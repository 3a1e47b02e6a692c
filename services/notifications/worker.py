"""Does what is due of notices: sends messages, and lets clocks run out."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from careloop.chassis.clock import Clock
from careloop.chassis.commands.streams import Done, Streams
from careloop.chassis.commands.writes import Writes
from careloop.chassis.due.rows import read_detail
from careloop.chassis.due.worker import Handle
from careloop.chassis.events.stored_form import StoredByNewer
from careloop.chassis.log.protocol import ClaimedDue, Unit, Written
from careloop.contracts.notifications import Priority
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import FactId, PatientId, PersonId
from careloop.kernel.restating import restating
from services.notifications.domain.codes import FailureReason
from services.notifications.domain.decisions import OWN_DECISIONS
from services.notifications.domain.delivering import BeginAttempt, EndAttempt, begun, ended, is_unfinished
from services.notifications.domain.events import DeliveryAttempted, Event
from services.notifications.domain.following_up import Escalate, PageAgain
from services.notifications.domain.handing_over import HandOver
from services.notifications.domain.notices import Attempt
from services.notifications.domain.rules import NoticeRules
from services.notifications.domain.state import NoticeBoard
from services.notifications.due import (
    ESCALATE,
    HAND_OVER,
    PAGE_AGAIN,
    SEND,
    ToEscalate,
    ToHandOver,
    ToPageAgain,
    ToSend,
)
from services.notifications.sender import Message, Sender, SendFailed

escalation = restating(Escalate, ToEscalate, "rules", "now")
paging_again = restating(PageAgain, ToPageAgain, "rules", "now")
handing_over = restating(HandOver, ToHandOver, "rules", "now")
attempt_of = restating(Attempt, ToSend, number="attempt")
UNREADABLE = (StoredByNewer, msgspec.DecodeError)
"""What reading a stream raises that this build cannot read."""


class NoticeWork:
    """Every attempt is recorded before it is made. Of one due row, however often claimed, one effect is recorded.

    A message may take `deadline_seconds`, which must be less than a row's lease. What each row stores bears ids
    derived from it.
    """

    def __init__(
        self,
        streams: Streams[NoticeBoard, Event],
        sender: Sender,
        rules: NoticeRules,
        clock: Clock,
        deadline_seconds: float = 10,
    ) -> None:
        self._streams = streams
        self._writes = Writes(streams, OWN_DECISIONS)
        self._sender = sender
        self._rules = rules
        self._clock = clock
        self._deadline = deadline_seconds

    @property
    def handlers(self) -> Mapping[str, Handle]:
        return {
            SEND: self.send,
            ESCALATE: self.escalate,
            PAGE_AGAIN: self.page_again,
            HAND_OVER: self.hand_over,
        }

    async def escalate(self, claim: ClaimedDue) -> None:
        detail = read_detail(claim.row, ToEscalate)
        command = escalation(detail, rules=self._rules, now=self._clock())
        await self._write("escalate", claim, detail.notice, command, done=(claim.row.due_id,))

    async def page_again(self, claim: ClaimedDue) -> None:
        detail = read_detail(claim.row, ToPageAgain)
        command = paging_again(detail, rules=self._rules, now=self._clock())
        await self._write("page-again", claim, detail.notice, command, done=(claim.row.due_id,))

    async def hand_over(self, claim: ClaimedDue) -> None:
        command = handing_over(read_detail(claim.row, ToHandOver), rules=self._rules, now=self._clock())
        await self._write("hand-over", claim, FactId(claim.row.due_id), command, done=(claim.row.due_id,))

    async def send(self, claim: ClaimedDue) -> None:
        due = read_detail(claim.row, ToSend)
        attempt = attempt_of(due)
        try:
            board = await self._writes.state(PatientId(claim.row.stream_id))
        except UNREADABLE:
            if due.person != self._rules.on_call.person:
                raise
            await self._send_unread(claim, due.notice, attempt)
            return
        if is_unfinished(due.notice, attempt, board):
            await self._end(claim, due.notice, attempt, SendFailed(FailureReason.OUTCOME_UNKNOWN))
            return
        beginning = await self._begin(claim, due.notice, attempt)
        if not beginning.events:
            await self._end(claim, due.notice, attempt, None)
        elif not beginning.repeated:
            await self._end(claim, due.notice, attempt, await self._try(beginning.events, board))

    async def _send_unread(self, claim: ClaimedDue, notice: FactId, attempt: Attempt) -> None:
        """The on-call person's mail rests on nothing but its row: what this build cannot read may be the emergency.

        Whether somebody acknowledged the notice meanwhile is not known, so it is sent all the same."""
        first = begun(BeginAttempt(notice=notice, attempt=attempt, now=self._clock()))
        stored = await self._note("attempt", claim, notice, first)
        failed: SendFailed | None = SendFailed(FailureReason.OUTCOME_UNKNOWN)
        if not stored.repeated:
            failed = await self._deliver(message_of(first, self._rules.on_call.email, Priority.STAT))
        await self._note(
            "outcome", claim, notice, ended(self._ending(notice, attempt, failed)), done=(claim.row.due_id,)
        )

    async def _note(
        self, act: str, claim: ClaimedDue, notice: FactId, event: Event, *, done: tuple[UUID, ...] = ()
    ) -> Written:
        """Stored at any version of a stream that nobody read."""
        stream_id = claim.row.stream_id
        write = self._streams.write(stream_id, self._request(act, claim, notice), [event], None, done=done)
        statements = tuple(self._streams.statements(event, stream_id))
        (written,) = await self._streams.store.commit(Unit(writes=(write,), statements=statements))
        return written

    async def _begin(self, claim: ClaimedDue, notice: FactId, attempt: Attempt) -> Done[Event]:
        command = BeginAttempt(notice=notice, attempt=attempt, now=self._clock())
        return await self._write("attempt", claim, notice, command)

    async def _try(self, events: Sequence[Event], board: NoticeBoard) -> SendFailed | None:
        (attempted,) = (event for event in events if isinstance(event, DeliveryAttempted))
        return await self._deliver(self._message(attempted, board))

    async def _deliver(self, message: Message) -> SendFailed | None:
        if not message.to:
            return SendFailed(FailureReason.NO_ADDRESS, hopeless=True)
        try:
            async with asyncio.timeout(self._deadline):
                await self._sender.send(message)
        except SendFailed as failure:
            return failure
        except TimeoutError:
            return SendFailed(FailureReason.OUTCOME_UNKNOWN)
        return None

    def _message(self, attempted: DeliveryAttempted, board: NoticeBoard) -> Message:
        # Nobody who may assign team members may turn the messages of who is always there to another address.
        known = next((it.email for it in self._rules.always_there if it.person == attempted.person), "")
        priority = board.notices[attempted.notice].decided.priority
        return message_of(attempted, known or board.email_of(attempted.person), priority)

    async def _end(self, claim: ClaimedDue, notice: FactId, attempt: Attempt, failed: SendFailed | None) -> None:
        """Record how the attempt ended, if it was begun; either way the row is done."""
        await self._write("outcome", claim, notice, self._ending(notice, attempt, failed), done=(claim.row.due_id,))

    def _ending(self, notice: FactId, attempt: Attempt, failed: SendFailed | None) -> EndAttempt:
        return EndAttempt(
            notice=notice,
            attempt=attempt,
            failure=failed.reason if failed else None,
            hopeless=failed.hopeless if failed else False,
            rules=self._rules,
            now=self._clock(),
        )

    async def _write(
        self, act: str, claim: ClaimedDue, about: FactId, command: Any, *, done: tuple[UUID, ...] = ()
    ) -> Done[Event]:
        request = self._request(act, claim, about)
        return await self._writes.write(PatientId(claim.row.stream_id), request, command, done=done)

    def _request(self, act: str, claim: ClaimedDue, about: FactId) -> Request:
        return Request(
            request_id=f"{act}:{claim.row.due_id}",
            kind=CommandKind.DUE,
            actor=PersonId("notifications"),
            digest=b"",
            correlation_id=about,
            now=self._clock(),
        )


def message_of(attempted: DeliveryAttempted, to: str, priority: Priority) -> Message:
    """What leaves Careloop by this attempt."""
    return Message(
        message_id=attempted.message_id,
        to=to,
        notice=attempted.notice,
        priority=priority,
        at=attempted.occurred_at,
    )
