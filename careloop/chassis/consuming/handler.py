"""What a consumer does with published events: the port between the inbox and each service's consumers."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from careloop.chassis.events.envelope import Envelope, Record
from careloop.chassis.log.protocol import Statement, Write

MOST_RECORDS = 1_000
"""How many records a handler gets at once when it asks for no other number."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The event of a type that the handler has no class for; handed only to handlers with `wants_unknown`."""


class Received(Struct, frozen=True, kw_only=True):
    """A decoded event of another service with its context; `value` is the JSON it was decoded from."""

    envelope: Envelope
    event: Any
    value: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a run of received events comes to; becomes part of one unit."""

    writes: tuple[Write, ...] = ()
    statements: tuple[Statement, ...] = ()


WhileWaiting = Callable[[Sequence[Record]], Effects]
"""What must happen at once of records that are parked or queued behind such; it rests on nothing but the records."""


def nothing_at_once(_records: Sequence[Record]) -> Effects:
    return Effects()


class Handler(Protocol):
    """One consumer of one service. Handlers name it as their base, which gives them what is usual.

    `contracts` maps every wire type it wants (`care.<service>.<Event>.v<n>`) to the class that decodes it; other
    types are skipped by their header, but another version of a wanted type parks the patient. A handler that
    `wants_unknown` gets the others too, with `Unknown()` as their event; `most_records` is how many records it is
    glad to get at once. `handle` gets events of one
    (source, partition) in order and must be free of effects of its own: it is called again for the same events after
    a conflict or a crash, and for halves of a batch that failed. Raising anything but Conflict or what passes by
    itself (Unavailable, a lost connection) marks the batch as poisoned; the inbox then halves it until it has found
    the one event whose patient it parks.
    """

    consumer: str
    contracts: Mapping[str, type]
    wants_unknown: bool = False
    most_records: int = MOST_RECORDS

    async def handle(self, received: Sequence[Received]) -> Effects: ...


@runtime_checkable
class KeepsState(Protocol):
    """A handler that holds folded state in memory between calls.

    The inbox decides how long it is held: it calls `forget` after every unit that was not stored.
    """

    def without_memory(self) -> Handler:
        """The same handler for one event beside the inbox, with nothing in memory."""
        ...

    def forget(self, source: str, partition: int) -> None:
        """What is held may be ahead of the store, or another instance may have moved on: read it again."""
        ...


class PublishedElsewhere(Protocol):
    """The way to a source's own log, for records that the topic does not bring."""

    def read(self, source: str, partition: int, after: int, through: int) -> AsyncIterator[Sequence[Record]]:
        """Runs of the records that `source` published to `partition` in (after, through], in order; `through` 0: all.

        Raises Unavailable when the source does not answer.
        """
        ...
