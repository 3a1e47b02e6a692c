"""Does what is due of notices: sends messages, and lets clocks run out."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from careloop.chassis.clock import Clock
from careloop.chassis.commands.streams import Done, Streams
from careloop.chassis.commands.writes import Writes
from careloop.chassis.due.rows import read_detail
from careloop.chassis.due.worker import Handle
from careloop.chassis.log.protocol import ClaimedDue
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import FactId, PatientId, PersonId
from careloop.kernel.restating import restating
from services.notifications.domain.codes import FailureReason
from services.notifications.domain.decisions import OWN_DECISIONS
from services.notifications.domain.delivering import BeginAttempt, EndAttempt, is_unfinished
from services.notifications.domain.events import DeliveryAttempted, Event
from services.notifications.domain.following_up import Escalate
from services.notifications.domain.handing_over import HandOver
from services.notifications.domain.notices import Attempt
from services.notifications.domain.rules import NoticeRules
from services.notifications.domain.state import NoticeBoard
from services.notifications.due import ESCALATE, HAND_OVER, SEND, ToEscalate, ToHandOver, ToSend
from services.notifications.sender import Message, Sender, SendFailed

escalation = restating(Escalate, ToEscalate, "rules", "now")
handing_over = restating(HandOver, ToHandOver, "rules", "now")
attempt_of = restating(Attempt, ToSend, number="attempt")


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
        self._writes = Writes(streams, OWN_DECISIONS)
        self._sender = sender
        self._rules = rules
        self._clock = clock
        self._deadline = deadline_seconds

    @property
    def handlers(self) -> Mapping[str, Handle]:
        return {SEND: self.send, ESCALATE: self.escalate, HAND_OVER: self.hand_over}

    async def escalate(self, claim: ClaimedDue) -> None:
        detail = read_detail(claim.row, ToEscalate)
        command = escalation(detail, rules=self._rules, now=self._clock())
        await self._write("escalate", claim, detail.notice, command, done=(claim.row.due_id,))

    async def hand_over(self, claim: ClaimedDue) -> None:
        command = handing_over(read_detail(claim.row, ToHandOver), rules=self._rules, now=self._clock())
        await self._write("hand-over", claim, FactId(claim.row.due_id), command, done=(claim.row.due_id,))

    async def send(self, claim: ClaimedDue) -> None:
        due = read_detail(claim.row, ToSend)
        attempt = attempt_of(due)
        board = await self._writes.state(PatientId(claim.row.stream_id))
        if is_unfinished(due.notice, attempt, board):
            await self._end(claim, due.notice, attempt, SendFailed(FailureReason.OUTCOME_UNKNOWN))
            return
        begun = await self._begin(claim, due.notice, attempt)
        if not begun.events:
            await self._end(claim, due.notice, attempt, None)
        elif not begun.repeated:
            await self._end(claim, due.notice, attempt, await self._try(begun.events, board))

    async def _begin(self, claim: ClaimedDue, notice: FactId, attempt: Attempt) -> Done[Event]:
        command = BeginAttempt(notice=notice, attempt=attempt, now=self._clock())
        return await self._write("attempt", claim, notice, command)

    async def _try(self, begun: Sequence[Event], board: NoticeBoard) -> SendFailed | None:
        (attempted,) = (event for event in begun if isinstance(event, DeliveryAttempted))
        message = self._message(attempted, board)
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
        on_call = self._rules.on_call
        # Nobody who may assign team members may turn the on-call person's messages to another address.
        known = on_call.email if attempted.person == on_call.person else ""
        return Message(
            message_id=attempted.message_id,
            to=known or board.email_of(attempted.person),
            notice=attempted.notice,
            priority=board.notices[attempted.notice].decided.priority,
            at=attempted.occurred_at,
        )

    async def _end(self, claim: ClaimedDue, notice: FactId, attempt: Attempt, failed: SendFailed | None) -> None:
        """Record how the attempt ended, if it was begun; either way the row is done."""
        command = EndAttempt(
            notice=notice,
            attempt=attempt,
            failure=failed.reason if failed else None,
            hopeless=failed.hopeless if failed else False,
            rules=self._rules,
            now=self._clock(),
        )
        await self._write("outcome", claim, notice, command, done=(claim.row.due_id,))

    async def _write(
        self, act: str, claim: ClaimedDue, about: FactId, command: Any, *, done: tuple[UUID, ...] = ()
    ) -> Done[Event]:
        request = Request(
            request_id=f"{act}:{claim.row.due_id}",
            kind=CommandKind.DUE,
            actor=PersonId("notifications"),
            digest=b"",
            correlation_id=about,
            now=self._clock(),
        )
        return await self._writes.write(PatientId(claim.row.stream_id), request, command, done=done)
