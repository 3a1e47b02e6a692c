"""Stored events of this service as it publishes them, for the relay, for re-reading, and for consistency tokens."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import msgspec

from careloop.chassis.codec import ENCODER, Codec
from careloop.chassis.envelope import Record, envelope_of
from careloop.chassis.event_store import EventStore, StoredEvent
from careloop.chassis.partitioner import partition_of
from careloop.kernel.errors import Unavailable
from careloop.kernel.ids import PatientId

Restate = Callable[[Any], object]

RUN = 500
"""The most records in one run of what is read again."""
PAGE = 2_000
FIRST_LOOK_BACK = 64


class LogAhead(Unavailable):
    """A newer build stored an event that this one does not know; passing over it would keep it from the topic."""


class Publishing:
    """Says of each stored event whether it is published, and as what.

    `published` maps a stored class to the contract class of the same fields, or to a function that restates it;
    which stored topics are published is thus known without looking at an event. `types` are the service's contracts
    by wire type. Raises ValueError when a published class is not among them.
    """

    def __init__(
        self, service: str, codec: Codec[Any], published: Mapping[type, Any], types: Mapping[str, type]
    ) -> None:
        self.service = service
        self.types = dict(types)
        self._codec = codec
        self._wire_types = {cls: name for name, cls in types.items()}
        self._restate: dict[str, Restate] = {}
        for stored, told in published.items():
            if isinstance(told, type) and told not in self._wire_types:
                raise ValueError(f"{told.__name__} is published by {service} and not in its contracts")
            for topic in codec.topics_of(stored):
                self._restate[topic] = _converter(told) if isinstance(told, type) else told
        self.published_topics = frozenset(self._restate)

    @property
    def topic(self) -> str:
        """The Kafka topic of this service's events."""
        return f"care.{self.service}.v1"

    def known_part(self, page: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        """The page up to the first event of which this build knows nothing. Raises LogAhead when that is its first."""
        strange = {topic for topic in {one.meta.topic for one in page} if not self._codec.knows(topic)}
        if not strange:
            return page
        known = next(place for place, one in enumerate(page) if one.meta.topic in strange)
        if not known:
            raise LogAhead("stored-by-newer", "A newer version stored the next event; it must publish it.")
        return page[:known]

    def is_published(self, stored: StoredEvent) -> bool:
        return stored.meta.topic in self.published_topics

    def record(self, stored: StoredEvent, previous: int) -> Record:
        """The published record of a stored event: always the same bytes for the same event and `previous`."""
        event = self._codec.decode(stored.meta.topic, stored.state)
        told = self._restate[stored.meta.topic](event)
        wire_type = self._wire_types[type(told)]
        envelope = envelope_of(stored, wire_type=wire_type, source=self.service, previous=previous)
        return Record(envelope=envelope, value=ENCODER.encode(told))


def _converter(contract: type) -> Restate:
    def convert(event: Any) -> object:
        return msgspec.convert(event, contract, from_attributes=True)

    return convert


class PublishedReader:
    """Reads from the log what was, or is about to be, published to a partition. Keeps the PublishedLog protocol."""

    def __init__(self, store: EventStore, publishing: Publishing, partitions: int) -> None:
        self._store = store
        self._publishing = publishing
        self._partitions = partitions

    async def read_published(self, partition: int, after: int, through: int) -> AsyncIterator[Sequence[Record]]:
        """Runs of at most 500 records of `partition` in (after, through], in order; `through` 0: all there are.

        Headers, `previous` among them, are those the relay sends. Raises LogAhead where only a newer build can read on.
        """
        previous = await self._last_at_or_before(partition, after)
        position = after
        while page := self._publishing.known_part(await self._store.after(position, PAGE)):
            position = page[-1].meta.position
            wanted = [one for one in page if self._is_of(one, partition) and _within(one, through)]
            records = []
            for stored in wanted:
                records.append(self._publishing.record(stored, previous))
                previous = stored.meta.position
            for start in range(0, len(records), RUN):
                yield records[start : start + RUN]
            if 0 < through <= position:
                return

    async def _last_at_or_before(self, partition: int, position: int) -> int:
        """The position of the partition's last published event up to `position`, looked for in widening windows."""
        window, upper = FIRST_LOOK_BACK, position
        while upper > 0:
            lower = max(0, upper - window)
            for stored in reversed(await self._store.after(lower, upper - lower)):
                if self._is_of(stored, partition):
                    return stored.meta.position
            upper, window = lower, min(window * 4, PAGE)
        return 0

    def _is_of(self, stored: StoredEvent, partition: int) -> bool:
        patient = PatientId(stored.meta.stream_id)
        return self._publishing.is_published(stored) and partition_of(patient, self._partitions) == partition


def _within(stored: StoredEvent, through: int) -> bool:
    return through == 0 or stored.meta.position <= through
