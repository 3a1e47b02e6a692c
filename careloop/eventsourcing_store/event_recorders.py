"""Recorders of stored events: one log each, appended to by its function and read by plain statements."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    DataError,
    InterfaceError,
    Notification,
    OperationalError,
    StoredEvent,
    Subscription,
    Tracking,
)
from eventsourcing.utils import retry

from careloop.eventsourcing_store.appender import Appender, Insert
from careloop.eventsourcing_store.datastore import Datastore
from careloop.eventsourcing_store.selection import notifications_query, stream_query
from careloop.eventsourcing_store.subscription import LogSubscription
from careloop.eventsourcing_store.tables import LogTable, make
from careloop.kernel.ids import derived_id

again_when_unanswered = retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)


class CareloopAggregateRecorder(AggregateRecorder):
    """Stores events and snapshots. Raises ProgrammingError when made for the schema of a service."""

    def __init__(self, datastore: Datastore, *, events_table_name: str = "stored_events") -> None:
        datastore.refuse_service_schema()
        self.datastore = datastore
        self.log = self._log(events_table_name)
        self._appender = Appender(datastore.loop_thread, datastore.connections, self.log.append)

    def _log(self, table: str) -> LogTable:
        return LogTable(self.datastore.schema, table)

    def create_table(self) -> None:
        """Make what is missing of the log, and bring its function to this version. Raises ProgrammingError."""
        make(self.datastore, self.log)

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Store all or nothing. Raises IntegrityError when a place in a stream is taken."""
        self._insert(stored_events, None)
        return None

    def _insert(self, events: Sequence[StoredEvent], tracking: Tracking | None) -> Sequence[int] | None:
        if not events and tracking is None:
            return None
        positions = self._offer(uuid4(), events, tracking)
        return list(positions) if events else None

    @again_when_unanswered
    def _offer(self, insert_id: UUID, events: Sequence[StoredEvent], tracking: Tracking | None) -> Sequence[int]:
        self.datastore.require_open()
        streams = [_stream_id(event.originator_id) for event in events]
        insert = Insert(
            insert_id=insert_id,
            events=events,
            streams=streams,
            event_ids=[
                derived_id("eventsourcing", self.log.name, stream, event.originator_version)
                for stream, event in zip(streams, events, strict=True)
            ],
            tracking=tracking,
        )
        return self._appender.insert(insert)

    @again_when_unanswered
    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        stream = _stream_id(originator_id)
        sql, args = stream_query(self.log.name, stream, gt=gt, lte=lte, desc=desc, limit=limit)
        return [StoredEvent(stream, *row) for row in self.datastore.fetch(sql, *args)]


class CareloopApplicationRecorder(CareloopAggregateRecorder, ApplicationRecorder):
    """A log whose positions are gapless from 1, in the order in which the inserts were committed."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Store all or nothing; answers the positions. Raises IntegrityError when a place in a stream is taken."""
        return self._insert(stored_events, None)

    @again_when_unanswered
    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        first = start if start is None or inclusive_of_start else start + 1
        sql, args = notifications_query(self.log.name, first=first, stop=stop, topics=topics, limit=limit)
        # The client's UUIDs are of a class of its own, which the library's transcoder does not know.
        return [Notification(UUID(int=stream.int), *row) for stream, *row in self.datastore.fetch(sql, *args)]

    @again_when_unanswered
    def max_notification_id(self) -> int | None:
        position: int | None = self.datastore.fetchval(f"select max(notification_id) from {self.log.name}")  # noqa: S608
        return position

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        return LogSubscription(self, self.datastore, self.log.channel, gt=gt, topics=topics)


def _stream_id(originator_id: UUID | str) -> UUID:
    """Raises DataError when a text is not a UUID: the log's form knows no other stream ids."""
    if isinstance(originator_id, UUID):
        return originator_id
    try:
        return UUID(originator_id)
    except ValueError:
        raise DataError("an originator id must be a UUID") from None
