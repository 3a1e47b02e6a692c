"""Coordination's consuming and reading sides on a real PostgreSQL, without a broker."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from careloop.chassis.consuming.handler import Received
from careloop.chassis.consuming.partition import CONFLICTS_AT_ONCE
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import Gate, Statement, Unit
from careloop.kernel.errors import Conflict
from careloop.kernel.ids import PatientId
from services.coordination.application import CareViews
from services.coordination.consumers import CareViewConsumer
from services.coordination.evidence import CONSUMER, Evidence, ViewChanges
from services.coordination.reading.journal import Journal
from services.coordination.reading.replay import Replay
from services.coordination.reading.views import Views
from tests.coordination.telling import received
from tests.support.controls.moments import PATIENT
from tests.support.stack import PostgresDatabase

PARTITIONS = 6


@dataclass
class FixedHeads:
    """What the sources say of themselves, as a test sets it: by source, the position and the moment it was complete."""

    told: dict[str, tuple[int, datetime]] = field(default_factory=dict)

    def fresh_as_of(self, source: str, _partition: int, consumed_position: int) -> datetime | None:
        position, through = self.told.get(source, (0, None))
        return through if position <= consumed_position else None


@dataclass
class Coordination:
    store: PostgresEventStore
    views: Views
    journal: Journal
    replay: Replay
    changes: ViewChanges
    heads: FixedHeads
    evidence: Evidence
    care_views: CareViews
    consumer: CareViewConsumer
    positions: dict[str, int] = field(default_factory=dict)

    def next(self, source: str, event: Any, patient_id: PatientId = PATIENT) -> Received:
        """The event as the source's next."""
        self.positions[source] = self.positions.get(source, 0) + 1
        return received(source, event, self.positions[source], patient_id)

    async def tell(self, source: str, *events: Any, patient_id: PatientId = PATIENT) -> None:
        """Publish these events and apply them as one unit."""
        await self.apply([self.next(source, event, patient_id) for event in events])

    async def apply_statement(self, statement: Statement) -> None:
        await self.store.commit(Unit(statements=(statement,)))

    async def apply(self, batch: Sequence[Received]) -> None:
        """As the inbox does: what is remembered is forgotten when the unit was not stored, and then it is made anew."""
        first = batch[0].envelope
        for _ in range(CONFLICTS_AT_ONCE):
            try:
                await self._apply(batch)
                return
            except Conflict:
                self.consumer.forget(first.source, partition_of(first.patient_id, PARTITIONS))
        raise AssertionError("a conflict that does not pass")

    async def _apply(self, batch: Sequence[Received]) -> None:
        source = batch[0].envelope.source
        partition = partition_of(batch[0].envelope.patient_id, PARTITIONS)
        last = (await self.store.consumed(CONSUMER)).get((source, partition), 0)
        effects = await self.consumer.handle(batch)
        gate = Gate(
            consumer=CONSUMER, source=source, partition=partition, last=last, position=batch[-1].envelope.position
        )
        await self.store.commit(Unit(gate=gate, writes=effects.writes, statements=effects.statements))


@asynccontextmanager
async def coordination(database: PostgresDatabase) -> AsyncIterator[Coordination]:
    async with PostgresEventStore.open(database.dsn("coordination"), "coordination") as store:
        views, journal, heads = Views(store.connections), Journal(store.connections), FixedHeads()
        replay, changes = Replay(journal, store.connections), ViewChanges(store.connections.connect)
        evidence = Evidence(
            store,
            views,
            heads,
            changes,
            holds=lambda _source, _partition: False,
            partitions=PARTITIONS,
            max_age=timedelta(seconds=30),
        )
        listening = asyncio.create_task(changes.run())
        try:
            yield Coordination(
                store=store,
                views=views,
                journal=journal,
                replay=replay,
                changes=changes,
                heads=heads,
                evidence=evidence,
                care_views=CareViews(views, journal, replay, evidence, changes),
                consumer=CareViewConsumer(views, PARTITIONS),
            )
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
