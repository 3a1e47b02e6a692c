"""Tokens signed by the local issuer, for trying the system out."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from careloop.chassis.calls.token_signing import read_private_key, sign_token
from careloop.local.keys import ISSUER, LocalKeys
from careloop.local.settings import SERVICES


def mint(
    home: Path,
    *,
    role: str,
    subject: str,
    now: datetime,
    ttl: timedelta = timedelta(minutes=10),
    audience: tuple[str, ...] = SERVICES,
    patient: UUID | None = None,
    credential: dict[str, str] | None = None,
) -> str:
    """A token signed by the issuer key of this state folder; `careloop up` must have made that once."""
    claims: dict[str, Any] = {"iss": ISSUER, "sub": subject, "role": role}
    if patient is not None:
        claims["patient"] = str(patient)
    if credential is not None:
        claims["credential"] = credential
    key = read_private_key(LocalKeys(home).issuer_file)
    return sign_token(key, claims, list(audience), now, int(ttl.total_seconds()))
