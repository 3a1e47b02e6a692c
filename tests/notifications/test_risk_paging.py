"""A risk is paged until a clinician has learned how the client is: taking it on holds the paging and ends nothing."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from careloop.chassis.commands.writes import Writes
from careloop.chassis.consuming.handler import Received
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.contracts import monitoring
from careloop.contracts.terms import EnteredInError, Reporter, RiskLevel, RiskRaised, Role, ScaleScored
from careloop.kernel.events import CommandKind, Request
from careloop.kernel.ids import PersonId
from services.notifications.domain.codes import CauseKind
from services.notifications.domain.decisions import DECISIONS
from services.notifications.domain.events import NoticeDecided, NoticeEscalated
from services.notifications.domain.following_up import AcknowledgeNotice
from services.notifications.domain.notices import Notice, NoticeStatus
from services.notifications.domain.rules import OnCall
from tests.support.controls import coordination as published
from tests.support.controls import notifications as control
from tests.support.controls.moments import NOON, PATIENT, fact
from tests.support.controls.notifications import DR_OSEI, MAYA, TOM
from tests.support.services.notices import TEAM, GivenClock, Office, assigned, received
from tests.support.speaking import CORRELATION
from tests.support.stack import PostgresDatabase

MINUTES, NOW = timedelta(minutes=1), timedelta()
WHOLE_TEAM = (*TEAM, assigned(TOM, Role.THERAPIST))
LAST_RESORT = OnCall(person="last-resort", role=Role.PSYCHIATRIST, email="last@example.org")


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    clock = GivenClock()
    if request.param == "memory":
        yield Office(MemoryEventStore(clock), clock)
        return
    database: PostgresDatabase = request.getfixturevalue("postgres")
    async with PostgresEventStore.open(database.dsn("notifications"), "notifications") as store:
        yield Office(store, clock, indexed=True)


def risk(
    level: RiskLevel = RiskLevel.HIGH, by: Any = Reporter.CLIENT, name: str = "risk", actor: str = "client-1"
) -> Received:
    hours = 1 if level is RiskLevel.HIGH else 24
    raised = RiskRaised(
        fact_id=fact(name),
        scale_fact_id=fact(f"scale of {name}"),
        level=level,
        reason=f"c-ssrs-{level}",
        rule="risk.c-ssrs-band",
        rule_version=2,
        due_at=NOON + timedelta(hours=hours),
        occurred_at=NOON,
        reporter=by,
    )
    return received(name, "care.monitoring.RiskRaised.v1", raised, actor=actor)


def contact(outcome: monitoring.RiskContactOutcome, name: str = "contact", at: datetime = NOON) -> Received:
    made = replace(published.CONTACTED, fact_id=fact(name), risks=(fact("risk"),), outcome=outcome, occurred_at=at)
    return received(name, "care.monitoring.RiskContactRecorded.v1", made)


REACHED = contact(monitoring.RiskContactOutcome.REACHED_SAFE)
TRIED = contact(monitoring.RiskContactOutcome.COULD_NOT_REACH, "tried")
ENDED = received(
    "ended",
    "care.monitoring.RiskEnded.v1",
    monitoring.RiskEnded(fact_id=fact("ended"), risk=fact("risk"), screening=fact("asked"), occurred_at=NOON),
)


def struck(name: str) -> Received:
    told = EnteredInError(fact_id=fact(name), reason="typo", marked_by=DR_OSEI, occurred_at=NOON)
    return received(f"struck {name}", "care.monitoring.EnteredInError.v1", told)


async def notice(office: Office) -> Notice:
    return [one for one in (await office.board()).notices.values() if one.decided.cause_fact == fact("risk")][-1]


async def pages(office: Office) -> list[tuple[int, tuple[str, ...]]]:
    """After how many minutes who was paged."""
    found: list[tuple[int, tuple[str, ...]]] = []
    for event in await office.stored():
        if isinstance(event, NoticeDecided) and event.cause_fact == fact("risk"):
            found.append((minutes(event.occurred_at), tuple(it.person for it in event.addressees if it.step == 0)))
        elif isinstance(event, NoticeEscalated):
            found.append((minutes(event.occurred_at), event.persons))
    return found


def minutes(at: datetime) -> int:
    return round((at - NOON) / MINUTES)


async def wait(office: Office, until: int, *, every: int = 5) -> None:
    """So many minutes after noon, with everything done that became due meanwhile."""
    while minutes(office.clock.now) < until:
        office.clock.advance(min(every, until - minutes(office.clock.now)) * MINUTES)
        await office.work_until_idle()


async def take_on(office: Office, person: str = DR_OSEI) -> None:
    notice_id = (await notice(office)).decided.fact_id
    request = Request(
        request_id=f"taken on at {office.clock.now}",
        kind=CommandKind.CALLER,
        actor=PersonId(person),
        digest=b"",
        correlation_id=CORRELATION,
        now=office.clock.now,
    )
    command = AcknowledgeNotice(notice=notice_id, actor=PersonId(person), now=office.clock.now)
    await Writes(office.streams, DECISIONS).write(PATIENT, request, command)


async def test_who_answered_alone_is_paged_for_at_once_and_without_end_every_15_minutes(office: Office) -> None:
    await office.hear(*WHOLE_TEAM, risk())
    await wait(office, 12 * 60, every=15)
    found = await pages(office)
    assert found[:3] == [(0, (DR_OSEI, MAYA)), (15, (TOM,)), (30, ("on-call",))]
    assert [at for at, _ in found] == list(range(0, 12 * 60 + 1, 15))
    assert {persons for _, persons in found[3:]} == {("on-call",)}


async def test_after_four_pages_that_nobody_answered_the_last_resort_is_paged_as_well() -> None:
    clock = GivenClock()
    office = Office(MemoryEventStore(clock), clock, rules=replace(control.RULES, last_resort=LAST_RESORT))
    await office.hear(*WHOLE_TEAM, risk())
    await wait(office, 75)
    assert (await pages(office))[3:] == [
        (45, ("on-call",)),
        (60, ("on-call", "last-resort")),
        (75, ("on-call", "last-resort")),
    ]
    assert {one.to for one in office.mail.sent} >= {"last@example.org"}


@pytest.mark.parametrize("by", [Reporter.UNKNOWN, "not said"])
async def test_whose_answers_they_are_is_not_known_counts_as_the_client_alone(office: Office, by: Any) -> None:
    raised = risk() if by == "not said" else risk(by=by, actor=DR_OSEI)
    await office.hear(*WHOLE_TEAM, raised)
    assert (await pages(office))[0] == (0, (DR_OSEI, MAYA))


async def test_a_clinician_who_screened_is_asked_for_the_contact_and_others_15_minutes_later(
    office: Office,
) -> None:
    await office.hear(*WHOLE_TEAM, risk(by=Reporter.CLINICIAN, actor=TOM))
    await wait(office, 30)
    assert await pages(office) == [(0, (TOM,)), (15, (DR_OSEI, MAYA)), (30, ("on-call",))]


async def test_who_notes_the_contact_within_15_minutes_has_nobody_paged(office: Office) -> None:
    await office.hear(*WHOLE_TEAM, risk(by=Reporter.CLINICIAN, actor=TOM))
    await wait(office, 10)
    await office.hear(REACHED)
    await wait(office, 200)
    assert await pages(office) == [(0, (TOM,))]


async def test_a_clinician_who_is_not_in_the_team_is_not_waited_for(office: Office) -> None:
    await office.hear(*WHOLE_TEAM, risk(by=Reporter.CLINICIAN, actor="stranger"))
    assert await pages(office) == [(0, (DR_OSEI, MAYA))]


async def test_taking_it_on_holds_the_paging_for_an_hour_and_no_longer(office: Office) -> None:
    await office.hear(*WHOLE_TEAM, risk())
    await wait(office, 10)
    await take_on(office)
    await wait(office, 90)
    assert await pages(office) == [(0, (DR_OSEI, MAYA)), (70, (DR_OSEI, MAYA)), (85, (TOM,))]
    assert (await notice(office)).status is NoticeStatus.OPEN
    await take_on(office)
    await wait(office, 145)
    assert len(await pages(office)) == 3
    await wait(office, 150)
    assert len(await pages(office)) == 4


@pytest.mark.parametrize("ends", [REACHED, ENDED], ids=["a contact", "a screening"])
@pytest.mark.parametrize("taken_on", [False, True])
async def test_what_a_clinician_learned_ends_it_also_where_it_was_taken_on(
    office: Office, ends: Received, taken_on: bool
) -> None:
    await office.hear(*WHOLE_TEAM, risk())
    if taken_on:
        await take_on(office)
    await office.hear(ends)
    assert ((await notice(office)).status, (await notice(office)).reason) == (NoticeStatus.WITHDRAWN, "risk-answered")
    await wait(office, 200)
    assert len(await pages(office)) == 1


async def test_an_attempt_in_vain_is_paged_for_again_15_minutes_later(office: Office) -> None:
    await office.hear(*WHOLE_TEAM, risk())
    await wait(office, 20)
    await office.hear(TRIED)
    await wait(office, 50)
    assert [at for at, _ in await pages(office)] == [0, 15, 35, 50]


async def test_an_attempt_in_vain_of_who_took_it_on_begins_the_paging_again(office: Office) -> None:
    await office.hear(*WHOLE_TEAM, risk())
    await wait(office, 5)
    await take_on(office)
    await wait(office, 15)
    await office.hear(TRIED)
    await wait(office, 45)
    assert [at for at, _ in await pages(office)] == [0, 30, 45]


async def test_a_contact_that_is_heard_of_before_its_risk_ends_it_when_it_comes(office: Office) -> None:
    await office.hear(*WHOLE_TEAM, REACHED, risk())
    assert (await notice(office)).status is NoticeStatus.WITHDRAWN


@pytest.mark.parametrize("ends", ["contact", "ended"])
async def test_what_was_struck_ended_nothing_and_its_clock_starts_again(office: Office, ends: str) -> None:
    await office.hear(*WHOLE_TEAM, risk(), REACHED if ends == "contact" else ENDED)
    office.clock.advance(20 * MINUTES)
    await office.hear(struck(ends), struck(ends))
    found = await notice(office)
    assert (found.status, found.acknowledge_by) == (NoticeStatus.OPEN, NOON + 35 * MINUTES)
    assert len((await office.board()).notices) == 2


async def test_what_another_contact_ended_too_stays_ended(office: Office) -> None:
    await office.hear(*WHOLE_TEAM, risk(), REACHED, ENDED, struck("contact"))
    assert (await notice(office)).status is NoticeStatus.WITHDRAWN


async def test_a_moderate_risk_that_was_taken_on_is_paged_again_when_its_contact_is_due(office: Office) -> None:
    await office.hear(*WHOLE_TEAM, risk(RiskLevel.MODERATE))
    await take_on(office)
    await wait(office, 23 * 60, every=60)
    assert len(await pages(office)) == 1
    await wait(office, 24 * 60, every=60)
    assert [at for at, _ in await pages(office)] == [0, 24 * 60]
    await take_on(office)
    await wait(office, 47 * 60, every=60)
    assert len(await pages(office)) == 2
    await wait(office, 48 * 60, every=60)
    assert len(await pages(office)) == 3


async def test_what_a_build_before_contacts_took_on_is_answered(office: Office) -> None:
    await office.hear(*WHOLE_TEAM)
    for stored in (control.RISK_NOTICE, replace(control.ACKNOWLEDGED, notice=control.RISK_NOTICE.fact_id)):
        await office.note(stored)
    await wait(office, 300, every=30)
    assert await office.escalations() == []
    assert (await office.board()).notices[control.RISK_NOTICE.fact_id].status is NoticeStatus.ACKNOWLEDGED


def scale(
    name: str, *flags: str, at: timedelta = NOW, instrument: str = "phq-9", by: Any = Reporter.CLIENT
) -> Received:
    told = ScaleScored(
        fact_id=fact(name),
        instrument=instrument,
        instrument_version=1,
        items=(0,) * 9,
        total=27,
        band="severe",
        flags=flags,
        missing=len(flags),
        source="client",
        scored_by="client-1",
        occurred_at=NOON + at,
        reporter=by,
    )
    return received(name, "care.monitoring.ScaleScored.v1", told, actor=TOM)


BLANK = scale("blank", "safety-item-missing")


async def of_blank(office: Office) -> list[Notice]:
    found = (await office.board()).notices.values()
    return [one for one in found if one.decided.kind is CauseKind.SAFETY_ITEM_MISSING]


async def test_a_blank_safety_question_is_asked_for_on_the_same_day(office: Office) -> None:
    await office.hear(*WHOLE_TEAM, BLANK)
    (found,) = await of_blank(office)
    assert (found.holders, found.decided.priority, found.decided.due_at) == (
        (MAYA,),
        "urgent",
        NOON + timedelta(hours=12),
    )


async def test_a_clinician_who_left_it_blank_is_asked_first(office: Office) -> None:
    await office.hear(*WHOLE_TEAM, scale("blank", "safety-item-missing", by=Reporter.CLINICIAN))
    assert (await of_blank(office))[0].holders == (TOM,)


@pytest.mark.parametrize(
    ("later", "asked"),
    [
        (scale("later", at=MINUTES), True),
        (scale("later", at=MINUTES, instrument="c-ssrs"), True),
        (scale("later", at=-MINUTES), False),
        (scale("later", at=MINUTES, instrument="gad-7"), False),
        (scale("later", "safety-item-missing", at=MINUTES), False),
    ],
)
async def test_it_ends_when_it_is_answered_later_whichever_is_heard_of_first(
    office: Office, later: Received, asked: bool
) -> None:
    await office.hear(*WHOLE_TEAM, BLANK, later)
    ended = [one.status for one in await of_blank(office) if one.decided.cause_fact == fact("blank")]
    assert ended == [NoticeStatus.WITHDRAWN if asked else NoticeStatus.OPEN]
    if asked:
        await office.hear(struck("later"))
        assert (await of_blank(office))[-1].status is NoticeStatus.OPEN


async def test_an_answer_that_is_heard_of_first_ends_it_too(office: Office) -> None:
    await office.hear(*WHOLE_TEAM, scale("later", at=MINUTES), BLANK)
    assert [one.status for one in await of_blank(office)] == [NoticeStatus.WITHDRAWN]


async def test_answers_without_a_blank_ask_for_nobody(office: Office) -> None:
    await office.hear(*WHOLE_TEAM, scale("whole"))
    assert not (await office.board()).notices
