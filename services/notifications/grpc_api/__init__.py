"""Notifications over gRPC: requests become commands, outcomes become answers."""

import grpc.aio
from care.notifications.v1 import notifications_pb2 as pb
from care.notifications.v1 import notifications_pb2_grpc

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.call import current_call, request_for
from careloop.chassis.calls.receipts import Receipts
from services.notifications.application import Notifications
from services.notifications.domain.entered_in_error import MarkEnteredInError
from services.notifications.domain.following_up import AcknowledgeNotice
from services.notifications.grpc_api import answers
from services.notifications.views import Place

USUAL_PAGE = 50


LARGEST_PAGE = 100


class NotificationsApi(notifications_pb2_grpc.NotificationsServiceServicer):
    """The RPCs of `care.notifications.v1`."""

    def __init__(self, service: Notifications, partitions: int) -> None:
        self._service = service
        self._receipts = Receipts("notifications", partitions)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Let this server answer these RPCs."""
        notifications_pb2_grpc.add_NotificationsServiceServicer_to_server(self, server)

    async def AcknowledgeNotice(  # noqa: N802
        self,
        request: pb.AcknowledgeNoticeRequest,
        context: grpc.aio.ServicerContext[pb.AcknowledgeNoticeRequest, pb.AcknowledgeNoticeResponse],
    ) -> pb.AcknowledgeNoticeResponse:
        patient_id, asked = fields.patient_id(request.patient_id), request_for(request)
        command = AcknowledgeNotice(
            notice=fields.fact_id(request.notice_id, "notice_id"), actor=asked.actor, now=asked.now
        )
        done = await self._service.acknowledge_notice(patient_id, asked, command)
        return pb.AcknowledgeNoticeResponse(receipt=self._receipts.of(patient_id, done), first=bool(done.events))

    async def ListInbox(  # noqa: N802
        self,
        request: pb.ListInboxRequest,
        context: grpc.aio.ServicerContext[pb.ListInboxRequest, pb.ListInboxResponse],
    ) -> pb.ListInboxResponse:
        size = fields.whole(request.page_size or USUAL_PAGE, "page_size", least=1, most=LARGEST_PAGE)
        after = Place.parse(request.page_token) if request.page_token else None
        page = await self._service.list_inbox(current_call().subject, after, size, open_only=request.open_only)
        token = page.next_after.encode() if page.next_after else ""
        return pb.ListInboxResponse(notices=[answers.notice(found) for found in page.notices], next_page_token=token)

    async def GetNotice(  # noqa: N802
        self,
        request: pb.GetNoticeRequest,
        context: grpc.aio.ServicerContext[pb.GetNoticeRequest, pb.GetNoticeResponse],
    ) -> pb.GetNoticeResponse:
        notice_id = fields.fact_id(request.notice_id, "notice_id")
        found = await self._service.get_notice(fields.patient_id(request.patient_id), notice_id)
        return pb.GetNoticeResponse(notice=answers.notice(found))

    async def MarkEnteredInError(  # noqa: N802
        self,
        request: pb.MarkEnteredInErrorRequest,
        context: grpc.aio.ServicerContext[pb.MarkEnteredInErrorRequest, pb.MarkEnteredInErrorResponse],
    ) -> pb.MarkEnteredInErrorResponse:
        patient_id, asked = fields.patient_id(request.patient_id), request_for(request)
        command = MarkEnteredInError(
            fact_id=fields.fact_id(request.fact_id),
            reason=fields.text(request.reason, "reason"),
            actor=asked.actor,
            occurred_at=fields.moment(request.occurred_at, given=request.HasField("occurred_at"), now=asked.now),
        )
        done = await self._service.mark_entered_in_error(patient_id, asked, command)
        return pb.MarkEnteredInErrorResponse(receipt=self._receipts.of(patient_id, done))
