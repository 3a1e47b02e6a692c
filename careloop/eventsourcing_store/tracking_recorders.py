"""Recorders of how far followed applications have been processed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.persistence import IntegrityError, ProcessRecorder, StoredEvent, Tracking, TrackingRecorder

from careloop.eventsourcing_store.datastore import Datastore, Transaction
from careloop.eventsourcing_store.event_recorders import CareloopApplicationRecorder, again_when_unanswered
from careloop.eventsourcing_store.tables import LogTable, TrackingTable, make


class CareloopTrackingRecorder(TrackingRecorder):
    """Positions only rise. A view that keeps rows of its own is a subclass, and calls `track` in its transactions."""

    def __init__(self, datastore: Datastore, *, tracking_table_name: str = "notification_tracking") -> None:
        datastore.refuse_service_schema()
        self.datastore = datastore
        self.tracking = TrackingTable(datastore.schema, tracking_table_name)

    def create_table(self) -> None:
        """Make the table where it is missing. Raises ProgrammingError."""
        make(self.datastore, self.tracking)

    def insert_tracking(self, tracking: Tracking) -> None:
        """Raises IntegrityError unless the position is greater than the last one of that application."""
        self._offer_tracking(uuid4(), tracking)

    @again_when_unanswered
    def _offer_tracking(self, insert_id: UUID, tracking: Tracking) -> None:
        _require_newer(self.datastore.fetchval(self.tracking.track, *_arguments(tracking, insert_id)))

    def track(self, transaction: Transaction, tracking: Tracking) -> None:
        """Record the position together with what else the transaction does. Raises IntegrityError likewise."""
        _require_newer(transaction.fetchval(self.tracking.track, *_arguments(tracking, uuid4())))

    @again_when_unanswered
    def max_tracking_id(self, application_name: str) -> int | None:
        position: int | None = self.datastore.fetchval(
            f"select notification_id from {self.tracking.name} where application_name = $1",  # noqa: S608
            application_name,
        )
        return position


class CareloopProcessRecorder(CareloopTrackingRecorder, CareloopApplicationRecorder, ProcessRecorder):
    """Stores events and the position of the event that caused them, together or not at all."""

    def __init__(
        self,
        datastore: Datastore,
        *,
        events_table_name: str = "stored_events",
        tracking_table_name: str = "notification_tracking",
    ) -> None:
        CareloopTrackingRecorder.__init__(self, datastore, tracking_table_name=tracking_table_name)
        CareloopApplicationRecorder.__init__(self, datastore, events_table_name=events_table_name)

    def create_table(self) -> None:
        """Make what is missing of the log and of the tracking. Raises ProgrammingError."""
        make(self.datastore, self.log)

    def _log(self, table: str) -> LogTable:
        return LogTable(self.datastore.schema, table, self.tracking)

    def insert_events(
        self, stored_events: Sequence[StoredEvent], *, tracking: Tracking | None = None, **_: Any
    ) -> Sequence[int] | None:
        """Raises IntegrityError, storing nothing, when a place is taken or the position is not greater."""
        return self._insert(stored_events, tracking)


def _arguments(tracking: Tracking, insert_id: UUID) -> tuple[str, int, UUID]:
    return tracking.application_name, tracking.notification_id, insert_id


def _require_newer(recorded: int | None) -> None:
    if recorded is None:
        raise IntegrityError("this position, or a later one, is already recorded")
