"""One (source, partition) of one consumer, and how its pending records become units."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from careloop.chassis.backoff import Backoff
from careloop.chassis.consuming.decoding import RecordDecoder
from careloop.chassis.consuming.handler import Effects, Handler, KeepsState, WhileWaiting, nothing_at_once
from careloop.chassis.consuming.inbox_log import InboxObserver, Place
from careloop.chassis.consuming.parked_records import Failed, ParkedRecords, park, queue
from careloop.chassis.consuming.position_gate import PositionGate
from careloop.chassis.events.envelope import Record
from careloop.chassis.log.protocol import EventStore, Gate, GateClosed, Unit
from careloop.chassis.tracing.path import applying
from careloop.chassis.tracing.spans import is_on as is_traced
from careloop.kernel.errors import Conflict, Overloaded, Unavailable
from careloop.kernel.ids import PatientId

PASSING = (Conflict, Unavailable, Overloaded, ConnectionError, TimeoutError)
"""Failures that pass by themselves: the same unit is decided again."""

CONFLICTS_AT_ONCE = 5
AFTER_CONFLICT = Backoff(first=0.01, longest=0.04, least=0.1)
MOST_AT_ONCE = 5_000
"""Records in one unit: the store is to answer within its own deadline also when it is busy otherwise."""


@dataclass
class Partition:
    """`gate` runs ahead of `stored`, the consumed position in the store, by the records in `pending`.

    `at_once` is how many of them the next unit may take.
    """

    place: Place
    gate: PositionGate
    stored: int
    any_parked: bool
    pending: list[Record] = field(default_factory=list)
    at_once: int = MOST_AT_ONCE
    missing_since: float | None = None
    malformed: bool = False
    stopped: bool = False
    overtaken: bool = False
    """Another owner moved the stored position: what is held here must be delivered again."""

    @property
    def is_whole(self) -> bool:
        """Whether all that came was applied: nothing before it is missing, and nothing contradicts it."""
        return self.missing_since is None and not self.stopped


class Applier:
    """Turns a partition's pending records into units of one gate, all their effects, and what must be parked."""

    def __init__(
        self,
        store: EventStore,
        handler: Handler,
        parked: ParkedRecords,
        observer: InboxObserver,
        while_waiting: WhileWaiting = nothing_at_once,
    ) -> None:
        self._store = store
        self._handler = handler
        self._decoder = RecordDecoder(handler)
        self._parked = parked
        self._observer = observer
        self._while_waiting = while_waiting

    async def apply(self, partition: Partition) -> None:
        """Store all that is pending. Raises what passes by itself, or GateClosed; what was stored till then stays.

        A unit that fails is halved. Where it failed for another reason, one record is left at last, and its patient is
        parked. What is stored may be followed by twice as much.
        """
        while partition.pending:
            part = partition.pending[: partition.at_once]
            partition.at_once = max(len(part) // 2, 1)
            if await self._applied(partition, part):
                partition.at_once = min(max(partition.at_once, 2 * len(part)), MOST_AT_ONCE)

    async def _applied(self, partition: Partition, part: Sequence[Record]) -> bool:
        """False when the part holds a poisoned record and others."""
        try:
            await self._commit(partition, part, None)
        except (*PASSING, GateClosed):
            raise
        except Exception as failure:
            if len(part) > 1:
                return False
            await self._commit(partition, part, Failed(part[0], type(failure).__name__))
        return True

    async def _commit(self, partition: Partition, part: Sequence[Record], failing: Failed | None) -> None:
        if not is_traced():
            return await self._store_unit(partition, part, failing)
        with applying(partition.place.consumer, [record.envelope for record in part]):
            return await self._store_unit(partition, part, failing)

    async def _store_unit(self, partition: Partition, part: Sequence[Record], failing: Failed | None) -> None:
        started = time.monotonic()
        for attempt in range(1, CONFLICTS_AT_ONCE + 1):
            try:
                unit, newly_parked = await self._unit(partition, part, failing)
                await self._store.commit(unit)
                break
            except BaseException as failure:
                self._forget(partition)
                if not isinstance(failure, Conflict) or attempt == CONFLICTS_AT_ONCE:
                    raise
            await asyncio.sleep(AFTER_CONFLICT.pause(attempt))
        self._note(partition, part, newly_parked)
        seconds = time.monotonic() - started
        self._observer.applied(partition.place, records=len(part), position=partition.stored, seconds=seconds)

    def _forget(self, partition: Partition) -> None:
        """What a handler folded for a unit that was not stored is ahead of the store."""
        if isinstance(self._handler, KeepsState):
            self._handler.forget(partition.place.source, partition.place.partition)

    async def _unit(
        self, partition: Partition, part: Sequence[Record], failing: Failed | None
    ) -> tuple[Unit, Sequence[Failed]]:
        place = partition.place
        run = self._decoder.sort(part, await self._parked_among(partition, part), failing)
        effects = await self._handler.handle(run.ready) if run.ready else Effects()
        parking = (park(place.consumer, place.source, run.failed),) if run.failed else ()
        queueing = (queue(place.consumer, place.source, run.queued),) if run.queued else ()
        gate = Gate(
            consumer=place.consumer,
            source=place.source,
            partition=place.partition,
            last=partition.stored,
            position=part[-1].envelope.position,
        )
        at_once = self._at_once(place, [*(one.record for one in run.failed), *run.queued])
        statements = (*effects.statements, *at_once.statements, *parking, *queueing)
        return Unit(writes=(*effects.writes, *at_once.writes), gate=gate, statements=statements), run.failed

    def _at_once(self, place: Place, waiting: Sequence[Record]) -> Effects:
        """Its failure must not keep the patient from being parked, nor the others from going on."""
        try:
            return self._while_waiting(waiting) if waiting else Effects()
        except Exception as failure:
            self._observer.unheard(place, error=failure)
            return Effects()

    async def _parked_among(self, partition: Partition, part: Sequence[Record]) -> frozenset[PatientId]:
        """Asked again for each unit once anyone is parked, since a retry may have emptied a queue."""
        if not partition.any_parked:
            return frozenset()
        patients = {record.envelope.patient_id for record in part}
        return await self._parked.among(partition.place.consumer, partition.place.source, patients)

    def _note(self, partition: Partition, part: Sequence[Record], newly_parked: Sequence[Failed]) -> None:
        del partition.pending[: len(part)]
        partition.stored = part[-1].envelope.position
        for failed in newly_parked:
            partition.any_parked = True
            self._observer.parked(partition.place, position=failed.record.envelope.position, reason=failed.reason)
