"""`careloop demo`: starts everything, runs the story, prints the verdict, stops everything."""

import asyncio
import shutil
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console

from careloop.cli.calling.client import AsJson, CallRefused, Home, LocalTokens
from careloop.cli.commands.generate import GenerationFailed, Population, generated
from careloop.cli.terminal.tables import console, print_json
from careloop.demo.judging import verdict_table
from careloop.demo.story import Story, TooFewPatients
from careloop.demo.telling import NotingServices
from careloop.demo.urgent import NotHeard
from careloop.demo.verdict import Check
from careloop.local.folders import outside
from careloop.local.local_stack import LocalStack
from careloop.local.running import alone
from careloop.local.settings import SERVICES, StackSettings, stack_settings
from careloop.local.supervisor import Supervisor

POPULATION = Population(patients=16, seed=7, date="20260801")
WINDOWS = {
    "CARELOOP_NOTICE_STAT_WINDOW_SECONDS": "3",
    "CARELOOP_NOTICE_URGENT_WINDOW_SECONDS": "4",
}
"""Instead of 15 minutes and 2 hours."""


class DemoFailed(Exception):
    """A step did not come to its end."""


def demo(home: Home = None, as_json: AsJson = False) -> None:
    """Run the main job on generated patients with real servers, and judge it from raw tables and topics.

    Starts PostgreSQL, Apache Kafka and the five services in a folder of its own, with fresh data; what is downloaded or
    generated is kept for the next run. Exits 0 only if every check of the verdict holds, else 1.
    """
    began = time.monotonic()
    base = stack_settings(home=home).state_folder
    out = console(err=as_json)
    with alone(base / "demo"):
        checks = _run(base, out)
    holds, took = all(check.holds for check in checks), time.monotonic() - began
    out.print()
    out.print(verdict_table(checks))
    out.print(f"\nThe verdict {'holds' if holds else 'does NOT hold'}: {len(checks)} checks, {took:.0f} s in all.")
    if as_json:
        print_json({"holds": holds, "seconds": round(took, 1), "checks": [asdict(check) for check in checks]})
    raise typer.Exit(0 if holds else 1)


def _run(base: Path, out: Console) -> list[Check]:
    try:
        return asyncio.run(_told(base, out))
    except asyncio.CancelledError:
        raise DemoFailed("it was asked to stop") from None
    except _EXPECTED as failure:
        raise DemoFailed(f"it could not go on: {failure}") from None
    except BaseExceptionGroup as group:
        expected = group.subgroup(_EXPECTED)
        if expected is None:
            raise
        raise DemoFailed(f"it could not go on: {_first(expected)}") from None


_EXPECTED = (CallRefused, NotHeard, TooFewPatients, GenerationFailed)


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


async def _told(base: Path, out: Console) -> list[Check]:
    _cancel_on_sigterm()
    state = base / "demo" / "state"
    _clear(state)
    settings = StackSettings(home=state, postgres_url=None, kafka_bootstrap=None)
    supervisor = Supervisor(LocalStack(settings), environment=WINDOWS | {"CARELOOP_NOTICE_FOLDER": str(state / "mail")})
    bundles = asyncio.create_task(asyncio.to_thread(generated, base, POPULATION))
    try:
        out.print("== Starting PostgreSQL, Apache Kafka and the five services; logs are in", state / "logs")
        out.print("Shortened for the demo: a notice escalates after 3 s (stat) or 4 s (urgent), not 15 min or 2 h.")
        await supervisor.start()
        addresses = {service: supervisor.address(service) for service in SERVICES}
        async with NotingServices(addresses, LocalTokens(state)) as services:
            return await Story(supervisor, services, out).tell(await bundles)
    finally:
        bundles.cancel()
        sys.stderr.write("Stopping.\n")
        await supervisor.stop()


def _cancel_on_sigterm() -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _clear(state: Path) -> None:
    """Fresh data each time; part of the state may lie outside of its folder."""
    if state.exists():
        shutil.rmtree(outside(state), ignore_errors=True)
        shutil.rmtree(state)
