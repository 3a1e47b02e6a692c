"""One service's figures, put together from its store, its relay, its consumers and the sources' heads."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from careloop.chassis.event_store import EventStore, Head
from careloop.chassis.heads import HeadsReader
from careloop.chassis.operations import ConsumerProgress, ServiceStatus
from careloop.chassis.parked import ParkedRecords
from careloop.chassis.relay import Relay
from careloop.chassis.sessions import Sessions

_DUE = """select count(*) filter (where due_at <= clock_timestamp()) as now,
    count(*) filter (where due_at > clock_timestamp()) as later from due where done_at is null"""


class ServiceFigures:
    """Keeps the StatusReader protocol. `consumers` maps each consumer to the sources it takes from."""

    def __init__(
        self,
        service: str,
        store: EventStore,
        sessions: Sessions,
        *,
        relay: Relay,
        heads: HeadsReader,
        consumers: Mapping[str, Iterable[str]],
        partitions: int,
    ) -> None:
        self._service = service
        self._store = store
        self._sessions = sessions
        self._parked = ParkedRecords(sessions)
        self._relay = relay
        self._heads = heads
        self._consumers = {consumer: tuple(sources) for consumer, sources in consumers.items()}
        self._partitions = partitions

    async def status(self) -> ServiceStatus:
        """A broker counts as connected when the relay or the reader of heads reaches it. Raises Unavailable."""
        head = await self._store.head()
        relay = self._relay.status()
        due = await self._sessions.fetchrow(_DUE)
        return ServiceStatus(
            service=self._service,
            head_position=head.position,
            head_recorded_at=head.recorded_at,
            relayed_position=relay.position,
            unrelayed_since=await self._unrelayed_since(head, relay.position),
            broker_connected=relay.broker_connected or self._heads.connected,
            consumers=[progress for consumer in self._consumers for progress in await self._progress(consumer)],
            parked=await self._parked.count(),
            due_now=due["now"] if due else 0,
            due_later=due["later"] if due else 0,
        )

    async def _unrelayed_since(self, head: Head, relayed: int) -> datetime | None:
        if head.position <= relayed:
            return None
        waiting = await self._store.after(relayed, 1)
        return waiting[0].meta.recorded_at if waiting else None

    async def _progress(self, consumer: str) -> list[ConsumerProgress]:
        consumed = await self._store.consumed(consumer)
        view = self._heads.view
        return [
            ConsumerProgress(
                consumer=consumer,
                source=source,
                partition=partition,
                consumed_position=consumed.get((source, partition), 0),
                head_position=view.head(source, partition),
                fresh_as_of=view.fresh_as_of(source, partition, consumed.get((source, partition), 0)),
            )
            for source in self._consumers[consumer]
            for partition in range(self._partitions)
        ]
