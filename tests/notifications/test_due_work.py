"""What the worker says and stores when it does what is due."""

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from careloop.chassis.log.protocol import ClaimedDue
from careloop.contracts.notifications import Channel, Priority
from careloop.contracts.terms import Role
from services.notifications.domain.codes import FailureReason
from services.notifications.domain.events import DeliveryAttempted, NoticeEscalated, NoticeFailed, NoticeSent
from services.notifications.due import ESCALATE, SEND
from services.notifications.sender import Message, SendFailed
from tests.support.controls.moments import NOON, PATIENT, fact
from tests.support.controls.notifications import DR_OSEI, MAYA, RULES
from tests.support.services.notices import TEAM, Office, office_in_memory, side_effect

RETRIES = [SendFailed(FailureReason.UNREACHABLE)] * 2


@pytest.fixture
async def office() -> Office:
    office = office_in_memory()
    await office.hear(*TEAM, side_effect())
    return office


async def notice_id(office: Office) -> object:
    (notice,) = (await office.board()).notices
    return notice


async def test_a_message_says_which_notice_how_urgent_and_when(office: Office) -> None:
    office.clock.advance(timedelta(seconds=5))
    assert await office.worker.work() == 1
    (attempted,) = await office.attempts()
    assert office.mail.sent == [
        Message(
            message_id=attempted.message_id,
            to="dr-osei@example.org",
            notice=attempted.notice,
            priority=Priority.URGENT,
            at=NOON + timedelta(seconds=5),
        )
    ]


@pytest.mark.parametrize(
    ("priority", "urgency", "subject"),
    [
        (Priority.STAT, "an urgent", "Urgent Careloop notice"),
        (Priority.URGENT, "an urgent", "Urgent Careloop notice"),
        (Priority.ROUTINE, "a", "Careloop notice"),
    ],
)
def test_mail_says_how_urgent_it_is_and_nothing_of_the_patient(priority: Priority, urgency: str, subject: str) -> None:
    message = Message(message_id="<m@x>", to="a@b", notice=fact("notice"), priority=priority, at=NOON)
    assert message.text == f"You have {urgency} Careloop notice. Sign in to read it. Reference {fact('notice')}\n"
    mail = message.as_email("Careloop <c@d>")
    assert {name: str(mail[name]) for name in ("Message-ID", "From", "To", "Subject")} == {
        "Message-ID": "<m@x>",
        "From": "Careloop <c@d>",
        "To": "a@b",
        "Subject": subject,
    }
    assert mail["Date"].datetime == NOON
    assert mail.get_content() == message.text


async def test_an_attempt_and_its_outcome_are_of_one_person_one_step_and_one_number(office: Office) -> None:
    office.mail.outcomes = list(RETRIES)
    for _ in range(3):
        await office.work_until_idle()
        office.clock.advance(timedelta(minutes=1))
    stored = await office.stored()
    attempts = [one for one in stored if isinstance(one, DeliveryAttempted)]
    mailed = [one for one in stored if isinstance(one, NoticeSent | NoticeFailed) and one.channel is Channel.EMAIL]
    assert [(one.person, one.step, one.attempt) for one in attempts] == [(DR_OSEI, 0, n) for n in (1, 2, 3)]
    assert [(type(one), one.person, one.step, one.attempt) for one in mailed] == [
        (NoticeFailed, DR_OSEI, 0, 1),
        (NoticeFailed, DR_OSEI, 0, 2),
        (NoticeSent, DR_OSEI, 0, 3),
    ]
    assert [one.occurred_at for one in attempts] == [NOON + timedelta(minutes=n) for n in (0, 1, 2)]
    assert [one.occurred_at for one in mailed] == [NOON + timedelta(minutes=n) for n in (0, 1, 2)]


async def test_what_the_worker_stores_is_its_own_and_about_the_notice(office: Office) -> None:
    before = len(await office.stored())
    await office.work_until_idle()
    office.clock.advance(RULES.urgent_window)
    await office.work_until_idle()
    rows = (await office.store.load(PATIENT))[before:]
    notice = await notice_id(office)
    assert {(row.meta.actor, row.meta.correlation_id) for row in rows} == {("notifications", notice)}
    acts = [row.meta.command_id.partition(":")[0] for row in rows]
    assert acts == ["attempt", "outcome", "escalate", "escalate", "attempt", "outcome"]


async def test_an_escalation_is_of_its_step_and_happens_when_it_is_done(office: Office) -> None:
    office.clock.advance(RULES.urgent_window + timedelta(minutes=7))
    await office.work_until_idle()
    (escalated,) = [one for one in await office.stored() if isinstance(one, NoticeEscalated)]
    late = NOON + RULES.urgent_window + timedelta(minutes=7)
    assert (escalated.step, escalated.persons, escalated.occurred_at) == (1, (MAYA,), late)
    assert escalated.acknowledge_by == late + RULES.urgent_window


async def mailed_to(office: Office, person: str) -> set[str]:
    """Where the messages for this person went."""
    ids = {one.message_id for one in await office.attempts() if one.person == person}
    return {message.to for message in office.mail.sent if message.message_id in ids}


async def test_the_on_call_person_is_written_to_at_the_address_that_is_set_whatever_the_team_says() -> None:
    office = office_in_memory()
    await office.hear(side_effect())
    await office.work_until_idle()
    assert await mailed_to(office, "on-call") == {"on-call@example.org"}
    in_team = office_in_memory()
    member = replace(
        TEAM[0].event,
        person="on-call",
        email="on-call@team.example.org",
        fact_id=fact("on-call"),
        role=Role.PSYCHIATRIST,
    )
    await in_team.hear(structs.replace(TEAM[0], event=member), side_effect())
    await in_team.work_until_idle()
    assert await mailed_to(in_team, "on-call") == {"on-call@example.org"}


async def test_nobody_but_the_on_call_person_is_written_to_at_that_address() -> None:
    office = office_in_memory()
    await office.hear(structs.replace(TEAM[0], event=replace(TEAM[0].event, email="")), side_effect())
    await office.work_until_idle()
    assert await mailed_to(office, DR_OSEI) == set()
    assert [one.reason for one in await office.stored() if isinstance(one, NoticeFailed)] == [FailureReason.NO_ADDRESS]


async def test_a_claimed_row_is_nobody_elses_until_its_lease_ends(office: Office) -> None:
    claimed = await office.store.claim_due(frozenset({SEND, ESCALATE}), office.clock(), 60, 10)
    assert len(claimed) == 1
    assert await office.worker.work() == 0
    office.clock.advance(timedelta(seconds=60, microseconds=1))
    assert await office.worker.work() == 1


async def test_rows_of_one_patient_are_done_in_their_order_and_one_that_fails_stops_no_other(office: Office) -> None:
    await office.hear(side_effect("fall", level="emergency-now"))
    claims: list[ClaimedDue] = list(await office.store.claim_due(frozenset({SEND, ESCALATE}), office.clock(), 60, 10))
    assert len(claims) == 3
    office.clock.advance(timedelta(seconds=61))
    assert await office.worker.work() == 3
    assert len(office.mail.sent) == 3
