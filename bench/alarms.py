"""How many alarms clients give their teams: 200 generated clients over twelve weeks, by level and by whom they reach.

Run by: python -m bench.alarms [CLIENTS]. Everything is drawn from a seed, so two builds meet the same weeks and the
same people: a build that knows less of what these record (who answered, contacts) is run all the same.

The weeks: a PHQ-9 of the client every week, after a positive item 9 a screener of the client alone; a screener by the
therapist every fourth week; side effects now and then. The people: whoever is paged takes it on within the step in
four of five cases, makes contact half an hour later, and asks what was left blank within two hours; a therapist who
screened notes the contact ten minutes later.
"""

import asyncio
import heapq
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid5

import msgspec

from careloop.chassis.commands.streams import Streams
from careloop.chassis.commands.writes import Writes
from careloop.chassis.consuming.handler import Received
from careloop.chassis.due.worker import DueWorker
from careloop.chassis.events.codec import Codec
from careloop.chassis.events.envelope import Envelope
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import Unit
from careloop.contracts import coordination, terms
from careloop.contracts import monitoring as contract
from careloop.contracts.terms import Role
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import EventId, FactId, PatientId, PersonId
from services.monitoring.domain.decisions import DECISIONS
from services.monitoring.domain.scales import AnswerScale
from services.monitoring.domain.side_effects import ReportSideEffect
from services.monitoring.domain.state import DECIDER as WATCH
from services.notifications.consumers import CAUSES, NoticesConsumer
from services.notifications.domain.decisions import DECISIONS as ANSWERS
from services.notifications.domain.events import TOPICS, NoticeDecided, NoticeEscalated
from services.notifications.domain.following_up import AcknowledgeNotice
from services.notifications.domain.rules import NoticeRules, OnCall
from services.notifications.domain.state import DECIDER
from services.notifications.due import due_rows
from services.notifications.worker import NoticeWork

START = datetime(2026, 9, 7, 14, 0, tzinfo=UTC)
WEEKS, SEED = 12, 20261130
TEAM = {
    "dr-osei": Role.PSYCHIATRIST,
    "dr-lind": Role.PSYCHIATRIC_NURSE_PRACTITIONER,
    "maya": Role.CARE_MANAGER,
    "tom": Role.THERAPIST,
}
RULES = NoticeRules(on_call=OnCall(person="on-call", role=Role.PSYCHIATRIST, email="on-call@example.org"))
NONE, LOW = (0, 0, None, None, None, 0, None), (1, 0, None, None, None, 0, None)
MODERATE, HIGH, HISTORY = (1, 1, 1, 0, 0, 0, None), (1, 1, 1, 1, 0, 0, None), (0, 0, None, None, None, 1, 0)
KNOWS_WHO = "reporter" in {one.name for one in fields(AnswerScale)}
WIRE = {kind: name for name, kind in (contract.TYPES | coordination.TYPES).items()}


class Unsent:
    """Mail that nobody waits for."""

    async def send(self, message: Any) -> None:
        return None


