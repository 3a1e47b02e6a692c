"""A notifications service in memory: its store, a clock that is given, and a sender that keeps what it is handed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from careloop.chassis.commands.streams import Streams
from careloop.chassis.consuming.handler import Received
from careloop.chassis.due.worker import DueWorker, Pace
from careloop.chassis.events.codec import Codec
from careloop.chassis.events.envelope import Envelope
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import EventStore, Unit
from careloop.contracts import coordination, monitoring, terms
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import EventId, PatientId, PersonId
from services.notifications.consumers import CAUSES, EARLIER, EPISODES, NoticesConsumer
from services.notifications.domain.events import TOPICS, DeliveryAttempted, Event, NoticeEscalated
from services.notifications.domain.rules import NoticeRules
from services.notifications.domain.state import DECIDER, NoticeBoard
from services.notifications.due import due_rows
from services.notifications.sender import Message, Sender, SendFailed
from services.notifications.views import inbox_statements
from services.notifications.worker import NoticeWork
from tests.support.controls import notifications as control
from tests.support.controls.moments import LAST_WEEK, NOON, PATIENT, event, fact
from tests.support.histories.restate import published_of

CODEC: Codec[Event] = Codec(TOPICS)
PUBLISHED_TOPICS = frozenset(CODEC.topic_of(cls) for cls in published_of("notifications"))


class Crash(BaseException):
    """The process dies here."""


@dataclass
class GivenClock:
    """Stands still until it is advanced."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@dataclass
class KeptMail:
    """The sender port in memory: fails as it is told, in order, then succeeds."""

    outcomes: list[BaseException | None] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, SendFailed):
            raise outcome
        self.sent.append(message)
        if outcome is not None:
            raise outcome

    def to(self, address: str) -> list[Message]:
        return [message for message in self.sent if message.to == address]


@dataclass
class Office:
    """Everything of one notifications service but its process."""

    store: EventStore
    clock: GivenClock
    mail: KeptMail = field(default_factory=KeptMail)
    indexed: bool = False
    rules: NoticeRules = control.RULES

    def __post_init__(self) -> None:
        statements = {"statements": inbox_statements} if self.indexed else {}
        self.streams: Streams[NoticeBoard, Event] = Streams(
            "notifications",
            self.store,
            CODEC,
            DECIDER,
            published=PUBLISHED_TOPICS,
            due=due_rows,
            **statements,
        )
        self.consumer = NoticesConsumer(CAUSES, self.streams, self.rules, self.clock)
        self.earlier = NoticesConsumer(EARLIER, self.streams, self.rules, self.clock)
        self.episodes = NoticesConsumer(EPISODES, self.streams, self.rules, self.clock)
        self.worker = self.another_worker()

    def another_worker(self, sender: Sender | None = None, *, deadline: float = 5) -> DueWorker:
        return DueWorker(self.store, self.work(sender, deadline=deadline).handlers, self.clock, Pace(lease=60))

    def work(self, sender: Sender | None = None, *, deadline: float = 5) -> NoticeWork:
        return NoticeWork(self.streams, sender or self.mail, self.rules, self.clock, deadline)

    async def hear(self, *received: Received) -> None:
        effects = await self.consumer.handle(received)
        await self.store.commit(Unit(writes=effects.writes, statements=effects.statements))

    async def note(self, fact: Event, patient: PatientId = PATIENT) -> None:
        """Store this, as an earlier build did."""
        request = Request(
            request_id=str(uuid4()),
            kind=CommandKind.CALLER,
            actor=PersonId("before"),
            digest=b"",
            correlation_id=uuid4(),
            now=NOON,
        )
        await self.store.commit(Unit(writes=(self.streams.write(patient, request, [fact], None),)))

    async def hear_earlier(self, *received: Received) -> None:
        """What the consumer takes up that reads its sources from their beginning."""
        effects = await self.earlier.handle(received)
        await self.store.commit(Unit(writes=effects.writes, statements=effects.statements))

    async def hear_of_episodes(self, *received: Received) -> None:
        """What the consumer takes up that hears of ends."""
        effects = await self.episodes.handle(received)
        await self.store.commit(Unit(writes=effects.writes, statements=effects.statements))

    async def work_until_idle(self) -> None:
        while await self.worker.work():
            pass

    async def board(self, patient: PatientId = PATIENT) -> NoticeBoard:
        return (await self.streams.load(patient)).state

    async def stored(self, patient: PatientId = PATIENT) -> Sequence[Event]:
        return [CODEC.decode(row.meta.topic, row.state) for row in await self.store.load(patient)]

    async def attempts(self) -> list[DeliveryAttempted]:
        return [one for one in await self.stored() if isinstance(one, DeliveryAttempted)]

    async def escalations(self) -> list[tuple[str, ...]]:
        return [one.persons for one in await self.stored() if isinstance(one, NoticeEscalated)]


