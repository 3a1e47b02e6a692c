"""A role changes hands: what is open goes to who holds it now, once, and a message to one who left reaches somebody."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from care.notifications.v1 import notifications_pb2 as pb
from msgspec.structs import replace as replace_struct

from careloop.chassis.commands.seeding import Seeding
from careloop.chassis.commands.streams import Streams
from careloop.chassis.commands.writes import Writes
from careloop.chassis.consuming.handler import Received
from careloop.chassis.consuming.noting import note_request
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.chassis.log.protocol import Unit
from careloop.contracts import coordination
from careloop.contracts.coordination import CLIENT
from careloop.contracts.notifications import Addressee
from careloop.contracts.terms import EnteredInError, Role
from careloop.kernel.ids import PersonId
from services.notifications.application import PatientNotice
from services.notifications.domain.codes import CauseKind
from services.notifications.domain.deciding import decide_notice
from services.notifications.domain.decisions import DECISIONS
from services.notifications.domain.entered_in_error import mark_entered_in_error
from services.notifications.domain.events import Event, NoticeDecided, NoticeHandedOver
from services.notifications.domain.following_up import acknowledge, escalate
from services.notifications.domain.handing_over import hand_over
from services.notifications.domain.noted import ReleaseNoted, TeamNoted
from services.notifications.domain.state import DECIDER, NoticeBoard
from services.notifications.due import hand_overs
from services.notifications.grpc_api import NotificationsApi
from services.notifications.sender import Message
from services.notifications.views import InboxIndex
from tests.notifications.test_grpc_api import CONTEXT
from tests.notifications.test_messages import message
from tests.support.controls import notifications as control
from tests.support.controls.moments import NOON, PATIENT, fact
from tests.support.controls.notifications import DR_LIND, DR_OSEI, MAYA, NOTICE, TEAM, TOM, clock_of
from tests.support.services.notices import (
    CODEC,
    PUBLISHED_TOPICS,
    Crash,
    GivenClock,
    Office,
    assigned,
    office_in_memory,
    received,
    side_effect,
)
from tests.support.services.notices import TEAM as HEARD_TEAM
from tests.support.speaking import speak_as
from tests.support.specification import given
from tests.support.stack import PostgresDatabase

NEW, PAUL = "dr-new", "paul-pharmacist"
AN_HOUR_AGO = NOON - timedelta(hours=1)
OPEN: tuple[Event, ...] = (*TEAM, control.DECIDED)
VACANT = replace(control.HAND_OVER, vacant=True)


def joins(person: str, role: Role, since: datetime = AN_HOUR_AGO) -> TeamNoted:
    return replace(control.member(person, role), effective_from=since)


def leaves(person: str, role: Role, at: datetime = NOON) -> ReleaseNoted:
    return replace(
        control.PRESCRIBER_RELEASED, fact_id=fact(f"{person} left"), person=person, role=role, effective_from=at
    )


LEFT = leaves(DR_OSEI, Role.PSYCHIATRIST)
SUCCESSOR = joins(NEW, Role.PSYCHIATRIC_NURSE_PRACTITIONER)


def handed(*history: Event, vacant: bool = False) -> list[tuple[str, tuple[str, ...]]]:
    """From whom to whom the notices go."""
    command = VACANT if vacant else control.HAND_OVER
    decided = given(DECIDER, *history).when(hand_over, command).decided
    return [(one.left, one.persons) for one in decided if isinstance(one, NoticeHandedOver)]


def test_an_open_notice_goes_to_who_has_the_role_now_into_their_inbox_and_its_clock_runs_on() -> None:
    moved = replace(control.HANDED_OVER, notice=NOTICE, left=DR_OSEI, persons=(NEW,))
    given(DECIDER, *OPEN, SUCCESSOR, LEFT).when(hand_over, control.HAND_OVER).then(moved, control.in_inbox(NEW))
    after = DECIDER.fold((*OPEN, SUCCESSOR, LEFT, moved)).notices[NOTICE]
    assert (after.acknowledge_by, after.step, after.holders) == (control.ACKNOWLEDGE_BY, 0, (NEW,))
    next_page = given(DECIDER, *OPEN, SUCCESSOR, LEFT, moved).when(escalate, clock_of(0)).decided[0]
    assert next_page == control.escalated(1, MAYA)


def test_what_was_handed_over_is_not_handed_over_again() -> None:
    history = (*OPEN, SUCCESSOR, LEFT)
    moved = given(DECIDER, *history).when(hand_over, control.HAND_OVER).decided
    assert handed(*history, *moved) == handed(*history, *moved, vacant=True) == []


def test_nothing_moves_while_the_old_one_is_there_or_nobody_took_over() -> None:
    assert handed(*OPEN, SUCCESSOR) == []
    assert handed(*OPEN, LEFT) == []
    assert handed(*OPEN, SUCCESSOR, leaves(DR_OSEI, Role.PSYCHIATRIST, NOON + timedelta(days=1))) == []


@pytest.mark.parametrize("closing", [control.ACKNOWLEDGED, control.WITHDRAWN, control.MARKED])
def test_what_is_closed_stays_where_it_is(closing: Event) -> None:
    assert handed(*OPEN, SUCCESSOR, LEFT, closing, vacant=True) == []


@pytest.mark.parametrize(
    ("team", "stand_in"),
    [
        ((), MAYA),
        ((leaves(MAYA, Role.CARE_MANAGER), joins(DR_LIND, Role.PSYCHIATRIST)), DR_OSEI),
        ((leaves(MAYA, Role.CARE_MANAGER), leaves(DR_OSEI, Role.PSYCHIATRIST)), "on-call"),
    ],
)
def test_what_a_vacant_role_leaves_open_goes_to_the_care_manager_the_prescriber_or_the_on_call_person(
    team: tuple[Event, ...], stand_in: str
) -> None:
    therapists = replace(
        control.DECIDED, addressees=(Addressee(person=TOM, role=Role.THERAPIST, channels=control.BOTH, step=0),)
    )
    history = (*TEAM, therapists, leaves(TOM, Role.THERAPIST), *team)
    assert handed(*history) == []
    assert handed(*history, vacant=True) == [(TOM, (stand_in,))]


def test_who_leaves_one_role_and_has_the_notice_for_another_keeps_it() -> None:
    history = (*OPEN, joins(TOM, Role.CARE_MANAGER), joins("tina", Role.THERAPIST), leaves(TOM, Role.THERAPIST))
    assert handed(*history, control.escalated(1, TOM)) == []


def test_whom_an_escalation_reached_is_replaced_as_well() -> None:
    history = (*OPEN, control.escalated(1, MAYA), joins("mia", Role.CARE_MANAGER), leaves(MAYA, Role.CARE_MANAGER))
    assert handed(*history) == [(MAYA, ("mia",))]


def test_who_comes_back_takes_it_back() -> None:
    first = (*OPEN, SUCCESSOR, LEFT)
    moved = given(DECIDER, *first).when(hand_over, control.HAND_OVER).decided
    back = replace(control.PRESCRIBER, fact_id=fact("back"), effective_from=NOON)
    gone = leaves(NEW, Role.PSYCHIATRIC_NURSE_PRACTITIONER)
    assert handed(*first, *moved, back, gone) == [(NEW, (DR_OSEI,))]


def test_the_client_and_the_on_call_person_have_no_role_to_leave() -> None:
    to_the_client = replace(
        control.DECIDED, addressees=(Addressee(person=CLIENT, role=Role.CLIENT, channels=control.BOTH, step=0),)
    )
    on_call = replace(
        control.DECIDED, fact_id=fact("second"), addressees=(replace(control.DECIDED.addressees[2], step=0),)
    )
    assert handed(*TEAM, to_the_client, on_call, SUCCESSOR, LEFT, vacant=True) == []


def test_who_was_replaced_answers_and_strikes_nothing_and_who_replaced_them_does() -> None:
    history = (*OPEN, SUCCESSOR, LEFT, replace(control.HANDED_OVER, notice=NOTICE, left=DR_OSEI, persons=(NEW,)))
    given(DECIDER, *history).when(acknowledge, control.ACKNOWLEDGE).then_refused("not-in-team")
    given(DECIDER, *history).when(mark_entered_in_error, replace(control.MARK, actor=PersonId(DR_OSEI))).then_refused(
        "not-an-addressee"
    )
    taken = replace(control.ACKNOWLEDGED, acknowledged_by=NEW)
    given(DECIDER, *history).when(acknowledge, replace(control.ACKNOWLEDGE, actor=PersonId(NEW))).then(taken)


def test_who_left_the_team_takes_on_what_they_are_paged_for_since_as_the_person_on_call() -> None:
    was_here = control.member("on-call", Role.PSYCHIATRIST)
    history = (was_here, leaves("on-call", Role.PSYCHIATRIST, AN_HOUR_AGO), *OPEN)
    asks = replace(control.ACKNOWLEDGE, actor=PersonId("on-call"), now=NOON + timedelta(hours=5))
    given(DECIDER, *history).when(acknowledge, asks).then_refused("not-in-team")
    paged = (*history, control.escalated(1, MAYA), control.escalated(2, "on-call"))
    taken = replace(control.ACKNOWLEDGED, acknowledged_by="on-call", occurred_at=asks.now)
    given(DECIDER, *paged).when(acknowledge, asks).then(taken)


def test_a_notice_that_names_somebody_who_left_goes_to_who_has_their_role() -> None:
    declined = control.cause(CauseKind.PRESCRIPTION_DECLINED, named=DR_OSEI)
    command = replace(control.DECIDE, cause=declined)
    decided = given(DECIDER, *TEAM, SUCCESSOR, LEFT).when(decide_notice, command).decided[0]
    assert isinstance(decided, NoticeDecided)
    assert [it.person for it in decided.addressees] == [NEW]


def test_a_message_of_a_build_that_did_not_store_its_sender_says_that_a_colleague_wrote_it() -> None:
    decided = replace(control.DECIDED, kind=CauseKind.MESSAGE_POSTED, named=DR_OSEI, detail="secret")
    board = DECIDER.fold((*TEAM, decided, replace(control.HANDED_OVER, notice=NOTICE, left=DR_OSEI, persons=(NEW,))))
    shown = PatientNotice(patient_id=PATIENT, notice=board.notices[NOTICE]).read_by(PersonId(NEW))
    assert shown.notice.decided.detail.startswith("To dr-osei, who is not in the care team, from a colleague")


def released(person: str, role: Role, at: datetime = NOON) -> Received:
    told = coordination.TeamMemberReleased(
        fact_id=fact(f"{person} left"), person=person, role=role, effective_from=at, released_by=MAYA, occurred_at=NOON
    )
    return received(f"{person} left", "care.coordination.TeamMemberReleased.v1", told)


OSEI_LEFT = released(DR_OSEI, Role.PSYCHIATRIST)
LIND = assigned(DR_LIND, Role.PSYCHIATRIC_NURSE_PRACTITIONER)


async def hand_overs_of(office: Office) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.left, one.persons) for one in await office.stored() if isinstance(one, NoticeHandedOver)]


def to(message: Message) -> str:
    return message.to.partition("@")[0]


async def test_a_release_moves_what_is_open_in_the_same_write_and_mails_the_new_one_once() -> None:
    office = office_in_memory()
    await office.hear(*HEARD_TEAM, side_effect())
    await office.work_until_idle()
    await office.hear(OSEI_LEFT)
    assert await hand_overs_of(office) == []
    await office.hear(LIND)
    await office.work_until_idle()
    assert await hand_overs_of(office) == [(DR_OSEI, (DR_LIND,))]
    office.clock.advance(timedelta(minutes=6))
    await office.work_until_idle()
    assert [to(one) for one in office.mail.sent] == [DR_OSEI, DR_LIND]


async def test_a_mail_that_was_not_sent_yet_does_not_go_to_who_left() -> None:
    office = office_in_memory()
    await office.hear(*HEARD_TEAM, side_effect(), LIND, OSEI_LEFT)
    await office.work_until_idle()
    assert [to(one) for one in office.mail.sent] == [DR_LIND]


async def test_a_release_to_come_moves_it_when_it_comes_once_however_often_the_worker_dies() -> None:
    office = office_in_memory()
    later = NOON + timedelta(hours=1)
    await office.hear(*HEARD_TEAM, side_effect(), LIND, released(DR_OSEI, Role.PSYCHIATRIST, later))
    await office.work_until_idle()
    assert await hand_overs_of(office) == []
    office.clock.now = later
    office.mail.outcomes = [Crash(), None]
    for _ in range(2):
        try:
            await office.another_worker().work()
        except Crash:
            office.clock.advance(timedelta(minutes=2))
    await office.another_worker().work()
    await office.work_until_idle()
    assert await hand_overs_of(office) == [(DR_OSEI, (DR_LIND,))]


async def test_a_role_that_nobody_takes_over_is_vacant_after_five_minutes() -> None:
    office = office_in_memory()
    await office.hear(*HEARD_TEAM, message(MAYA, DR_OSEI), OSEI_LEFT)
    await office.work_until_idle()
    assert await hand_overs_of(office) == []
    office.clock.advance(timedelta(minutes=5))
    await office.work_until_idle()
    assert await hand_overs_of(office) == [(DR_OSEI, (MAYA,))]


async def test_an_assignment_that_was_a_mistake_leaves_nothing_in_the_strangers_hands() -> None:
    office = office_in_memory()
    stranger = assigned("stranger", Role.CARE_MANAGER)
    struck = EnteredInError(fact_id=stranger.event.fact_id, reason="typo", marked_by=MAYA, occurred_at=NOON)
    await office.hear(stranger, message(CLIENT, "stranger"))
    await office.hear(received("struck", "care.coordination.EnteredInError.v1", struck))
    assert await hand_overs_of(office) == [("stranger", ("on-call",))]


async def test_what_an_earlier_build_left_with_somebody_who_left_is_handed_over_by_the_seeded_rows() -> None:
    office = office_in_memory()
    earlier: Streams[NoticeBoard, Event] = Streams(
        "notifications", office.store, CODEC, DECIDER, published=PUBLISHED_TOPICS
    )
    history: tuple[Event, ...] = (*TEAM, control.OTHER_PRESCRIBER, control.DECIDED, LEFT)
    for number, noted in enumerate(history):
        request = replace_struct(note_request("notifications", OSEI_LEFT.envelope, NOON), request_id=str(number))
        await office.store.commit(Unit(writes=(earlier.write(PATIENT, request, [noted], None),)))
    office.clock.advance(timedelta(minutes=30))
    seeding = Seeding("hand-overs", office.streams, hand_overs)
    assert [await seeding.run(office.clock()), await seeding.run(office.clock())] == [1, 0]
    await office.work_until_idle()
    assert await hand_overs_of(office) == [(DR_OSEI, (DR_LIND,))]


class TestInboxes:
    """On PostgreSQL, where the index over all patients is."""

    pytestmark = pytest.mark.postgres

    @pytest.fixture
    async def office(self, postgres: PostgresDatabase) -> AsyncIterator[Office]:
        async with PostgresEventStore.open(postgres.dsn("notifications"), "notifications") as store:
            yield Office(store, GivenClock(), indexed=True)

    async def inbox(self, office: Office, person: str, role: str = "psychiatrist") -> list[tuple[str, str]]:
        assert isinstance(office.store, PostgresEventStore)
        api = NotificationsApi(Writes(office.streams, DECISIONS), InboxIndex(office.store.connections), partitions=6)
        speak_as(person, role)
        answer = await api.ListInbox(pb.ListInboxRequest(), CONTEXT)
        return [(one.subject, one.detail) for one in answer.notices]

    async def test_the_entries_go_from_one_inbox_to_the_other_and_stay_there(self, office: Office) -> None:
        await office.hear(*HEARD_TEAM, side_effect(), message(MAYA, DR_OSEI, "COLLEAGUES ONLY"), LIND)
        assert len(await self.inbox(office, DR_OSEI)) == 2
        await office.hear(OSEI_LEFT)
        await office.work_until_idle()
        assert await self.inbox(office, DR_OSEI) == []
        inbox = await self.inbox(office, DR_LIND)
        note = f"To {DR_OSEI}, who is not in the care team, from {MAYA}: ask {MAYA} what it says."
        assert sorted(inbox) == [
            ("A message from a colleague", note),
            ("Side effect to be looked at today", "rash, CTCAE grade 3"),
        ]
        office.clock.advance(timedelta(minutes=6))
        await office.work_until_idle()
        assert await self.inbox(office, DR_LIND) == inbox
        assert len(await self.inbox(office, MAYA, "care-manager")) == 0

    async def test_what_the_client_wrote_to_one_who_left_is_read_by_who_has_their_role(self, office: Office) -> None:
        await office.hear(*HEARD_TEAM, LIND, message(CLIENT, DR_OSEI, "I feel worse."), OSEI_LEFT)
        assert await self.inbox(office, DR_LIND) == [("A message from the client", "I feel worse.")]

    async def test_without_a_successor_the_care_manager_reads_it(self, office: Office) -> None:
        await office.hear(*HEARD_TEAM, message(CLIENT, DR_OSEI, "I feel worse."), OSEI_LEFT)
        office.clock.advance(timedelta(minutes=5))
        await office.work_until_idle()
        expected = [("A message from the client", "I feel worse.")]
        assert await self.inbox(office, MAYA, "care-manager") == expected

    async def test_a_message_that_is_heard_of_after_its_reader_left_reaches_the_same(self, office: Office) -> None:
        await office.hear(*HEARD_TEAM, LIND, OSEI_LEFT, message(CLIENT, DR_OSEI, "I feel worse."))
        assert await self.inbox(office, DR_LIND) == [("A message from the client", "I feel worse.")]

    async def test_a_pharmacist_takes_on_what_their_inbox_lists_and_nobody_elses(self, office: Office) -> None:
        assert isinstance(office.store, PostgresEventStore)
        api = NotificationsApi(Writes(office.streams, DECISIONS), InboxIndex(office.store.connections), partitions=6)
        await office.hear(*HEARD_TEAM, assigned(PAUL, Role.PHARMACIST), message(MAYA, PAUL), side_effect())
        speak_as(PAUL, "pharmacist")
        (mine,) = (await api.ListInbox(pb.ListInboxRequest(), CONTEXT)).notices
        taken = await api.AcknowledgeNotice(
            pb.AcknowledgeNoticeRequest(request_id="r-1", patient_id=str(PATIENT), notice_id=mine.notice_id), CONTEXT
        )
        assert taken.first
        assert not (await api.ListInbox(pb.ListInboxRequest(open_only=True), CONTEXT)).notices
