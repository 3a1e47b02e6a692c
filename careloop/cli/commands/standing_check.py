"""`careloop standing-check`: what a pack finds against what all clients take already."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated

import typer
from care.prescribing.v1 import prescribing_pb2 as pb
from care.prescribing.v1.prescribing_pb2_grpc import PrescribingServiceStub
from google.protobuf.json_format import MessageToJson

from careloop.cli.calling.client import Addresses, AsJson, Caller, Home, Services, Token, run, services
from careloop.cli.commands.knowledge import folder_content
from careloop.contracts.terms import Role
from careloop.knowledge.pack.pack import PackInvalid, load

PRESCRIBING = "prescribing"
LOOKS = Caller(role=Role.ANALYST, subject="careloop-standing-check")
RAISES = Caller(role=Role.PHARMACIST, subject="careloop-standing-check")


def standing_check(  # noqa: PLR0917 - typer hands every option over by name
    pack: Annotated[
        Path | None,
        typer.Option(
            help="A folder of data files, as careloop/knowledge/data is one; the pack in use if left out.",
            exists=True,
            file_okay=False,
            show_default="the pack in use",
        ),
    ] = None,
    raise_concerns: Annotated[
        bool, typer.Option("--raise", help="Raise them, and notify who is to answer: only by the pack in use.")
    ] = False,
    home: Home = None,
    address: Addresses = None,
    token: Token = None,
    deadline: Annotated[float, typer.Option(help="Seconds in all.", min=0.1)] = 86_400,
    as_json: AsJson = False,
) -> None:
    """Hold what every client takes against a pack: what it would raise that nobody saw, was asked or has answered.

    Prints the clients and what is found of each, or with --json one object a line; counts go to standard error. Writes
    nothing without --raise. With it a check of every client is due once for the pack, and each raises what it finds.

    Exits 0, 1 when prescribing refuses or does not answer, 2 for wrong use or a folder that is no valid pack.
    """
    request = pb.RunStandingCheckRequest(pack=_content(pack), raise_concerns=raise_concerns)
    done = run(_run(services(home, address, token, deadline), request, deadline, as_json=as_json))
    typer.echo(said(done, raised=raise_concerns), err=True)


def _content(folder: Path | None) -> dict[str, bytes]:
    """Read here too, so that what is wrong with it is said without a service."""
    if folder is None:
        return {}
    content = folder_content(folder)
    try:
        load(content)
    except PackInvalid as fault:
        raise typer.BadParameter(str(fault), param_hint="--pack") from None
    return content


async def _run(
    opened: Services, request: pb.RunStandingCheckRequest, deadline: float, *, as_json: bool
) -> pb.StandingCheckDone:
    done = pb.StandingCheckDone()
    async with opened:
        async for answer in _answers(opened, request, deadline):
            if answer.HasField("done"):
                done = answer.done
            elif as_json:
                typer.echo(MessageToJson(answer.found, preserving_proto_field_name=True, indent=None))
            else:
                typer.echo("\n".join(lines(answer.found)))
    return done


def _answers(
    opened: Services, request: pb.RunStandingCheckRequest, deadline: float
) -> AsyncIterator[pb.RunStandingCheckResponse]:
    stub = PrescribingServiceStub(opened.channel(PRESCRIBING))
    caller, end = RAISES if request.raise_concerns else LOOKS, time.monotonic() + deadline
    return opened.stream(PRESCRIBING, stub.RunStandingCheck, request, caller, deadline=end - time.monotonic())


def lines(found: pb.FoundOfClient) -> Iterator[str]:
    """The client, and below what would be raised, the gravest first."""
    yield found.patient_id
    for one in found.concerns:
        on = one.medicine.name or one.medicine.rxcui
        yield f"  + {on}: {one.alert.severity} {one.alert.rule} version {one.alert.version}: {one.alert.message}"


def said(done: pb.StandingCheckDone, *, raised: bool) -> str:
    by = f"{done.knowledge_pack} {done.knowledge_version} ({done.knowledge_digest[:12]})"
    checked = f"{done.checked} clients checked by {by}."
    return f"{checked} A check is due for {done.due} of them." if raised else f"{checked} Nothing was raised."
