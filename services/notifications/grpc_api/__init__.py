"""Notifications over gRPC: what is asked is read as the commands say, and notices become answers."""

import grpc.aio
from care.notifications.v1 import notifications_pb2 as pb
from care.notifications.v1 import notifications_pb2_grpc

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.call import Call, current_call
from careloop.chassis.calls.writing import WritesApi, write
from careloop.chassis.commands.writes import Writes
from careloop.contracts.coordination import CLIENT
from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import PersonId
from services.notifications.application import Inboxes, Notices
from services.notifications.domain.entered_in_error import MarkEnteredInError
from services.notifications.domain.events import Event
from services.notifications.domain.following_up import AcknowledgeNotice
from services.notifications.domain.state import NoticeBoard
from services.notifications.grpc_api import answers
from services.notifications.views import Place, client_inbox

USUAL_PAGE = 50
LARGEST_PAGE = 100


class NotificationsApi(WritesApi, notifications_pb2_grpc.NotificationsServiceServicer):
    """The RPCs of `care.notifications.v1`."""

    AcknowledgeNotice = write(AcknowledgeNotice, pb, answers.acknowledged)
    MarkEnteredInError = write(MarkEnteredInError, pb)

    def __init__(self, writes: Writes[NoticeBoard, Event], inboxes: Inboxes, partitions: int) -> None:
        super().__init__(writes, partitions)
        self._notices = Notices(writes, inboxes)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Let this server answer these RPCs."""
        notifications_pb2_grpc.add_NotificationsServiceServicer_to_server(self, server)

    async def ListInbox(  # noqa: N802
        self,
        request: pb.ListInboxRequest,
        context: grpc.aio.ServicerContext[pb.ListInboxRequest, pb.ListInboxResponse],
    ) -> pb.ListInboxResponse:
        if request.patient_id and current_call().patient is None:
            raise InvalidInput(
                "for-the-client-only", "patient_id is for the client's own inbox; leave it out.", field="patient_id"
            )
        size = fields.whole(request.page_size or USUAL_PAGE, "page_size", least=1, most=LARGEST_PAGE)
        after = Place.parse(request.page_token) if request.page_token else None
        call = current_call()
        inbox = str(call.subject) if call.patient is None else client_inbox(call.patient)
        page = await self._notices.list_inbox(inbox, _reader(call), after, size, open_only=request.open_only)
        token = page.next_after.encode() if page.next_after else ""
        return pb.ListInboxResponse(notices=[answers.notice(found) for found in page.notices], next_page_token=token)

    async def GetNotice(  # noqa: N802
        self,
        request: pb.GetNoticeRequest,
        context: grpc.aio.ServicerContext[pb.GetNoticeRequest, pb.GetNoticeResponse],
    ) -> pb.GetNoticeResponse:
        notice_id = fields.fact_id(request.notice_id, "notice_id")
        patient_id = fields.patient_id(request.patient_id)
        found = await self._notices.get_notice(patient_id, notice_id, _reader(current_call()))
        return pb.GetNoticeResponse(notice=answers.notice(found))


def _reader(call: Call) -> PersonId:
    return call.subject if call.patient is None else CLIENT
