"""A small aggregate in our own terms, for whole commands: what a stock Application's example would be."""

from dataclasses import dataclass
from uuid import UUID

from bench.workload import TEXT, TOPIC
from careloop.chassis.commands.streams import Streams
from careloop.chassis.events.codec import Codec
from careloop.chassis.log.protocol import EventStore
from careloop.kernel.decider import Decider
from careloop.kernel.errors import RuleViolated
from careloop.kernel.events import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryWritten:
    """One entry of a patient's diary."""

    text: str
    patient: UUID
    sequence: int
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteEntry:
    patient: UUID
    now: Instant


def _evolve(entries: int, event: EntryWritten) -> int:
    return max(entries, event.sequence)


def write_entry(command: WriteEntry, entries: int) -> list[EntryWritten]:
    """The next entry. Raises RuleViolated when the diary is full."""
    if entries >= 10_000:
        raise RuleViolated("diary-full", "This diary is full.")
    return [EntryWritten(text=TEXT, patient=command.patient, sequence=entries + 1, occurred_at=command.now)]


DECIDER: Decider[int, EntryWritten] = Decider(initial=0, evolve=_evolve)


def diaries(store: EventStore) -> Streams[int, EntryWritten]:
    return Streams("assessment", store, Codec({TOPIC: EntryWritten}), DECIDER, published=frozenset({TOPIC}))
