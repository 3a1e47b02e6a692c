"""What every service process is put together from: store, relay, heads, consumers, operations."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar
from uuid import UUID

from careloop.chassis.calls.peers import PeerLogs
from careloop.chassis.calls.server import AddServicer
from careloop.chassis.commands.streams import Streams
from careloop.chassis.consuming.handler import Handler, WhileWaiting, nothing_at_once
from careloop.chassis.consuming.inbox import Inbox
from careloop.chassis.consuming.inbox_log import InboxLog
from careloop.chassis.consuming.parked_patients import InboxParkedPatients
from careloop.chassis.consuming.parked_records import ParkedRecords
from careloop.chassis.consuming.subscription import Identity, ServiceBroker
from careloop.chassis.due.worker import DueWorker, Handle, Pace
from careloop.chassis.events.codec import Codec, Upcaster
from careloop.chassis.events.envelope import Record
from careloop.chassis.events.publishing import PublishedReader, Publishing, published_as
from careloop.chassis.log.connections import Timeouts
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import DueRow, Statement
from careloop.chassis.log.traced import TracedEventStore
from careloop.chassis.operations.api import OperationsApi
from careloop.chassis.operations.readiness import StoreReadiness, newest_migration
from careloop.chassis.operations.status import ServiceFigures
from careloop.chassis.process.runtime import Resources, Service, Work, until_stopped
from careloop.chassis.relay.heads import HeadsReader, HeadsView
from careloop.chassis.relay.relay import Relay
from careloop.chassis.tracing.spans import is_on as is_traced
from careloop.kernel.decider import Decider
from careloop.kernel.events import Event

State = TypeVar("State")
Fact = TypeVar("Fact", bound=Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms(Generic[State, Fact]):
    """What a service brings along: its stored events, its contracts, and its rules.

    A stored event is published as the contract of its name; `restated` says of a stored class what else it is published
    as: another contract of the same fields, or what a function makes of it.

    `due` says what an event makes due, `statements` what a table of its own must show of it; `migrations` is the
    folder of its own tables, if it has any. `upcasters` lift what was stored under a topic that is retired.
    """

    topics: Mapping[str, type[Fact]]
    contracts: Mapping[str, type]
    decider: Decider[State, Fact]
    restated: Mapping[type, Any] = field(default_factory=dict)
    due: Callable[[Fact, UUID], Iterable[DueRow]] = lambda _event, _stream: ()
    statements: Callable[[Fact, UUID], Iterable[Statement]] = lambda _event, _stream: ()
    migrations: Path | None = None
    upcasters: Mapping[str, Upcaster] = field(default_factory=dict)

    def codec(self) -> Codec[Fact]:
        """Reads all that the service ever stored, and writes what it stores now."""
        return Codec(self.topics, self.upcasters)

    def publishing(self, service: str, codec: Codec[Fact]) -> Publishing:
        """What of the stored events goes to the service's topic, and as what."""
        return Publishing(
            service, codec, published_as(self.topics, self.contracts) | dict(self.restated), self.contracts
        )


class EveryLog:
    """The published records of any service: this one's from its own log, the others' by asking them."""

    def __init__(self, service: str, own: PublishedReader, peers: PeerLogs) -> None:
        self._service = service
        self._own = own
        self._peers = peers

    def read(self, source: str, partition: int, after: int, through: int) -> AsyncIterator[Sequence[Record]]:
        if source == self._service:
            return self._own.read_published(partition, after, through)
        return self._peers.read(source, partition, after, through)


