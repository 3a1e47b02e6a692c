"""An inbox without a database: a store that keeps its units, parked records in memory, a handler that remembers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from msgspec import structs

from careloop.chassis.consuming.handler import Effects, Handler, Received
from careloop.chassis.consuming.inbox import BatchResult, Inbox
from careloop.chassis.consuming.inbox_log import Place
from careloop.chassis.consuming.parked_records import ParkedRecords
from careloop.chassis.events.envelope import Record
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import Unit, Written
from careloop.kernel.ids import PatientId
from tests.support.histories.log import CONSUMER, SOURCE, Noting, Raw, SourceLog, raw, record

OTHER_SOURCE = "assessment"


class UnitStore(MemoryEventStore):
    """Keeps every unit that it stored. Fails for these reasons, one a commit, then works."""

    def __init__(self, *failures: BaseException) -> None:
        super().__init__()
        self.failures = list(failures)
        self.units: list[Unit] = []

    async def commit(self, unit: Unit) -> Sequence[Written]:
        if self.failures:
            raise self.failures.pop(0)
        stored = await super().commit(structs.replace(unit, statements=()))
        self.units.append(unit)
        return stored


class ParkedInMemory:
    """Whom the statements of a store's units parked, by consumer and source."""

    def __init__(self, store: UnitStore) -> None:
        self._store = store
        self.asked: list[frozenset[UUID]] = []

    async def any(self, consumer: str, source: str) -> bool:
        return bool(self._patients(consumer, source))

    async def among(self, consumer: str, source: str, patients: Collection[UUID]) -> frozenset[PatientId]:
        self.asked.append(frozenset(patients))
        return frozenset(PatientId(one) for one in self._patients(consumer, source) & set(patients))

    def _patients(self, consumer: str, source: str) -> set[UUID]:
        statements = [one for unit in self._store.units for one in unit.statements]
        return {who for one in statements if one.args[:2] == (consumer, source) for who in one.args[2]}

    def positions(self, source: str = SOURCE) -> list[int]:
        """Where the records stand that wait, in the order in which they were parked or queued."""
        statements = [one for unit in self._store.units for one in unit.statements]
        return [position for one in statements if one.args[1] == source for position in one.args[3]]


class Remembering(Noting):
    """A handler that keeps state; `told` is what it was told to forget and what it handled, in order."""

    def __init__(self, poison: frozenset[str] = frozenset()) -> None:
        super().__init__(poison)
        self.told: list[object] = []
        self.beside = Noting()

    def without_memory(self) -> Handler:
        return self.beside

    def forget(self, source: str, partition: int) -> None:
        self.told.append((source, partition))

    async def handle(self, received: Sequence[Received]) -> Effects:
        self.told.append("handled")
        return await super().handle(received)

    @property
    def forgotten(self) -> list[object]:
        return [one for one in self.told if one != "handled"]


class Observed:
    """Keeps all that an inbox tells of its work."""

    def __init__(self) -> None:
        self.applications: list[tuple[int, int]] = []
        self.parkings: list[tuple[int, str]] = []
        self.holes: list[tuple[int, int]] = []
        self.headers: list[str] = []
        self.stops: list[int] = []
        self.delays: list[str] = []
        self.unheards: list[str] = []
        self.places: set[Place] = set()

    def applied(self, place: Place, *, records: int, position: int, seconds: float) -> None:
        assert seconds >= 0
        self.places.add(place)
        self.applications.append((records, position))

    def parked(self, place: Place, *, position: int, reason: str) -> None:
        self.parkings.append((position, reason))

    def hole(self, place: Place, *, position: int, waiting: int) -> None:
        self.holes.append((position, waiting))

    def malformed(self, place: Place, *, header: str) -> None:
        self.headers.append(header)

    def stopped(self, place: Place, *, position: int) -> None:
        self.stops.append(position)

    def delayed(self, place: Place, *, error: BaseException) -> None:
        self.delays.append(type(error).__name__)

    def unheard(self, place: Place, *, error: BaseException) -> None:
        self.unheards.append(type(error).__name__)


@dataclass
class Consuming:
    """One inbox and all that it meets."""

    store: UnitStore = field(default_factory=UnitStore)
    handler: Noting = field(default_factory=Noting)
    source: SourceLog = field(default_factory=SourceLog)
    patience_seconds: float = 0.02
    give_up_seconds: float = 5.0

    def __post_init__(self) -> None:
        self.observed = Observed()
        self.parked = ParkedInMemory(self.store)
        self.inbox = Inbox(
            self.store,
            self.handler,
            parked=cast(ParkedRecords, self.parked),
            elsewhere=self.source,
            observer=self.observed,
            patience_seconds=self.patience_seconds,
            give_up_seconds=self.give_up_seconds,
        )

    async def take(self, *records: Record | Raw, source: str = SOURCE, partition: int = 0) -> BatchResult:
        given = [raw(one) if isinstance(one, Record) else one for one in records]
        return await self.inbox.take(source, partition, given)

    async def position(self, source: str = SOURCE, partition: int = 0) -> int:
        return (await self.store.consumed(CONSUMER)).get((source, partition), 0)


def of(source: str, one: Record) -> Record:
    """The same record as if another service had published it."""
    return structs.replace(one, envelope=structs.replace(one.envelope, source=source))


def chain(*who: PatientId, source: str = SOURCE) -> list[Record]:
    """Records 1, 2, 3, ... about these patients; each text names its position."""
    return [of(source, record(n, n - 1, one)) for n, one in enumerate(who, start=1)]
