"""The folded states of the streams that were used last, so that a known stream need not be read to decide on it."""

from collections import OrderedDict
from typing import Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from careloop.kernel.persistent_map import PersistentMap

State = TypeVar("State")

MOST_EVENTS = 50_000
"""Events that all kept states together may be made of."""
DISTRUSTED_FOR = 200
"""How many decisions are taken on what was just read, once a stream had moved on: others write to this log too."""


class Kept(Struct, Generic[State], frozen=True, kw_only=True):
    """A stream up to one version: the fold of its events, and of which command each version is.

    Stored events never change, so it is right for ever; whether it is the newest, only the store can tell.
    """

    state: State
    version: int
    commands: PersistentMap[str, int] = PersistentMap()


class KeptStates(Generic[State]):
    """Bounded by the number of events behind it; the stream that was not used for the longest time goes first."""

    def __init__(self, initial: State, most_events: int = MOST_EVENTS) -> None:
        self._nothing: Kept[State] = Kept(state=initial, version=0)
        self._most_events = most_events
        self._kept: OrderedDict[UUID, Kept[State]] = OrderedDict()
        self._events = 0
        self._distrusted = 0

    def of(self, stream_id: UUID) -> Kept[State]:
        """What is kept of this stream; the initial state at version 0 if nothing is."""
        kept = self._kept.get(stream_id)
        if kept is None:
            return self._nothing
        self._kept.move_to_end(stream_id)
        return kept

    def trusted(self, stream_id: UUID) -> Kept[State] | None:
        """What is kept of this stream, if it is likely to be the newest."""
        if self._distrusted:
            self._distrusted -= 1
            return None
        return self.of(stream_id) if stream_id in self._kept else None

    def distrust(self, stream_id: UUID) -> None:
        """What was kept of this stream was not the newest, and of others it may not be either."""
        self.forget(stream_id)
        self._distrusted = DISTRUSTED_FOR

    def keep(self, stream_id: UUID, newest: Kept[State]) -> Kept[State]:
        """Keep it in the place of what was kept of this stream, unless it alone is too much; answer it."""
        self.forget(stream_id)
        if newest.version > self._most_events:
            return newest
        self._kept[stream_id] = newest
        self._events += newest.version
        while self._events > self._most_events:
            self.forget(next(iter(self._kept)))
        return newest

    def forget(self, stream_id: UUID) -> None:
        forgotten = self._kept.pop(stream_id, None)
        if forgotten is not None:
            self._events -= forgotten.version
