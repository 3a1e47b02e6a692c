"""`careloop up` and `careloop down`: the whole system on this machine, in the foreground."""

import asyncio
import contextlib
import shlex
import shutil
import signal
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Annotated, Any

import typer

from careloop.cli.terminal.program import line
from careloop.local.local_stack import LocalStack
from careloop.local.running import alone, stop_holder
from careloop.local.schemas import address
from careloop.local.settings import SERVICES, stack_settings
from careloop.local.supervisor import ServiceFailed, Supervisor

Home = Annotated[
    Path | None, typer.Option(help="State folder; CARELOOP_HOME or .careloop when not given.", show_default=False)
]

_INTRODUCTION = """\
{addresses}

How far each service is, and the patients, the most urgent first (in another terminal):

  {status}
  {caseload}
{call}
Careloop is ready. State is kept in {home}; Ctrl-C or `careloop down` stops it."""

_CALL = """
A token for one role, valid for ten minutes, and a call with it:

  TOKEN=$({token})
  {buf} curl --protocol grpc --http2-prior-knowledge -H "authorization: Bearer $TOKEN" \\
    -d '{{}}' {method}
"""


def up(
    home: Home = None,
    postgres_port: Annotated[
        int | None, typer.Option(help="Port for PostgreSQL; a free one when not given.", min=1, max=65535)
    ] = None,
    kafka_port: Annotated[
        int | None, typer.Option(help="Port for Apache Kafka; a free one when not given.", min=1, max=65535)
    ] = None,
) -> None:
    """Start PostgreSQL, Apache Kafka and the five services; stop them all with Ctrl-C.

    A second start on the same state folder resumes with the same data. Data and the ready line go to standard
    output, logs to standard error. Exits 0 after Ctrl-C, SIGTERM or `careloop down`, 1 when a part of it fails.
    """
    settings = stack_settings(home=home, postgres_port=postgres_port, kafka_port=kafka_port)
    with alone(settings.state_folder):
        asyncio.run(run_until_asked(Supervisor(LocalStack(settings), emit=_to_standard_error)))


def down(home: Home = None) -> None:
    """Stop the system of a state folder and wait until it has stopped. Exits 0 also when nothing ran."""
    settings = stack_settings(home=home)
    stopped = stop_holder(settings.state_folder)
    typer.echo("Stopped." if stopped else f"Nothing runs in {settings.state_folder}.")


def _to_standard_error(line: str) -> None:
    typer.echo(line, err=True)


async def run_until_asked(supervisor: Supervisor) -> None:
    """Start everything, say where it is, and stop it all on SIGINT, SIGTERM or SIGHUP; raises when a child ends."""
    asked = _asked_to_stop()
    if await _unless(asked, supervisor.start()) is asked:
        return
    try:
        typer.echo(introduction(supervisor))
        failure = await _unless(asked, supervisor.first_failure())
    finally:
        typer.echo("Stopping.", err=True)
        await supervisor.stop()
    if failure is not asked:
        raise ServiceFailed(str(failure))


def _asked_to_stop() -> asyncio.Event:
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    return asked


async def _unless(asked: asyncio.Event, work: Awaitable[Any]) -> Any:
    """The work's result; or, when we are asked to stop before it is done, the event itself with the work undone."""
    task, stop = asyncio.ensure_future(work), asyncio.ensure_future(asked.wait())
    await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if task.done():
        return task.result()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return asked


def introduction(supervisor: Supervisor) -> str:
    """Where everything is, and lines to paste."""
    stack = supervisor.stack
    rows = [("PostgreSQL", address(stack.admin_url, user="<role>")), ("Apache Kafka", stack.kafka_address)]
    rows += [(service, f"{supervisor.address(service)}   {supervisor.metrics_url(service)}") for service in SERVICES]
    return _INTRODUCTION.format(
        addresses="\n".join(f"  {name:<14} {place}" for name, place in rows),
        status=line("status", "--home", stack.home),
        caseload=line("caseload", "--home", stack.home),
        call=_call(supervisor),
        home=stack.home,
    )


def _call(supervisor: Supervisor) -> str:
    """A call without this console, where `buf` is installed beside it or on the PATH."""
    buf = shutil.which("buf", path=str(Path(sys.executable).parent)) or shutil.which("buf")
    if buf is None:
        return ""
    return _CALL.format(
        token=line("token", "--role", "care-manager", "--subject", "cm-1", "--home", supervisor.stack.home),
        buf=shlex.quote(buf),
        method=f"http://{supervisor.address('coordination')}/care.coordination.v1.CoordinationService/ListCaseload",
    )
