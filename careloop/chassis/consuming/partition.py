"""One (source, partition) of one consumer, and how its pending records become units."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from careloop.chassis.consuming.decoding import Reception
from careloop.chassis.consuming.handler import Effects, Handler, KeepsState
from careloop.chassis.consuming.inbox_log import InboxObserver, Place
from careloop.chassis.consuming.parked_records import Failed, ParkedRecords, park, queue
from careloop.chassis.consuming.position_gate import PositionGate
from careloop.chassis.events.envelope import Record
from careloop.chassis.log.protocol import EventStore, Gate, GateClosed, Unit
from careloop.kernel.errors import Conflict, Overloaded, Unavailable
from careloop.kernel.ids import PatientId

PASSING = (Conflict, Unavailable, Overloaded, ConnectionError, TimeoutError)
"""Failures that pass by themselves: the same unit is decided again."""

CONFLICTS_AT_ONCE = 5
MOST_AT_ONCE = 5_000
"""Records in one unit: the store is to answer within its own deadline also when it is busy otherwise."""


@dataclass
class Lane:
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
    """Turns a lane's pending records into units of one gate, all their effects, and what must be parked."""

    def __init__(self, store: EventStore, handler: Handler, parked: ParkedRecords, observer: InboxObserver) -> None:
        self._store = store
        self._handler = handler
        self._reception = Reception(handler)
        self._parked = parked
        self._observer = observer

    async def apply(self, lane: Lane) -> None:
        """Store all that is pending. Raises what passes by itself, or GateClosed; what was stored till then stays.

        A unit that fails is halved. Where it failed for another reason, one record is left at last, and its patient is
        parked. What is stored may be followed by twice as much.
        """
        while lane.pending:
            part = lane.pending[: lane.at_once]
            lane.at_once = max(len(part) // 2, 1)
            if await self._applied(lane, part):
                lane.at_once = min(max(lane.at_once, 2 * len(part)), MOST_AT_ONCE)

    async def _applied(self, lane: Lane, part: Sequence[Record]) -> bool:
        """False when the part holds a poisoned record and others."""
        try:
            await self._commit(lane, part, None)
        except (*PASSING, GateClosed):
            raise
        except Exception as failure:
            if len(part) > 1:
                return False
            await self._commit(lane, part, Failed(part[0], type(failure).__name__))
        return True

    async def _commit(self, lane: Lane, part: Sequence[Record], failing: Failed | None) -> None:
        started = time.monotonic()
        for attempt in range(1, CONFLICTS_AT_ONCE + 1):
            try:
                unit, newly_parked = await self._unit(lane, part, failing)
                await self._store.commit(unit)
                break
            except BaseException as failure:
                self._forget(lane)
                if not isinstance(failure, Conflict) or attempt == CONFLICTS_AT_ONCE:
                    raise
            await asyncio.sleep(random.uniform(0.001, 0.01) * attempt)  # noqa: S311 - jitter
        self._note(lane, part, newly_parked)
        seconds = time.monotonic() - started
        self._observer.applied(lane.place, records=len(part), position=lane.stored, seconds=seconds)

    def _forget(self, lane: Lane) -> None:
        """What a handler folded for a unit that was not stored is ahead of the store."""
        if isinstance(self._handler, KeepsState):
            self._handler.forget(lane.place.source, lane.place.partition)

    async def _unit(self, lane: Lane, part: Sequence[Record], failing: Failed | None) -> tuple[Unit, Sequence[Failed]]:
        place = lane.place
        run = self._reception.sort(part, await self._parked_among(lane, part), failing)
        effects = await self._handler.handle(run.ready) if run.ready else Effects()
        parking = (park(place.consumer, place.source, run.failed),) if run.failed else ()
        queueing = (queue(place.consumer, place.source, run.queued),) if run.queued else ()
        gate = Gate(
            consumer=place.consumer,
            source=place.source,
            partition=place.partition,
            last=lane.stored,
            position=part[-1].envelope.position,
        )
        statements = (*effects.statements, *parking, *queueing)
        return Unit(writes=effects.writes, gate=gate, statements=statements), run.failed

    async def _parked_among(self, lane: Lane, part: Sequence[Record]) -> frozenset[PatientId]:
        """Asked anew for each unit once anyone is parked, since a retry may have emptied a queue."""
        if not lane.any_parked:
            return frozenset()
        patients = {record.envelope.patient_id for record in part}
        return await self._parked.among(lane.place.consumer, lane.place.source, patients)

    def _note(self, lane: Lane, part: Sequence[Record], newly_parked: Sequence[Failed]) -> None:
        del lane.pending[: len(part)]
        lane.stored = part[-1].envelope.position
        for failed in newly_parked:
            lane.any_parked = True
            self._observer.parked(lane.place, position=failed.record.envelope.position, reason=failed.reason)
