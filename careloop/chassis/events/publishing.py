"""Stored events of this service as it publishes them, for the relay, for re-reading, and for consistency tokens."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import msgspec

from careloop.chassis.events.codec import ENCODER, Codec
from careloop.chassis.events.envelope import Record, envelope_of
from careloop.chassis.events.json_form import form_of
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.events.private_fields import without_private
from careloop.chassis.log.protocol import EventStore, StoredEvent
from careloop.kernel.errors import Unavailable
from careloop.kernel.ids import PatientId

Restate = Callable[[Any], object]

RUN = 500
"""The most records in one run of what is read again."""
PAGE = 2_000
FIRST_LOOK_BACK = 64


def published_as(topics: Mapping[str, type], types: Mapping[str, type]) -> dict[type, type]:
    """Every stored class for which there is a contract of its name, with that contract."""
    contracts = {contract.__name__: contract for contract in types.values()}
    return {stored: contracts[stored.__name__] for stored in topics.values() if stored.__name__ in contracts}


class LogAhead(Unavailable):
    """A newer build stored what this one does not know all of; passing over it would keep it from the topic."""


class Publishing:
    """Says of each stored event whether it is published, and as what.

    `published` maps a stored class to the contract class of the same fields, or to a function that restates it;
    which stored topics are published is thus known without looking at an event. `types` are the service's contracts
    by wire type. Raises ValueError when a published class is not among them.

    Where both classes have one JSON form, what is published is what is stored, byte for byte: also a field that only a
    newer build knows. A field marked Private is never published: others read its default.
    """

    def __init__(
        self, service: str, codec: Codec[Any], published: Mapping[type, Any], types: Mapping[str, type]
    ) -> None:
        self.service = service
        self.types = dict(types)
        self._codec = codec
        self._wire_types = {cls: name for name, cls in types.items()}
        self._as_stored: dict[str, str] = {}
        self._restate: dict[str, Restate] = {}
        self._private: dict[type, Callable[[Any], bytes] | None] = {}
        for stored, restated in published.items():
            if not isinstance(restated, type):
                self._restate |= dict.fromkeys(codec.topics_of(stored), restated)
            elif restated not in self._wire_types:
                raise ValueError(f"{restated.__name__} is published by {service} and not in its contracts")
            else:
                self._publish_alike(stored, restated)
        self.published_topics = frozenset(self._as_stored.keys() | self._restate.keys())

    def _publish_alike(self, stored: type, contract: type) -> None:
        """As it is stored where that is the contract's form; else, and in its retired versions, restated."""
        self._restate |= dict.fromkeys(self._codec.topics_of(stored), _converter(contract))
        self._private[contract] = without_private(contract)
        if form_of(stored) == form_of(contract) and self._private[contract] is None:
            current = self._codec.topic_of(stored)
            del self._restate[current]
            self._as_stored[current] = self._wire_types[contract]

    @property
    def topic(self) -> str:
        """The Kafka topic of this service's events."""
        return f"care.{self.service}.v1"

    def known_part(self, page: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        """The page up to the first event that only a newer build can publish whole, or that nobody can read. When that
        is its first: raises LogAhead, or msgspec.DecodeError."""
        doubtful = {topic for topic in {one.meta.topic for one in page} if self._is_doubtful(topic)}
        if not doubtful:
            return page
        for place, one in enumerate(page):
            if one.meta.topic not in doubtful:
                continue
            try:
                if self._codec.knows_all_of(one.meta.topic, one.state):
                    continue
            except msgspec.DecodeError:
                if not place:
                    raise
            if not place:
                raise LogAhead("stored-by-newer", "A newer version stored the next event; it must publish it.")
            return page[:place]
        return page

    def _is_doubtful(self, topic: str) -> bool:
        """Whether events of this topic may hold what is lost when this build publishes them."""
        return topic in self._restate or not self._codec.knows(topic)

    def is_published(self, stored: StoredEvent) -> bool:
        return stored.meta.topic in self.published_topics

    def record(self, stored: StoredEvent, previous: int) -> Record:
        """The published record of a stored event: always the same bytes for the same event and `previous`."""
        wire_type = self._as_stored.get(stored.meta.topic)
        if wire_type is None:
            restated = self._restate[stored.meta.topic](self._codec.decode(stored.meta.topic, stored.state))
            encode = self._private.get(type(restated)) or ENCODER.encode
            wire_type, value = self._wire_types[type(restated)], encode(restated)
        else:
            value = stored.state
        envelope = envelope_of(stored, wire_type=wire_type, source=self.service, previous=previous)
        return Record(envelope=envelope, value=value)


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
