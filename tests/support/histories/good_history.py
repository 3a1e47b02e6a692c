"""A small good history: two patients, five events of one service, as they are stored, sent and journaled."""

from dataclasses import replace
from uuid import UUID

from careloop.chassis.events.partitioner import partition_of
from careloop.demo.verdict import Journaled, Sent, Stored
from careloop.kernel.ids import PatientId, derived_id

PARTITIONS = 3
ANA, BEN = UUID(int=0xA), UUID(int=0xB)


def event(position: int) -> UUID:
    return derived_id("test", "event", position)


def stored(position: int, patient: UUID, version: int, command: str = "") -> Stored:
    return Stored(
        position=position,
        stream=patient,
        version=version,
        event_id=event(position),
        topic="monitoring.DoseRecorded.v1",
        command_id=command or f"command-{position}",
    )


LOG = [stored(1, ANA, 1), stored(2, ANA, 2, "two"), stored(3, ANA, 3, "two"), stored(4, ANA, 4), stored(5, BEN, 1)]
COMMANDS = {row.command_id for row in LOG} | {"decided-nothing"}


def sent_of(log: list[Stored]) -> list[Sent]:
    """The topic as an undisturbed relay fills it."""
    last, offsets, records = dict.fromkeys(range(PARTITIONS), 0), dict.fromkeys(range(PARTITIONS), 0), []
    for row in log:
        partition = partition_of(PatientId(row.stream), PARTITIONS)
        records.append(
            Sent(
                partition=partition,
                offset=offsets[partition],
                event_id=row.event_id,
                type=f"care.{row.topic}",
                patient=row.stream,
                position=row.position,
                previous=last[partition],
            )
        )
        offsets[partition] += 1
        last[partition] = row.position
    return records


def reoffset(records: list[Sent]) -> list[Sent]:
    """The same records in this order, each at the next offset of its partition."""
    offsets = dict.fromkeys(range(PARTITIONS), 0)
    placed = []
    for one in records:
        placed.append(replace(one, offset=offsets[one.partition]))
        offsets[one.partition] += 1
    return placed


TOPIC = sent_of(LOG)
JOURNAL = [
    Journaled(
        position=place,
        source="monitoring",
        source_position=row.position,
        event_id=row.event_id,
        type=f"care.{row.topic}",
        patient=row.stream,
    )
    for place, row in enumerate(LOG, start=1)
]
