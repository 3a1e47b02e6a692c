"""What cannot be applied and may be urgent is paged at once; when it is applied later, its own notice takes over."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import uuid4

import pytest
from msgspec import structs

from careloop.chassis.consuming.handler import Effects, Received, nothing_at_once
from careloop.chassis.consuming.inbox import Inbox
from careloop.chassis.consuming.parked_patients import InboxParkedPatients
from careloop.chassis.consuming.parked_records import ParkedRecords
from careloop.chassis.events.codec import ENCODER
from careloop.chassis.events.envelope import Record
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import NewEvent, Unit
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import EventId, FactId, PersonId
from services.notifications.consumers import CAUSES, CONSUMER, NoticesConsumer
from services.notifications.domain.codes import FailureReason
from services.notifications.domain.events import NoticeDecided
from services.notifications.domain.notices import Notice, NoticeStatus
from services.notifications.domain.waiting import notice_of_waiting
from services.notifications.sender import SendFailed
from services.notifications.waiting import PageAllWaiting, WaitingRecords
from tests.support.controls.moments import NOON, PATIENT
from tests.support.controls.notifications import DR_OSEI, MAYA, RULES
from tests.support.histories.log import SourceLog, raw
from tests.support.histories.writes import write
from tests.support.services.notices import TEAM, Crash, GivenClock, Office, office_in_memory, side_effect
from tests.support.stack import PostgresDatabase
from tests.support.waiting import until

ON_CALL = RULES.on_call.person
EMERGENCY = side_effect("I want to kill myself", level="emergency-now")
ROUTINE = side_effect("dry mouth", level="next-visit")


def record(of: Received, position: int = 1, **changes: object) -> Record:
    envelope = structs.replace(of.envelope, position=position, previous=position - 1, **changes)
    return Record(envelope=envelope, value=ENCODER.encode(of.event))


def waiting(office: Office) -> WaitingRecords:
    return WaitingRecords(office.streams, RULES, office.clock)


async def paged(office: Office, *records: Record) -> list[NoticeDecided]:
    effects = waiting(office).effects(records)
    await office.store.commit(Unit(writes=effects.writes, statements=effects.statements))
    return [one for one in await office.stored() if isinstance(one, NoticeDecided)]


async def test_an_emergency_that_waits_is_a_page_to_the_on_call_person() -> None:
    office = office_in_memory()
    (notice,) = await paged(office, record(EMERGENCY))
    assert (notice.priority, notice.suppressed, notice.detail) == ("stat", "", "I want to kill myself, CTCAE grade 3")
    assert [it.person for it in notice.addressees if it.step == 0] == [ON_CALL]
    await office.work_until_idle()
    assert [message.to for message in office.mail.sent] == [RULES.on_call.email]


async def test_what_waits_is_paged_once_however_often_it_is_seen() -> None:
    office = office_in_memory()
    await paged(office, record(EMERGENCY))
    assert len(await paged(office, record(EMERGENCY), record(EMERGENCY))) == 1


async def test_what_can_be_read_and_is_not_urgent_waits_without_a_page() -> None:
    assert await paged(office_in_memory(), record(ROUTINE), record(TEAM[0])) == []


@pytest.mark.parametrize(
    "unreadable",
    [
        record(ROUTINE, type="care.monitoring.SideEffectReported.v7"),
        structs.replace(record(ROUTINE), value=b"{}"),
        structs.replace(record(ROUTINE), value=b"not JSON"),
        record(ROUTINE, type="care.assessment.RiskRaised.v1"),
    ],
    ids=["of a later version", "with nothing in it", "not JSON", "of another class"],
)
async def test_what_cannot_be_read_and_may_be_urgent_is_paged(unreadable: Record) -> None:
    (notice,) = await paged(office_in_memory(), unreadable)
    assert (notice.priority, notice.detail, notice.cause_type) == ("stat", "", unreadable.envelope.type)


async def unreadable_office() -> Office:
    """Of this client's stream the first event is one that only a newer build knows."""
    office = office_in_memory()
    newer = NewEvent(event_id=EventId(uuid4()), topic="notifications.Foretold.v1", state=b"{}", occurred_at=NOON)
    await office.store.commit(Unit(writes=(write(PATIENT, None, newer),)))
    return office


