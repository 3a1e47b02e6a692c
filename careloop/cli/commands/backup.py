"""`careloop backup` and `careloop restore`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from careloop.cli.calling.client import Home
from careloop.cli.commands.check import url_of
from careloop.cli.commands.migrate import PasswordFiles, password_in
from careloop.local.backups import back_up, manifest_of
from careloop.local.backups import restore as make_of
from careloop.local.schemas import address
from careloop.local.settings import DATABASE, BadSetting, StackSettings, stack_settings

MaxRate = Annotated[float | None, typer.Option("--max-rate", metavar="MB", help="Megabytes a second.", min=0.1)]
Textfile = Annotated[
    Path | None, typer.Option(help="Also write when it was completed into this file, as a figure for Prometheus.")
]
Database = Annotated[str, typer.Option(help="The database to make; it must not exist.")]


def backup(file: Path, max_rate: MaxRate = None, textfile: Textfile = None, home: Home = None) -> None:
    """Write all schemas, as of one moment, into FILE, and what it holds into FILE.json beside it.

    CARELOOP_POSTGRES_URL says whose database, or the state folder knows it. Services go on working. Nobody but you may
    read the file: it holds patients' data; encrypt it where you keep it. Exits 0 when it is whole on the disk, 1 when
    there is none.
    """
    if file.exists():
        raise typer.BadParameter(f"{file} exists and is not written over", param_hint="FILE")
    url = address(_url(stack_settings(home=home)))
    manifest = asyncio.run(back_up(url, file, bytes_a_second=max_rate * 1e6 if max_rate else None))
    if textfile is not None:
        _show_completed(textfile, file)
    typer.echo(f"{file}: {manifest.size} bytes; what it holds: {manifest_of(file)}")


def restore(file: Path, database: Database = DATABASE, passwords: PasswordFiles = None, home: Home = None) -> None:
    """Make a database of a backup, with its roles, and bring it to what this release needs.

    CARELOOP_POSTGRES_URL is an administrator's address. Nothing is restored over a database that exists. Before
    services start on it the topics are to be made again: `careloop check --only recovery` says whether that was done.
    Exits 0 when the database is whole, 1 when something was refused and nothing may be started on it.
    """
    settings = stack_settings(home=home)
    secret = settings.role_password
    one = secret.get_secret_value() if secret is not None else None
    manifest = asyncio.run(
        make_of(_url(settings), file, database=database, passwords=lambda role: password_in(passwords, role) or one)
    )
    typer.echo(f"{database}: as of {manifest.taken_at}; logs end at {dict(manifest.positions)}")


def _url(settings: StackSettings) -> str:
    url = url_of(settings)
    if url is None:
        raise BadSetting("CARELOOP_POSTGRES_URL: set it to the address of the PostgreSQL")
    return url


def _show_completed(textfile: Path, file: Path) -> None:
    new = textfile.with_name(f"{textfile.name}.new")
    new.write_text(f"careloop_backup_completed_timestamp_seconds {file.stat().st_mtime:.0f}\n")
    new.replace(textfile)
