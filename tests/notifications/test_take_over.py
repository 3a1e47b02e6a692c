"""A caller chooses the ids of their requests, and knows those that notifications uses itself: they never meet."""

from collections.abc import AsyncIterator

import pytest

from careloop.chassis.commands.writes import Writes
from careloop.chassis.consuming.handler import Received
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.contracts.terms import Role
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import PersonId
from services.notifications.consumers import CONSUMER
from services.notifications.domain.decisions import DECISIONS
from services.notifications.domain.events import NoticeDecided, NoticeEscalated
from services.notifications.domain.following_up import AcknowledgeNotice
from services.notifications.due import due_rows
from tests.support.controls.moments import PATIENT
from tests.support.controls.notifications import DR_OSEI, MAYA, RULES
from tests.support.services.notices import TEAM, GivenClock, Office, assigned, side_effect
from tests.support.stack import PostgresDatabase


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    clock = GivenClock()
    if request.param == "memory":
        yield Office(MemoryEventStore(clock), clock)
        return
    database: PostgresDatabase = request.getfixturevalue("postgres")
    async with PostgresEventStore.open(database.dsn("notifications"), "notifications") as store:
        yield Office(store, clock, indexed=True)


async def stores_an_answer_under(office: Office, request_id: str, actor: str = MAYA) -> None:
    """A care manager answers another notice of the patient, and names that request so."""
    nausea = side_effect("nausea", level="within-72-hours")
    await office.hear(*TEAM, nausea)
    (notice,) = (one for one, it in (await office.board()).notices.items() if it.decided.detail.startswith("nausea"))
    request = Request(
        request_id=request_id,
        kind=CommandKind.CALLER,
        actor=PersonId(actor),
        digest=b"32 bytes of what the caller said",
        correlation_id=notice,
        now=office.clock(),
    )
    command = AcknowledgeNotice(notice=notice, actor=PersonId(actor), now=office.clock())
    done = await Writes(office.streams, DECISIONS).write(PATIENT, request, command)
    assert not done.repeated


async def notice_of(office: Office, heard: Received) -> NoticeDecided:
    decided = [one for one in await office.stored() if isinstance(one, NoticeDecided)]
    (notice,) = (one for one in decided if one.cause == heard.envelope.event_id)
    return notice


@pytest.mark.parametrize("actor", [MAYA, "notifications"])
async def test_who_stores_an_answer_under_the_id_of_a_note_keeps_nobody_from_hearing_it(
    office: Office, actor: str
) -> None:
    emergency = side_effect("I want to die", level="emergency-now")
    await office.hear(assigned("notifications", Role.CARE_MANAGER))
    await stores_an_answer_under(office, f"note:{CONSUMER}:{emergency.envelope.event_id}", actor)
    await office.hear(emergency)
    assert (await notice_of(office, emergency)).priority == "stat"
    await office.work_until_idle()
    assert f"{DR_OSEI}@example.org" in {message.to for message in office.mail.sent}


@pytest.mark.parametrize("act", ["attempt", "outcome", "escalate"])
async def test_who_stores_an_answer_under_the_id_of_what_is_due_keeps_it_from_nobody(office: Office, act: str) -> None:
    emergency = side_effect("fall", level="emergency-now")
    elsewhere = Office(MemoryEventStore(office.clock), office.clock)
    await elsewhere.hear(*TEAM, emergency)
    foreseen = [row for event in await elsewhere.stored() for row in due_rows(event, PATIENT)]
    assert {row.kind for row in foreseen} == {"send", "escalate"}
    for row in foreseen:
        await stores_an_answer_under(office, f"{act}:{row.due_id}")
    await office.hear(emergency)
    await office.work_until_idle()
    office.clock.advance(RULES.stat_window)
    await office.work_until_idle()
    notice = (await notice_of(office, emergency)).fact_id
    assert len([one for one in office.mail.sent if one.notice == notice]) >= 2
    assert [one for one in await office.stored() if isinstance(one, NoticeEscalated) and one.notice == notice]
