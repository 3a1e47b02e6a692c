"""OperationsService over its ports: what every service answers about itself."""

from collections.abc import AsyncIterator
from datetime import datetime

import grpc.aio
from care.operations.v1 import operations_pb2 as wire
from care.operations.v1 import operations_pb2_grpc
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.call import request_for
from careloop.chassis.clock import Clock
from careloop.chassis.consuming.parked_records import Parked
from careloop.chassis.events.envelope import Record, to_headers
from careloop.chassis.operations.build import VERSION
from careloop.chassis.operations.ports import (
    ConsumerProgress,
    ParkedPatients,
    PublishedLog,
    ServiceStatus,
    StatusReader,
)
from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import PatientId

USUAL_PAGE = 100
LARGEST_PAGE = 500
LONGEST_REASON = 500


class OperationsApi(operations_pb2_grpc.OperationsServiceServicer):
    def __init__(
        self, status: StatusReader, parked: ParkedPatients, published: PublishedLog, *, partitions: int, clock: Clock
    ) -> None:
        self._status = status
        self._parked = parked
        self._published = published
        self._partitions = partitions
        self._clock = clock

    def add_to(self, server: grpc.aio.Server) -> None:
        operations_pb2_grpc.add_OperationsServiceServicer_to_server(self, server)

    async def GetStatus(  # noqa: N802 - named by the contract
        self,
        request: wire.GetStatusRequest,
        context: grpc.aio.ServicerContext[wire.GetStatusRequest, wire.GetStatusResponse],
    ) -> wire.GetStatusResponse:
        return _status(await self._status.status(), self._clock())

    async def ListParked(  # noqa: N802
        self,
        request: wire.ListParkedRequest,
        context: grpc.aio.ServicerContext[wire.ListParkedRequest, wire.ListParkedResponse],
    ) -> wire.ListParkedResponse:
        size, offset = _page_size(request.page_size), _offset(request.page_token)
        found = await self._parked.list_parked(request.consumer, size + 1, offset)
        token = str(offset + size) if len(found) > size else ""
        return wire.ListParkedResponse(parked=[_parked(one) for one in found[:size]], next_page_token=token)

    async def RetryParked(  # noqa: N802
        self,
        request: wire.RetryParkedRequest,
        context: grpc.aio.ServicerContext[wire.RetryParkedRequest, wire.RetryParkedResponse],
    ) -> wire.RetryParkedResponse:
        retried = await self._parked.retry(*_key(request), request_for(request))
        return wire.RetryParkedResponse(applied=retried.applied, waiting=retried.waiting)

    async def DropParked(  # noqa: N802
        self,
        request: wire.DropParkedRequest,
        context: grpc.aio.ServicerContext[wire.DropParkedRequest, wire.DropParkedResponse],
    ) -> wire.DropParkedResponse:
        reason = fields.text(request.reason, "reason", longest=LONGEST_REASON)
        dropped = await self._parked.drop(*_key(request), reason, request_for(request))
        return wire.DropParkedResponse(dropped=dropped)

    async def ReadPublished(  # noqa: N802
        self,
        request: wire.ReadPublishedRequest,
        context: grpc.aio.ServicerContext[wire.ReadPublishedRequest, wire.ReadPublishedResponse],
    ) -> AsyncIterator[wire.ReadPublishedResponse]:
        self._check_range(request)
        async for run in self._published.read_published(request.partition, request.after, request.through):
            yield wire.ReadPublishedResponse(records=[_record(one) for one in run])

    def _check_range(self, request: wire.ReadPublishedRequest) -> None:
        if not 0 <= request.partition < self._partitions:
            raise InvalidInput("no-such-partition", f"partition is 0 to {self._partitions - 1}.", field="partition")
        if request.after < 0:
            raise InvalidInput("negative-position", "after is 0 or more.", field="after")
        if request.through < 0:
            raise InvalidInput("negative-position", "through is 0 or more.", field="through")


def _key(request: wire.RetryParkedRequest | wire.DropParkedRequest) -> tuple[str, str, PatientId]:
    consumer = fields.text(request.consumer, "consumer", longest=100)
    source = fields.text(request.source, "source", longest=100)
    return consumer, source, PatientId(fields.uuid(request.patient_id, "patient_id"))


def _page_size(asked: int) -> int:
    if not 0 <= asked <= LARGEST_PAGE:
        raise InvalidInput("page-size", f"page_size is 1 to {LARGEST_PAGE}, or 0.", field="page_size")
    return asked or USUAL_PAGE


def _offset(token: str) -> int:
    if token and not (token.isascii() and token.isdecimal() and len(token) <= 9):
        raise InvalidInput("page-token", "page_token is not one that was answered.", field="page_token")
    return int(token or 0)


def _stamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def _status(status: ServiceStatus, now: datetime) -> wire.GetStatusResponse:
    connected = status.broker_connected
    return wire.GetStatusResponse(
        service=status.service,
        head_position=status.head_position,
        head_recorded_at=_stamp(status.head_recorded_at),
        relayed_position=status.relayed_position,
        relay_lag_seconds=status.relay_lag_seconds(now),
        broker=wire.BROKER_STATE_CONNECTED if connected else wire.BROKER_STATE_AWAY,
        consumers=[_progress(one, now) for one in status.consumers],
        parked=status.parked,
        due_now=status.due_now,
        due_later=status.due_later,
        version=VERSION,
        now=_stamp(now),
        overdue_seconds=status.overdue_seconds(now),
    )


def _progress(progress: ConsumerProgress, now: datetime) -> wire.ConsumerProgress:
    return wire.ConsumerProgress(
        consumer=progress.consumer,
        source=progress.source,
        partition=progress.partition,
        consumed_position=progress.consumed_position,
        head_position=progress.head_position,
        fresh_as_of=_stamp(progress.fresh_as_of),
        lag_positions=progress.lag_positions,
        lag_seconds=progress.lag_seconds(now),
    )


def _parked(parked: Parked) -> wire.ParkedPatient:
    return wire.ParkedPatient(
        consumer=parked.consumer,
        source=parked.source,
        patient_id=str(parked.patient_id),
        position=parked.position,
        waiting=parked.waiting,
        reason=parked.reason,
        parked_at=_stamp(parked.parked_at),
        attempts=parked.attempts,
    )


def _record(record: Record) -> wire.PublishedRecord:
    return wire.PublishedRecord(headers=dict(to_headers(record.envelope)), value=record.value)
