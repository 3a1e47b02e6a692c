"""Stored events by registered topic names and versions, never by a Python path."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from careloop.chassis.events.json_form import says_more
from careloop.chassis.events.stored_form import StoredByNewer, StoredForm

Fact = TypeVar("Fact")

ENCODER = msgspec.json.Encoder(decimal_format="string", order="deterministic")
"""The one JSON form of events: fields as declared, mappings sorted, decimals as strings, times with their offset."""


@dataclass(frozen=True, slots=True)
class Upcaster:
    """Turns the JSON of an old version into that of `topic`, purely."""

    topic: str
    upcast: Callable[[dict[str, Any]], dict[str, Any]]


class Codec(Generic[Fact]):
    """Encodes and decodes the events of one service.

    `topics` maps each current topic name to its class; `upcasters` maps each retired topic name to the step that
    lifts it one version. Encoding is deterministic: the same event gives the same bytes.
    """

    def __init__(self, topics: Mapping[str, type[Fact]], upcasters: Mapping[str, Upcaster] | None = None) -> None:
        self._forms = {topic: StoredForm(topic, cls) for topic, cls in topics.items()}
        self._topics = {cls: topic for topic, cls in topics.items()}
        self._upcasters = dict(upcasters or {})
        if len(self._topics) != len(topics):
            raise ValueError("two topics name one class")

    def topic(self, event: Fact) -> str:
        return self._topics[type(event)]

    def topic_of(self, cls: type[Fact]) -> str:
        return self._topics[cls]

    def topics_of(self, cls: type[Fact]) -> frozenset[str]:
        """Every topic whose content is decoded to `cls`, retired ones included."""
        lifted = {old for old in self._upcasters if self._current(old) == self._topics[cls]}
        return frozenset({self._topics[cls], *lifted})

    def _current(self, topic: str) -> str:
        step = self._upcasters.get(topic)
        return topic if step is None else self._current(step.topic)

    def knows(self, topic: str) -> bool:
        return topic in self._forms or topic in self._upcasters

    def knows_all_of(self, topic: str, state: bytes) -> bool:
        """Whether decoding loses nothing: no field is passed over, and every code is known. Retired versions lose
        nothing, as no newer build writes them. Raises msgspec.DecodeError as `decode` does."""
        form = self._forms.get(topic)
        if form is None:
            return topic in self._upcasters
        try:
            return not says_more(state, ENCODER.encode(form.decode(state)))
        except StoredByNewer:
            return False

    def encode(self, event: Fact) -> tuple[str, bytes]:
        """Raises msgspec.ValidationError for what could not be decoded again, such as a time without a zone."""
        topic, state, _read = self.as_stored(event)
        return topic, state

    def as_stored(self, event: Fact) -> tuple[str, bytes, Fact]:
        """What `encode` answers, and the event that will be read from it. Raises as `encode` does."""
        topic = self._topics[type(event)]
        state = ENCODER.encode(event)
        return topic, state, self._forms[topic].decode(state)

    def decode(self, topic: str, state: bytes) -> Fact:
        """Raises StoredByNewer for a topic, a version or a code that only a newer build knows, and msgspec.DecodeError
        when the state is not what the topic promises."""
        form = self._forms.get(topic)
        if form is not None:
            return form.decode(state)
        step = self._upcasters.get(topic)
        if step is None:
            raise StoredByNewer(topic)
        content = step.upcast(msgspec.json.decode(state))
        return self.decode(step.topic, ENCODER.encode(content))
