"""Whole commands through a stock eventsourcing Application: get the aggregate, call it, save it."""

from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError

from bench import protocol
from bench.closed_loop import Append, waiting_threads
from bench.peers.eventsourcing_append import environment
from bench.workload import TEXT, patient


class Diary(Aggregate):
    """One patient's diary."""

    def __init__(self, patient: UUID) -> None:
        self.patient = patient
        self.entries = 0

    @staticmethod
    def create_id(patient: UUID) -> UUID:
        return patient

    @event("EntryWritten")
    def write(self, text: str, sequence: int) -> None:
        self.entries = sequence


class Diaries(Application[UUID]):
    """Its defaults: JSON, no snapshots, no cache."""

    name = "Diary"

    def write_entry(self, patient: UUID) -> int:
        try:
            diary: Diary = self.repository.get(patient)
        except AggregateNotFoundError:
            diary = Diary(patient=patient)
        diary.write(TEXT, diary.entries + 1)
        self.save(diary)
        return diary.entries


def run(spec: protocol.Spec) -> None:
    diaries = Diaries(environment(spec))

    def command(stream: UUID, version: int, _state: bytes) -> None:
        if diaries.write_entry(stream) != version:
            raise AssertionError("decided on another state than the newest")

    def command_of(_client: int) -> Append:
        return command

    protocol.ready()
    tally = waiting_threads(command_of, spec)
    protocol.answer(**tally.figures(), refuses_stale=_refuses_stale(diaries, patient(99, 0)))


def _refuses_stale(diaries: Diaries, stream: UUID) -> bool:
    """Two who read the same state: the second may not save."""
    diaries.write_entry(stream)
    stale: Diary = diaries.repository.get(stream)
    diaries.write_entry(stream)
    stale.write(TEXT, 0)
    try:
        diaries.save(stale)
    except IntegrityError:
        return True
    return False


if __name__ == "__main__":
    run(protocol.told())
