"""Records that notifications could not apply: what may be urgent among them is paged, without being applied."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog

from careloop.chassis.clock import Clock
from careloop.chassis.commands.streams import Streams
from careloop.chassis.consuming.decoding import without_version
from careloop.chassis.consuming.handler import Effects
from careloop.chassis.consuming.noting import note_request
from careloop.chassis.consuming.parked_records import ParkedPlace, ParkedRecords
from careloop.chassis.events.envelope import Record
from careloop.chassis.log.protocol import Statement, Unit, Write
from careloop.contracts import assessment, monitoring
from careloop.contracts.notifications import Priority
from careloop.contracts.terms import RiskRaised
from careloop.kernel.errors import CareloopError
from careloop.kernel.ids import FactId
from services.notifications.consumers import CONSUMER, HEARD
from services.notifications.domain.causes import TABLE, Cause
from services.notifications.domain.events import Event
from services.notifications.domain.rules import NoticeRules
from services.notifications.domain.state import NoticeBoard
from services.notifications.domain.waiting import PageWaiting, page_waiting

AT_ONCE = 500
AGAIN_SECONDS = 5.0

URGENT = frozenset(
    {RiskRaised, monitoring.SideEffectReported, monitoring.EmergencyDeclared, monitoring.ExtraDoseReported}
)
MAY_BE_URGENT: Mapping[str, type] = {
    wire_type: contract
    for types in (assessment.TYPES, monitoring.TYPES)
    for wire_type, contract in types.items()
    if contract in URGENT
}
"""The types of which some ask for somebody at once. One that cannot be read is taken for such."""

_IN_ANY_VERSION = frozenset(without_version(wire_type) for wire_type in MAY_BE_URGENT)
_DECODERS: Mapping[str, msgspec.json.Decoder[Any]] = {
    wire_type: msgspec.json.Decoder(contract) for wire_type, contract in MAY_BE_URGENT.items()
}


class WaitingRecords:
    """Pages for what waits. It reads nothing of the patient's stream and needs none of the consumer's decisions."""

    def __init__(self, streams: Streams[NoticeBoard, Event], rules: NoticeRules, clock: Clock) -> None:
        self._streams = streams
        self._rules = rules
        self._clock = clock

    def effects(self, waiting: Sequence[Record]) -> Effects:
        """A notice to the on-call person for each record that may be urgent; the same once, however often asked."""
        writes: list[Write] = []
        statements: list[Statement] = []
        for record in waiting:
            page = self._page(record)
            if page is None:
                continue
            events, patient_id = page_waiting(page), record.envelope.patient_id
            request = note_request(f"{CONSUMER}.waiting", record.envelope, page.now)
            writes.append(self._streams.write(patient_id, request, events, None))
            statements += [it for event in events for it in self._streams.statements(event, patient_id)]
        return Effects(writes=tuple(writes), statements=tuple(statements))

    def _page(self, record: Record) -> PageWaiting | None:
        envelope = record.envelope
        if without_version(envelope.type) not in _IN_ANY_VERSION:
            return None
        cause = _cause(record)
        if cause is not None and TABLE[cause.kind].priority is Priority.ROUTINE:
            return None
        return PageWaiting(
            waiting=envelope.event_id,
            about=cause.fact_id if cause is not None else FactId(envelope.event_id),
            type=envelope.type,
            detail=cause.detail if cause is not None else "",
            rules=self._rules,
            now=self._clock(),
        )


def _cause(record: Record) -> Cause | None:
    """What it would cause; None where it cannot be read."""
    wire_type = record.envelope.type
    if wire_type not in _DECODERS:
        return None
    _contract, hear = HEARD[wire_type]
    try:
        heard = hear(record.envelope, _DECODERS[wire_type].decode(record.value))
    except (msgspec.MsgspecError, ValueError, LookupError):
        return None
    return heard if isinstance(heard, Cause) else None


class PageAllWaiting:
    """One pass over what waits when the process starts: an earlier build may have parked it and paged nobody."""

    def __init__(self, streams: Streams[NoticeBoard, Event], parked: ParkedRecords, waiting: WaitingRecords) -> None:
        self._store = streams.store
        self._parked = parked
        self._waiting = waiting

    async def run(self, stopping: asyncio.Event) -> None:
        """Until all are paged, however long the store is away."""
        while not stopping.is_set():
            try:
                await self._pass()
                await stopping.wait()
            except CareloopError:
                structlog.get_logger().warning("parked records wait for the store")
                await asyncio.sleep(AGAIN_SECONDS)

    async def _pass(self) -> None:
        after: ParkedPlace | None = None
        while found := await self._parked.records(CONSUMER, after, AT_ONCE):
            for place, record in found:
                effects = self._waiting.effects([record])
                await self._store.commit(Unit(writes=effects.writes, statements=effects.statements))
                after = place
