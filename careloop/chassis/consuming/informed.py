"""How well a service is informed of one patient: consumed positions against the sources' own heads."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from careloop.chassis.consuming.noted_through import Consumed, NotedThrough
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.events.partitioner import partition_of
from careloop.kernel.errors import Unavailable
from careloop.kernel.ids import PatientId

LOOK_AGAIN_SECONDS = 0.02


class Heads(Protocol):
    """What the sources say of themselves."""

    def fresh_as_of(self, source: str, partition: int, consumed_position: int) -> datetime | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStanding:
    """How far one source of a patient was noted, and whether that is too little to decide on."""

    source: str
    partition: int
    position: int
    fresh_as_of: datetime | None
    stale: bool


class Informed:
    """What this service's own consumers have noted; `consumers` names each with the sources of which it notes.

    A source is stale when it is older than `max_age`, when this process `holds` records of the patient's partition
    back, or when records of the patient are parked.
    """

    def __init__(
        self,
        store: Consumed,
        consumers: Mapping[str, Collection[str]],
        heads: Heads,
        holds: Callable[[str, int], bool],
        *,
        partitions: int,
        max_age: timedelta,
        patience_seconds: float,
    ) -> None:
        self.sources = frozenset(source for sources in consumers.values() for source in sources)
        self._noted = NotedThrough(store, consumers)
        self._heads = heads
        self._holds = holds
        self._partitions = partitions
        self._max_age = max_age
        self._patience_seconds = patience_seconds

    async def of(self, patient_id: UUID, now: datetime) -> tuple[SourceStanding, ...]:
        """Every source, by name."""
        consumed, parked = await self._noted.positions(), await self._noted.parked(patient_id)
        partition = partition_of(PatientId(patient_id), self._partitions)
        return tuple(
            self._standing(source, partition, consumed.get((source, partition), 0), now, parked=source in parked)
            for source in sorted(self.sources)
        )

    def _standing(self, source: str, partition: int, position: int, now: datetime, *, parked: bool) -> SourceStanding:
        fresh_as_of = self._heads.fresh_as_of(source, partition, position)
        old = fresh_as_of is None or now - fresh_as_of > self._max_age
        return SourceStanding(
            source=source,
            partition=partition,
            position=position,
            fresh_as_of=fresh_as_of,
            stale=old or parked or self._holds(source, partition),
        )

    async def wait_for(self, at_least: Sequence[ConsistencyToken]) -> None:
        """Until all that the tokens name of these sources is noted. Raises Unavailable when it takes too long."""
        wanted = [token for token in at_least if token.service in self.sources]
        try:
            async with asyncio.timeout(self._patience_seconds):
                while not await self._has(wanted):  # noqa: ASYNC110 - another process may do the consuming
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
        except TimeoutError:
            raise Unavailable(
                "evidence-not-yet-here", "What at_least names has not arrived yet; try again with the same request_id."
            ) from None

    async def _has(self, wanted: Sequence[ConsistencyToken]) -> bool:
        if not wanted:
            return True
        consumed = await self._noted.positions()
        return all(consumed.get((token.service, token.partition), 0) >= token.position for token in wanted)
