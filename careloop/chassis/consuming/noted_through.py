"""How far a service has noted each source, where several of its consumers note of the same one.

What a service newly begins to note it must note of old facts too. A consumer of a name of its own reads the sources
from their beginning and writes only the new kind of note; until it has caught up, the service knows no more of a source
than the one of its consumers that is behind.
"""

from collections.abc import Collection, Mapping
from typing import Protocol
from uuid import UUID


class Consumed(Protocol):
    """What the store says of its consumers."""

    async def consumed(self, consumer: str) -> dict[tuple[str, int], int]: ...

    async def parked_streams(self, consumer: str, stream_id: UUID) -> frozenset[str]: ...


class NotedThrough:
    """`consumers` names each with the sources of which it notes."""

    def __init__(self, store: Consumed, consumers: Mapping[str, Collection[str]]) -> None:
        self._store = store
        self._consumers = {consumer: frozenset(sources) for consumer, sources in consumers.items()}

    async def positions(self) -> dict[tuple[str, int], int]:
        """Per (source, partition) the position up to which every consumer of the source has noted; one that has not
        begun makes it 0. Raises Unavailable when the store does not answer."""
        consumed = {consumer: await self._store.consumed(consumer) for consumer in self._consumers}
        places = {place for positions in consumed.values() for place in positions}
        return {
            (source, partition): min(
                positions.get((source, partition), 0)
                for consumer, positions in consumed.items()
                if source in self._consumers[consumer]
            )
            for source, partition in places
            if any(source in sources for sources in self._consumers.values())
        }

    async def parked(self, stream_id: UUID) -> frozenset[str]:
        """The sources of which any consumer has parked records of this patient's key."""
        found: set[str] = set()
        for consumer, sources in self._consumers.items():
            found |= await self._store.parked_streams(consumer, stream_id) & sources
        return frozenset(found)
