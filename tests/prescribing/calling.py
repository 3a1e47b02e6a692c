"""Prescribing's API called in this process, on a log in memory and evidence that a test consumes by hand."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from careloop.chassis.calls.call import Call, Caller, set_current_call
from careloop.chassis.commands.streams import Streams
from careloop.chassis.commands.writes import Writes
from careloop.chassis.events.codec import Codec
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.events.publishing import published_as
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import Gate, StoredEvent, Unit
from careloop.contracts import prescribing as contract
from careloop.kernel.credentials import Credential
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import PersonId
from services.prescribing.application import Prescribing
from services.prescribing.domain.decisions import DECISIONS
from services.prescribing.domain.events import TOPICS, Event
from services.prescribing.domain.state import DECIDER, PrescriptionChart
from services.prescribing.evidence import CONSUMERS, ConsumedEvidence
from services.prescribing.grpc_api import PrescribingApi
from services.prescribing.replay import PastDecisions
from services.prescribing.standing_checks import StandingChecks
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, PATIENT

PARTITIONS = 6
PARTITION = partition_of(PATIENT, PARTITIONS)
CALLER = PersonId("np-ruth-abara")
CORRELATION = UUID(int=77)
CONTEXT = cast(Any, None)
CODEC: Codec[Event] = Codec(TOPICS)
PUBLISHED_TOPICS = frozenset(CODEC.topic_of(cls) for cls in published_as(TOPICS, contract.TYPES))
LICENCE = Credential(
    kind="psychiatric-nurse-practitioner", valid_from=p.CREDENTIAL.valid_from, valid_until=p.CREDENTIAL.valid_until
)


class FreshUntil:
    """The sources' word of themselves: all is known up to one moment."""

    def __init__(self, moment: datetime | None) -> None:
        self.moment = moment

    def fresh_as_of(self, _source: str, _partition: int, _position: int) -> datetime | None:
        return self.moment


@dataclass
class Clinic:
    """One process of prescribing. Its calls are a nurse practitioner's at NOON unless a test says otherwise."""

    heads: FreshUntil = field(default_factory=lambda: FreshUntil(NOON))

    def __post_init__(self) -> None:
        self.store = MemoryEventStore(clock=lambda: NOON)
        self.codec = CODEC
        self.streams: Streams[PrescriptionChart, Event] = Streams(
            "prescribing", self.store, self.codec, DECIDER, published=PUBLISHED_TOPICS
        )
        evidence = ConsumedEvidence(
            self.store,
            self.heads,
            lambda _source, _partition: False,
            partitions=PARTITIONS,
            max_age=timedelta(seconds=30),
            patience_seconds=0,
        )
        decisions = PastDecisions(self.store, self.codec)
        writes = Writes(self.streams, DECISIONS)
        checks = StandingChecks(self.streams)
        self.api = PrescribingApi(writes, Prescribing(writes, evidence), decisions, checks, PARTITIONS)

    async def knows(self, *events: Event) -> "Clinic":
        """Stored as they are."""

        for event in events:
            position = (await self.store.head()).position
            request = Request(
                kind=CommandKind.CALLER,
                request_id=f"event {position}",
                actor=PersonId("x"),
                digest=b"",
                correlation_id=UUID(int=1),
                now=NOON,
            )
            await self.store.commit(Unit(writes=(self.streams.write(PATIENT, request, [event], None),)))
        return self

    async def consume(self, source: str, position: int, last: int = 0) -> None:
        """By every consumer that notes of the source."""
        for consumer in (name for name, sources in CONSUMERS.items() if source in sources):
            gate = Gate(consumer=consumer, source=source, partition=PARTITION, last=last, position=position)
            await self.store.commit(Unit(gate=gate))

    async def call(
        self,
        rpc: str,
        request: Any,
        *,
        now: datetime = NOON,
        credential: Credential | None = LICENCE,
        role: str = "psychiatric-nurse-practitioner",
    ) -> Any:
        """One call of the API, as the guard lets it through."""
        caller = Caller(subject=CALLER, role=role, credential=credential)
        method = f"/care.prescribing.v1.PrescribingService/{rpc}"
        set_current_call(Call(method=method, caller=caller, correlation_id=CORRELATION, now=now))
        return await getattr(self.api, rpc)(request, CONTEXT)

    async def rows(self) -> list[StoredEvent]:
        return list(await self.store.load(PATIENT))

    async def last(self) -> Any:
        """The newest stored event."""
        row = (await self.rows())[-1]
        return self.codec.decode(row.meta.topic, row.state)


def seen(service: str, position: int, *, patient: Any = PATIENT) -> str:
    """What a caller shows who has seen this position."""
    return ConsistencyToken(service=service, partition=PARTITION, position=position, patient_id=patient).encode()
