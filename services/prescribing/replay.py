"""Past decisions read from prescribing's own log: each with the events of its stream that it stood on."""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from careloop.chassis.events.codec import Codec
from careloop.chassis.log.protocol import EventStore, StoredEvent
from careloop.kernel.ids import FactId, PatientId
from services.prescribing.domain.events import Decided, DoseChanged, EnteredInError, Event
from services.prescribing.domain.events import PrescriptionDeclined as Declined
from services.prescribing.domain.events import PrescriptionIssued as Issued
from services.prescribing.domain.past import PastDecision, as_decided

PAGE = 1000
STREAMS_CACHED = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A past decision as it stands in the log; `struck` since."""

    patient_id: PatientId
    past: PastDecision
    position: int
    recorded_at: datetime
    struck: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the log was read, of how much."""

    position: int
    through: int


class PastDecisions:
    """Reads only. Every method raises Unavailable when the store does not answer in time."""

    def __init__(self, store: EventStore, codec: Codec[Event], *, page: int = PAGE) -> None:
        self._store = store
        self._codec = codec
        self._page = page
        self._topics = frozenset().union(*(codec.topics_of(kind) for kind in (Issued, Declined, DoseChanged)))

    async def of_patient(self, patient_id: PatientId) -> list[Recorded]:
        """Oldest first."""
        rows = await self._store.load(patient_id)
        stream = self._decoded(rows)
        return [_recorded(row, stream) for row in rows if row.meta.topic in self._topics]

    async def taken(self, patient_id: PatientId, decided: Decided) -> PastDecision:
        """A decision that was just taken, or taken long ago and asked for again."""
        rows, version = await self._store.load(patient_id), decided.capsule.stream_version
        return as_decided(decided, self._decoded(rows[:version]), rows[version].meta.recorded_at.date())

    async def all(self, after: int = 0) -> AsyncGenerator[Recorded | Progress, None]:
        """Every decision after this position up to the log's end as it is now, in the log's order, and now and then how
        far it is."""
        through = (await self._store.head()).position
        streams: OrderedDict[UUID, list[Event]] = OrderedDict()
        position = after
        while position < through:
            rows = await self._store.after(position, min(self._page, through - position))
            if not rows:
                return
            for row in rows:
                if row.meta.topic in self._topics:
                    yield _recorded(row, await self._stream(row, streams))
            position = rows[-1].meta.position
            yield Progress(position=position, through=through)

    async def _stream(self, row: StoredEvent, cache: OrderedDict[UUID, list[Event]]) -> list[Event]:
        """The decision's stream at least up to it; the last few are cached: a patient's events lie close together."""
        stream_id = row.meta.stream_id
        if len(cache.get(stream_id, ())) < row.meta.version:
            cache[stream_id] = self._decoded(await self._store.load(stream_id))
        cache.move_to_end(stream_id)
        if len(cache) > STREAMS_CACHED:
            cache.popitem(last=False)
        return cache[stream_id]

    def _decoded(self, rows: Sequence[StoredEvent]) -> list[Event]:
        return [self._codec.decode(row.meta.topic, row.state) for row in rows]


def _recorded(row: StoredEvent, stream: Sequence[Event]) -> Recorded:
    decided = stream[row.meta.version - 1]
    assert isinstance(decided, Decided)
    return Recorded(
        patient_id=PatientId(row.meta.stream_id),
        past=as_decided(decided, stream, row.meta.recorded_at.date()),
        position=row.meta.position,
        recorded_at=row.meta.recorded_at,
        struck=_is_struck(decided.fact_id, stream),
    )


def _is_struck(fact_id: FactId, stream: Sequence[Event]) -> bool:
    return any(isinstance(event, EnteredInError) and event.fact_id == fact_id for event in stream)
