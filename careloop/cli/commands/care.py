"""`careloop caseload`, `view` and `watch`: what the care team reads."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import grpc
import typer
from care.coordination.v1 import coordination_pb2 as pb
from care.coordination.v1.coordination_pb2_grpc import CoordinationServiceStub
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console

from careloop.cli.calling.client import (
    ENDS_EARLY,
    Addresses,
    AsJson,
    Caller,
    CallRefused,
    Deadline,
    Home,
    Services,
    Token,
    run,
    services,
)
from careloop.cli.terminal.care_tables import TIMELINE_ROWS, caseload_table, freshness_line, view_tables, view_title
from careloop.cli.terminal.tables import console, print_json, when
from careloop.contracts.terms import Role

if TYPE_CHECKING:
    from care.coordination.v1.coordination_pb2_grpc import CoordinationServiceAsyncStub

COORDINATION = "coordination"
READER = Caller(role=Role.CARE_MANAGER, subject="careloop-cli")
PAGE = 200
WATCH_SECONDS = 300.0
AGAIN_SECONDS = 1.0

Patient = Annotated[UUID, typer.Argument(help="The patient's id, as the caseload shows it.")]
View = pb.GetCareViewResponse | pb.GetCareViewAsKnownResponse | pb.WatchCareViewResponse


def caseload(  # noqa: PLR0917 - typer hands every option over by name
    limit: Annotated[int, typer.Option(help="At most so many patients.", min=1, max=10_000)] = 50,
    home: Home = None,
    address: Addresses = None,
    token: Token = None,
    deadline: Deadline = 5,
    as_json: AsJson = False,
) -> None:
    """The patients, the most urgent first. Exits 0, 1 when coordination refuses or does not answer."""
    opened = services(home, address, token, deadline)
    entries = run(_within(opened, lambda it: read_caseload(it, limit)))
    if as_json:
        print_json([as_content(entry) for entry in entries])
    else:
        console().print(caseload_table(entries, opened.clock()))


def view(  # noqa: PLR0917 - typer hands every option over by name
    patient: Patient,
    valid_at: Annotated[
        datetime | None, typer.Option(help="Only what had happened by then (UTC).", show_default="all")
    ] = None,
    known_at: Annotated[
        datetime | None, typer.Option(help="Only what the team could have seen then (UTC).", show_default="now")
    ] = None,
    home: Home = None,
    address: Addresses = None,
    token: Token = None,
    deadline: Deadline = 5,
    as_json: AsJson = False,
) -> None:
    """The care view of one patient: as it is, or as it was on either time axis.

    Exits 0, 1 when nothing is known of the patient or coordination does not answer, 2 for wrong use.
    """
    opened = services(home, address, token, deadline)
    shown = run(_within(opened, lambda it: read_view(it, patient, valid_at=valid_at, known_at=known_at)))
    if as_json:
        print_json(as_content(shown))
    else:
        print_view(shown, console(), opened.clock())


def watch(
    patient: Patient, home: Home = None, address: Addresses = None, token: Token = None, as_json: AsJson = False
) -> None:
    """Print what comes into a patient's view, as it comes, until Ctrl-C. With --json: a whole view on every change.

    Exits 0 after Ctrl-C, 1 when coordination refuses, 2 for wrong use.
    """
    try:
        run(_watch(services(home, address, token, WATCH_SECONDS), patient, as_json))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _within(opened: Services, work: Any) -> Any:
    async with opened:
        return await work(opened)


def stub(opened: Services) -> "CoordinationServiceAsyncStub":
    return CoordinationServiceStub(opened.channel(COORDINATION))


async def read_caseload(opened: Services, limit: int, caller: Caller = READER) -> list[pb.CaseloadEntry]:
    """At most `limit` patients, page by page. Raises CallRefused."""
    entries: list[pb.CaseloadEntry] = []
    request = pb.ListCaseloadRequest(page_size=min(limit, PAGE))
    while True:
        page = await opened.ask(COORDINATION, stub(opened).ListCaseload, request, caller)
        entries += page.entries
        if not page.next_page_token or len(entries) >= limit:
            return entries[:limit]
        request.page_token = page.next_page_token


async def read_view(
    opened: Services,
    patient: UUID,
    *,
    valid_at: datetime | None = None,
    known_at: datetime | None = None,
    caller: Caller = READER,
) -> pb.GetCareViewResponse | pb.GetCareViewAsKnownResponse:
    """The view as it is, or with a moment given, as it was; a moment without a zone is in UTC. Raises CallRefused."""
    if valid_at is None and known_at is None:
        now = pb.GetCareViewRequest(patient_id=str(patient))
        return await opened.ask(COORDINATION, stub(opened).GetCareView, now, caller)
    then = pb.GetCareViewAsKnownRequest(patient_id=str(patient))
    for field, moment in ((then.valid_at, valid_at), (then.known_at, known_at)):
        if moment is not None:
            field.FromDatetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return await opened.ask(COORDINATION, stub(opened).GetCareViewAsKnown, then, caller)


def print_view(shown: View, out: Console, now: datetime, *, timeline_rows: int = TIMELINE_ROWS) -> None:
    """The view's tables, and how fresh it is unless it is one of the past."""
    out.print(view_title(shown.view, shown.stamp), style="bold", markup=False)
    if not isinstance(shown, pb.GetCareViewAsKnownResponse):
        out.print(freshness_line(shown.freshness))
    for part in view_tables(shown.view, now, timeline_rows):
        out.print()
        out.print(part)


def as_content(message: Message) -> dict[str, Any]:
    """The message as JSON, every field present under its name in the contract; 64-bit numbers are strings."""
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


async def _watch(opened: Services, patient: UUID, as_json: bool) -> None:
    """The stream ends by the server's deadline or restart; it is asked for again, and what was shown stays shown."""
    seen: set[tuple[str, str, str, int]] = set()
    request = pb.WatchCareViewRequest(patient_id=str(patient))
    async with opened:
        while True:
            try:
                answers = opened.stream(
                    COORDINATION, stub(opened).WatchCareView, request, READER, deadline=WATCH_SECONDS
                )
                async for answer in answers:
                    _show_change(answer, seen, as_json)
            except CallRefused as refusal:
                if refusal.reason in ENDS_EARLY:
                    continue
                if refusal.code not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
                    raise
                typer.echo(f"careloop: {refusal.sentence} Asking again.", err=True)
            await asyncio.sleep(AGAIN_SECONDS)


def _show_change(answer: pb.WatchCareViewResponse, seen: set[tuple[str, str, str, int]], as_json: bool) -> None:
    first = not seen
    new = [entry for entry in reversed(answer.view.timeline) if _identity(entry) not in seen]
    seen.update(_identity(entry) for entry in new)
    if as_json:
        print_json(as_content(answer))
    elif first:
        console().print(view_title(answer.view, answer.stamp), style="bold")
    elif new:
        _print_entries(new)


def _identity(entry: pb.TimelineEntry) -> tuple[str, str, str, int]:
    return entry.source, entry.kind, entry.fact_id, entry.recorded_at.ToNanoseconds()


def _print_entries(entries: Iterable[pb.TimelineEntry]) -> None:
    for entry in entries:
        console().print(
            f"{when(entry.recorded_at)}  {entry.source:<13} {entry.kind}: {entry.summary}"
            f"  (occurred {when(entry.occurred_at)}, by {entry.actor})",
            markup=False,
        )
