"""`careloop intake PATH...`: read, map, send, report."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.progress import track

from careloop.cli.calling.client import Addresses, AsJson, Home, Services, Token, services
from careloop.cli.calling.intake_sending import DEADLINE_SECONDS, IntakeSender, sending
from careloop.cli.terminal.intake_report import IntakeReport
from careloop.cli.terminal.tables import console
from careloop.intake.mapping import map_bundle
from careloop.intake.reading import NotABundle, read_bundle


def intake(  # noqa: PLR0917 - typer hands every option over by name
    paths: Annotated[
        list[Path], typer.Argument(help="FHIR R4 bundles in JSON, or folders of them.", exists=True, metavar="PATH")
    ],
    time_zone: Annotated[str, typer.Option(help="IANA time zone of the clients: FHIR does not say.")] = "UTC",
    enrolled_on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day they joined the programme, from 0:00 UTC; now if not given."),
    ] = None,
    home: Home = None,
    address: Addresses = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Bring patients of another system in from FHIR R4 bundles.

    Reads Patient, Condition, AllergyIntolerance, MedicationRequest, MedicationStatement, Medication and Observation.
    The report counts what is not used here, and apart from it what is not understood, each with its reason.
    Running it again changes nothing; a changed resource is recorded as a new fact.

    Exits 0 when all that was understood was recorded, 1 when a file was bad or a fact was refused or not sent,
    2 for wrong use. Progress goes to standard error, the report to standard output.
    """
    _check_time_zone(time_zone)
    enrolled_at = enrolled_on.replace(tzinfo=UTC) if enrolled_on else None
    report = asyncio.run(_run(paths, services(home, address, token, DEADLINE_SECONDS), time_zone, enrolled_at))
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    else:
        report.show(console())
    raise typer.Exit(0 if report.is_all_good else 1)


async def _run(paths: Iterable[Path], known: Services, time_zone: str, enrolled_at: datetime | None) -> IntakeReport:
    async with known:
        files = track(list(files_in(paths)), description="Intake", console=console(err=True))
        return await take_in(files, known, time_zone, now=datetime.now(UTC), enrolled_at=enrolled_at)


async def take_in(
    files: Iterable[Path], known: Services, time_zone: str, *, now: datetime, enrolled_at: datetime | None = None
) -> IntakeReport:
    """Send everything the files hold. What a file holds or the service answers is never raised: the report says it."""
    sender = IntakeSender(known)
    report = IntakeReport(outcome=sender.outcome)
    async with sending(sender) as send:
        for file in files:
            report.files += 1
            if not file.is_file():
                report.bad_files[str(file)] = "not a regular file"
                continue
            try:
                resources = read_bundle(file.read_bytes(), report.tally)
            except (NotABundle, OSError) as bad:
                report.bad_files[str(file)] = "not a FHIR bundle" if isinstance(bad, NotABundle) else "unreadable"
                continue
            for facts in map_bundle(resources, report.tally, now=now, time_zone=time_zone, enrolled_at=enrolled_at):
                report.patients += 1
                await send(facts)
    return report


def files_in(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named, and every JSON file in the folders named, in a fixed order."""
    for path in paths:
        yield from sorted(path.rglob("*.json")) if path.is_dir() else [path]


def _check_time_zone(time_zone: str) -> None:
    try:
        ZoneInfo(time_zone)
    except (ValueError, OSError, LookupError):
        raise typer.BadParameter("an IANA name such as America/Chicago is needed", param_hint="--time-zone") from None