class Foundation(Generic[State, Fact]):
    """The plumbing of one running service; `compose` opens it."""

    def __init__(
        self, resources: Resources, rooms: Rooms[State, Fact], store: PostgresEventStore, peers: PeerLogs
    ) -> None:
        settings = resources.settings
        self.resources = resources
        self.settings = settings
        self.store = store
        self.heads = HeadsView()
        codec = rooms.codec()
        publishing = rooms.publishing(settings.service, codec)
        self.streams: Streams[State, Fact] = Streams(
            settings.service,
            store,
            codec,
            rooms.decider,
            published=publishing.published_topics,
            due=rooms.due,
            statements=rooms.statements,
        )
        self._migrations = [rooms.migrations] if rooms.migrations else []
        self._published = PublishedReader(store, publishing, settings.partitions)
        self._elsewhere = EveryLog(settings.service, self._published, peers)
        self.parked = ParkedRecords(store.connections)
        broker = settings.broker()
        self._heads_reader = HeadsReader(broker, self.heads)
        self._broker = ServiceBroker(
            Identity(service=settings.service, instance=settings.instance), broker, rooms.contracts
        )
        self._sources: dict[str, tuple[str, ...]] = {}
        self._due: DueWorker | None = None
        self._relay = Relay(
            store,
            store.connections,
            publishing,
            broker=broker,
            partitions=settings.partitions,
            heads_interval_seconds=settings.heads_interval_seconds,
            published=resources.metrics.published,
        )

    def consume(
        self, handler: Handler, sources: Sequence[str], *, while_waiting: WhileWaiting = nothing_at_once
    ) -> Inbox:
        """Feed `handler` from the topics of `sources`, exactly once in effect; `while_waiting` is shown what waits."""
        inbox = Inbox(
            self.store,
            handler,
            parked=self.parked,
            elsewhere=self._elsewhere,
            observer=InboxLog(self.resources.metrics.batch),
            while_waiting=while_waiting,
            patience_seconds=self.settings.hole_patience_seconds,
        )
        self._broker.consume(inbox, sources)
        self._sources[handler.consumer] = tuple(sources)
        return inbox

    def take_up_due(self, handlers: Mapping[str, Handle], pace: Pace | None = None) -> None:
        """Rows of these kinds are taken up when they are due, each by the handler of its kind."""
        self._due = DueWorker(self.store, handlers, self.resources.clock, pace)

    def service(self, *servicers: AddServicer, tasks: Mapping[str, Work] | None = None) -> Service:
        """The running whole: the given servicers and tasks, besides what every service has."""
        status = ServiceFigures(
            self.settings.service,
            self.store,
            self.resources.clock,
            relay=self._relay,
            heads=self._heads_reader,
            consumers=self._sources,
            partitions=self.settings.partitions,
            pool=self.store.connections.use,
        )
        operations = OperationsApi(
            status,
            InboxParkedPatients(self.store, self.parked, self._broker.inboxes),
            self._published,
            partitions=self.settings.partitions,
            clock=self.resources.clock,
        )
        plumbing: dict[str, Work] = {
            "relay": until_stopped(self._relay.run),
            "heads": until_stopped(self._heads_reader.run),
        }
        if self._broker.inboxes:
            plumbing["consumers"] = until_stopped(self._broker.run)
        if self._due is not None:
            plumbing["due"] = self._due.run
        return Service(
            servicers=(operations.add_to, *servicers),
            ready=StoreReadiness(self.store, newest_migration(self._migrations)),
            status=status,
            tasks=plumbing | dict(tasks or {}),
            revive=self._broker.revive,
        )


@asynccontextmanager
async def compose(resources: Resources, rooms: Rooms[State, Fact]) -> AsyncIterator[Foundation[State, Fact]]:
    """The foundation of the service that the settings name, open until the end of the block."""
    settings = resources.settings
    timeouts = Timeouts(acquire=settings.pool_timeout_seconds, statement=settings.statement_timeout_seconds)
    kind = TracedEventStore if is_traced() else PostgresEventStore
    async with (
        kind.open(
            settings.postgres_dsn,
            settings.service,
            timeouts=timeouts,
            pool_size=settings.pool_size,
            ahead=resources.ahead,
            password_file=settings.postgres_password_file,
        ) as store,
        PeerLogs(settings.peers, resources.service_tokens, tls=settings.grpc_tls()) as peers,
    ):
        yield Foundation(resources, rooms, store, peers)
