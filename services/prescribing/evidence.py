"""How far the evidence of each source has come: consumed positions against the sources' own heads."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from careloop.chassis.consuming.noted_through import NotedThrough
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.log.protocol import EventStore
from careloop.contracts.prescribing import SourcePosition
from careloop.kernel.errors import Unavailable
from careloop.kernel.ids import PatientId
from services.prescribing.domain.screening import RESTS_ON, Freshness

CONSUMER = "prescribing.evidence"
COURSE_CONSUMER = "prescribing.course"
COMPARING_CONSUMER = "prescribing.reconciliation"
"""Compares lists with prescriptions; no check rests on what it finds."""
TEAM_CONSUMER = "prescribing.team"
"""Reads coordination from its beginning, also what came before there was such a consumer; no check rests on it."""
CONSUMERS: Mapping[str, Collection[str]] = {CONSUMER: RESTS_ON, COURSE_CONSUMER: {"assessment"}}
"""Who notes the evidence, of which sources. A kind of note that comes later is noted of old facts by one more."""
LOOK_AGAIN_SECONDS = 0.02


class Heads(Protocol):
    """What the sources say of themselves."""

    def fresh_as_of(self, source: str, partition: int, consumed_position: int) -> datetime | None: ...


class ConsumedEvidence:
    """Evidence as this service's own consumer has noted it.

    A source is stale when it is older than `max_age`, when this process `holds` records of the patient's partition
    back, or when records of the patient are parked.
    """

    def __init__(
        self,
        store: EventStore,
        heads: Heads,
        holds: Callable[[str, int], bool],
        *,
        partitions: int,
        max_age: timedelta,
        patience_seconds: float,
    ) -> None:
        self._noted = NotedThrough(store, CONSUMERS)
        self._heads = heads
        self._holds = holds
        self._partitions = partitions
        self._max_age = max_age
        self._patience_seconds = patience_seconds

    async def freshness(self, patient_id: PatientId, at_least: Sequence[ConsistencyToken], now: datetime) -> Freshness:
        """Waits for the tokens, then says how fresh each source is.

        Raises Unavailable when they do not come.
        """
        await self._wait_for(at_least)
        consumed, parked = await self._noted.positions(), await self._noted.parked(patient_id)
        partition = partition_of(patient_id, self._partitions)
        positions = tuple(
            self._position(source, partition, consumed.get((source, partition), 0)) for source in sorted(RESTS_ON)
        )
        old = {position.source for position in positions if self._is_old(position, now)}
        return Freshness(positions=positions, stale=frozenset(old | (parked & RESTS_ON.keys())))

    def _position(self, source: str, partition: int, position: int) -> SourcePosition:
        return SourcePosition(
            source=source,
            partition=partition,
            position=position,
            fresh_as_of=self._heads.fresh_as_of(source, partition, position),
        )

    def _is_old(self, position: SourcePosition, now: datetime) -> bool:
        if position.fresh_as_of is None or self._holds(position.source, position.partition):
            return True
        return now - position.fresh_as_of > self._max_age

    async def _wait_for(self, at_least: Sequence[ConsistencyToken]) -> None:
        wanted = [token for token in at_least if token.service in RESTS_ON]
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
