"""`careloop demo`: starts everything, runs the story, prints the verdict, stops everything."""

import asyncio
import shutil
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from careloop.cli.calling.client import AsJson, CallRefused, Home, LocalTokens
from careloop.cli.commands.generate import GenerationFailed
from careloop.cli.terminal.program import line
from careloop.cli.terminal.tables import console, print_json
from careloop.demo.acting import ON_CALL_PHONE
from careloop.demo.generating import Generation
from careloop.demo.printing import Printing
from careloop.demo.progress import progress
from careloop.demo.requests import RecordingServices
from careloop.demo.story import Ended, Story, TooFewPatients
from careloop.demo.waiting import NotInTime
from careloop.local.folders import outside
from careloop.local.local_stack import LocalStack
from careloop.local.running import AlreadyRunning, alone, holder
from careloop.local.settings import SERVICES, StackSettings, stack_settings
from careloop.local.supervisor import Supervisor

WINDOWS = {
    "CARELOOP_NOTICE_STAT_WINDOW_SECONDS": "3",
    "CARELOOP_NOTICE_URGENT_WINDOW_SECONDS": "4",
    "CARELOOP_NOTICE_REPAGES": "2",
    "CARELOOP_IMPORT_WINDOW_SECONDS": "2",
}
"""Instead of 15 minutes, 2 hours, 12 times and 1 minute."""
PROGRAMME = {"CARELOOP_ON_CALL_PHONE": ON_CALL_PHONE}


class DemoFailed(Exception):
    """A step did not come to its end."""


def demo(
    home: Home = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print every order, patient, check and wait.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run the main job on generated patients with real servers, and judge it from raw tables and topics.

    Starts PostgreSQL, Apache Kafka and the five services in a folder of its own, with fresh data; what is downloaded or
    generated is kept for the next run. Standard error says how far it is.

    Exits 0 only if every check of the verdict holds, else 1.
    """
    began = time.monotonic()
    base = stack_settings(home=home).state_folder
    out = Printing(console(err=as_json), verbose=verbose)
    with alone(base / "demo"):
        ended = _run(base / "demo" / "state", base, out)
    checks = ended.checks
    holds, took = all(check.holds for check in checks), time.monotonic() - began
    out.verdict(checks)
    out.say(f"The verdict {'holds' if holds else 'does NOT hold'}: {len(checks)} checks, {took:.0f} s in all.")
    out.next_steps(base / "demo" / "state", ended.shown, ended.declined)
    if as_json:
        print_json({"holds": holds, "seconds": round(took, 1), "checks": [asdict(check) for check in checks]})
    raise typer.Exit(0 if holds else 1)


def _run(state: Path, base: Path, out: Printing) -> Ended:
    if (process := holder(state)) is not None:
        stop = line("down", "--home", state)
        raise AlreadyRunning(f"the demo's patients are being served by process {process}: stop it with `{stop}`")
    _clear(state)
    try:
        with alone(state):
            return asyncio.run(_story(state, base, out))
    except asyncio.CancelledError:
        raise DemoFailed("it was asked to stop") from None
    except _EXPECTED as failure:
        raise DemoFailed(f"it could not go on: {failure}") from None
    except BaseExceptionGroup as group:
        expected = group.subgroup(_EXPECTED)
        if expected is None:
            raise
        raise DemoFailed(f"it could not go on: {_first(expected)}") from None


_EXPECTED = (CallRefused, NotInTime, TooFewPatients, GenerationFailed)


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


async def _story(state: Path, base: Path, out: Printing) -> Ended:
    _cancel_on_sigterm()
    settings = StackSettings(home=state, postgres_url=None, kafka_bootstrap=None)
    supervisor = Supervisor(
        LocalStack(settings), environment=WINDOWS | PROGRAMME | {"CARELOOP_NOTICE_FOLDER": str(state / "mail")}
    )
    generation = Generation(base)
    try:
        out.step("Starting PostgreSQL, Apache Kafka and the five services")
        out.say(f"Their logs are in {state / 'logs'}; meanwhile the patients are generated, if they are not there yet.")
        out.say("Shortened for the demo: a notice escalates after 3 s (stat) or 4 s (urgent), not 15 min or 2 h.")
        async with progress(lambda: f"starting, {_started(supervisor)}; {generation.how_far}"):
            await supervisor.start()
        async with progress(lambda: f"the system is up; {generation.how_far}"):
            bundles = await generation.bundles
        addresses = {service: supervisor.address(service) for service in SERVICES}
        async with RecordingServices(addresses, LocalTokens(state)) as services:
            return await Story(supervisor, services, out).run(bundles)
    finally:
        generation.stop()
        sys.stderr.write("Stopping.\n")
        await supervisor.stop()


def _started(supervisor: Supervisor) -> str:
    names = [child.name for child in supervisor.stack.children]
    return f"{' and '.join(names) or 'nothing'} up so far"


def _cancel_on_sigterm() -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _clear(state: Path) -> None:
    """Fresh data each time; part of the state may lie outside of its folder."""
    if state.exists():
        shutil.rmtree(outside(state), ignore_errors=True)
        shutil.rmtree(state)
