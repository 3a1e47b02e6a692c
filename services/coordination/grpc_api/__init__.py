"""Coordination over gRPC: requests become commands, views become answers."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, TypeVar

import grpc.aio
import msgspec
from care.common.v1 import common_pb2
from care.coordination.v1 import coordination_pb2 as pb
from care.coordination.v1 import coordination_pb2_grpc
from google.protobuf.message import Message

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.call import Call, Clock, current_call, request_for
from careloop.chassis.calls.receipts import Receipts
from careloop.chassis.events import consistency_token as tokens
from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import PersonId
from services.coordination.application import CareTeams, CareViews
from services.coordination.domain.care_team import AssignTeamMember, ReleaseTeamMember
from services.coordination.domain.codes import TeamRole
from services.coordination.domain.entered_in_error import MarkEnteredInError
from services.coordination.domain.events import CLIENT
from services.coordination.domain.messages import PostMessage
from services.coordination.domain.view.care_view import CareView
from services.coordination.domain.view.caseload import CaseloadEntry
from services.coordination.domain.view.sections import SECTIONS
from services.coordination.evidence import SourceFreshness
from services.coordination.grpc_api import journal
from services.coordination.grpc_api.journal import any_moment
from services.coordination.reading.caseload import CaseloadPlace
from services.coordination.reading.frames import JournalFrames
from services.coordination.reading.journal import JournalEntry
from services.coordination.reading.stamp import Stamp
from services.coordination.rebuilding.process import Rebuilds

Context = grpc.aio.ServicerContext
LONGEST_AHEAD = timedelta(days=366)
LONGEST_PAGE, USUAL_PAGE = 200, 50
ANSWER_BEFORE_DEADLINE_SECONDS = 0.15


class CoordinationApi(coordination_pb2_grpc.CoordinationServiceServicer):
    """The RPCs of `care.coordination.v1`. A call waits for `at_least` no longer than `longest_wait_seconds`."""

    def __init__(
        self,
        teams: CareTeams,
        views: CareViews,
        frames: JournalFrames,
        rebuilds: Rebuilds,
        *,
        partitions: int,
        clock: Clock,
        longest_wait_seconds: float,
    ) -> None:
        self._teams = teams
        self._views = views
        self._receipts = Receipts("coordination", partitions)
        self._frames = frames
        self._rebuilds = rebuilds
        self._clock = clock
        self._longest_wait = longest_wait_seconds

    def add_to(self, server: grpc.aio.Server) -> None:
        coordination_pb2_grpc.add_CoordinationServiceServicer_to_server(self, server)

    async def AssignTeamMember(  # noqa: N802
        self,
        request: pb.AssignTeamMemberRequest,
        context: Context[pb.AssignTeamMemberRequest, pb.AssignTeamMemberResponse],
    ) -> pb.AssignTeamMemberResponse:
        patient_id, asked, call = fields.patient_id(request.patient_id), request_for(request), current_call()
        occurred_at = _moment(request, "occurred_at", call.now)
        command = AssignTeamMember(
            fact_id=self._receipts.fact_id(patient_id, asked),
            person=_person(request.person, "person"),
            name=fields.text(request.name, "name", longest=200),
            role=fields.coded(request.role, TeamRole, "role"),
            email=_email(request.email),
            effective_from=_effective_from(request, occurred_at, call.now),
            actor=call.subject,
            occurred_at=occurred_at,
        )
        done = await self._teams.assign_team_member(patient_id, asked, command)
        return pb.AssignTeamMemberResponse(receipt=self._receipts.of(patient_id, done), fact_id=str(command.fact_id))

    async def ReleaseTeamMember(  # noqa: N802
        self,
        request: pb.ReleaseTeamMemberRequest,
        context: Context[pb.ReleaseTeamMemberRequest, pb.ReleaseTeamMemberResponse],
    ) -> pb.ReleaseTeamMemberResponse:
        patient_id, asked, call = fields.patient_id(request.patient_id), request_for(request), current_call()
        occurred_at = _moment(request, "occurred_at", call.now)
        command = ReleaseTeamMember(
            fact_id=self._receipts.fact_id(patient_id, asked),
            person=_person(request.person, "person"),
            role=fields.coded(request.role, TeamRole, "role"),
            effective_from=_effective_from(request, occurred_at, call.now),
            actor=call.subject,
            occurred_at=occurred_at,
        )
        done = await self._teams.release_team_member(patient_id, asked, command)
        return pb.ReleaseTeamMemberResponse(receipt=self._receipts.of(patient_id, done), fact_id=str(command.fact_id))

    async def PostMessage(  # noqa: N802
        self, request: pb.PostMessageRequest, context: Context[pb.PostMessageRequest, pb.PostMessageResponse]
    ) -> pb.PostMessageResponse:
        patient_id, asked, call = fields.patient_id(request.patient_id), request_for(request), current_call()
        command = PostMessage(
            fact_id=self._receipts.fact_id(patient_id, asked),
            recipient=_person(request.recipient, "recipient"),
            about=fields.fact_id(request.about, "about") if request.about else None,
            text=fields.text(request.text, "text", longest=4000),
            actor=_writer(call),
            occurred_at=_moment(request, "occurred_at", call.now),
            now=call.now,
        )
        done = await self._teams.post_message(patient_id, asked, command)
        return pb.PostMessageResponse(receipt=self._receipts.of(patient_id, done), fact_id=str(command.fact_id))

    async def MarkEnteredInError(  # noqa: N802
        self,
        request: pb.MarkEnteredInErrorRequest,
        context: Context[pb.MarkEnteredInErrorRequest, pb.MarkEnteredInErrorResponse],
    ) -> pb.MarkEnteredInErrorResponse:
        patient_id, asked, call = fields.patient_id(request.patient_id), request_for(request), current_call()
        command = MarkEnteredInError(
            fact_id=fields.fact_id(request.fact_id),
            reason=fields.text(request.reason, "reason"),
            actor=call.subject,
            occurred_at=call.now,
        )
        done = await self._teams.mark_entered_in_error(patient_id, asked, command)
        return pb.MarkEnteredInErrorResponse(receipt=self._receipts.of(patient_id, done))

    async def GetCareView(  # noqa: N802
        self, request: pb.GetCareViewRequest, context: Context[pb.GetCareViewRequest, pb.GetCareViewResponse]
    ) -> pb.GetCareViewResponse:
        patient_id = fields.patient_id(request.patient_id)
        wait = min(_time_left(context), self._longest_wait - ANSWER_BEFORE_DEADLINE_SECONDS)
        served = await self._views.get(
            patient_id, tokens.at_least(request.at_least, patient_id, SECTIONS), current_call().now, wait
        )
        return pb.GetCareViewResponse(
            view=view_message(served.view), stamp=_stamp(served.stamp), freshness=_freshness(served.freshness)
        )

    async def GetCareViewAsKnown(  # noqa: N802
        self,
        request: pb.GetCareViewAsKnownRequest,
        context: Context[pb.GetCareViewAsKnownRequest, pb.GetCareViewAsKnownResponse],
    ) -> pb.GetCareViewAsKnownResponse:
        served = await self._views.get_as_known(
            fields.patient_id(request.patient_id),
            valid_at=_optional_moment(request, "valid_at"),
            known_at=_optional_moment(request, "known_at"),
            now=current_call().now,
        )
        return pb.GetCareViewAsKnownResponse(view=view_message(served.view), stamp=_stamp(served.stamp))

    async def ListCaseload(  # noqa: N802
        self, request: pb.ListCaseloadRequest, context: Context[pb.ListCaseloadRequest, pb.ListCaseloadResponse]
    ) -> pb.ListCaseloadResponse:
        if not 0 <= request.page_size <= LONGEST_PAGE:
            raise InvalidInput("out-of-range", f"page_size is 1 to {LONGEST_PAGE}, or 0.", field="page_size")
        size = request.page_size or USUAL_PAGE
        entries = await self._views.list_caseload(CaseloadPlace.parse(request.page_token), size)
        return pb.ListCaseloadResponse(
            entries=[_caseload_entry(entry) for entry in entries],
            next_page_token=CaseloadPlace.of(entries[-1]).encode() if len(entries) == size else "",
        )

    async def WatchCareView(  # noqa: N802
        self, request: pb.WatchCareViewRequest, context: Context[pb.WatchCareViewRequest, pb.WatchCareViewResponse]
    ) -> AsyncIterator[pb.WatchCareViewResponse]:
        patient_id = fields.patient_id(request.patient_id)
        async for served in self._views.watch(patient_id, self._clock, _time_left(context)):
            yield pb.WatchCareViewResponse(
                view=view_message(served.view), stamp=_stamp(served.stamp), freshness=_freshness(served.freshness)
            )

    async def ReadJournal(  # noqa: N802
        self, request: pb.ReadJournalRequest, context: Context[pb.ReadJournalRequest, pb.ReadJournalResponse]
    ) -> AsyncIterator[pb.ReadJournalResponse]:
        async for page in self._views.read_journal(journal.wanted(request)):
            yield pb.ReadJournalResponse(entries=[_journal_entry(entry) for entry in page])

    async def ReadJournalFrames(  # noqa: N802
        self,
        request: pb.ReadJournalFramesRequest,
        context: Context[pb.ReadJournalFramesRequest, pb.ReadJournalFramesResponse],
    ) -> AsyncIterator[pb.ReadJournalFramesResponse]:
        async with aclosing(self._frames.read(journal.extent(request))) as frames:
            async for frame in frames:
                for piece in journal.pieces(frame):
                    yield piece

    async def RebuildCareView(  # noqa: N802
        self,
        request: pb.RebuildCareViewRequest,
        context: Context[pb.RebuildCareViewRequest, pb.RebuildCareViewResponse],
    ) -> AsyncIterator[pb.RebuildCareViewResponse]:
        async with aclosing(self._rebuilds.run(journal.rebuild_asked(request))) as told:
            async for one in told:
                yield journal.rebuild_message(one)


def _time_left(context: Context[Any, Any]) -> float:
    return max(0.0, (context.time_remaining() or 0.0) - ANSWER_BEFORE_DEADLINE_SECONDS)


def _person(value: str, field: str) -> PersonId:
    return PersonId(fields.text(value, field, longest=200))


def _writer(call: Call) -> PersonId:
    return call.subject if call.patient is None else CLIENT


def _email(value: str) -> str:
    email = fields.optional_text(value, "email", longest=320)
    if email and ("@" not in email[1:-1] or any(character.isspace() for character in email)):
        raise InvalidInput("not-an-email", "email must be an address such as name@example.org.", field="email")
    return email


_Dated = pb.AssignTeamMemberRequest | pb.ReleaseTeamMemberRequest


def _moment(request: _Dated | pb.PostMessageRequest, field: str, now: datetime) -> datetime:
    return fields.moment(getattr(request, field), given=request.HasField("occurred_at"), now=now, field=field)


def _effective_from(request: _Dated, occurred_at: datetime, now: datetime) -> datetime:
    """From when on; planned changes may lie up to a year ahead."""
    if not request.HasField("effective_from"):
        return occurred_at
    return fields.moment(request.effective_from, given=True, now=now + LONGEST_AHEAD, field="effective_from")


def _optional_moment(request: pb.GetCareViewAsKnownRequest, field: Any) -> datetime | None:
    return any_moment(getattr(request, field), field) if request.HasField(field) else None


def view_message(view: CareView) -> pb.CareView:
    """The view has the names and shapes of the message; texts are written for ids, dates and decimals."""
    return _message(pb.CareView, view)


_Message = TypeVar("_Message", bound=Message)


def _message(kind: Callable[..., _Message], content: Any) -> _Message:
    return kind(**msgspec.to_builtins(content, builtin_types=(datetime, bytes)))


def _stamp(stamp: Stamp) -> pb.Stamp:
    return _message(pb.Stamp, stamp)


def _freshness(freshness: Sequence[SourceFreshness]) -> list[common_pb2.Freshness]:
    return [_message(common_pb2.Freshness, one) for one in freshness]


def _journal_entry(entry: JournalEntry) -> pb.JournalEntry:
    return _message(pb.JournalEntry, entry)


def _caseload_entry(entry: CaseloadEntry) -> pb.CaseloadEntry:
    told = entry.headline
    return pb.CaseloadEntry(
        patient_id=str(entry.patient_id),
        name=told.name,
        birth_date=told.birth_date.isoformat() if told.birth_date else "",
        urgency=_message(pb.Urgency, entry.urgency),
        open_side_effects=told.open_side_effects,
        unacknowledged_notices=told.unacknowledged_notices,
        assessment_completed=told.assessment_completed,
    )
