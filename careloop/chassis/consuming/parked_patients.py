"""Letting parked patients go on: by applying what waits, or by giving it up."""

import asyncio
from collections.abc import Iterable, Sequence

from careloop.chassis.consuming.decoding import RecordDecoder
from careloop.chassis.consuming.handler import Effects, Handler, KeepsState
from careloop.chassis.consuming.inbox import Inbox
from careloop.chassis.consuming.parked_records import Failed, Parked, ParkedRecords, Retried, take
from careloop.chassis.consuming.partition import AFTER_CONFLICT, CONFLICTS_AT_ONCE, PASSING
from careloop.chassis.events.envelope import Record
from careloop.chassis.log.protocol import EventStore, GateClosed, Unit, Write
from careloop.kernel.errors import Conflict, NotKnown
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import PatientId


class InboxParkedPatients:
    """The parked patients of all of one service's consumers. Keeps the ParkedPatients protocol.

    A retry or drop is stored with who asked for it, under the request's id.
    """

    def __init__(self, store: EventStore, parked: ParkedRecords, inboxes: Iterable[Inbox]) -> None:
        self._store = store
        self._parked = parked
        self._inboxes = {inbox.consumer: inbox for inbox in inboxes}

    async def list_parked(self, consumer: str, limit: int, offset: int) -> Sequence[Parked]:
        return await self._parked.listed(consumer, limit, offset)

    async def retry(self, consumer: str, source: str, patient_id: PatientId, request: Request) -> Retried:
        """Apply what waits, in order, until it is empty or a record fails again.

        Raises NotKnown if nothing is parked there and this request never emptied it, Unavailable.
        """
        inbox = self._inboxes.get(consumer)
        nothing = await self._parked.waiting(consumer, source, patient_id) == 0
        note = _note(patient_id, request)
        if inbox is None or (nothing and await self._store.command(note.key) is None):
            raise _nothing_parked()
        async with inbox.paused(source):
            drain = _Drain(self._store, self._parked, _without_memory(inbox.handler), source, note)
            applied = await drain.run(patient_id)
        return Retried(applied=applied, waiting=await self._parked.waiting(consumer, source, patient_id))

    async def drop(self, consumer: str, source: str, patient_id: PatientId, reason: str, request: Request) -> int:
        dropped = await self._parked.drop(
            request.request_id, consumer, source, patient_id, reason=reason, by=request.actor
        )
        if dropped == 0:
            raise _nothing_parked()
        return dropped


def _without_memory(handler: Handler) -> Handler:
    return handler.without_memory() if isinstance(handler, KeepsState) else handler


def _nothing_parked() -> NotKnown:
    return NotKnown("not-parked", "Nothing of this patient waits there.")


def _note(patient_id: PatientId, request: Request) -> Write:
    """The command that a retry is remembered by; it stores no event."""
    return Write(
        command_id=f"retry:{request.request_id}",
        kind=CommandKind.OPERATOR,
        caller=request.actor,
        digest=request.digest,
        stream_id=patient_id,
        expected_version=None,
        events=(),
        correlation_id=request.correlation_id,
    )


class _Drain:
    """One patient's queue, record by record: each with its effects and its removal in one unit."""

    def __init__(self, store: EventStore, parked: ParkedRecords, handler: Handler, source: str, note: Write) -> None:
        self._store = store
        self._parked = parked
        self._handler = handler
        self._decoder = RecordDecoder(handler)
        self._source = source
        self._note = note

    async def run(self, patient_id: PatientId) -> int:
        """How many records were applied."""
        applied = 0
        while record := await self._parked.first(self._handler.consumer, self._source, patient_id):
            try:
                applied += await self._apply(record)
            except PASSING:
                raise
            except Exception as failure:
                failed = Failed(record, type(failure).__name__)
                await self._parked.failed_again(self._handler.consumer, self._source, failed)
                break
        return applied

    async def _apply(self, record: Record) -> int:
        for attempt in range(1, CONFLICTS_AT_ONCE + 1):
            try:
                await self._store.commit(await self._unit(record))
            except GateClosed:
                return 0  # another retry was faster with this record
            except Conflict:
                if attempt == CONFLICTS_AT_ONCE:
                    raise
                await asyncio.sleep(AFTER_CONFLICT.pause(attempt))
                continue
            break
        return 1

    async def _unit(self, record: Record) -> Unit:
        received = self._decoder.decode(record)
        effects = await self._handler.handle([received]) if received is not None else Effects()
        taking = take(self._handler.consumer, self._source, record)
        return Unit(writes=(self._note, *effects.writes), statements=(*effects.statements, taking))