def office_in_memory() -> Office:
    clock = GivenClock()
    return Office(MemoryEventStore(clock), clock)


def received(name: str, wire_type: str, told: object, *, patient: PatientId = PATIENT, actor: str = "a") -> Received:
    """An event of another service, recorded at noon."""
    occurred_at: datetime = told.occurred_at  # type: ignore[attr-defined]
    envelope = Envelope(
        event_id=EventId(event(f"{name} {patient}")),
        type=wire_type,
        source=wire_type.split(".")[1],
        patient_id=patient,
        occurred_at=occurred_at,
        recorded_at=NOON,
        position=1,
        previous=0,
        actor=PersonId(actor),
        correlation_id=uuid4(),
        causation_id=None,
    )
    return Received(envelope=envelope, event=told)


def assigned(person: str, role: terms.Role, *, patient: PatientId = PATIENT) -> Received:
    told = coordination.TeamMemberAssigned(
        fact_id=fact(f"assigned {person}"),
        person=person,
        name=person,
        role=role,
        email=f"{person}@example.org",
        effective_from=LAST_WEEK,
        assigned_by=control.MAYA,
        occurred_at=LAST_WEEK,
    )
    return received(f"assigned {person}", "care.coordination.TeamMemberAssigned.v1", told, patient=patient)


TEAM = (assigned(control.DR_OSEI, terms.Role.PSYCHIATRIST), assigned(control.MAYA, terms.Role.CARE_MANAGER))


def side_effect(name: str = "rash", *, level: str = "same-day", patient: PatientId = PATIENT) -> Received:
    told = monitoring.SideEffectReported(
        fact_id=fact(name),
        symptom=name,
        own_words="red spots on both arms",
        ctcae_grade=3,
        fibser_frequency=None,
        fibser_intensity=None,
        fibser_burden=None,
        suspected_medicine=None,
        reporter=monitoring.ReporterKind.CLIENT,
        reported_by="client-1",
        triage=terms.Triage(
            level=terms.TriageLevel(level),
            rule="r",
            rule_version=1,
            red_flags=(),
            due_at=NOON + timedelta(hours=8),
        ),
        occurred_at=NOON,
    )
    return received(name, "care.monitoring.SideEffectReported.v1", told, patient=patient)


def resolved(name: str = "rash") -> Received:
    told = monitoring.SideEffectResolved(
        fact_id=fact(f"{name} resolved"),
        side_effect=fact(name),
        outcome=monitoring.SideEffectOutcome.RECOVERING,
        action_taken="lamotrigine stopped",
        resolved_by=control.DR_OSEI,
        occurred_at=NOON,
    )
    return received(f"{name} resolved", "care.monitoring.SideEffectResolved.v1", told, actor=control.DR_OSEI)


def struck(name: str = "rash") -> Received:
    told = terms.EnteredInError(fact_id=fact(name), reason="typo", marked_by="client-1", occurred_at=NOON)
    return received(f"struck {name}", "care.monitoring.EnteredInError.v1", told)
