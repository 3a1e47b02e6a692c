"""Making keys and signing tokens: for a service's own calls to its peers, and for the local issuer."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, import_key

from careloop.chassis.calls.auth import SERVICE_KEY_PREFIX, SERVICE_ROLE, KeysUnusable, algorithm_of
from careloop.chassis.clock import Clock

SERVICE_TOKEN_SECONDS = 300
RENEW_BEFORE_SECONDS = 60


def new_key(kid: str) -> dict[str, Any]:
    """A new private Ed25519 key as a JWK."""
    return {**OKPKey.generate_key("Ed25519").as_dict(private=True), "kid": kid}


def public_key_set(private_keys: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The JWK set by which tokens signed with these keys are verified; holds nothing private."""
    return {"keys": [{**import_key(dict(key)).as_dict(private=False), "kid": key["kid"]} for key in private_keys]}


def sign_token(
    key: Mapping[str, Any], claims: Mapping[str, Any], audience: str | list[str], now: datetime, seconds: int
) -> str:
    """A token over `claims` for `audience`, issued `now` and valid for `seconds`; `jti` makes it unique."""
    private = import_key(dict(key))
    issued_at = int(now.timestamp())
    content = {**claims, "aud": audience, "iat": issued_at, "exp": issued_at + seconds, "jti": str(uuid4())}
    algorithm = algorithm_of(private)
    return jwt.encode({"alg": algorithm, "kid": key["kid"]}, content, private, algorithms=[algorithm])


def read_private_key(path: Path) -> dict[str, Any]:
    """The private JWK in the file. Raises KeysUnusable, whose text holds nothing of the key."""
    try:
        entry: dict[str, Any] = json.loads(path.read_text())
        key: Key = import_key(entry)
    except (OSError, ValueError, KeyError, TypeError, JoseError) as unreadable:
        raise KeysUnusable(f"the private key is not readable: {type(unreadable).__name__}") from None
    if not isinstance(key, OKPKey | ECKey) or not key.is_private or "kid" not in entry:
        raise KeysUnusable("a private Ed25519 or P-256 key with a kid is needed")
    algorithm_of(key)
    return entry


@dataclass(slots=True)
class _Minted:
    token: str
    made_at: datetime
    renew_at: datetime


class ServiceTokens:
    """The tokens with which one service calls its peers: one per audience, renewed before it expires."""

    def __init__(self, key: Mapping[str, Any], service: str, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._minted: dict[str, _Minted] = {}
        self.use(key)

    def use(self, key: Mapping[str, Any]) -> None:
        """Sign with this key from the next token on. Raises KeysUnusable when it is another service's."""
        if key["kid"] != SERVICE_KEY_PREFIX + self._service:
            raise KeysUnusable("the private key belongs to another service")
        self._key = key
        self._minted.clear()

    def token_for(self, audience: str) -> str:
        """A token with at least a minute to live; after a clock was set back, never one that is from the future."""
        now = self._clock()
        minted = self._minted.get(audience)
        if minted is None or not minted.made_at <= now < minted.renew_at:
            minted = self._mint(audience, now)
            self._minted[audience] = minted
        return minted.token

    def _mint(self, audience: str, now: datetime) -> _Minted:
        claims = {"sub": self._service, "role": SERVICE_ROLE}
        token = sign_token(self._key, claims, audience, now, SERVICE_TOKEN_SECONDS)
        return _Minted(token, now, now + timedelta(seconds=SERVICE_TOKEN_SECONDS - RENEW_BEFORE_SECONDS))
