"""Notifications over gRPC: what a request becomes, what it answers, and how bad input is refused by its field."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import uuid4

import pytest
from care.notifications.v1 import notifications_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.chassis.calls.call import Call, Caller, set_current_call
from careloop.chassis.commands.writes import Writes
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.kernel.errors import InvalidInput, NotAllowed, NotKnown, RequestIdReused, RuleViolated
from careloop.kernel.ids import FactId, PatientId, PersonId
from services.notifications.domain.decisions import DECISIONS
from services.notifications.domain.state import NoticeBoard
from services.notifications.grpc_api import NotificationsApi
from services.notifications.views import NEVER, Entry, Place
from tests.support.controls.moments import NOON, PATIENT
from tests.support.services.notices import TEAM, Office, office_in_memory, side_effect, struck

CONTEXT = cast(Any, None)
CALL = Call(
    method="/care.notifications.v1.NotificationsService/Any",
    caller=Caller(subject=PersonId("dr-osei"), role="psychiatrist"),
    correlation_id=uuid4(),
    now=NOON,
)


@dataclass
class OnePatientsInboxes:
    """The port to the index, answered from one patient's notices."""

    office: Office

    async def page(self, person: str, after: Place | None, limit: int, *, open_only: bool) -> Sequence[Entry]:
        board: NoticeBoard = await self.office.board()
        entries = [
            Entry(PATIENT, notice_id, Place(not notice.is_open, 1, NEVER, 0, notice_id))
            for notice_id, notice in board.notices.items()
            if person in notice.notified and (notice.is_open or not open_only)
        ]
        ordered = sorted(entries, key=lambda entry: (entry.place.closed, entry.notice_id))
        behind = [
            it for it in ordered if after is None or (it.place.closed, it.notice_id) > (after.closed, after.notice_id)
        ]
        return behind[:limit]


@pytest.fixture
async def office() -> Office:
    set_current_call(CALL)
    office = office_in_memory()
    await office.hear(*TEAM, side_effect())
    return office


@pytest.fixture
def api(office: Office) -> NotificationsApi:
    return NotificationsApi(Writes(office.streams, DECISIONS), OnePatientsInboxes(office), partitions=6)


async def the_notice(office: Office) -> FactId:
    (notice,) = (await office.board()).notices
    return notice


async def acknowledging(office: Office, **changes: str) -> pb.AcknowledgeNoticeRequest:
    usual = {"request_id": "a-1", "patient_id": str(PATIENT), "notice_id": str(await the_notice(office))}
    return pb.AcknowledgeNoticeRequest(**(usual | changes))


def speak_as(person: str) -> None:
    set_current_call(replace(CALL, caller=replace(CALL.caller, subject=PersonId(person))))


async def test_a_notice_is_read_with_everything_it_says(api: NotificationsApi, office: Office) -> None:
    notice_id = str(await the_notice(office))
    request = pb.GetNoticeRequest(patient_id=str(PATIENT), notice_id=notice_id)
    notice = (await api.GetNotice(request, CONTEXT)).notice
    assert (notice.status, notice.priority) == (pb.NOTICE_STATUS_OPEN, pb.PRIORITY_URGENT)
    assert (notice.subject, notice.detail) == ("Side effect to be looked at today", "rash, CTCAE grade 3")
    assert list(notice.told) == ["dr-osei"]
    assert notice.acknowledge_by.ToDatetime().hour == 14
    assert (notice.notice_id, notice.patient_id, notice.cause_type) == (
        notice_id,
        str(PATIENT),
        "care.monitoring.SideEffectReported.v1",
    )


async def test_acknowledging_answers_a_token_and_closes_the_notice(api: NotificationsApi, office: Office) -> None:
    answer = await api.AcknowledgeNotice(await acknowledging(office), CONTEXT)
    assert answer.first
    assert not answer.receipt.repeated
    assert ConsistencyToken.parse(answer.receipt.token).position == len(await office.stored())
    request = pb.GetNoticeRequest(patient_id=str(PATIENT), notice_id=str(await the_notice(office)))
    notice = (await api.GetNotice(request, CONTEXT)).notice
    assert (notice.status, notice.acknowledged_by) == (pb.NOTICE_STATUS_ACKNOWLEDGED, "dr-osei")


async def test_the_same_request_again_answers_the_same(api: NotificationsApi, office: Office) -> None:
    first = await api.AcknowledgeNotice(await acknowledging(office), CONTEXT)
    again = await api.AcknowledgeNotice(await acknowledging(office), CONTEXT)
    assert again.receipt.repeated
    assert (again.first, again.receipt.token) == (first.first, first.receipt.token)


async def test_the_second_person_is_told_that_somebody_was_first(api: NotificationsApi, office: Office) -> None:
    await api.AcknowledgeNotice(await acknowledging(office), CONTEXT)
    speak_as("maya-manager")
    answer = await api.AcknowledgeNotice(await acknowledging(office, request_id="a-2"), CONTEXT)
    assert (answer.first, answer.receipt.repeated) == (False, False)


