"""Assessment's API called in this process, on a log in memory."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from careloop.chassis.calls.call import Call, Caller, set_current_call
from careloop.chassis.commands.streams import Streams
from careloop.chassis.commands.writes import Writes
from careloop.chassis.events.codec import Codec
from careloop.chassis.events.publishing import published_as
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import StoredEvent, Unit
from careloop.contracts import assessment as contract
from careloop.kernel.credentials import Credential
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import PersonId
from services.assessment.domain.decisions import DECISIONS
from services.assessment.domain.events import TOPICS, Event
from services.assessment.domain.state import DECIDER, Assessment
from services.assessment.grpc_api import AssessmentApi
from tests.support.controls import assessment as control
from tests.support.services.informed import all_known

PARTITIONS = 6
CALLER = PersonId("np-ruth-abara")
CORRELATION = UUID(int=77)
CONTEXT = cast(Any, None)
CODEC: Codec[Event] = Codec(TOPICS)
PUBLISHED_TOPICS = frozenset(CODEC.topic_of(cls) for cls in published_as(TOPICS, contract.TYPES))
LICENCE = Credential(
    kind="psychiatric-nurse-practitioner",
    valid_from=control.CREDENTIAL.valid_from,
    valid_until=control.CREDENTIAL.valid_until,
)


class Clinic:
    """One process of assessment. Its calls are a nurse practitioner's at control.NOW unless a test says otherwise."""

    def __init__(self) -> None:
        self.store = MemoryEventStore(clock=lambda: control.NOW)
        self.codec = CODEC
        self.streams: Streams[Assessment, Event] = Streams(
            "assessment", self.store, self.codec, DECIDER, published=PUBLISHED_TOPICS
        )
        self.api = AssessmentApi(Writes(self.streams, DECISIONS), PARTITIONS, episodes=all_known())

    async def knows(self, *events: Event) -> "Clinic":
        """Stored as they are."""
        for event in events:
            request = Request(
                kind=CommandKind.CALLER,
                request_id=f"event {(await self.store.head()).position}",
                actor=PersonId("somebody"),
                digest=b"",
                correlation_id=UUID(int=1),
                now=control.NOW,
            )
            await self.store.commit(Unit(writes=(self.streams.write(control.PATIENT, request, [event], None),)))
        return self

    async def call(
        self, rpc: str, request: Any, *, now: datetime = control.NOW, credential: Credential | None = LICENCE
    ) -> Any:
        """One call of the API, as the guard lets it through."""
        caller = Caller(subject=CALLER, role="psychiatric-nurse-practitioner", credential=credential)
        method = f"/care.assessment.v1.AssessmentService/{rpc}"
        set_current_call(Call(method=method, caller=caller, correlation_id=CORRELATION, now=now))
        return await getattr(self.api, rpc)(request, CONTEXT)

    async def rows(self) -> Sequence[StoredEvent]:
        return await self.store.load(control.PATIENT)

    async def stored(self, since: int) -> list[Any]:
        """The events after a version."""
        rows = await self.store.load(control.PATIENT, since)
        return [self.codec.decode(row.meta.topic, row.state) for row in rows]
