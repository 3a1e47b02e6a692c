"""One service's figures, put together from its store, its relay, its consumers and the sources' heads."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from careloop.chassis.clock import Clock
from careloop.chassis.log.connections import PoolUse
from careloop.chassis.log.figures import StoreFigures
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.operations.ports import ConsumerProgress, ServiceStatus
from careloop.chassis.relay.heads import HeadsReader
from careloop.chassis.relay.relay import Relay


class ServiceFigures:
    """Keeps the StatusReader protocol. `consumers` maps each consumer to the sources it takes from."""

    def __init__(
        self,
        service: str,
        store: PostgresEventStore,
        clock: Clock,
        *,
        relay: Relay,
        heads: HeadsReader,
        consumers: Mapping[str, Sequence[str]],
        partitions: int,
        pool: Callable[[], PoolUse | None] = lambda: None,
    ) -> None:
        self._service = service
        self._store = store
        self._clock = clock
        self._relay = relay
        self._heads = heads
        self._consumers = consumers
        self._partitions = partitions
        self._pool = pool

    async def status(self) -> ServiceStatus:
        """A broker counts as connected when the relay or the reader of heads reaches it. Raises Unavailable."""
        figures = await self._store.status(self._clock())
        return ServiceStatus(
            service=self._service,
            head_position=figures.head.position,
            head_recorded_at=figures.head.recorded_at,
            relayed_position=figures.relayed_position,
            unrelayed_since=figures.unrelayed_since,
            broker_connected=self._relay.status().broker_connected or self._heads.connected,
            consumers=list(self._progress(figures)),
            parked=sum(figures.parked.values()),
            due_now=figures.due_now,
            due_later=figures.due_later,
            overdue_since=figures.overdue_since,
            pool=self._pool(),
        )

    def _progress(self, figures: StoreFigures) -> Iterator[ConsumerProgress]:
        view = self._heads.view
        for consumer, sources in self._consumers.items():
            for source in sources:
                for partition in range(self._partitions):
                    consumed = figures.consumed.get((consumer, source, partition), 0)
                    yield ConsumerProgress(
                        consumer=consumer,
                        source=source,
                        partition=partition,
                        consumed_position=consumed,
                        head_position=view.head(source, partition),
                        fresh_as_of=view.fresh_as_of(source, partition, consumed),
                    )
