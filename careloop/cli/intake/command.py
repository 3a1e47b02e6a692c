"""`careloop intake PATH...`: read, map, send, report."""

import asyncio
import json
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import grpc.aio
import typer
from rich.console import Console
from rich.progress import track

from careloop.cli.intake.mapping import map_bundle
from careloop.cli.intake.reading import NotABundle, read_bundle
from careloop.cli.intake.report import Report
from careloop.cli.intake.sending import Sender, sending
from careloop.cli.stack.keys import LocalKeys
from careloop.cli.stack.settings import told
from careloop.cli.token import mint
from careloop.contracts.terms import Role

SUBJECT = "careloop-intake"
TOKEN_LASTS = timedelta(minutes=10)
RENEW_AFTER = timedelta(minutes=5)


def intake(  # noqa: PLR0917 - typer hands every option over by name
    paths: Annotated[
        list[Path], typer.Argument(help="FHIR R4 bundles in JSON, or folders of them.", exists=True, metavar="PATH...")
    ],
    address: Annotated[
        str | None, typer.Option(help="Where the assessment service answers; the local one when not given.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="CARELOOP_TOKEN", help="A registrar's token; a local one when not given.")
    ] = None,
    time_zone: Annotated[str, typer.Option(help="IANA time zone of the clients: FHIR does not say.")] = "UTC",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    home: Annotated[
        Path | None, typer.Option(help="State folder; CARELOOP_HOME or .careloop.", show_default=False)
    ] = None,
) -> None:
    """Bring patients of another system in from FHIR R4 bundles.

    Reads Patient, Condition, AllergyIntolerance, MedicationRequest, MedicationStatement, Medication and Observation;
    everything else, and everything that is not understood, is counted in the report with its reason. Running it again
    changes nothing; a changed resource is recorded as a new fact.

    Exits 0 when all that was understood was recorded, 1 when a file was bad or a fact was refused or not sent,
    2 for wrong use. Progress goes to standard error, the report to standard output.
    """
    folder = told(home=home).state_folder
    _check_time_zone(time_zone)
    report = asyncio.run(
        take_in(
            files_in(paths), address or _local_address(folder), _tokens(folder, token), time_zone, now=datetime.now(UTC)
        )
    )
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    else:
        report.show(Console(no_color=bool(os.environ.get("NO_COLOR"))))
    raise typer.Exit(0 if report.is_all_good else 1)


async def take_in(
    files: Iterable[Path], address: str, token: Callable[[], str], time_zone: str, *, now: datetime
) -> Report:
    """Send everything the files hold. Never raises for what a file holds or the service answers: the report says it."""
    report = Report()
    async with grpc.aio.insecure_channel(address) as channel:
        sender = Sender(channel, token)
        report.outcome = sender.outcome
        async with sending(sender) as send:
            for file in track(list(files), description="Intake", console=Console(stderr=True)):
                report.files += 1
                try:
                    resources = read_bundle(file.read_bytes(), report.tally)
                except (NotABundle, OSError) as bad:
                    report.bad_files[str(file)] = "not a FHIR bundle" if isinstance(bad, NotABundle) else "unreadable"
                    continue
                for facts in map_bundle(resources, report.tally, now=now, time_zone=time_zone):
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


def _local_address(folder: Path) -> str:
    file = folder / "addresses.json"
    try:
        return str(json.loads(file.read_text())["grpc"]["assessment"])
    except (OSError, ValueError, KeyError):
        raise typer.BadParameter(
            f"{folder} tells of no running system; start `careloop up`, or name one", param_hint="--address"
        ) from None


def _tokens(folder: Path, given: str | None) -> Callable[[], str]:
    """The token given; else one of the local issuer's, renewed while the intake runs."""
    if given is not None:
        return lambda: given
    if not LocalKeys(folder).issuer_file.exists():
        raise typer.BadParameter(f"{folder} has no issuer key; give a registrar's token", param_hint="--token")
    return _renewed(folder)


def _renewed(folder: Path) -> Callable[[], str]:
    minted: tuple[datetime, str] | None = None

    def token() -> str:
        nonlocal minted
        now = datetime.now(UTC)
        if minted is None or now - minted[0] > RENEW_AFTER:
            minted = (now, mint(folder, role=Role.REGISTRAR, subject=SUBJECT, now=now, ttl=TOKEN_LASTS))
        return minted[1]

    return token