async def test_a_request_id_is_not_used_twice_for_different_things(api: NotificationsApi, office: Office) -> None:
    await api.AcknowledgeNotice(await acknowledging(office), CONTEXT)
    with pytest.raises(RequestIdReused):
        await api.AcknowledgeNotice(await acknowledging(office, notice_id=str(uuid4())), CONTEXT)


async def test_others_may_not_and_withdrawn_notices_cannot_be_acknowledged(
    api: NotificationsApi, office: Office
) -> None:
    speak_as("stranger")
    with pytest.raises(NotAllowed):
        await api.AcknowledgeNotice(await acknowledging(office), CONTEXT)
    await office.hear(struck())
    speak_as("dr-osei")
    with pytest.raises(RuleViolated) as refused:
        await api.AcknowledgeNotice(await acknowledging(office), CONTEXT)
    assert refused.value.slug == "notice-withdrawn"


@pytest.mark.parametrize("field", ["request_id", "patient_id", "notice_id"])
@pytest.mark.parametrize("bad", ["", " "])
async def test_a_missing_field_is_named_and_nothing_is_stored(
    api: NotificationsApi, office: Office, field: str, bad: str
) -> None:
    before = await office.stored()
    with pytest.raises(InvalidInput) as refused:
        await api.AcknowledgeNotice(await acknowledging(office, **{field: bad}), CONTEXT)
    assert refused.value.field == field
    assert await office.stored() == before


async def test_the_inbox_is_the_callers_own_and_open_notices_come_first(api: NotificationsApi, office: Office) -> None:
    await api.AcknowledgeNotice(await acknowledging(office), CONTEXT)
    await office.hear(side_effect("nausea"))
    everything = (await api.ListInbox(pb.ListInboxRequest(), CONTEXT)).notices
    assert [notice.status for notice in everything] == [pb.NOTICE_STATUS_OPEN, pb.NOTICE_STATUS_ACKNOWLEDGED]
    still_open = (await api.ListInbox(pb.ListInboxRequest(open_only=True), CONTEXT)).notices
    assert [notice.detail for notice in still_open] == ["nausea, CTCAE grade 3"]
    speak_as("maya-manager")
    assert not (await api.ListInbox(pb.ListInboxRequest(), CONTEXT)).notices


async def test_an_inbox_is_read_page_by_page_to_its_end(api: NotificationsApi, office: Office) -> None:
    await office.hear(side_effect("nausea"), side_effect("fall"))
    seen, token = [], ""
    for size in (1, 1, 1):
        page = await api.ListInbox(pb.ListInboxRequest(page_size=size, page_token=token), CONTEXT)
        seen += [notice.notice_id for notice in page.notices]
        token = page.next_page_token
    assert (len(set(seen)), token) == (3, "")


@pytest.mark.parametrize(("field", "value"), [("page_size", -1), ("page_size", 101), ("page_token", "bogus")])
async def test_a_page_that_cannot_be_is_refused(api: NotificationsApi, field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        await api.ListInbox(pb.ListInboxRequest(**{field: value}), CONTEXT)
    assert refused.value.field == field


async def test_a_notice_of_another_patient_is_not_known(api: NotificationsApi, office: Office) -> None:
    other = PatientId(uuid4())
    request = pb.GetNoticeRequest(patient_id=str(other), notice_id=str(await the_notice(office)))
    with pytest.raises(NotKnown):
        await api.GetNotice(request, CONTEXT)


async def test_a_notice_is_struck_with_a_reason(api: NotificationsApi, office: Office) -> None:
    notice_id = str(await the_notice(office))
    request = pb.MarkEnteredInErrorRequest(request_id="m-1", patient_id=str(PATIENT), fact_id=notice_id, reason="typo")
    assert not (await api.MarkEnteredInError(request, CONTEXT)).receipt.repeated
    notice = (await api.GetNotice(pb.GetNoticeRequest(patient_id=str(PATIENT), notice_id=notice_id), CONTEXT)).notice
    assert notice.status == pb.NOTICE_STATUS_ENTERED_IN_ERROR
    await office.work_until_idle()
    assert office.mail.sent == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": "x" * 2001}, "reason"),
        ({"fact_id": "not-a-uuid"}, "fact_id"),
        ({"occurred_at": Timestamp(seconds=int(NOON.timestamp()) + 1)}, "occurred_at"),
        ({"occurred_at": Timestamp(seconds=-10_000_000_000)}, "occurred_at"),
    ],
)
async def test_a_malformed_strike_is_refused_by_its_field(
    api: NotificationsApi, office: Office, changes: dict[str, Any], field: str
) -> None:
    usual = {"request_id": "m-1", "patient_id": str(PATIENT), "fact_id": str(uuid4()), "reason": "typo"}
    before = await office.stored()
    with pytest.raises(InvalidInput) as refused:
        await api.MarkEnteredInError(pb.MarkEnteredInErrorRequest(**(usual | changes)), CONTEXT)
    assert refused.value.field == field
    assert await office.stored() == before


def test_a_page_token_survives_the_journey_and_nothing_else_does() -> None:
    place = Place(False, 1, NEVER, -5, uuid4())
    assert Place.parse(place.encode()) == place
    for bad in ("", "Zm9v", place.encode()[:-4], place.encode() + "x", "é"):
        with pytest.raises(InvalidInput):
            Place.parse(bad)
