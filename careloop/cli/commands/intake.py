"""`careloop intake PATH...`: read, map, send, report."""

import asyncio
import json
import stat
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
from careloop.intake.facts import PatientFacts, one_a_person
from careloop.intake.files import LARGEST_BYTES, NotReadable
from careloop.intake.mapping import map_resources
from careloop.intake.reading import FhirReader, FhirResources

SUFFIXES = (".json", ".ndjson", ".jsonl")


def intake(  # noqa: PLR0917 - typer hands every option over by name
    paths: Annotated[
        list[Path],
        typer.Argument(help="FHIR R4 in JSON or NDJSON, also gzipped, or folders of it.", exists=True, metavar="PATH"),
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
    """Bring patients of another system in from FHIR R4: bundles, single resources, folders of a bulk export.

    Reads Patient, Condition, AllergyIntolerance, MedicationRequest, MedicationStatement, MedicationDispense,
    Medication, Observation and QuestionnaireResponse. The report says what a person must look at, by patient; it
    counts what is not understood, and apart from it what is not used here, each with its reason. A list of which an
    entry is not understood is marked as incomplete in the chart.
    Running it again changes nothing; a changed resource is recorded as a new fact.

    Exits 0 when all that was understood was recorded, though a person may have something to look at; 1 when nothing
    could be read, a file was bad, a patient could not be taken in or was nowhere to be found, or a fact was refused or
    not sent; 2 for wrong use. Progress goes to standard error, the report to standard output.
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
        return await take_in(files, known, time_zone, now=known.clock(), enrolled_at=enrolled_at)


async def take_in(
    files: Iterable[Path], known: Services, time_zone: str, *, now: datetime, enrolled_at: datetime | None = None
) -> IntakeReport:
    """Send everything the files hold. What a file holds or the service answers is never raised: the report says it."""
    sender = IntakeSender(known)
    report = IntakeReport(outcome=sender.outcome)
    reader = FhirReader(report.tally)
    found: list[PatientFacts] = []
    for resources in _resources(files, reader, report):
        found += map_resources(resources, report.tally, now=now, time_zone=time_zone, enrolled_at=enrolled_at)
    people, clashing = one_a_person(found)
    report.patients = len(people) + len(clashing)
    for facts in clashing:
        sender.leave_out(facts)
    async with sending(sender) as send:
        for facts in people:
            await send(facts)
    return report


def _resources(files: Iterable[Path], reader: FhirReader, report: IntakeReport) -> Iterator[FhirResources]:
    """Each bundle as it is read, then the single resources of each folder."""
    for file in files:
        report.files += 1
        try:
            yield from reader.read(_content(file), str(file), str(file.parent))
        except NotReadable as bad:
            report.bad_files[str(file)] = bad.why
        except OSError:
            report.bad_files[str(file)] = "unreadable"
    yield from reader.single_resources()


def _content(file: Path) -> bytes:
    """Raises NotReadable for what is no regular file, such as a pipe that would never end, and for one too large."""
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        raise NotReadable("not a regular file")
    if status.st_size > LARGEST_BYTES:
        raise NotReadable(f"larger than {LARGEST_BYTES // 2**20} MiB")
    return file.read_bytes()


def files_in(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named, and every JSON and NDJSON file in the folders named, gzipped or not, in a fixed order."""
    for path in paths:
        yield from sorted(filter(_is_named_so, path.rglob("*"))) if path.is_dir() else [path]


def _is_named_so(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(SUFFIXES) and not path.is_dir()


def _check_time_zone(time_zone: str) -> None:
    try:
        ZoneInfo(time_zone)
    except (ValueError, OSError, LookupError):
        raise typer.BadParameter("an IANA name such as America/Chicago is needed", param_hint="--time-zone") from None
