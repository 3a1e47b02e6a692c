"""The folded states of the streams that were used last, so that a known stream need not be read to decide on it."""

from collections import OrderedDict
from typing import Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from careloop.kernel.persistent_map import PersistentMap

State = TypeVar("State")

MOST_EVENTS = 50_000
"""Events that all cached states together may be made of."""
DISTRUSTED_FOR = 200
"""How many decisions are taken on what was just read, once a stream had moved on: others write to this log too."""


class CachedState(Struct, Generic[State], frozen=True, kw_only=True):
    """A stream up to one version: the fold of its events, and of which command each version is.

    Stored events never change, so it is right for ever; whether it is the newest, only the store knows.
    """

    state: State
    version: int
    commands: PersistentMap[str, int] = PersistentMap()


class StateCache(Generic[State]):
    """Bounded by the number of events behind it; the stream that was not used for the longest time goes first."""

    def __init__(self, initial: State, most_events: int = MOST_EVENTS) -> None:
        self._nothing: CachedState[State] = CachedState(state=initial, version=0)
        self._most_events = most_events
        self._cached: OrderedDict[int, CachedState[State]] = OrderedDict()  # a UUID is hashed in Python
        self._events = 0
        self._distrusted = 0

    def of(self, stream_id: UUID) -> CachedState[State]:
        """The cached state of this stream; the initial state at version 0 if there is none."""
        cached = self._cached.get(stream_id.int)
        if cached is None:
            return self._nothing
        self._cached.move_to_end(stream_id.int)
        return cached

    def trusted(self, stream_id: UUID) -> CachedState[State] | None:
        """The cached state of this stream, if it is likely to be the newest."""
        if self._distrusted:
            self._distrusted -= 1
            return None
        return self.of(stream_id) if stream_id.int in self._cached else None

    def distrust(self, stream_id: UUID) -> None:
        """The cached state of this stream was not the newest, and those of others may not be either."""
        self.forget(stream_id)
        self._distrusted = DISTRUSTED_FOR

    def put(self, stream_id: UUID, newest: CachedState[State]) -> CachedState[State]:
        """Cache it as the stream's newest, unless it alone is too much; answer it."""
        self.forget(stream_id)
        if newest.version > self._most_events:
            return newest
        self._cached[stream_id.int] = newest
        self._events += newest.version
        while self._events > self._most_events:
            self._drop(next(iter(self._cached)))
        return newest

    def forget(self, stream_id: UUID) -> None:
        self._drop(stream_id.int)

    def _drop(self, stream: int) -> None:
        forgotten = self._cached.pop(stream, None)
        if forgotten is not None:
            self._events -= forgotten.version
