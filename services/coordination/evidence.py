"""How fresh the view of one patient is, and waiting until it includes what a caller has seen elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import asyncpg

from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.log.listener import LogListener
from careloop.chassis.log.protocol import EventStore
from careloop.kernel.errors import Unavailable
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.sections import SECTIONS
from services.coordination.reading.views import Views

CONSUMER = "coordination.care-view"
CHANNEL = "coordination_view"
LOOK_AGAIN_SECONDS = 1.0
"""A patient who is parked meanwhile changes no view, so nobody announces it."""


class Heads(Protocol):
    """What the sources say of themselves."""

    def fresh_as_of(self, source: str, partition: int, consumed_position: int) -> datetime | None: ...


class ViewChanges(LogListener):
    """Hears which patients' views changed, in this process or another."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]]) -> None:
        super().__init__(connect, CHANNEL)
        self._watched: dict[PatientId, set[asyncio.Event]] = {}

    @contextmanager
    def watching(self, patient_id: PatientId) -> Iterator[asyncio.Event]:
        """An event that is set whenever this patient's view may have changed; clear it before looking."""
        changed = asyncio.Event()
        self._watched.setdefault(patient_id, set()).add(changed)
        try:
            yield changed
        finally:
            self._watched[patient_id].discard(changed)
            if not self._watched[patient_id]:
                del self._watched[patient_id]

    def _wake(self) -> None:
        self._wake_all_for(list(self._watched))

    def _heard(self, _connection: asyncpg.Connection, _pid: int, _channel: str, payload: str) -> None:
        named = [PatientId(UUID(patient)) for patient in payload.split(",") if patient]
        self._wake_all_for(named or list(self._watched))

    def _wake_all_for(self, patients: Collection[PatientId]) -> None:
        for patient in patients:
            for changed in self._watched.get(patient, ()):
                changed.set()


async def set_within(changed: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(changed.wait(), max(0.0, seconds))
    except TimeoutError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFreshness:
    """`fresh_as_of` is the moment up to which all that the source recorded is in the view; None if nobody can say.

    `held`: records of this patient wait to be applied.
    """

    source: str
    fresh_as_of: datetime | None
    stale: bool
    held: bool


class Evidence:
    """Freshness by the sources' own heads. A source older than `max_age` is stale.

    The patient is held where this process `holds` records of the partition back, or records of the patient are parked.
    """

    def __init__(
        self,
        store: EventStore,
        views: Views,
        heads: Heads,
        changes: ViewChanges,
        *,
        holds: Callable[[str, int], bool],
        partitions: int,
        max_age: timedelta,
    ) -> None:
        self._store = store
        self._views = views
        self._heads = heads
        self._changes = changes
        self._holds = holds
        self._partitions = partitions
        self._max_age = max_age

    async def freshness(self, patient_id: PatientId, now: datetime) -> tuple[SourceFreshness, ...]:
        """One for each source."""
        consumed = await self._store.consumed(CONSUMER)
        parked = await self._store.parked_streams(CONSUMER, patient_id)
        partition = partition_of(patient_id, self._partitions)
        return tuple(
            self._of_source(source, partition, consumed.get((source, partition), 0), now, parked=source in parked)
            for source in SECTIONS
        )

    def _of_source(self, source: str, partition: int, position: int, now: datetime, *, parked: bool) -> SourceFreshness:
        held = parked or self._holds(source, partition)
        fresh_as_of = self._heads.fresh_as_of(source, partition, position)
        stale = held or fresh_as_of is None or now - fresh_as_of > self._max_age
        return SourceFreshness(source=source, fresh_as_of=fresh_as_of, stale=stale, held=held)

    async def wait_for(self, patient_id: PatientId, at_least: Sequence[ConsistencyToken], seconds: float) -> None:
        """Return when all that the tokens name is in the view, or at once where the patient is held.

        Raises Unavailable when it takes longer than `seconds`.
        """
        give_up_at = asyncio.get_running_loop().time() + seconds
        with self._changes.watching(patient_id) as changed:
            while not await self._is_visible(patient_id, at_least):
                left = give_up_at - asyncio.get_running_loop().time()
                if left <= 0:
                    raise Unavailable("not-yet-visible", "The view does not include at_least yet; ask again.")
                await set_within(changed, min(left, LOOK_AGAIN_SECONDS))
                changed.clear()

    async def _is_visible(self, patient_id: PatientId, at_least: Sequence[ConsistencyToken]) -> bool:
        if not at_least:
            return True
        positions = await self._views.positions(patient_id)
        missing = [token for token in at_least if positions.get(token.service, 0) < token.position]
        return not missing or await self._is_settled(patient_id, missing)

    async def _is_settled(self, patient_id: PatientId, missing: Sequence[ConsistencyToken]) -> bool:
        """Whether nothing more will come: the position was passed, or the patient's records wait for a person."""
        consumed = await self._store.consumed(CONSUMER)
        parked = await self._store.parked_streams(CONSUMER, patient_id)
        return all(
            token.service in parked or consumed.get((token.service, token.partition), 0) >= token.position
            for token in missing
        )
