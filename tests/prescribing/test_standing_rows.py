"""The row of a standing check: written with the fact, done once, and tried again where the check fails."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from msgspec import structs

from careloop.chassis.commands.streams import Streams
from careloop.chassis.consuming.noting import NotesConsumer
from careloop.chassis.due.deciding import DueDecisions
from careloop.chassis.due.worker import DueWorker
from careloop.chassis.events.codec import Codec
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import Unit, Written
from careloop.contracts import assessment
from careloop.contracts.prescribing import ConcernsRaised
from careloop.contracts.terms import Medicine
from careloop.kernel.decisions import Decisions, guarded
from careloop.kernel.ids import PersonId
from services.prescribing import due
from services.prescribing.consumers import NOTES
from services.prescribing.domain.decisions import OWN_DECISIONS
from services.prescribing.domain.events import TOPICS, Event
from services.prescribing.domain.standing_check import CheckStanding
from services.prescribing.domain.state import DECIDER, PrescriptionChart
from tests.prescribing.test_standing_check import LITHIUM
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, PATIENT, fact
from tests.support.histories.writes import request
from tests.support.noting import received

LEASE = timedelta(seconds=61)
MINUTE = timedelta(minutes=1)


class Killed(BaseException):
    """The process ends here."""


class DyingStore(MemoryEventStore):
    """Dies at the next commit that raises concerns, before it or after it."""

    dies: str = ""

    async def commit(self, unit: Unit) -> Sequence[Written]:
        raising = any("ConcernsRaised" in event.topic for write in unit.writes for event in write.events)
        dies, self.dies = (self.dies, "") if raising else ("", self.dies)
        if dies == "before":
            raise Killed
        written = await super().commit(unit)
        if dies == "after":
            raise Killed
        return written


class Practice:
    """Prescribing's consumer of facts, its worker, and the hour."""

    def __init__(self, decisions: Decisions[PrescriptionChart, Event] = OWN_DECISIONS) -> None:
        self.now = NOON
        self.store = DyingStore(lambda: self.now)
        self.streams: Streams[PrescriptionChart, Event] = Streams(
            "prescribing", self.store, Codec(TOPICS), DECIDER, published=frozenset(), due=due.due_rows
        )
        rows = DueDecisions(self.streams, decisions, lambda: self.now, {due.STANDING_CHECK: due.asked_check})
        self.worker = DueWorker(self.store, rows.handlers, lambda: self.now)
        self.consumer = NotesConsumer(
            "prescribing.evidence", NOTES, self.streams, due.rows_of_notes(frozenset({"careloop-intake"}), MINUTE)
        )

    async def knows(self, *events: Event) -> "Practice":
        await self.streams.transact(PATIENT, request(str(uuid4())), lambda _chart: events)
        await self.work()
        return self

    async def hear(self, *drugs: str, actor: str = "care-manager") -> None:
        """A list of these medicines is recorded, and its fact is delivered."""
        taken = tuple(
            assessment.CurrentMedication(medicine=Medicine(name=drug), daily_dose_mg=None, source="client")
            for drug in drugs
        )
        listed = replace(
            assessment.MedicationsReconciled(
                fact_id=fact(f"list {drugs}"), medications=(), none_taken=False, occurred_at=self.now
            ),
            medications=taken,
        )
        one = received("care.assessment.MedicationsReconciled.v1", listed, name=f"list {drugs}")
        envelope = structs.replace(one.envelope, actor=PersonId(actor), recorded_at=self.now)
        effects = await self.consumer.handle([structs.replace(one, envelope=envelope)])
        await self.store.commit(Unit(writes=effects.writes))

    async def work(self) -> None:
        while await self.worker.work():
            pass

    async def raised(self) -> list[ConcernsRaised]:
        rows = await self.store.load(PATIENT)
        events = (self.streams.codec.decode(row.meta.topic, row.state) for row in rows)
        return [event for event in events if isinstance(event, ConcernsRaised)]


async def practice(decisions: Decisions[PrescriptionChart, Event] = OWN_DECISIONS) -> Practice:
    return await Practice(decisions).knows(*p.ASSESSED, LITHIUM)


async def test_a_fact_that_is_noted_is_checked_without_anybody_asking() -> None:
    clinic = await practice()
    await clinic.hear("ibuprofen")
    assert await clinic.raised() == []
    await clinic.work()
    (found,) = await clinic.raised()
    assert [one.alert.rule for one in found.concerns] == ["ddi.lithium-nsaid"]
    assert found.occurred_at == NOON


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_a_process_killed_at_the_check_loses_nothing_and_raises_once(dies: str) -> None:
    clinic = await practice()
    await clinic.hear("ibuprofen")
    clinic.store.dies = dies
    with pytest.raises(Killed):
        await clinic.work()
    clinic.now += LEASE
    await clinic.work()
    assert len(await clinic.raised()) == 1


async def test_a_fact_that_is_delivered_twice_is_checked_once() -> None:
    clinic = await practice()
    for _time in range(2):
        await clinic.hear("ibuprofen")
        await clinic.work()
    assert len(await clinic.raised()) == 1


async def test_what_an_importer_records_together_is_one_event() -> None:
    clinic = await practice()
    await clinic.hear("ibuprofen", actor="careloop-intake")
    clinic.now += timedelta(seconds=59)
    await clinic.hear("ibuprofen", "lisinopril", actor="careloop-intake")
    clinic.now += timedelta(seconds=60)
    await clinic.work()
    assert await clinic.raised() == [], "not before the import is over"
    clinic.now += timedelta(seconds=1)
    await clinic.work()
    (found,) = await clinic.raised()
    assert {one.alert.rule for one in found.concerns} == {"ddi.lithium-nsaid", "ddi.lithium-raas"}
    assert found.cause == "import"


async def test_a_rule_that_fails_stops_a_check_and_no_fact() -> None:
    fails = [True]

    @guarded()
    def check(command: CheckStanding, chart: PrescriptionChart) -> list[Event]:
        if fails[0]:
            raise ZeroDivisionError
        return OWN_DECISIONS[CheckStanding](command, chart)

    clinic = await practice(Decisions(check))
    await clinic.hear("ibuprofen")
    await clinic.work()
    topics = [row.meta.topic for row in await clinic.store.load(PATIENT)]
    assert topics[-1] == "prescribing.MedicationsNoted.v1", "noted"
    fails[0] = False
    clinic.now += LEASE
    await clinic.work()
    assert len(await clinic.raised()) == 1, "tried again"
