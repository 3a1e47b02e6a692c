"""Appends with the eventsourcing library's PostgreSQL application recorder at its defaults, from threads."""

import os
from uuid import UUID

from eventsourcing.persistence import InfrastructureFactory, IntegrityError, StoredEvent
from eventsourcing.utils import Environment

from bench import protocol
from bench.closed_loop import Append, waiting_threads
from bench.workload import TOPIC, content, patient


def environment(spec: protocol.Spec) -> Environment:
    """The library's documented settings; a pooled connection for every thread, the rest as it comes."""
    return Environment(
        "Diary",
        {
            **os.environ,
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": spec["database"],
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(spec["port"]),
            "POSTGRES_USER": "postgres",
            "POSTGRES_PASSWORD": "",
            "POSTGRES_POOL_SIZE": str(spec["waiting"]),
            "POSTGRES_MAX_OVERFLOW": "4",
        },
    )


def run(spec: protocol.Spec) -> None:
    recorder = InfrastructureFactory.construct(environment(spec)).application_recorder()

    def append(stream: UUID, version: int, state: bytes) -> None:
        recorder.insert_events([StoredEvent(stream, version, TOPIC, state)])

    def append_of(_client: int) -> Append:
        return append

    protocol.ready()
    tally = waiting_threads(append_of, spec)
    stream = patient(spec["worker"], spec["waiting"] - 1)
    append(stream, 1_000_000, content(stream, 1_000_000))
    try:
        append(stream, 1_000_000, content(stream, 1_000_000))
        refuses = False
    except IntegrityError:
        refuses = True
    protocol.answer(**tally.figures(), refuses_stale=refuses, extra=1)


if __name__ == "__main__":
    run(protocol.told())
