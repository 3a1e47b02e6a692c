"""The log is the outbox: one active relay per log sends what is published to the topic, in order, none left out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import structlog

from careloop.chassis.backoff import Backoff
from careloop.chassis.events.publishing import Publishing
from careloop.chassis.log.connections import Connections
from careloop.chassis.log.protocol import EventStore
from careloop.chassis.logs import BROKER
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.chassis.relay.checkpoint import Fenced, Leadership, PartitionsChanged, RelayCheckpoints
from careloop.chassis.relay.client_cancellations import client_cancellations
from careloop.chassis.relay.heads import HEADS_TOPIC
from careloop.chassis.relay.producer import BROKER_TROUBLE, Producer
from careloop.chassis.relay.term import LogBroken, RelayPace, Term
from careloop.kernel.errors import Unavailable

STAND_BY_SECONDS = 0.25
AGAIN = Backoff(first=0.1, longest=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayStatus:
    """`position` is how far this process has seen the log sent; `leading` says whether it sends itself."""

    position: int
    leading: bool
    broker_connected: bool


class Relay:
    """Follows one log. Neither a broker nor a store that is away ends `run`, nor does an event that nobody can read,
    before which it stops; and nothing here delays a command.

    Records are at least once on the topic: after a failure all beyond the checkpoint are sent again, with the same
    positions and previous positions. Durations are seconds. `published` hears the type of each event handed over.
    """

    def __init__(
        self,
        store: EventStore,
        connections: Connections,
        publishing: Publishing,
        *,
        broker: BrokerAccess,
        partitions: int,
        topic: str = "",
        heads_topic: str = HEADS_TOPIC,
        heads_interval_seconds: float = 2.0,
        send_deadline_seconds: float = 7.0,
        page: int = 2_000,
        published: Callable[[str], None] = lambda _type_name: None,
    ) -> None:
        self._store = store
        # A holder that works says something to the store between any two of its waits for the broker.
        silent_after = heads_interval_seconds + 2 * send_deadline_seconds
        self._checkpoints = RelayCheckpoints(connections, partitions, silent_after)
        self._publishing = publishing
        self._broker = broker
        self._partitions = partitions
        self._topic = topic or publishing.topic
        self._heads_topic = heads_topic
        self._pace = RelayPace(page=page, heads_interval=heads_interval_seconds)
        self._deadline = send_deadline_seconds
        self._published = published
        self._position = 0
        self._leading = False
        self._connected = False

    def status(self) -> RelayStatus:
        return RelayStatus(position=self._position, leading=self._leading, broker_connected=self._connected)

    async def run(self) -> None:
        """Relay for ever. Raises PartitionsChanged when the setting contradicts the checkpoint or the topic."""
        failures = 0
        while True:
            before = self._position
            try:
                with client_cancellations():
                    await self._lead()
                continue
            except BROKER_TROUBLE as away:
                BROKER.away(type(away).__name__)
            except (Unavailable, Fenced, LogBroken, msgspec.DecodeError) as trouble:
                structlog.get_logger().warning(
                    "relay interrupted", position=self._position, error_type=type(trouble).__name__
                )
            finally:
                self._leading = self._connected = False
            failures += 1
            await asyncio.sleep(AGAIN.pause(failures))
            if self._position > before:
                failures = 0

    async def _lead(self) -> None:
        """One term as leader, to its first failure; or a short while of standing by."""
        async with self._checkpoints.lead() as leadership:
            if leadership is not None:
                await self._serve(leadership)
        self._position = await self._checkpoints.position()
        await asyncio.sleep(STAND_BY_SECONDS)

    async def _serve(self, leadership: Leadership) -> None:
        self._moved(leadership.checkpoint.position)
        self._leading = True
        producer = Producer(
            self._broker,
            self._topic,
            self._heads_topic,
            deadline_seconds=self._deadline,
        )
        try:
            found = await producer.start()
            if found != self._partitions:
                raise PartitionsChanged(f"{self._topic} has {found} partitions, and {self._partitions} are set")
            self._connected = True
            term = Term(
                self._store,
                self._publishing,
                leadership,
                producer,
                pace=self._pace,
                moved=self._moved,
                published=self._published,
            )
            await term.follow()
        finally:
            self._connected = False
            await producer.close()

    def _moved(self, position: int) -> None:
        self._position = position
