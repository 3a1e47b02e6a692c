"""`careloop keys`: the key files of an installation."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from careloop.chassis.calls.auth import SERVICE_KEY_PREFIX, KeysUnusable, read_public_keys
from careloop.local.keys import KeyFolder

Issuers = Annotated[
    list[Path] | None,
    typer.Option("--issuer", metavar="FILE", help="JWK set of whoever issues your people's tokens; may be repeated."),
]
Trial = Annotated[
    bool,
    typer.Option("--trial-issuer", help="Make an issuer's key too, for trying out: `careloop token` signs with it."),
]


def keys(folder: Path, issuer: Issuers = None, trial_issuer: Trial = False) -> None:
    """Make a private key for each service in FOLDER, and the set of all public keys that services are to believe.

    Keys that are there stay. FOLDER is named `keys` where `careloop token --home` is to find it in the folder above.
    Exits 0 when all are there, 2 for wrong use.
    """
    if not issuer and not trial_issuer:
        raise typer.BadParameter("give your issuer's, or --trial-issuer", param_hint="--issuer")
    theirs = [key for file in issuer or () for key in _public(file)]
    made = KeyFolder(folder)
    made.ensure(theirs, own_issuer=trial_issuer)
    typer.echo(f"{made.public}: what services believe; beside it a private key for each of them")


def _public(file: Path) -> list[dict[str, Any]]:
    """The keys of an issuer's set, if services can use them: no private halves, and no service's name."""
    try:
        read_public_keys(file)
        found: list[dict[str, Any]] = json.loads(file.read_text())["keys"]
    except (KeysUnusable, OSError, ValueError, LookupError, TypeError) as unusable:
        raise typer.BadParameter(f"{file} cannot be used: {unusable}", param_hint="--issuer") from None
    if any(str(key["kid"]).startswith(SERVICE_KEY_PREFIX) for key in found):
        raise typer.BadParameter(f"{file} names a key like a service's: {SERVICE_KEY_PREFIX}...", param_hint="--issuer")
    return found
