"""Local signing keys: one issuer for people's tokens, one key per service; only the owner may read private halves."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from careloop.chassis.calls.auth import SERVICE_KEY_PREFIX
from careloop.chassis.calls.token_signing import new_key, public_key_set, read_private_key
from careloop.local.folders import write_private
from careloop.local.settings import SERVICES

ISSUER = "careloop-local"


class KeyFolder:
    """The key files of one installation; what is missing is made, what exists stays: tokens outlive a restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.public = folder / "public.jwks.json"
        self.issuer_file = folder / "issuer.private.jwk.json"

    def service_file(self, service: str) -> Path:
        """The private key with which this service signs its own tokens."""
        return self._folder / f"{service}.private.jwk.json"

    def ensure(self, issuers: Sequence[Mapping[str, Any]] = (), *, own_issuer: bool = True) -> None:
        """Make what is missing, and write the public halves of all as one JWK set, with the `issuers`' public keys.

        `own_issuer` says whether there is an issuer's key here too.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys = [_kept(self.issuer_file, ISSUER)] if own_issuer else []
        keys += [_kept(self.service_file(service), SERVICE_KEY_PREFIX + service) for service in SERVICES]
        believed = {"keys": [*issuers, *public_key_set(keys)["keys"]]}
        write_private(self.public, json.dumps(believed, indent=2) + "\n")


class LocalKeys(KeyFolder):
    """Those of one state folder."""

    def __init__(self, home: Path) -> None:
        super().__init__(home / "keys")


def _kept(file: Path, kid: str) -> dict[str, Any]:
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
            json.dump(new_key(kid), target)
    return read_private_key(file)
