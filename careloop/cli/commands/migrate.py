"""`careloop migrate`: roles, schemas and migrations in a PostgreSQL that others run."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from careloop.chassis.secret_files import read_password
from careloop.local.schemas import MigrationFailed, create_schemas, migrate_all, prepare
from careloop.local.settings import SERVICES, BadSetting, stack_settings

Only = Annotated[
    list[str] | None,
    typer.Option("--service", help="Only this service's schema, as where each has a server; with --no-roles."),
]
MakeRoles = Annotated[
    bool,
    typer.Option(
        help="Make the roles and the database too, as an administrator. Without: the address is that of the role "
        "`migrator`, who owns the database, and the roles exist."
    ),
]
PasswordFiles = Annotated[
    Path | None,
    typer.Option(
        "--passwords",
        metavar="FOLDER",
        help="A file for each role whose password is to be set, named like the role; CARELOOP_ROLE_PASSWORD for all.",
        exists=True,
        file_okay=False,
        show_default=False,
    ),
]


def migrate(service: Only = None, roles: MakeRoles = True, passwords: PasswordFiles = None) -> None:
    """Bring PostgreSQL to what this version needs: run it before the services of a new version start.

    CARELOOP_POSTGRES_URL says where. What is there already stays; it may be run again at any time, and while services
    work. Exits 0 when every schema is at its newest version, 1 when something was refused, 2 for wrong use.
    """
    settings = stack_settings()
    if settings.postgres_url is None:
        raise BadSetting("CARELOOP_POSTGRES_URL: set it to the address of the PostgreSQL to migrate")
    chosen = _chosen(service, roles)
    url = str(settings.postgres_url)
    secret = settings.role_password
    one = secret.get_secret_value() if secret is not None else None
    with _refusals():
        if roles:
            asyncio.run(prepare(url, passwords=lambda role: password_in(passwords, role) or one))
        else:
            asyncio.run(_schemas_only(url, chosen))
    typer.echo(f"at their newest version: {', '.join(chosen)}")


@contextmanager
def _refusals() -> Iterator[None]:
    """The server's first sentence alone: its details may repeat what is stored."""
    try:
        yield
    except asyncpg.PostgresError as refused:
        raise MigrationFailed(f"PostgreSQL refused: {refused.args[0]}") from None


def _chosen(services: list[str] | None, roles: bool) -> Sequence[str]:
    if not services:
        return SERVICES
    unknown = set(services) - set(SERVICES)
    if unknown:
        raise typer.BadParameter(f"{min(unknown)} is none of: {', '.join(SERVICES)}", param_hint="--service")
    if roles:
        raise typer.BadParameter("goes with --no-roles", param_hint="--service")
    return services


def password_in(folder: Path | None, role: str) -> str | None:
    """What the folder has for this role; None where it has nothing."""
    file = folder / role if folder is not None else None
    return read_password(file) if file is not None and file.exists() else None


async def _schemas_only(url: str, services: Sequence[str]) -> None:
    await create_schemas(url, services)
    await migrate_all(url, services)
