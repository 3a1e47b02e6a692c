"""Notifications on a real PostgreSQL: the inbox index, and due rows worked by several."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from careloop.chassis.commands.writes import Writes
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import Unit
from careloop.contracts import terms
from careloop.contracts.notifications import Channel
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import PatientId, PersonId
from services.notifications.application import Notices
from services.notifications.domain.decisions import DECISIONS
from services.notifications.domain.events import NoticeFailed, NoticeSent
from services.notifications.domain.following_up import AcknowledgeNotice
from services.notifications.domain.notices import NoticeStatus
from services.notifications.views import InboxIndex, inbox_statements
from tests.support.controls.moments import NOON, PATIENT, fact
from tests.support.controls.notifications import ESCALATED, MAYA, RULES
from tests.support.services.notices import TEAM, GivenClock, Office, assigned, side_effect, struck
from tests.support.stack import PostgresDatabase
from tests.support.waiting import until

DR_OSEI = PersonId("dr-osei")


@pytest.fixture
async def office(postgres: PostgresDatabase) -> AsyncIterator[Office]:
    async with PostgresEventStore.open(postgres.dsn("notifications"), "notifications") as store:
        yield Office(store, GivenClock(), indexed=True)


def notices(office: Office) -> Notices:
    assert isinstance(office.store, PostgresEventStore)
    return Notices(Writes(office.streams, DECISIONS), InboxIndex(office.store.connections))


async def inbox(office: Office, person: str = DR_OSEI, *, open_only: bool = False) -> list[tuple[str, str]]:
    """What lies in the inbox, read in pages of two."""
    found, after = [], None
    while True:
        page = await notices(office).list_inbox(person, PersonId(person), after, 2, open_only=open_only)
        found += [(it.notice.decided.detail.split(",")[0], str(it.notice.status)) for it in page.notices]
        after = page.next_after
        if after is None:
            return found


async def acknowledge(office: Office, name: str) -> None:
    (notice,) = (it for it, one in (await office.board()).notices.items() if one.decided.cause_fact == fact(name))
    request = Request(
        kind=CommandKind.CALLER,
        request_id=f"acknowledge {name}",
        actor=DR_OSEI,
        digest=b"",
        correlation_id=notice,
        now=office.clock(),
    )
    command = AcknowledgeNotice(notice=notice, actor=DR_OSEI, now=office.clock())
    await Writes(office.streams, DECISIONS).write(PATIENT, request, command)


async def test_an_inbox_lists_all_patients_open_ones_first_and_the_most_urgent_first(office: Office) -> None:
    other = PatientId(fact("another patient"))
    await office.hear(*TEAM, side_effect("nausea", level="next-visit"), side_effect("rash"), side_effect("itch"))
    await office.hear(
        assigned(DR_OSEI, terms.Role.PSYCHIATRIST, patient=other),
        side_effect("fall", level="emergency-now", patient=other),
    )
    await acknowledge(office, "itch")
    assert await inbox(office) == [
        ("fall", "open"),
        ("rash", "open"),
        ("nausea", "open"),
        ("itch", "acknowledged"),
    ]
    assert await inbox(office, open_only=True) == [("fall", "open"), ("rash", "open"), ("nausea", "open")]
    assert await inbox(office, "nobody") == []


async def test_of_one_urgency_the_first_clock_comes_first_and_of_the_rest_the_newest(office: Office) -> None:
    await office.hear(*TEAM, side_effect("nausea", level="next-visit"))
    office.clock.advance(timedelta(hours=1))
    await office.hear(side_effect("dizzy", level="next-visit"), side_effect("itch", level="within-72-hours"))
    office.clock.advance(timedelta(hours=1))
    await office.hear(side_effect("thirst", level="next-visit"))
    in_order = [(name, "open") for name in ("itch", "thirst", "dizzy", "nausea")]
    assert await inbox(office) == in_order
    for name in ("thirst", "dizzy"):
        await acknowledge(office, name)
    assert await inbox(office) == [
        *(it for it in in_order if it[0] in ("itch", "nausea")),
        *((name, "acknowledged") for name in ("thirst", "dizzy")),
    ]


async def test_an_escalation_that_is_stored_again_sets_no_clock_back(office: Office) -> None:
    assert isinstance(office.store, PostgresEventStore)
    await office.hear(*TEAM, side_effect())
    (notice,) = (await office.board()).notices
    for step, hours in ((2, 4), (1, 2), (2, 9)):
        escalated = replace(ESCALATED, notice=notice, step=step, acknowledge_by=NOON + timedelta(hours=hours))
        await office.store.commit(Unit(statements=tuple(inbox_statements(escalated, PATIENT))))
    rows = await office.store.connections.fetch("select step, acknowledge_by from notices")
    assert [tuple(row) for row in rows] == [(2, NOON + timedelta(hours=4))]


async def test_an_escalated_notice_lies_in_both_inboxes_and_a_withdrawn_one_is_closed_in_both(office: Office) -> None:
    await office.hear(*TEAM, side_effect())
    assert await inbox(office, MAYA) == []
    office.clock.advance(RULES.urgent_window)
    await office.work_until_idle()
    assert await inbox(office, MAYA, open_only=True) == await inbox(office, open_only=True) == [("rash", "open")]
    await office.hear(struck())
    assert await inbox(office, MAYA) == await inbox(office) == [("rash", "withdrawn")]
    assert await inbox(office, open_only=True) == []


async def test_what_is_suppressed_is_shown_as_closed(office: Office) -> None:
    told = side_effect()
    await office.hear(*TEAM, structs.replace(told, envelope=structs.replace(told.envelope, actor=PersonId("intake"))))
    assert await inbox(office) == [("rash", NoticeStatus.SUPPRESSED)]
    assert await inbox(office, open_only=True) == []


async def test_a_batch_that_is_stored_again_leaves_the_index_as_it_is(office: Office) -> None:
    effects = await office.consumer.handle([*TEAM, side_effect()])
    unit = Unit(writes=effects.writes, statements=effects.statements)
    await office.store.commit(unit)
    await acknowledge(office, "rash")
    await office.store.commit(unit)
    assert await inbox(office) == [("rash", "acknowledged")]


async def test_two_workers_at_once_do_every_row_once(office: Office) -> None:
    patients = [PatientId(fact(f"patient {number}")) for number in range(12)]
    for patient in patients:
        await office.hear(assigned(DR_OSEI, terms.Role.PSYCHIATRIST, patient=patient), side_effect(patient=patient))
    workers = [office.another_worker() for _ in range(3)]
    claimed = 1
    while claimed:
        claimed = sum(await asyncio.gather(*(worker.work() for worker in workers)))
    assert len(office.mail.sent) == len({message.message_id for message in office.mail.sent}) == 12
    office.clock.advance(RULES.urgent_window)
    await asyncio.gather(*(worker.work() for worker in workers))
    for patient in patients:
        names = [type(one).__name__ for one in await office.stored(patient)]
        assert names.count("DeliveryAttempted") == 1
        assert names.count("NoticeEscalated") == 1


async def test_one_row_in_the_hands_of_two_workers_has_one_attempt_and_one_outcome(office: Office) -> None:
    await office.hear(*TEAM, side_effect())
    (claim,) = await office.store.claim_due(frozenset({"send"}), office.clock(), 60, 10)
    workers = [office.another_worker() for _ in range(2)]
    await asyncio.gather(*(worker._in_order([claim]) for worker in workers))
    outcomes = [one for one in await office.stored() if isinstance(one, NoticeSent | NoticeFailed)]
    assert [one.attempt for one in outcomes if one.channel is Channel.EMAIL] == [1]
    assert [one.attempt for one in await office.attempts()] == [1]
    assert len(office.mail.sent) == 1


async def test_a_running_worker_sends_what_becomes_due_without_being_told(office: Office) -> None:
    stopping = asyncio.Event()
    running = asyncio.create_task(office.worker.run(stopping))
    try:
        await office.hear(*TEAM, side_effect())
        await until(lambda: len(office.mail.sent) == 1)
        office.clock.advance(RULES.urgent_window)
        await until(lambda: len(office.mail.sent) == 2)
    finally:
        stopping.set()
        await asyncio.wait_for(running, 5)