async def test_the_on_call_person_is_mailed_although_the_clients_stream_cannot_be_read() -> None:
    office = await unreadable_office()
    effects = waiting(office).effects([record(EMERGENCY)])
    await office.store.commit(Unit(writes=effects.writes, statements=effects.statements))
    await office.work_until_idle()
    (message,) = office.mail.sent
    assert (message.to, message.priority) == (RULES.on_call.email, "stat")
    office.clock.advance(timedelta(seconds=61))
    await office.work_until_idle()
    assert len(office.mail.sent) == 1, "sent once"
    topics = [row.meta.topic.split(".")[1] for row in await office.store.load(PATIENT)]
    assert topics == ["Foretold", "NoticeDecided", "NoticeSent", "DeliveryAttempted", "NoticeSent"]


async def test_such_a_mail_that_does_not_leave_is_tried_again() -> None:
    office = await unreadable_office()
    effects = waiting(office).effects([record(EMERGENCY)])
    await office.store.commit(Unit(writes=effects.writes, statements=effects.statements))
    office.mail.outcomes = [SendFailed(FailureReason.UNREACHABLE)]
    await office.work_until_idle()
    office.clock.advance(RULES.first_retry)
    await office.work_until_idle()
    ended = [row.meta.topic.split(".")[1] for row in await office.store.load(PATIENT)][3:]
    assert ended == ["DeliveryAttempted", "NoticeFailed", "DeliveryAttempted", "NoticeSent"]


async def test_a_process_that_dies_while_it_sends_such_a_mail_leaves_an_unknown_outcome_and_one_more_attempt() -> None:
    office = await unreadable_office()
    effects = waiting(office).effects([record(EMERGENCY)])
    await office.store.commit(Unit(writes=effects.writes, statements=effects.statements))
    office.mail.outcomes = [Crash()]
    with pytest.raises(Crash):
        await office.worker.work()
    office.clock.advance(timedelta(seconds=61))
    await office.work_until_idle()
    office.clock.advance(RULES.first_retry)
    await office.work_until_idle()
    ended = [row.meta.topic.split(".")[1] for row in await office.store.load(PATIENT)][3:]
    assert ended == ["DeliveryAttempted", "NoticeFailed", "DeliveryAttempted", "NoticeSent"]
    assert len({message.message_id for message in office.mail.sent}) == 1


async def test_when_the_on_call_person_does_not_answer_the_team_is_paged() -> None:
    office = office_in_memory()
    await office.hear(*TEAM)
    await paged(office, record(EMERGENCY))
    office.clock.advance(RULES.stat_window)
    await office.work_until_idle()
    assert await office.escalations() == [(DR_OSEI, MAYA)]


async def test_once_it_is_applied_its_own_notice_takes_the_place_of_the_page() -> None:
    office = office_in_memory()
    await office.hear(*TEAM)
    await paged(office, record(EMERGENCY))
    await office.hear(EMERGENCY)
    notices = (await office.board()).notices
    page = notices[notice_of_waiting(EMERGENCY.envelope.event_id)]
    (own,) = (it for it in notices.values() if it.decided.cause == EMERGENCY.envelope.event_id)
    assert (page.status, own.status) == (NoticeStatus.WITHDRAWN, NoticeStatus.OPEN)


