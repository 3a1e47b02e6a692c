"""`careloop check`: is everything around the services as it must be, and what to do where it is not."""

import asyncio
import json
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from careloop.chassis.process.settings import read_model
from careloop.chassis.process.transport import KafkaSettings
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.cli.calling.client import Addresses, AsJson, Deadline, Home, Token, services
from careloop.cli.checking import backups as backups_made
from careloop.cli.checking import files, kafka, postgres, recovery
from careloop.cli.checking import services as service_checks
from careloop.cli.checking.findings import Finding, Level, Topic, as_json, exit_code
from careloop.cli.terminal.tables import console, print_json
from careloop.local.keys import LocalKeys
from careloop.local.running import NotUp
from careloop.local.settings import SERVICES, StackSettings, stack_settings
from careloop.local.topics import read_list

GROUPS = (kafka.GROUP, postgres.GROUP, recovery.GROUP, service_checks.GROUP, files.GROUP)
MARKS = {Level.OK: "✓", Level.UNKNOWN: "?", Level.WARNING: "!", Level.FAILURE: "✗"}

MaxLag = Annotated[float, typer.Option(help="Seconds of lag that still count as keeping up.", min=0)]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="GROUP", help=f"Look at this group alone; may be repeated: {', '.join(GROUPS)}."),
]
Backups = Annotated[
    Path | None,
    typer.Option("--backups", metavar="FOLDER", help="Where `careloop backup` writes.", envvar="CARELOOP_BACKUPS"),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show only what asks for something.")]


def check(  # noqa: PLR0917 - typer hands every option over by name
    only: Only = None,
    home: Home = None,
    address: Addresses = None,
    token: Token = None,
    deadline: Deadline = 3,
    max_lag: MaxLag = 10,
    backups: Backups = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Look at Kafka, PostgreSQL, the services and their keys, before and after installing and on any day.

    Where they are is said by the settings of the services and by CARELOOP_POSTGRES_URL, or known of the state folder.
    Nothing is changed. Exits 0 when all is well, 1 when something fails, 2 for wrong use, 3 when there are only
    warnings or something could not be looked at.
    """
    chosen = _chosen(only)
    findings = asyncio.run(
        all_findings(home, address, token, only=chosen, deadline=deadline, max_lag=max_lag, backups=backups)
    )
    _show(findings, quiet=quiet, as_json_form=as_json)
    raise typer.Exit(exit_code(findings))


async def all_findings(
    home: Path | None,
    address: list[str] | None,
    token: str | None,
    *,
    only: Sequence[str] = GROUPS,
    deadline: float = 3,
    max_lag: float = 10,
    backups: Path | None = None,
) -> list[Finding]:
    """What these groups find, in their order."""
    settings = stack_settings(home=home)
    works = {
        kafka.GROUP: lambda: _kafka(settings),
        postgres.GROUP: lambda: _postgres(settings),
        recovery.GROUP: lambda: _recovery(settings, backups),
        service_checks.GROUP: lambda: _services(settings, address, token, deadline, max_lag),
        files.GROUP: lambda: _files(settings),
    }
    return await _all([works[group]() for group in only])


def _chosen(only: list[str] | None) -> Sequence[str]:
    unknown = set(only or ()) - set(GROUPS)
    if unknown:
        raise typer.BadParameter(f"{min(unknown)} is none of: {', '.join(GROUPS)}", param_hint="--only")
    return [group for group in GROUPS if not only or group in only]


async def _all(works: Sequence[Coroutine[Any, Any, list[Finding]]]) -> list[Finding]:
    return [finding for found in await asyncio.gather(*works) for finding in found]


async def _kafka(settings: StackSettings) -> list[Finding]:
    access = broker_of(settings)
    if access is None:
        return [_nowhere(kafka.GROUP, "CARELOOP_KAFKA_BOOTSTRAP")]
    return await kafka.look(access, read_list(), settings.partitions)


def broker_of(settings: StackSettings) -> BrokerAccess | None:
    """How to come into Kafka; None where nobody said so."""
    if settings.kafka_bootstrap is not None:
        return read_model(KafkaSettings).broker()
    known = recorded(settings.state_folder).get("kafka")
    return None if known is None else BrokerAccess(known)


def url_of(settings: StackSettings) -> str | None:
    """Where PostgreSQL is; None where nobody said so."""
    return str(settings.postgres_url) if settings.postgres_url else recorded(settings.state_folder).get("postgres")


async def _postgres(settings: StackSettings) -> list[Finding]:
    url = url_of(settings)
    if url is None:
        return [_nowhere(postgres.GROUP, "CARELOOP_POSTGRES_URL")]
    return await postgres.look(url, settings.partitions)


async def _recovery(settings: StackSettings, folder: Path | None) -> list[Finding]:
    return [*await _compared(settings), *_backed_up(settings, folder)]


def _backed_up(settings: StackSettings, folder: Path | None) -> list[Finding]:
    """A system that is known of its state folder is a developer's, and need not be backed up."""
    if folder is not None:
        return backups_made.look(folder, datetime.now(UTC))
    return [] if settings.postgres_url is None else [backups_made.nowhere_known()]


async def _compared(settings: StackSettings) -> list[Finding]:
    url, access = url_of(settings), broker_of(settings)
    if url is None or access is None:
        return [_nowhere(recovery.GROUP, "CARELOOP_POSTGRES_URL and CARELOOP_KAFKA_BOOTSTRAP")]
    return await recovery.look(url, access)


async def _services(
    settings: StackSettings, address: list[str] | None, token: str | None, deadline: float, max_lag: float
) -> list[Finding]:
    try:
        opened = services(settings.home, address, token, deadline)
    except NotUp as unknown:
        return [_unasked("all", str(unknown), "give --address and --token")]
    named = [name for name in SERVICES if name in opened.addresses]
    unnamed = [name for name in SERVICES if name not in opened.addresses]
    unasked = [_unasked(name, "nobody said where it answers", f"give --address {name}=HOST:PORT") for name in unnamed]
    return [*await service_checks.look(opened, named, max_lag), *unasked]


def _unasked(service: str, sentence: str, fix: str) -> Finding:
    return Topic(service_checks.GROUP, service).unknown("service-answers", sentence, fix)


async def _files(settings: StackSettings) -> list[Finding]:
    named = files.FileSettings()
    keys = LocalKeys(settings.state_folder)
    own: list[Path] = []
    if named.token_keys_file is None and keys.public.exists():
        named = named.model_copy(update={"token_keys_file": keys.public})
        own = [keys.issuer_file, *(keys.service_file(service) for service in SERVICES)]
    found = files.look(named, own, datetime.now(UTC))
    return found or [_nowhere(files.GROUP, "CARELOOP_TOKEN_KEYS_FILE")]


def _nowhere(group: str, variable: str) -> Finding:
    fix = f"set {variable}, or start with `careloop up`"
    return Topic(group, "all").unknown("known", "nobody said where it is", fix)


def recorded(home: Path) -> dict[str, str]:
    """Where the local system's servers are, as its supervisor wrote it down."""
    try:
        known: dict[str, str] = json.loads((home / "addresses.json").read_text()).get("servers", {})
    except (OSError, ValueError):
        return {}
    return known


def _show(findings: Sequence[Finding], *, quiet: bool, as_json_form: bool) -> None:
    if as_json_form:
        print_json(as_json(findings))
        return
    shown = [finding for finding in findings if not quiet or finding.level is not Level.OK]
    for group in GROUPS:
        of_group = [finding for finding in shown if finding.group == group]
        if of_group:
            console().print(f"\n[bold]{group}[/bold]")
        for finding in of_group:
            line = f"{MARKS[finding.level]} {finding.about}: {finding.sentence}  ({finding.check})"
            console().print(line, markup=False)
            if finding.fix:
                console().print(f"    -> {finding.fix}", markup=False)
    console().print(f"\n{_summary(findings)}")


def _summary(findings: Sequence[Finding]) -> str:
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    if counts[Level.OK] == len(findings):
        return f"All is well: {len(findings)} things looked at."
    return (
        f"{counts[Level.FAILURE]} failing, {counts[Level.WARNING]} to look at, {counts[Level.UNKNOWN]} unknown, "
        f"{counts[Level.OK]} well."
    )
