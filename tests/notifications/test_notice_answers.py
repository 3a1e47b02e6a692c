"""What a notice says over gRPC, field by field, and what acknowledging and striking one stores."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from care.notifications.v1 import notifications_pb2 as pb

from careloop.chassis.commands.writes import Writes
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.events.partitioner import partition_of
from careloop.contracts.notifications import Priority
from careloop.contracts.policy import NOTIFICATIONS
from careloop.kernel.errors import InvalidInput, NotKnown
from careloop.kernel.ids import PatientId, PersonId
from services.notifications.domain import events
from services.notifications.domain.decisions import DECISIONS
from services.notifications.domain.events import TOPICS, Event
from services.notifications.domain.state import DECIDER, NoticeBoard
from services.notifications.grpc_api import NotificationsApi
from services.notifications.views import NEVER, Entry, Place
from tests.support.controls import notifications as control
from tests.support.controls.moments import NOON, PATIENT, fact
from tests.support.controls.notifications import DR_OSEI, MAYA, NOTICE, SOON, TEAM
from tests.support.speaking import CONTEXT, Desk, speak_as, stamp

TEXT, OTHER = str(PATIENT), PatientId(fact("another patient"))
PARTITIONS = 6


@dataclass
class KnownInboxes:
    """The port to the index, as a test fills it; `asked` has every question."""

    entries: list[Entry] = field(default_factory=list)
    asked: list[tuple[str, Place | None, int, bool]] = field(default_factory=list)

    async def page(self, person: str, after: Place | None, limit: int, *, open_only: bool) -> Sequence[Entry]:
        self.asked.append((person, after, limit, open_only))
        behind = [one for one in self.entries if after is None or one.place.newest > after.newest]
        return behind[:limit]


@dataclass
class Reception:
    desk: Desk[NoticeBoard, Event]
    inboxes: KnownInboxes
    api: NotificationsApi

    async def shown(self) -> pb.Notice:
        request = pb.GetNoticeRequest(patient_id=TEXT, notice_id=str(NOTICE))
        return (await self.api.GetNotice(request, CONTEXT)).notice


@pytest.fixture
def reception() -> Reception:
    speak_as(DR_OSEI, "psychiatrist", now=SOON)
    desk: Desk[NoticeBoard, Event] = Desk("notifications", TOPICS, DECIDER)
    inboxes = KnownInboxes()
    return Reception(desk, inboxes, NotificationsApi(Writes(desk.streams, DECISIONS), inboxes, PARTITIONS))


def test_every_method_has_its_roles() -> None:
    methods = pb.DESCRIPTOR.services_by_name["NotificationsService"].methods
    assert set(NOTIFICATIONS) == {f"/{one.containing_service.full_name}/{one.name}" for one in methods}


async def test_a_notice_says_every_field(reception: Reception) -> None:
    decided = replace(control.DECIDED, occurred_at=NOON + timedelta(minutes=1))
    escalated = control.escalated(1, MAYA)
    await reception.desk.note(*TEAM, decided, escalated, replace(control.ACKNOWLEDGED, acknowledged_by=MAYA))
    assert await reception.shown() == pb.Notice(
        notice_id=str(NOTICE),
        patient_id=TEXT,
        status=pb.NOTICE_STATUS_ACKNOWLEDGED,
        priority=pb.PRIORITY_URGENT,
        subject="Side effect to be looked at today",
        detail="rash, CTCAE grade 3",
        cause_fact_id=str(control.SAME_DAY.fact_id),
        cause_type="care.monitoring.SideEffectReported.v1",
        cause_recorded_at=stamp(NOON),
        decided_at=stamp(NOON + timedelta(minutes=1)),
        acknowledge_by=stamp(NOON + 2 * control.RULES.urgent_window),
        acknowledged_by=MAYA,
        told=[DR_OSEI, MAYA],
        step=1,
        suppressed="",
    )


async def test_a_notice_without_a_clock_has_none(reception: Reception) -> None:
    await reception.desk.note(replace(control.DECIDED, suppressed="old-news", acknowledge_by=None))
    shown = await reception.shown()
    assert (shown.HasField("acknowledge_by"), shown.suppressed, list(shown.told)) == (False, "old-news", [])


STATUSES = [
    ((), pb.NOTICE_STATUS_OPEN),
    ((control.ACKNOWLEDGED,), pb.NOTICE_STATUS_ACKNOWLEDGED),
    ((control.RESOLVED,), pb.NOTICE_STATUS_RESOLVED),
    ((control.WITHDRAWN,), pb.NOTICE_STATUS_WITHDRAWN),
    ((control.MARKED,), pb.NOTICE_STATUS_ENTERED_IN_ERROR),
]


@pytest.mark.parametrize(("history", "status"), STATUSES)
async def test_the_status_is_what_became_of_it(
    reception: Reception, history: tuple[Event, ...], status: pb.NoticeStatus.ValueType
) -> None:
    await reception.desk.note(control.DECIDED, *history)
    assert (await reception.shown()).status == status


async def test_a_suppressed_notice_says_so(reception: Reception) -> None:
    await reception.desk.note(replace(control.DECIDED, suppressed="old-news"))
    assert (await reception.shown()).status == pb.NOTICE_STATUS_SUPPRESSED


@pytest.mark.parametrize(
    ("priority", "shown"),
    [
        (Priority.STAT, pb.PRIORITY_STAT),
        (Priority.URGENT, pb.PRIORITY_URGENT),
        (Priority.ROUTINE, pb.PRIORITY_ROUTINE),
    ],
)
async def test_the_priority_is_the_notices_own(
    reception: Reception, priority: Priority, shown: pb.Priority.ValueType
) -> None:
    await reception.desk.note(replace(control.DECIDED, priority=priority))
    assert (await reception.shown()).priority == shown


async def test_a_notice_is_asked_for_by_both_ids(reception: Reception) -> None:
    await reception.desk.note(control.DECIDED)
    for request, name in (
        (pb.GetNoticeRequest(patient_id="x", notice_id=str(NOTICE)), "patient_id"),
        (pb.GetNoticeRequest(patient_id=TEXT, notice_id="x"), "notice_id"),
    ):
        with pytest.raises(InvalidInput) as refused:
            await reception.api.GetNotice(request, CONTEXT)
        assert refused.value.field == name
    for request in (
        pb.GetNoticeRequest(patient_id=TEXT, notice_id=str(uuid4())),
        pb.GetNoticeRequest(patient_id=str(OTHER), notice_id=str(NOTICE)),
    ):
        with pytest.raises(NotKnown) as unknown:
            await reception.api.GetNotice(request, CONTEXT)
        assert (unknown.value.slug, unknown.value.field) == ("notice-not-known", "notice_id")


async def test_acknowledging_is_the_callers_and_happens_now(reception: Reception) -> None:
    await reception.desk.note(*TEAM, control.DECIDED)
    speak_as(MAYA, "care-manager", now=SOON + timedelta(hours=1))
    request = pb.AcknowledgeNoticeRequest(request_id="a", patient_id=TEXT, notice_id=str(NOTICE))
    answer = await reception.api.AcknowledgeNotice(request, CONTEXT)
    stored = await reception.desk.stored()
    assert stored[-1] == events.NoticeAcknowledged(
        notice=NOTICE, acknowledged_by=MAYA, occurred_at=SOON + timedelta(hours=1)
    )
    assert ConsistencyToken.parse(answer.receipt.token) == ConsistencyToken(
        service="notifications",
        partition=partition_of(PATIENT, PARTITIONS),
        position=len(stored),
        patient_id=PATIENT,
    )
    assert (answer.first, answer.receipt.repeated) == (True, False)
    speak_as(DR_OSEI, "psychiatrist")
    others = await reception.api.AcknowledgeNotice(request, CONTEXT)
    assert (others.first, others.receipt.repeated) == (False, False)


def marking(**changes: Any) -> pb.MarkEnteredInErrorRequest:
    usual = {"request_id": "m", "patient_id": TEXT, "fact_id": str(NOTICE), "reason": " wrong patient "}
    return pb.MarkEnteredInErrorRequest(**usual | changes)


@pytest.mark.parametrize(
    ("changes", "occurred_at"),
    [({"occurred_at": stamp(NOON)}, NOON), ({"occurred_at": stamp(SOON)}, SOON), ({}, SOON)],
)
async def test_a_mark_arrives_as_it_was_made(reception: Reception, changes: Any, occurred_at: Any) -> None:
    await reception.desk.note(control.DECIDED)
    speak_as(MAYA, "care-manager", now=SOON)
    answer = await reception.api.MarkEnteredInError(marking(**changes), CONTEXT)
    stored = await reception.desk.stored()
    assert stored[-1] == events.EnteredInError(
        fact_id=NOTICE, reason="wrong patient", marked_by=MAYA, occurred_at=occurred_at
    )
    assert ConsistencyToken.parse(answer.receipt.token).position == len(stored)
    again = await reception.api.MarkEnteredInError(marking(**changes), CONTEXT)
    assert (again.receipt.repeated, again.receipt.token) == (True, answer.receipt.token)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"request_id": ""}, "request_id"),
        ({"patient_id": "x"}, "patient_id"),
        ({"fact_id": ""}, "fact_id"),
        ({"reason": " "}, "reason"),
        ({"occurred_at": stamp(SOON + timedelta(microseconds=1))}, "occurred_at"),
    ],
)
async def test_a_mark_that_is_malformed_stores_nothing(reception: Reception, changes: Any, name: str) -> None:
    await reception.desk.note(control.DECIDED)
    with pytest.raises(InvalidInput) as refused:
        await reception.api.MarkEnteredInError(marking(**changes), CONTEXT)
    assert refused.value.field == name
    assert await reception.desk.stored() == [control.DECIDED]


async def test_an_inbox_is_the_callers_in_the_order_of_the_index_over_all_patients(reception: Reception) -> None:
    of_other = replace(control.DECIDED, fact_id=fact("another notice"), detail="nausea")
    await reception.desk.note(control.DECIDED)
    await reception.desk.note(of_other, patient=OTHER)
    places = [Place(False, 1, NEVER, newest, NOTICE) for newest in range(3)]
    reception.inboxes.entries = [
        Entry(OTHER, of_other.fact_id, places[0]),
        Entry(PATIENT, NOTICE, places[1]),
        Entry(OTHER, of_other.fact_id, places[2]),
    ]
    first = await reception.api.ListInbox(pb.ListInboxRequest(page_size=2, open_only=True), CONTEXT)
    assert [(one.patient_id, one.detail) for one in first.notices] == [
        (str(OTHER), "nausea"),
        (TEXT, "rash, CTCAE grade 3"),
    ]
    assert Place.parse(first.next_page_token) == places[1]
    last = await reception.api.ListInbox(pb.ListInboxRequest(page_token=first.next_page_token, page_size=1), CONTEXT)
    assert ([one.detail for one in last.notices], last.next_page_token) == (["nausea"], "")
    assert reception.inboxes.asked == [(DR_OSEI, None, 3, True), (DR_OSEI, places[1], 2, False)]


@pytest.mark.parametrize(("size", "looked_for"), [(0, 51), (1, 2), (100, 101)])
async def test_a_page_has_fifty_notices_unless_it_is_said_otherwise(
    reception: Reception, size: int, looked_for: int
) -> None:
    speak_as("somebody", "pharmacist")
    assert not (await reception.api.ListInbox(pb.ListInboxRequest(page_size=size), CONTEXT)).next_page_token
    assert reception.inboxes.asked == [(PersonId("somebody"), None, looked_for, False)]


@pytest.mark.parametrize("size", [-1, 101])
async def test_a_page_has_one_to_a_hundred_notices(reception: Reception, size: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        await reception.api.ListInbox(pb.ListInboxRequest(page_size=size), CONTEXT)
    assert refused.value.field == "page_size"


@pytest.mark.parametrize(
    "place",
    [
        Place(False, 0, NEVER, 0, NOTICE),
        Place(True, 2, NOON, -5, NOTICE),
        Place(True, 1, NOON, 2**63 - 1, NOTICE),
        Place(False, 1, NOON, 1 - 2**63, NOTICE),
    ],
)
def test_a_place_survives_its_token(place: Place) -> None:
    assert Place.parse(place.encode()) == place


@pytest.mark.parametrize(
    "place",
    [
        Place(False, 3, NOON, 0, NOTICE),
        Place(False, -1, NOON, 0, NOTICE),
        Place(False, 1, NOON.replace(tzinfo=None), 0, NOTICE),
        Place(False, 1, NOON, 2**63, NOTICE),
        Place(False, 1, NOON, -(2**63), NOTICE),
    ],
)
def test_a_place_that_no_inbox_has_is_refused(place: Place) -> None:
    with pytest.raises(InvalidInput) as refused:
        Place.parse(place.encode())
    assert (refused.value.slug, refused.value.field) == ("page-token-malformed", "page_token")
