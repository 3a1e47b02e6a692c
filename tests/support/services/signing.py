"""Keys and tokens of the tests: an issuer for people, a key per service, and a clock that stands still."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from joserfc.jwk import Key, import_key

from careloop.chassis.calls.auth import SERVICE_KEY_PREFIX
from careloop.chassis.calls.token_signing import new_key, public_key_set, sign_token

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ISSUER = new_key("issuer-1")
SERVICE = new_key(SERVICE_KEY_PREFIX + "coordination")
OPERATOR = {"sub": "olive.operator", "role": "operator"}


def public_keys() -> dict[str, Key]:
    return {entry["kid"]: import_key(entry) for entry in public_key_set([ISSUER, SERVICE])["keys"]}


def token(
    claims: Mapping[str, Any] = OPERATOR,
    *,
    key: Mapping[str, Any] = ISSUER,
    audience: str | list[str] = "assessment",
    issued_at: datetime = NOW,
    seconds: int = 600,
) -> str:
    return sign_token(key, claims, audience, issued_at, seconds)


def service_token() -> str:
    return token({"sub": "coordination", "role": "service"}, key=SERVICE)


def segment(content: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def claims(**changes: Any) -> dict[str, Any]:
    issued_at = int(NOW.timestamp())
    return {**OPERATOR, "aud": "assessment", "iat": issued_at, "exp": issued_at + 600, **changes}


def hs256_with_public_key() -> str:
    """What fools a verifier that lets the token choose the algorithm."""
    public = public_key_set([ISSUER])["keys"][0]
    secret = base64.urlsafe_b64decode(public["x"] + "==")
    head = segment({"alg": "HS256", "kid": ISSUER["kid"]}) + "." + segment(claims())
    mark = hmac.new(secret, head.encode(), hashlib.sha256).digest()
    return head + "." + base64.urlsafe_b64encode(mark).rstrip(b"=").decode()


def unsigned() -> str:
    return segment({"alg": "none", "kid": ISSUER["kid"]}) + "." + segment(claims()) + "."
