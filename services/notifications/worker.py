"""Does what is due: sends messages and lets clocks run out. Nothing here is remembered between two rows."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from careloop.chassis.calls.call import Clock
from careloop.chassis.commands.streams import Done, Streams
from careloop.chassis.commands.writes import Writes
from careloop.chassis.log.protocol import ClaimedDue
from careloop.kernel.errors import Conflict, Overloaded, Unavailable
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import FactId, PatientId, PersonId
from careloop.kernel.restating import restating
from services.notifications.domain.codes import FailureReason
from services.notifications.domain.decisions import OWN_DECISIONS
from services.notifications.domain.delivering import BeginAttempt, EndAttempt, is_unfinished
from services.notifications.domain.events import DeliveryAttempted, Event
from services.notifications.domain.following_up import Escalate
from services.notifications.domain.notices import Attempt
from services.notifications.domain.rules import NoticeRules
from services.notifications.domain.state import NoticeBoard
from services.notifications.due import KINDS, SEND, ToEscalate, ToSend, read_detail
from services.notifications.sender import Message, Sender, SendFailed

PASSING = (Unavailable, Conflict, Overloaded, ConnectionError, TimeoutError)
"""Failures that pass by themselves: the row is claimed again when its lease ends."""
BREATH_SECONDS = 0.02
"""Between two looks at what is due, however fast the log grows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds. A claimed row is nobody else's for `lease`, which outlasts `deadline`, the most one message may take."""

    lease: float = 60
    deadline: float = 10
    poll: float = 0.5
    at_once: int = 20


escalation = restating(Escalate, ToEscalate, "rules", "now")
attempt_of = restating(Attempt, ToSend, number="attempt")


class DueWorker:
    """Every attempt is recorded before it is made. Of one due row, however often claimed, one effect is recorded.

    Any number of workers may run: rows are leased, and what each row stores bears ids derived from it.
    """

    def __init__(
        self,
        streams: Streams[NoticeBoard, Event],
        sender: Sender,
        rules: NoticeRules,
        clock: Clock,
        pace: Pace | None = None,
    ) -> None:
        self._store = streams.store
        self._writes = Writes(streams, OWN_DECISIONS)
        self._sender = sender
        self._rules = rules
        self._clock = clock
        self._pace = pace or Pace()
        self._log = structlog.get_logger()

    async def run(self, stopping: asyncio.Event) -> None:
        """Until asked to stop, and then to the end of what is in hand. Looks at least every `poll` seconds."""
        store = self._store
        while not stopping.is_set():
            try:
                head = await store.head()
                if await self.work() == 0:
                    await store.wait_for_more(head.position, self._pace.poll)
                await asyncio.sleep(BREATH_SECONDS)
            except Unavailable:
                self._log.warning("due rows wait for the store")
                await asyncio.sleep(self._pace.poll)

    async def work(self) -> int:
        """Do what is due now; answers how many rows were claimed. Rows of one patient are done one after another."""
        store, pace = self._store, self._pace
        claimed = await store.claim_due(KINDS, self._clock(), pace.lease, pace.at_once)
        by_patient: dict[UUID, list[ClaimedDue]] = {}
        for claim in claimed:
            by_patient.setdefault(claim.row.stream_id, []).append(claim)
        await asyncio.gather(*(self._in_order(claims) for claims in by_patient.values()))
        return len(claimed)

    async def _in_order(self, claims: Sequence[ClaimedDue]) -> None:
        for claim in claims:
            try:
                await (self._send(claim) if claim.row.kind == SEND else self._escalate(claim))
            except PASSING as failure:
                self._log.warning("due row waits", kind=claim.row.kind, error_type=type(failure).__name__)
            except Exception as failure:
                # One bad row must not stop the others' pages; it is claimed again when its lease ends.
                self._log.error("due row failed", kind=claim.row.kind, error_type=type(failure).__name__)

    async def _escalate(self, claim: ClaimedDue) -> None:
        detail = read_detail(claim.row, ToEscalate)
        command = escalation(detail, rules=self._rules, now=self._clock())
        await self._write("escalate", claim, detail.notice, command, done=(claim.row.due_id,))

    async def _send(self, claim: ClaimedDue) -> None:
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
            async with asyncio.timeout(self._pace.deadline):
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
        self, act: str, claim: ClaimedDue, notice: FactId, command: Any, *, done: tuple[UUID, ...] = ()
    ) -> Done[Event]:
        request = Request(
            request_id=f"{act}:{claim.row.due_id}",
            kind=CommandKind.DUE,
            actor=PersonId("notifications"),
            digest=b"",
            correlation_id=notice,
            now=self._clock(),
        )
        return await self._writes.write(PatientId(claim.row.stream_id), request, command, done=done)
