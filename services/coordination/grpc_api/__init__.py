"""Coordination over gRPC: what is asked is read as the commands say, and views become answers."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import grpc.aio
from care.coordination.v1 import coordination_pb2 as pb
from care.coordination.v1 import coordination_pb2_grpc
from msgspec import UNSET

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.call import current_call
from careloop.chassis.calls.writing import WritesApi, event_of, write
from careloop.chassis.clock import Clock
from careloop.chassis.commands.streams import Done
from careloop.chassis.commands.writes import Writes
from careloop.chassis.events import consistency_token as tokens
from careloop.contracts.coordination import CLIENT, MessagePosted
from careloop.contracts.terms import Triage, TriageLevel
from careloop.kernel.commands import MarkEnteredInError
from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import PatientId
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.urgency.client_help import client_help
from careloop.knowledge.urgency.understanding import language_of
from services.coordination.application import CareViews
from services.coordination.domain.care_team import AssignTeamMember, ReleaseTeamMember
from services.coordination.domain.events import Event
from services.coordination.domain.messages import PostMessage, writer
from services.coordination.domain.state import CareTeam
from services.coordination.domain.view.at_hand import department, names_taken
from services.coordination.domain.view.readers import Reader
from services.coordination.domain.view.sections import SECTIONS, facts_in
from services.coordination.grpc_api import answers, journal
from services.coordination.grpc_api.reading import effective_from, email, optional_moment
from services.coordination.reading.caseload import CaseloadPlace
from services.coordination.reading.frames import JournalFrames
from services.coordination.rebuilding.process import Rebuilds

Context = grpc.aio.ServicerContext
LONGEST_PAGE, USUAL_PAGE = 200, 50
ANSWER_BEFORE_DEADLINE_SECONDS = 0.15
ENROLMENT_SECONDS = 2.0
"""A team member is often assigned in the moment after the client was enrolled."""


async def knowing_the_client(
    api: "CoordinationApi", patient_id: PatientId, _request: Any, command: AssignTeamMember
) -> AssignTeamMember:
    return replace(command, enrolled=await api.views.is_enrolled(patient_id, command.now, ENROLMENT_SECONDS))


async def heard_of(api: "CoordinationApi", patient_id: PatientId, _message: Any, command: PostMessage) -> PostMessage:
    """The view is looked at only where a message names something, or where the client writes."""
    if command.about is None and command.actor != CLIENT:
        return command
    sections = await api.views.sections(patient_id)
    if sections is None:
        return command
    return replace(command, known=facts_in(sections), medicines=names_taken(sections))


async def help_with_message(api: "CoordinationApi", patient_id: PatientId, done: Done[Any]) -> dict[str, Any]:
    """What a client reads at once whose message is an emergency."""
    found = event_of(done, MessagePosted)
    triage = found.triage if found is not None else UNSET
    if found is None or not isinstance(triage, Triage) or triage.level is not TriageLevel.EMERGENCY_NOW:
        return {}
    sections = await api.views.sections(patient_id)
    told = client_help(
        language_of(current_pack(), found.text),
        on=current_call().now.date(),
        red_flags=triage.red_flags,
        on_call_phone=api.on_call_phone,
        department=department(sections) if sections is not None else None,
    )
    return {"help": answers.client_help(told)}


class CoordinationApi(WritesApi, coordination_pb2_grpc.CoordinationServiceServicer):
    """The RPCs of `care.coordination.v1`. A call waits for `at_least` no longer than `longest_wait_seconds`.
    Clients read `on_call_phone` in an emergency."""

    AssignTeamMember = write(
        AssignTeamMember,
        pb,
        hooks={"email": email, "effective_from": effective_from},
        prepare=knowing_the_client,
    )
    ReleaseTeamMember = write(ReleaseTeamMember, pb, hooks={"effective_from": effective_from})
    PostMessage = write(PostMessage, pb, answers.written, prepare=heard_of, awaited=help_with_message)
    MarkEnteredInError = write(MarkEnteredInError, pb)

    def __init__(
        self,
        writes: Writes[CareTeam, Event],
        views: CareViews,
        frames: JournalFrames,
        rebuilds: Rebuilds,
        *,
        partitions: int,
        clock: Clock,
        longest_wait_seconds: float,
        on_call_phone: str = "",
    ) -> None:
        super().__init__(writes, partitions)
        self.on_call_phone = on_call_phone
        self.views = views
        self._frames = frames
        self._rebuilds = rebuilds
        self._clock = clock
        self._longest_wait = longest_wait_seconds

    def add_to(self, server: grpc.aio.Server) -> None:
        coordination_pb2_grpc.add_CoordinationServiceServicer_to_server(self, server)

    async def GetCareView(  # noqa: N802
        self, request: pb.GetCareViewRequest, context: Context[pb.GetCareViewRequest, pb.GetCareViewResponse]
    ) -> pb.GetCareViewResponse:
        patient_id = fields.patient_id(request.patient_id)
        wait = min(_time_left(context), self._longest_wait - ANSWER_BEFORE_DEADLINE_SECONDS)
        served = await self.views.get(
            patient_id, tokens.at_least(request.at_least, patient_id, SECTIONS), current_call().now, wait
        )
        return pb.GetCareViewResponse(
            view=answers.care_view(served.seen_by(_reader())),
            stamp=answers.stamp(served.stamp),
            freshness=list(map(answers.freshness, served.freshness)),
        )

    async def GetCareViewAsKnown(  # noqa: N802
        self,
        request: pb.GetCareViewAsKnownRequest,
        context: Context[pb.GetCareViewAsKnownRequest, pb.GetCareViewAsKnownResponse],
    ) -> pb.GetCareViewAsKnownResponse:
        served = await self.views.get_as_known(
            fields.patient_id(request.patient_id),
            valid_at=optional_moment(request, "valid_at"),
            known_at=optional_moment(request, "known_at"),
            now=current_call().now,
        )
        view = answers.care_view(served.seen_by(_reader()))
        return pb.GetCareViewAsKnownResponse(view=view, stamp=answers.stamp(served.stamp))

    async def ListCaseload(  # noqa: N802
        self, request: pb.ListCaseloadRequest, context: Context[pb.ListCaseloadRequest, pb.ListCaseloadResponse]
    ) -> pb.ListCaseloadResponse:
        if not 0 <= request.page_size <= LONGEST_PAGE:
            raise InvalidInput("out-of-range", f"page_size is 1 to {LONGEST_PAGE}, or 0.", field="page_size")
        size = request.page_size or USUAL_PAGE
        entries = await self.views.list_caseload(CaseloadPlace.parse(request.page_token), size)
        return pb.ListCaseloadResponse(
            entries=list(map(answers.caseload, entries)),
            next_page_token=CaseloadPlace.of(entries[-1]).encode() if len(entries) == size else "",
        )

    async def WatchCareView(  # noqa: N802
        self, request: pb.WatchCareViewRequest, context: Context[pb.WatchCareViewRequest, pb.WatchCareViewResponse]
    ) -> AsyncIterator[pb.WatchCareViewResponse]:
        patient_id = fields.patient_id(request.patient_id)
        async for served in self.views.watch(patient_id, self._clock, _time_left(context)):
            yield pb.WatchCareViewResponse(
                view=answers.care_view(served.seen_by(_reader())),
                stamp=answers.stamp(served.stamp),
                freshness=list(map(answers.freshness, served.freshness)),
            )

    async def ReadJournal(  # noqa: N802
        self, request: pb.ReadJournalRequest, context: Context[pb.ReadJournalRequest, pb.ReadJournalResponse]
    ) -> AsyncIterator[pb.ReadJournalResponse]:
        async for page in self.views.read_journal(journal.wanted(request)):
            yield pb.ReadJournalResponse(entries=list(map(answers.entry, page)))

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
        if request.mode == pb.REBUILD_MODE_STOP:
            await self._rebuilds.stop()
            return
        async with aclosing(self._rebuilds.run(journal.rebuild_request(request))) as steps:
            async for step in steps:
                yield journal.rebuild_message(step)


def _reader() -> Reader:
    return Reader(writer(current_call()))


def _time_left(context: Context[Any, Any]) -> float:
    return max(0.0, (context.time_remaining() or 0.0) - ANSWER_BEFORE_DEADLINE_SECONDS)
