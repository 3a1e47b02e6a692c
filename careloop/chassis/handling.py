"""What a consumer does with published events: the port between the inbox and each service's consumers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from careloop.chassis.envelope import Envelope
from careloop.chassis.event_store import Statement, Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A decoded event of another service with its context."""

    envelope: Envelope
    event: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a run of received events comes to; becomes part of one unit."""

    writes: tuple[Write, ...] = ()
    statements: tuple[Statement, ...] = ()


class Handler(Protocol):
    """One consumer of one service.

    `contracts` maps every wire type it wants (`care.<service>.<Event>.v<n>`) to the class that decodes it; other
    types are skipped by their header. `handle` gets events of one (source, partition) in order and must be free of
    effects of its own: it is called again for the same events after a conflict or a crash. Raising anything but
    Conflict or Unavailable marks the batch as poisoned; the inbox then calls it event by event to find and park the
    patient.
    """

    consumer: str
    contracts: Mapping[str, type]

    async def handle(self, received: Sequence[Received]) -> Effects: ...