async def test_nobody_turns_the_messages_to_the_on_call_person_to_an_address_of_theirs() -> None:
    office = office_in_memory()
    (assigned, _maya) = TEAM
    told = assigned.event
    elsewhere = type(told)(
        **{name: getattr(told, name) for name in told.__slots__} | {"person": ON_CALL, "email": "x@elsewhere.org"}
    )
    await office.hear(structs.replace(assigned, event=elsewhere), EMERGENCY)
    await office.work_until_idle()
    assert {message.to for message in office.mail.sent} == {RULES.on_call.email}


class Failing(NoticesConsumer):
    """Cannot handle this patient's records until it is mended."""

    mended = False

    async def handle(self, received: Sequence[Received]) -> Effects:
        if not self.mended:
            raise ValueError("cannot")
        return await super().handle(received)


@pytest.mark.postgres
class TestParked:
    @pytest.fixture
    async def office(self, postgres: PostgresDatabase) -> AsyncIterator[Office]:
        async with PostgresEventStore.open(postgres.dsn("notifications"), "notifications") as store:
            yield Office(store, GivenClock(), indexed=True)

    async def notices(self, office: Office) -> list[Notice]:
        return list((await office.board()).notices.values())

    def inbox(self, office: Office, *, pages: bool = True) -> tuple[Inbox, Failing, ParkedRecords]:
        assert isinstance(office.store, PostgresEventStore)
        handler = Failing(CAUSES, office.streams, RULES, office.clock)
        parked = ParkedRecords(office.store.connections)
        pager = waiting(office).effects if pages else nothing_at_once
        inbox = Inbox(office.store, handler, parked=parked, elsewhere=SourceLog(), while_waiting=pager)
        return inbox, handler, parked

    async def test_a_patient_who_is_parked_with_an_emergency_behind_is_paged_with_the_parking(
        self, office: Office
    ) -> None:
        inbox, handler, parked = self.inbox(office)
        await inbox.take("monitoring", 0, [raw(record(ROUTINE, 1))])
        assert await self.notices(office) == []
        await inbox.take("monitoring", 0, [raw(record(EMERGENCY, 2))])
        (page,) = await self.notices(office)
        assert page.notified == (ON_CALL,)
        await office.work_until_idle()
        assert [message.to for message in office.mail.sent] == [RULES.on_call.email]

        handler.mended = True
        patients = InboxParkedPatients(office.store, parked, [inbox])
        asked = Request(
            request_id="r1",
            kind=CommandKind.OPERATOR,
            actor=PersonId("op"),
            digest=b"d",
            correlation_id=FactId(PATIENT),
            now=office.clock(),
        )
        retried = await patients.retry(CONSUMER, "monitoring", PATIENT, asked)
        assert (retried.applied, retried.waiting) == (2, 0)
        assert [it.status for it in await self.notices(office)] == ["withdrawn", "open", "open"]

    async def test_what_an_earlier_build_parked_and_paged_to_nobody_is_paged_when_the_process_starts(
        self, office: Office
    ) -> None:
        inbox, _handler, parked = self.inbox(office, pages=False)
        await inbox.take("monitoring", 0, [raw(record(EMERGENCY, 1)), raw(record(ROUTINE, 2))])
        assert await self.notices(office) == []
        stopping = asyncio.Event()
        for _start in range(2):
            passing = asyncio.create_task(PageAllWaiting(office.streams, parked, waiting(office)).run(stopping))
            await until(lambda: self.notices(office), seconds=10)
            passing.cancel()
        (page,) = await self.notices(office)
        assert page.notified == (ON_CALL,)

    async def test_dropping_what_waits_takes_no_page_back(self, office: Office) -> None:
        inbox, _handler, parked = self.inbox(office)
        await inbox.take("monitoring", 0, [raw(record(EMERGENCY, 1))])
        await parked.drop("r1", CONSUMER, "monitoring", PATIENT, reason="a mistake", by="op")
        office.clock.advance(RULES.stat_window + timedelta(seconds=1))
        await office.work_until_idle()
        (page,) = await self.notices(office)
        assert (page.status, page.step) == (NoticeStatus.OPEN, 1)
