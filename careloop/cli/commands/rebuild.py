"""`careloop rebuild`: the care view made again from the journal while it is read, or turned back."""

import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Annotated
from uuid import uuid4

import typer
from care.coordination.v1 import coordination_pb2 as pb
from care.coordination.v1.coordination_pb2_grpc import CoordinationServiceStub

from careloop.cli.calling.client import (
    Addresses,
    AsJson,
    Caller,
    CallRefused,
    Home,
    Services,
    Token,
    following,
    run,
    services,
)
from careloop.cli.terminal.progress import progress
from careloop.cli.terminal.tables import print_json
from careloop.contracts.terms import Role

COORDINATION = "coordination"
OPERATOR = Caller(role=Role.OPERATOR, subject="careloop-rebuild")
NOT_NOW, DIFFERENT = 3, 4
NOT_NOW_REASONS = {"rebuild-runs", "nothing-to-roll-back-to", "slot-in-use", "cannot-catch-up"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildResult:
    """What came of it; checksums are over every row that was compared."""

    turned: bool
    through: int
    events: int
    sections: int
    compared: int
    different: int
    refolded: int
    live_checksum: str
    rebuilt_checksum: str


def rebuild(  # noqa: PLR0917 - typer hands every option over by name
    check: Annotated[bool, typer.Option("--check", help="Only compare; go on reading the view that is read.")] = False,
    roll_back: Annotated[bool, typer.Option("--roll-back", help="Read the view again that was read before.")] = False,
    accept_differences: Annotated[
        bool, typer.Option("--accept-differences", help="Read the new view also where it differs.")
    ] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop the one that runs; the view stays as it is.")] = False,
    workers: Annotated[int, typer.Option(help="How many processes fold; 0: two per processor.", min=0, max=64)] = 0,
    name: Annotated[
        str,
        typer.Option(help="Names it: asked again by it, the same one is shown on.", show_default=False),
    ] = "",
    home: Home = None,
    address: Addresses = None,
    token: Token = None,
    deadline: Annotated[float, typer.Option(help="Seconds to watch; it goes on when they are over.", min=0.1)] = 86_400,
    as_json: AsJson = False,
) -> None:
    """Make the care view again from the journal, compare it with the one that is read, and read the new one.

    Reads and writes go on all the while. The view before stays for --roll-back until the next rebuild begins.
    Ctrl-C ends the watching and not the rebuild: ask again by its --name, or --stop it, which leaves the view as it is.

    Exits 0 when done, 1 when it failed or coordination does not answer, 2 for wrong use, 3 when it cannot run now
    (another one runs, nothing to turn back to), 4 when the views differ and the old one is still read.
    """
    if roll_back and (check or accept_differences):
        raise typer.BadParameter("goes with neither --check nor --accept-differences", param_hint="--roll-back")
    if stop and (roll_back or check or accept_differences or name):
        raise typer.BadParameter("goes with nothing else", param_hint="--stop")
    if stop:
        run(_stop(services(home, address, token, deadline)))
        typer.echo("Nothing is being rebuilt now.")
        return
    mode = pb.REBUILD_MODE_ROLL_BACK if roll_back else pb.REBUILD_MODE_CHECK if check else pb.REBUILD_MODE_TURN
    request = pb.RebuildCareViewRequest(
        mode=mode, accept_differences=accept_differences, workers=workers, name=name or str(uuid4())
    )
    try:
        result = run(_rebuild(services(home, address, token, deadline), request, deadline))
    except CallRefused as refusal:
        if refusal.reason not in NOT_NOW_REASONS:
            raise
        typer.echo(f"careloop: {refusal}", err=True)
        raise typer.Exit(NOT_NOW) from None
    if as_json:
        print_json(asdict(result))
    else:
        typer.echo(_said(result))
    if result.different and not roll_back and not (accept_differences and result.turned):
        raise typer.Exit(DIFFERENT)


async def _rebuild(opened: Services, request: pb.RebuildCareViewRequest, deadline: float) -> RebuildResult:
    async with opened:
        stub = CoordinationServiceStub(opened.channel(COORDINATION))
        end = time.monotonic() + deadline

        def begin() -> AsyncIterator[pb.RebuildCareViewResponse]:
            left = end - time.monotonic()
            return opened.stream(COORDINATION, stub.RebuildCareView, request, OPERATOR, deadline=left)

        with progress() as shown:
            async for answer in following(begin):
                if answer.HasField("outcome"):
                    return _result(answer.outcome)
                shown.at(answer.progress.phase, answer.progress.done, answer.progress.of)
    raise RebuildCutOff("the rebuild's end was not heard; see `careloop rebuild --check`")


async def _stop(opened: Services) -> None:
    async with opened:
        stub = CoordinationServiceStub(opened.channel(COORDINATION))
        request = pb.RebuildCareViewRequest(mode=pb.REBUILD_MODE_STOP)
        async for _nothing in opened.stream(
            COORDINATION, stub.RebuildCareView, request, OPERATOR, deadline=opened.deadline
        ):
            pass


class RebuildCutOff(Exception):
    """The stream ended without an outcome."""


def _result(outcome: pb.RebuildOutcome) -> RebuildResult:
    return RebuildResult(
        turned=outcome.turned,
        through=outcome.through,
        events=outcome.events,
        sections=outcome.sections,
        compared=outcome.compared,
        different=outcome.different,
        refolded=outcome.refolded,
        live_checksum=outcome.live_checksum,
        rebuilt_checksum=outcome.rebuilt_checksum,
    )


def _said(result: RebuildResult) -> str:
    turned = "The view was turned." if result.turned else "The view is as it was."
    return (
        f"{turned} {result.events} entries made {result.sections} sections; whole up to position {result.through}.\n"
        f"{result.compared} rows compared, {result.different} different, {result.refolded} sections of another fold.\n"
        f"Checksums: {result.live_checksum} as read, {result.rebuilt_checksum} as made."
    )
