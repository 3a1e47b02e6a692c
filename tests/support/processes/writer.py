"""A process that appends: `python -m tests.support.processes.writer DSN SCHEMA EVENTS`; prints the ids stored."""

import asyncio
import sys
from uuid import UUID, uuid4

from careloop.chassis.log.postgres import PostgresEventStore
from tests.support.histories.writes import new_event, store_one, write

CLIENTS = 32
SHARED = UUID("5ca1ab1e-0000-4000-8000-000000000001")


async def append(dsn: str, schema: str, events: int) -> list[str]:
    left = iter(range(events))
    acknowledged: list[str] = []

    async def client(store: PostgresEventStore) -> None:
        """Versions of a stream of its own, and now and then a note on one that all share."""
        stream, version = uuid4(), 0
        for number in left:
            event = new_event()
            shared = number % 10 == 0
            await store_one(store, write(SHARED if shared else stream, None if shared else version, event))
            version += not shared
            acknowledged.append(str(event.event_id))

    async with PostgresEventStore.open(dsn, schema) as store, asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(client(store))
    return acknowledged


if __name__ == "__main__":
    sys.stdout.write("\n".join(asyncio.run(append(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
