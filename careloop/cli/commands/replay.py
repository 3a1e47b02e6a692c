"""`careloop replay`: the journal, or a part of it, from the store's own bytes."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO
from uuid import UUID

import typer
from care.coordination.v1 import coordination_pb2 as pb
from care.coordination.v1.coordination_pb2_grpc import CoordinationServiceStub

from careloop.cli.calling.client import Addresses, Caller, Home, Services, Token, following, run, services
from careloop.cli.calling.journal_frames import Contiguity, Frame, JournalHole, frames, lines
from careloop.cli.terminal.progress import progress
from careloop.contracts.terms import Role

COORDINATION = "coordination"
ANALYST = Caller(role=Role.ANALYST, subject="careloop-replay")
HOLE = 3


def replay(  # noqa: PLR0917 - typer hands every option over by name
    after: Annotated[int, typer.Option(help="Entries after this position.", min=0)] = 0,
    through: Annotated[int | None, typer.Option(help="Entries up to this position.", min=1, show_default="all")] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Entries from this journal time on (UTC).", show_default="all")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(help="Entries before this journal time (UTC).", show_default="all")
    ] = None,
    patient: Annotated[UUID | None, typer.Option(help="Only this patient.", show_default="all")] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--type", help="Only this type; may be repeated.", show_default="all"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write here.", show_default="standard output")] = None,
    count: Annotated[bool, typer.Option("--count", help="Only check and count; print the number.")] = False,
    rate: Annotated[
        int | None,
        typer.Option(help="Entries a second at most, to spare a busy store.", min=1, show_default="no limit"),
    ] = None,
    home: Home = None,
    address: Addresses = None,
    token: Token = None,
    deadline: Annotated[float, typer.Option(help="Seconds in all.", min=0.1)] = 86_400,
) -> None:
    """The journal's entries in order, one JSON object a line, up to its end as it is now.

    That no entry is missing is checked on the way (of one patient: that they are in order and complete as sent).

    Exits 0, 1 when coordination refuses or does not answer, 2 for wrong use, 3 when an entry is missing: the
    sentence names the position.
    """
    request = pb.ReadJournalFramesRequest(after=after, through=through or 0, types=kind or ())
    if patient is not None:
        request.patient_id = str(patient)
    for field, moment in ((request.since, since), (request.until, until)):
        if moment is not None:
            field.FromDatetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    opened = services(home, address, token, deadline)
    try:
        with _target(out, count) as target:
            seen = run(_replay(opened, request, target, rate, deadline))
    except JournalHole as hole:
        typer.echo(f"careloop: the journal has a hole {hole}", err=True)
        raise typer.Exit(HOLE) from None
    if count:
        typer.echo(seen)


@contextmanager
def _target(out: Path | None, count: bool) -> Iterator[BinaryIO | None]:
    with nullcontext(None if count else sys.stdout.buffer) if out is None or count else out.open("wb") as target:
        yield target


async def _replay(
    opened: Services, request: pb.ReadJournalFramesRequest, target: BinaryIO | None, rate: int | None, deadline: float
) -> int:
    seen, filtered, began = 0, bool(request.patient_id or request.types), time.monotonic()
    async with opened:
        stub = CoordinationServiceStub(opened.channel(COORDINATION))
        contiguity = Contiguity()

        def begin() -> AsyncIterator[Frame]:
            request.after = request.after if contiguity.last is None else contiguity.last
            left = began + deadline - time.monotonic()
            answers = opened.stream(COORDINATION, stub.ReadJournalFrames, request, ANALYST, deadline=left)
            return frames(answers, contiguity, filtered=filtered)

        with progress("entries") as shown:
            async for frame in following(begin):
                if target is not None:
                    target.write(b"".join(lines(frame)))
                seen += frame.entries
                shown.at("replay", seen)
                if rate is not None:  # the server reads one frame ahead of what is taken
                    await asyncio.sleep(began + min(seen / rate, deadline) - time.monotonic())
    return seen
