"""`careloop token`: a short-lived token signed by the local issuer, for trying the system out."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from careloop.chassis.clock import clock_of
from careloop.contracts.terms import Role
from careloop.local.keys import LocalKeys
from careloop.local.minting import mint
from careloop.local.running import NotUp
from careloop.local.settings import SERVICES, stack_settings


class CredentialKind(StrEnum):
    """The licences that complete an assessment."""

    PSYCHIATRIST = "psychiatrist"
    PSYCHIATRIC_NURSE_PRACTITIONER = "psychiatric-nurse-practitioner"


def token(  # noqa: PLR0917 - typer hands every option over by name
    role: Annotated[Role, typer.Option(help="What the caller may do.")],
    subject: Annotated[str, typer.Option(help="Who the caller is: an id of a person.")],
    patient: Annotated[UUID | None, typer.Option(help="For the role client: the patient the caller is.")] = None,
    credential: Annotated[CredentialKind | None, typer.Option(help="A licence the token attests.")] = None,
    valid_from: Annotated[datetime | None, typer.Option(help="Licence valid from (UTC).")] = None,
    valid_until: Annotated[datetime | None, typer.Option(help="Licence valid until (UTC).")] = None,
    ttl: Annotated[int, typer.Option(help="Minutes until it expires.", min=1, max=15)] = 10,
    audience: Annotated[
        list[str] | None, typer.Option(help="Service it is for; may be repeated; all when not given.")
    ] = None,
    home: Annotated[
        Path | None, typer.Option(help="State folder; CARELOOP_HOME or .careloop.", show_default=False)
    ] = None,
) -> None:
    """Print a token for the local system, signed by the key that `careloop up` made in the state folder.

    Exits 0, 1 when the state folder has no key, 2 for wrong use.
    """
    _check(role, patient, audience or [])
    folder = stack_settings(home=home).state_folder
    if not LocalKeys(folder).issuer_file.exists():
        raise NotUp(f"{folder} has no key to sign a token with: start the system once with `careloop up`")
    typer.echo(
        mint(
            folder,
            role=role,
            subject=subject,
            now=clock_of(folder)(),
            ttl=timedelta(minutes=ttl),
            audience=tuple(audience or SERVICES),
            patient=patient,
            credential=_credential(credential, valid_from, valid_until),
        )
    )


def _check(role: Role, patient: UUID | None, audience: list[str]) -> None:
    if role is Role.SERVICE:
        raise typer.BadParameter("services sign their own tokens; choose a person's role", param_hint="--role")
    if role is Role.CLIENT and patient is None:
        raise typer.BadParameter("a client's token names the patient", param_hint="--patient")
    unknown = sorted(set(audience) - set(SERVICES))
    if unknown:
        raise typer.BadParameter(f"{unknown[0]} is none of: {', '.join(SERVICES)}", param_hint="--audience")


def _credential(
    kind: CredentialKind | None, valid_from: datetime | None, valid_until: datetime | None
) -> dict[str, str] | None:
    if kind is None:
        if valid_from or valid_until:
            raise typer.BadParameter("a validity needs --credential", param_hint="--valid-from/--valid-until")
        return None
    if valid_from is None or valid_until is None or valid_from >= valid_until:
        raise typer.BadParameter(
            "a credential needs --valid-from and a later --valid-until", param_hint="--valid-from/--valid-until"
        )
    return {"kind": kind.value, "valid_from": _utc(valid_from), "valid_until": _utc(valid_until)}


def _utc(moment: datetime) -> str:
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)).isoformat()
