"""Who is notified of a message: who it is for, and nobody else; what it says only they read."""

from collections.abc import AsyncIterator

import pytest
from care.notifications.v1 import notifications_pb2 as pb

from careloop.chassis.calls.call import Call, Caller, set_current_call
from careloop.chassis.calls.message_checks import check_own_record
from careloop.chassis.commands.writes import Writes
from careloop.chassis.consuming.handler import Received
from careloop.chassis.log.postgres import PostgresEventStore
from careloop.contracts.coordination import CLIENT, MessagePosted
from careloop.contracts.terms import Role
from careloop.kernel.errors import InvalidInput, NotAllowed
from careloop.kernel.ids import PatientId, PersonId
from services.notifications.domain.decisions import DECISIONS
from services.notifications.domain.events import NoticeDecided
from services.notifications.grpc_api import NotificationsApi
from services.notifications.views import InboxIndex, client_inbox
from tests.notifications.test_grpc_api import CALL, CONTEXT
from tests.support.controls.moments import NOON, PATIENT, fact
from tests.support.controls.notifications import DR_OSEI, MAYA
from tests.support.services.notices import TEAM, GivenClock, Office, assigned, office_in_memory, received
from tests.support.stack import PostgresDatabase

TEXT = "COLLEAGUES ONLY: watch the family."
OTHER_PATIENT = PatientId(fact("another patient"))


def message(sender: str, recipient: str, text: str = TEXT, *, patient: PatientId = PATIENT) -> Received:
    posted = MessagePosted(
        fact_id=fact(f"{sender} to {recipient}"),
        sender=sender,
        recipient=recipient,
        about=None,
        text=text,
        occurred_at=NOON,
    )
    name = f"{sender} to {recipient} of {patient}"
    return received(name, "care.coordination.MessagePosted.v1", posted, patient=patient, actor=sender)


@pytest.mark.parametrize(
    ("sender", "recipient", "person", "role", "subject"),
    [
        (MAYA, DR_OSEI, DR_OSEI, Role.PSYCHIATRIST, "A message from a colleague"),
        (CLIENT, DR_OSEI, DR_OSEI, Role.PSYCHIATRIST, "A message from the client"),
        (DR_OSEI, CLIENT, CLIENT, Role.CLIENT, "A message from your care team"),
    ],
)
async def test_a_message_goes_to_who_it_is_for(
    sender: str, recipient: str, person: str, role: Role, subject: str
) -> None:
    office = office_in_memory()
    await office.hear(*TEAM, message(sender, recipient))
    (notice,) = [one for one in await office.stored() if isinstance(one, NoticeDecided)]
    assert [(it.person, it.role) for it in notice.addressees] == [(person, role)]
    assert (notice.subject, notice.suppressed) == (subject, "")
    await office.work_until_idle()
    assert office.mail.sent == []


@pytest.mark.postgres
class TestInboxes:
    @pytest.fixture
    async def office(self, postgres: PostgresDatabase) -> AsyncIterator[Office]:
        async with PostgresEventStore.open(postgres.dsn("notifications"), "notifications") as store:
            office = Office(store, GivenClock(), indexed=True)
            await office.hear(*TEAM, message(MAYA, DR_OSEI), message(DR_OSEI, CLIENT, "See you on Monday."))
            yield office

    def api(self, office: Office) -> NotificationsApi:
        assert isinstance(office.store, PostgresEventStore)
        return NotificationsApi(Writes(office.streams, DECISIONS), InboxIndex(office.store.connections), partitions=6)

    async def inbox(self, office: Office, caller: Caller) -> list[tuple[str, str]]:
        """Subjects and details, as the guard lets this caller ask."""
        call = Call(method=CALL.method, caller=caller, correlation_id=CALL.correlation_id, now=NOON)
        set_current_call(call)
        own = "" if caller.patient is None else str(caller.patient)
        request = pb.ListInboxRequest(patient_id=own)
        check_own_record(request, call)
        answer = await self.api(office).ListInbox(request, CONTEXT)
        return [(one.subject, one.detail) for one in answer.notices]

    async def test_a_client_reads_what_is_for_them_and_no_other_client_does(self, office: Office) -> None:
        client = Caller(subject=PersonId("token-of-alma"), role="client", patient=PATIENT)
        assert await self.inbox(office, client) == [("A message from your care team", "See you on Monday.")]
        other = Caller(subject=PersonId("token-of-alma"), role="client", patient=OTHER_PATIENT)
        assert await self.inbox(office, other) == []

    async def test_a_message_to_the_client_is_in_nobody_else_s_inbox(self, office: Office) -> None:
        for person, role in ((MAYA, "care-manager"), (CLIENT, "care-manager")):
            assert await self.inbox(office, Caller(subject=PersonId(person), role=role)) == []
        prescriber = Caller(subject=PersonId(DR_OSEI), role="psychiatrist")
        assert await self.inbox(office, prescriber) == [("A message from a colleague", TEXT)]

    async def test_nobody_who_may_assign_team_members_reaches_into_a_client_s_inbox(self, office: Office) -> None:
        await office.hear(assigned("client", Role.PHARMACIST), message(MAYA, "client", "For the pharmacist."))
        client = Caller(subject=PersonId("token-of-alma"), role="client", patient=PATIENT)
        assert len(await self.inbox(office, client)) == 2, "both are messages to the client"
        assert not client_inbox(PATIENT).isprintable(), "no token has such a subject, and no request such a text"

    async def test_a_colleague_reads_of_another_s_message_that_there_is_one_and_not_what_it_says(
        self, office: Office
    ) -> None:
        notices = [one for one in await office.stored() if isinstance(one, NoticeDecided)]
        api = self.api(office)
        for reader, details in ((MAYA, {""}), (DR_OSEI, {TEXT, ""})):
            set_current_call(
                Call(
                    method=CALL.method,
                    caller=Caller(subject=PersonId(reader), role="care-manager"),
                    correlation_id=CALL.correlation_id,
                    now=NOON,
                )
            )
            found = [
                await api.GetNotice(pb.GetNoticeRequest(patient_id=str(PATIENT), notice_id=str(one.fact_id)), CONTEXT)
                for one in notices
            ]
            assert {one.notice.detail for one in found} == details

    async def test_a_client_asks_for_no_other_s_inbox_and_staff_name_no_patient(self, office: Office) -> None:
        client = Caller(subject=PersonId("a"), role="client", patient=PATIENT)
        call = Call(method=CALL.method, caller=client, correlation_id=CALL.correlation_id, now=NOON)
        for named in ("", str(OTHER_PATIENT)):
            with pytest.raises(NotAllowed):
                check_own_record(pb.ListInboxRequest(patient_id=named), call)
        set_current_call(CALL)
        with pytest.raises(InvalidInput) as refused:
            await self.api(office).ListInbox(pb.ListInboxRequest(patient_id=str(PATIENT)), CONTEXT)
        assert refused.value.field == "patient_id"
