"""What a service says and lets do about itself: the ports behind OperationsService, and their figures."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from careloop.chassis.consuming.parked_records import Parked, Retried
from careloop.chassis.events.envelope import Record
from careloop.chassis.log.connections import PoolUse
from careloop.kernel.events import Request
from careloop.kernel.ids import PatientId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerProgress:
    """One consumer's place in one (source, partition).

    `head_position` and `fresh_as_of` are what the source's heads say; 0 and None when none came yet.
    """

    consumer: str
    source: str
    partition: int
    consumed_position: int
    head_position: int
    fresh_as_of: datetime | None

    @property
    def lag_positions(self) -> int:
        return max(0, self.head_position - self.consumed_position)

    def lag_seconds(self, now: datetime) -> float | None:
        return None if self.fresh_as_of is None else max(0.0, (now - self.fresh_as_of).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """One moment's figures of one service. `unrelayed_since` is when the oldest event not yet sent was recorded."""

    service: str
    head_position: int
    head_recorded_at: datetime | None
    relayed_position: int
    unrelayed_since: datetime | None
    broker_connected: bool
    consumers: Sequence[ConsumerProgress] = ()
    parked: int = 0
    due_now: int = 0
    due_later: int = 0
    overdue_since: datetime | None = None
    """When the first of what is due now fell due."""
    pool: PoolUse | None = None

    def overdue_seconds(self, now: datetime) -> float:
        return 0.0 if self.overdue_since is None else max(0.0, (now - self.overdue_since).total_seconds())

    def relay_lag_seconds(self, now: datetime) -> float:
        return 0.0 if self.unrelayed_since is None else max(0.0, (now - self.unrelayed_since).total_seconds())


class StatusReader(Protocol):
    async def status(self) -> ServiceStatus:
        """The figures now. Raises Unavailable when the store does not answer; a broker that is away is a figure."""
        ...


class ParkedPatients(Protocol):
    """The parked patients of every consumer of one service."""

    async def list_parked(self, consumer: str, limit: int, offset: int) -> Sequence[Parked]:
        """Oldest first; `consumer` "" means all."""
        ...

    async def retry(self, consumer: str, source: str, patient_id: PatientId, request: Request) -> Retried:
        """Apply what waits, in order, as far as it goes. Raises NotKnown if nothing is parked there."""
        ...

    async def drop(self, consumer: str, source: str, patient_id: PatientId, reason: str, request: Request) -> int:
        """Give up what waits and record who did so and why; answers how many records. Raises NotKnown."""
        ...


class PublishedLog(Protocol):
    def read_published(self, partition: int, after: int, through: int) -> AsyncIterator[Sequence[Record]]:
        """Runs of at most 500 published records of one partition in (after, through], in order; `through` 0: all."""
        ...
