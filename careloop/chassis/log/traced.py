"""The event store of a process whose traces are collected."""

from collections.abc import Sequence

from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import NewEvent, Unit, Write, Written
from careloop.chassis.tracing.path import Appending


class TracedEventStore(PostgresEventStore):
    """Says of every event when it was stored, or why not."""

    async def commit(self, unit: Unit) -> Sequence[Written]:
        appending = Appending()
        try:
            stored = await super().commit(unit)
        except BaseException as failure:
            for write, event in _events(unit.writes):
                appending.failed(event, write.correlation_id, write.causation_id, failure)
            raise
        for write, written in zip(unit.writes, stored, strict=True):
            if not written.repeated:
                first = written.command.last_position - len(write.events) + 1
                for position, event in enumerate(write.events, start=first):
                    appending.stored(event, write.correlation_id, write.causation_id, position)
        return stored


def _events(writes: Sequence[Write]) -> list[tuple[Write, NewEvent]]:
    return [(write, event) for write in writes for event in write.events]
