"""A projection under the library's ProjectionRunner, its view in PostgreSQL with its tracking, as documented."""

import time
from typing import Any
from uuid import UUID

from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL

from bench import protocol
from bench.peers.eventsourcing_append import environment
from bench.peers.eventsourcing_command import Diaries, Diary
from bench.workload import TEXT, patient

ENTRIES_VIEW = "create table if not exists entries_view (patient uuid primary key, entries bigint not null, last text)"
EntryWritten: Any = vars(Diary)["EntryWritten"]
"""The library makes the class from the decorated method."""


class EntriesView(PostgresTrackingRecorder):
    """How many entries each patient has written; moved with the position in one transaction."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        self.sql_create_statements.append(SQL(ENTRIES_VIEW).format())

    def entry(self, patient: UUID, text: str, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                """insert into entries_view values (%s, 1, %s) on conflict (patient)
                   do update set entries = entries_view.entries + 1, last = excluded.last""",
                (patient, text),
            )


class Entries(Projection[EntriesView]):
    """Counts entries."""

    name = "entries"

    @singledispatchmethod
    def process_event(self, domain_event: DomainEventProtocol[UUID], tracking: Tracking) -> None:
        self.view.insert_tracking(tracking)

    @process_event.register
    def _(self, domain_event: EntryWritten, tracking: Tracking) -> None:
        self.view.entry(domain_event.originator_id, domain_event.text, tracking)


def run(spec: protocol.Spec) -> None:
    told = environment({**spec, "waiting": 5})
    diaries = Diaries(told)
    last = _fill(diaries, spec["events"], spec["patients"])
    protocol.ready()
    began = time.monotonic()
    with ProjectionRunner(
        application_class=Diaries, projection_class=Entries, view_class=EntriesView, env=dict(told)
    ) as runner:
        runner.wait(last, timeout=spec["within"])
        seconds = time.monotonic() - began
    protocol.answer(per_second=last / seconds)


def _fill(diaries: Diaries, events: int, patients: int) -> int:
    """So many entries of so many patients; the position of the last event."""
    each = max(1, events // patients)
    last = 0
    for number in range(min(patients, events)):
        diary = Diary(patient=patient(0, number))
        for sequence in range(1, each + 1):
            diary.write(TEXT, sequence)
        last = diaries.save(diary)[-1].notification.id
    return int(last)


if __name__ == "__main__":
    run(protocol.told())