@dataclass
class Client:
    """One client, their team, and the notices about them."""

    number: int
    alarms: Counter[tuple[str, str]]
    missing: int = 0
    now: datetime = START
    steps: list[tuple[datetime, int, Any]] = field(default_factory=list)
    watch: Any = WATCH.initial
    counted: int = 0
    facts: int = 0

    def __post_init__(self) -> None:
        self.chance = Random(f"{SEED}:{self.number}")  # noqa: S311 - a story, not a secret
        self.patient = PatientId(uuid5(UUID(int=SEED), str(self.number)))
        self.store = MemoryEventStore(lambda: self.now)
        codec: Codec[Any] = Codec(TOPICS)
        self.streams: Streams[Any, Any] = Streams(
            "notifications", self.store, codec, DECIDER, published=frozenset(), due=self.due
        )
        self.consumer = NoticesConsumer(CAUSES, self.streams, RULES, lambda: self.now)
        work = NoticeWork(self.streams, Unsent(), RULES, lambda: self.now, 5)
        self.worker = DueWorker(self.store, work.handlers, lambda: self.now)

    def due(self, event: Any, stream: UUID) -> Sequence[Any]:
        rows = list(due_rows(event, stream))
        for row in rows:
            self.at(row.due_at, self.work)
        return rows

    def at(self, moment: datetime, step: Any) -> None:
        self.facts += 1
        heapq.heappush(self.steps, (moment, self.facts, step))

    async def live(self) -> None:
        for person, role in TEAM.items():
            await self.hear(self.assigned(person, role), "maya")
        for week in range(WEEKS):
            self.plan(START + timedelta(weeks=week))
        end = START + timedelta(weeks=WEEKS, days=2)
        while self.steps and self.steps[0][0] <= end:
            moment, _number, step = heapq.heappop(self.steps)
            self.now = max(self.now, moment)
            await step()
            await self.count()

    def plan(self, day: datetime) -> None:
        chance, troubled = self.chance, self.number % 3 == 0
        positive = chance.random() < (0.2 if troubled else 0.02)
        item_9 = None if chance.random() < 0.05 else int(positive)
        items = (*(chance.randint(0, 2) for _ in range(8)), item_9)
        self.at(day, lambda: self.answer("phq-9", items, "client"))
        if positive:
            found = chance.choices([NONE, LOW, MODERATE, HIGH], [40, 30, 15, 15])[0]
            self.at(day + timedelta(minutes=5), lambda: self.answer("c-ssrs", found, "client"))
        if (day - START).days % 28 == 0:
            usual = HISTORY if self.number % 4 == 0 else NONE
            asked = chance.choices([usual, MODERATE, HIGH], [90, 5, 5])[0]
            self.at(day + timedelta(days=2), lambda: self.answer("c-ssrs", asked, "tom"))
        if chance.random() < 0.15:
            grade = chance.choices([1, 2, 3, 4], [50, 30, 15, 5])[0]
            self.at(day + timedelta(days=3), lambda: self.feel(grade))

    async def answer(self, instrument: str, items: tuple[Any, ...], by: str) -> None:
        said = {"reporter": terms.Reporter("client" if by == "client" else "clinician")} if KNOWS_WHO else {}
        command = AnswerScale(
            fact_id=self.fact(),
            instrument=instrument,
            items=items,
            source="client" if by == "client" else "therapist",
            actor=PersonId(by),
            occurred_at=self.now,
            now=self.now,
            **said,
        )
        raised = await self.decide(command, by)
        if by != "client" and any(type(one).__name__ == "RiskRaised" for one in raised):
            self.at(self.now + timedelta(minutes=10), lambda: self.contact(by))

    async def feel(self, grade: int) -> None:
        command = ReportSideEffect(
            fact_id=self.fact(),
            symptom="nausea",
            ctcae_grade=grade,
            fibser_frequency=None,
            fibser_intensity=None,
            fibser_burden=None,
            suspected_medicine=None,
            reporter=contract.ReporterKind.CLIENT,
            actor=PersonId("client"),
            occurred_at=self.now,
            now=self.now,
        )
        await self.decide(command, "client")

    async def contact(self, by: str) -> None:
        """Where the build knows contacts and a risk is open."""
        kinds = {kind.__name__: kind for kind in DECISIONS}
        record = kinds.get("RecordRiskContact")
        if record is None or not self.watch.risks.open_at(self.now, self.watch.struck):
            return
        await self.decide(
            record(
                fact_id=self.fact(),
                risk=None,
                outcome=contract.RiskContactOutcome.PLAN_MADE,
                by_when=None,
                actor=PersonId(by),
                occurred_at=self.now,
                now=self.now,
            ),
            by,
        )

    async def decide(self, command: Any, by: str) -> Sequence[Any]:
        events = DECISIONS[type(command)](command, self.watch)
        self.watch = WATCH.fold(events, self.watch)
        for event in events:
            await self.hear(event, by)
            if isinstance(event, terms.RiskRaised) and event.level is terms.RiskLevel.HIGH:
                notices = (await self.streams.load(self.patient)).state.notices.values()
                self.missing += not any(it.decided.cause_fact == event.fact_id and it.notified for it in notices)
        return events

    async def hear(self, event: Any, by: str) -> None:
        wire_type = WIRE[type(event)]
        if wire_type not in self.consumer.contracts:
            return
        self.facts += 1
        envelope = Envelope(
            event_id=EventId(uuid5(self.patient, f"event {self.facts}")),
            type=wire_type,
            source=wire_type.split(".")[1],
            patient_id=self.patient,
            occurred_at=event.occurred_at,
            recorded_at=self.now,
            position=1,
            previous=0,
            actor=PersonId(by),
            correlation_id=UUID(int=1),
            causation_id=None,
        )
        sent: Any = msgspec.convert(event, self.consumer.contracts[wire_type], from_attributes=True)
        effects = await self.consumer.handle([Received(envelope=envelope, event=sent)])
        await self.store.commit(Unit(writes=effects.writes))

    async def work(self) -> None:
        while await self.worker.work():
            pass

    async def count(self) -> None:
        """Every page since the last count, and what those paged do about it."""
        rows = list(await self.store.load(self.patient))
        decided = {}
        for number, row in enumerate(rows):
            event = self.streams.codec.decode(row.meta.topic, row.state)
            if isinstance(event, NoticeDecided):
                decided[event.fact_id] = event
            if number < self.counted:
                continue
            if isinstance(event, NoticeDecided) and not event.suppressed:
                self.page(event, [it.person for it in event.addressees if it.step == 0], event.acknowledge_by)
            elif isinstance(event, NoticeEscalated):
                self.page(decided[event.notice], event.persons, event.acknowledge_by)
        self.counted = len(rows)

    def page(self, notice: NoticeDecided, persons: Sequence[str], clock: datetime | None) -> None:
        for person in persons:
            self.alarms[str(notice.priority), str(TEAM.get(person, person))] += 1
        if clock is None or self.chance.random() > 0.8:
            return
        person, about = persons[0], notice.fact_id
        soon = self.now + timedelta(minutes=self.chance.randint(3, 12))
        self.at(soon, lambda: self.take_on(about, person))
        if "risk" in notice.kind:
            self.at(soon + timedelta(minutes=30), lambda: self.contact(person))
        if notice.kind == "safety-item-missing":
            self.at(soon + timedelta(minutes=90), lambda: self.answer("c-ssrs", NONE, person))

    async def take_on(self, notice: FactId, person: str) -> None:
        found = (await self.streams.load(self.patient)).state.notices[notice]
        if not found.is_open:
            return
        request = Request(
            request_id=f"{notice}:{self.now}",
            kind=CommandKind.CALLER,
            actor=PersonId(person),
            digest=b"",
            correlation_id=notice,
            now=self.now,
        )
        command = AcknowledgeNotice(notice=notice, actor=PersonId(person), now=self.now)
        await Writes(self.streams, ANSWERS).write(self.patient, request, command)

    def fact(self) -> FactId:
        self.facts += 1
        return FactId(uuid5(self.patient, f"fact {self.facts}"))

    def assigned(self, person: str, role: Role) -> coordination.TeamMemberAssigned:
        return coordination.TeamMemberAssigned(
            fact_id=self.fact(),
            person=person,
            name=person,
            role=role,
            email=f"{person}@example.org",
            effective_from=START - timedelta(days=len(TEAM) - list(TEAM).index(person)),
            assigned_by="maya",
            occurred_at=START,
        )


async def counted(clients: int) -> tuple[Counter[tuple[str, str]], int]:
    """The alarms by level and addressee, and how many high risks nobody was paged for."""
    alarms: Counter[tuple[str, str]] = Counter()
    missing = 0
    for number in range(clients):
        client = Client(number, alarms)
        await client.live()
        missing += client.missing
    return alarms, missing


def main() -> None:
    clients = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    alarms, missing = asyncio.run(counted(clients))
    weeks = clients * WEEKS
    print(
        f"{clients} clients, {WEEKS} weeks: alarms per client and week; {missing} high risks that nobody was paged for"
    )
    for priority in ("stat", "urgent", "routine"):
        of = {to: count for (level, to), count in sorted(alarms.items()) if level == priority}
        listed = ", ".join(f"{to} {count / weeks:.3f}" for to, count in of.items())
        print(f"{priority}: {sum(of.values()) / weeks:.3f} ({sum(of.values())} in all): {listed}")


if __name__ == "__main__":
    main()
