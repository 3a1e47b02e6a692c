"""Who is calling: tokens are verified here and nowhere else. Ed25519 and ES256 only, keys by `kid` from one file."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, import_key

from careloop.chassis.calls.call import Caller
from careloop.chassis.clock import Clock
from careloop.kernel.credentials import Credential
from careloop.kernel.errors import NotSignedIn
from careloop.kernel.ids import PatientId, PersonId

LONGEST_LIFE_SECONDS = 15 * 60
CLOCK_SKEW_SECONDS = 5
LONGEST_TOKEN = 8_192
REMEMBERED_TOKENS = 1_024
SERVICE_ROLE = "service"
OWN_RECORD_ROLE = "client"
SERVICE_KEY_PREFIX = "service:"
"""A key whose kid is this and a service's name signs that service's tokens, and nobody else's."""

ALGORITHMS = frozenset({"Ed25519", "ES256"})
_HEADERS = frozenset({"alg", "kid", "typ"})


class KeysUnusable(Exception):
    """The key file cannot be used; the text says why and holds no key."""


def algorithm_of(key: Key) -> str:
    """The one algorithm this key may be used with. Raises KeysUnusable for any other kind of key."""
    curve = key.as_dict(private=False).get("crv")
    if isinstance(key, OKPKey) and curve == "Ed25519":
        return "Ed25519"
    if isinstance(key, ECKey) and curve == "P-256":
        return "ES256"
    raise KeysUnusable("only Ed25519 and P-256 keys are used")


def read_public_keys(path: Path) -> dict[str, Key]:
    """The keys of a JWK set by kid. Raises KeysUnusable when one is of another kind, private, or without kid."""
    try:
        entries = json.loads(path.read_text())["keys"]
        keys = {str(entry["kid"]): import_key(entry) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError, JoseError) as unreadable:
        raise KeysUnusable(f"the key set is not readable: {type(unreadable).__name__}") from None
    if len(keys) != len(entries) or any("d" in entry for entry in entries):
        raise KeysUnusable("the key set has a kid twice, or a private key")
    for key in keys.values():
        algorithm_of(key)
    return keys


class _Guest(Protocol):
    def headers(self) -> dict[str, Any]: ...


@dataclass(slots=True)
class _VerifiedToken:
    caller: Caller
    expires_at: float


class TokenVerifier:
    """Turns a bearer token into a Caller, for one audience.

    Verified tokens are remembered until they expire, at most 1,024 of them; expiry is checked on every use.
    """

    def __init__(self, keys: Mapping[str, Key], *, audience: str, roles: Collection[str], clock: Clock) -> None:
        self._remembered: dict[str, _VerifiedToken] = {}
        self.use(keys)
        self._audience = audience
        self._roles = frozenset(roles)
        self._clock = clock

    def use(self, keys: Mapping[str, Key]) -> None:
        """From now on these keys and no others: a token of a key that is gone is refused, also one seen before."""
        self._keys = {kid: (key, algorithm_of(key)) for kid, key in keys.items()}
        self._remembered.clear()

    def verify(self, token: str) -> Caller:
        """The caller the token speaks for. Raises NotSignedIn, without saying which check failed but expiry."""
        now = self._clock().timestamp()
        known = self._remembered.get(token)
        if known is None:
            known = self._verified(token, now)
            self._remember(token, known)
        if known.expires_at <= now:
            self._remembered.pop(token, None)
            raise NotSignedIn("token-expired", "The token has expired.")
        return known.caller

    def _remember(self, token: str, verified: _VerifiedToken) -> None:
        if len(self._remembered) >= REMEMBERED_TOKENS:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[token] = verified

    def _verified(self, token: str, now: float) -> _VerifiedToken:
        if len(token) > LONGEST_TOKEN:
            raise _refused()
        try:
            decoded = jwt.decode(token, self._key, algorithms=list(ALGORITHMS))
            expires_at = self._lifetime(decoded.claims, now)
            caller = self._caller(decoded.header, decoded.claims)
            return _VerifiedToken(replace(caller, token_expires_at=expires_at), expires_at)
        except (JoseError, ValueError, KeyError, TypeError):
            raise _refused() from None

    def _key(self, guest: _Guest) -> Key:
        header = guest.headers()
        key, algorithm = self._keys[header["kid"]]
        if header["alg"] != algorithm or not set(header) <= _HEADERS:
            raise ValueError("header not accepted")
        return key

    def _lifetime(self, claims: Mapping[str, Any], now: float) -> float:
        issued_at, expires_at = _number(claims["iat"]), _number(claims["exp"])
        audience = claims["aud"]
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise ValueError("for another audience")
        if expires_at - issued_at > LONGEST_LIFE_SECONDS or issued_at > now + CLOCK_SKEW_SECONDS:
            raise ValueError("lives too long or was issued in the future")
        if _number(claims.get("nbf", issued_at)) > now + CLOCK_SKEW_SECONDS:
            raise ValueError("not valid yet")
        return expires_at

    def _caller(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> Caller:
        subject, role = _text(claims["sub"]), _text(claims["role"])
        if role not in self._roles or not _may_sign(header["kid"], role, subject):
            raise ValueError("role not accepted")
        if subject == OWN_RECORD_ROLE and role != OWN_RECORD_ROLE:
            raise ValueError("nobody else is named as those who see their own record only")
        patient = PatientId(UUID(claims["patient"])) if "patient" in claims else None
        if role == OWN_RECORD_ROLE and patient is None:
            raise ValueError("a token for one's own record names the patient")
        credential = _credential(claims["credential"]) if "credential" in claims else None
        return Caller(subject=PersonId(subject), role=role, patient=patient, credential=credential)


def _refused() -> NotSignedIn:
    return NotSignedIn("token-invalid", "A valid token is required.")


def _may_sign(kid: str, role: str, subject: str) -> bool:
    if kid.startswith(SERVICE_KEY_PREFIX):
        return role == SERVICE_ROLE and subject == kid.removeprefix(SERVICE_KEY_PREFIX)
    return role != SERVICE_ROLE


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise ValueError("not a time")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 200 or not value.isprintable():
        raise ValueError("not a name")
    return value


def _credential(claim: Mapping[str, Any]) -> Credential:
    return Credential(
        kind=_text(claim["kind"]),
        valid_from=_moment(claim["valid_from"], time.min),
        valid_until=_moment(claim["valid_until"], time.max),
    )


def _moment(text: str, of_day: time) -> datetime:
    """An ISO instant as it stands; of an ISO date, its first or last moment in UTC."""
    if len(text) == len("2026-11-23"):
        return datetime.combine(date.fromisoformat(text), of_day, UTC)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return moment.astimezone(UTC)
