"""Who is let in: only tokens signed by a known key for this service, for a short time, with a role that exists."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry

from careloop.chassis.calls.auth import REMEMBERED_TOKENS, KeysUnusable, TokenVerifier, read_public_keys
from careloop.chassis.calls.token_signing import ServiceTokens, new_key, public_key_set, read_private_key, sign_token
from careloop.kernel.errors import NotSignedIn
from tests.support.services.signing import (
    ISSUER,
    NOW,
    OPERATOR,
    SERVICE,
    claims,
    hs256_with_public_key,
    public_keys,
    segment,
    service_token,
    token,
    unsigned,
)

ROLES = frozenset({"operator", "service", "client", "psychiatrist"})
PATIENT = "0f1e2d3c-4b5a-4968-8776-655443322110"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def verifier(clock: Clock) -> TokenVerifier:
    return TokenVerifier(public_keys(), audience="assessment", roles=ROLES, clock=clock)


def signed(content: Mapping[str, Any], **header: Any) -> str:
    key = import_key(dict(ISSUER))
    registry = JWSRegistry(algorithms=["Ed25519"], strict_check_header=False)
    return jwt.encode({"alg": "Ed25519", "kid": ISSUER["kid"], **header}, dict(content), key, registry=registry)


def tampered() -> str:
    head, _body, mark = token().split(".")
    return ".".join((head, segment(claims(role="psychiatrist")), mark))


def without(name: str) -> str:
    content = claims()
    del content[name]
    return signed(content)


OWN_KEY = public_key_set([new_key("mallory")])["keys"][0]
REFUSED: dict[str, Callable[[], str]] = {
    "not a token": lambda: "rubbish",
    "empty": lambda: "",
    "not ascii": lambda: "é.é.é",
    "alg none": unsigned,
    "HS256 with the public key as secret": hs256_with_public_key,
    "content changed": tampered,
    "signed by an unknown key": lambda: token(key=new_key("mallory")),
    "signed by another key under a known kid": lambda: token(key=new_key(ISSUER["kid"])),
    "without kid": lambda: jwt.encode({"alg": "Ed25519"}, claims(), import_key(dict(ISSUER)), algorithms=["Ed25519"]),
    "EdDSA, the retired name": lambda: jwt.encode(
        {"alg": "EdDSA", "kid": ISSUER["kid"]}, claims(), import_key(dict(ISSUER)), algorithms=["EdDSA"]
    ),
    "brings its own key": lambda: signed(claims(), jwk=OWN_KEY),
    "says where its keys are": lambda: signed(claims(), jku="https://127.0.0.1/keys"),
    "for another service": lambda: token(audience="monitoring"),
    "lives too long": lambda: token(seconds=901),
    "issued in the future": lambda: token(issued_at=NOW + timedelta(minutes=1)),
    "not valid yet": lambda: token({**OPERATOR, "nbf": NOW.timestamp() + 60}),
    "without role": lambda: without("role"),
    "without subject": lambda: without("sub"),
    "without audience": lambda: without("aud"),
    "without expiry": lambda: without("exp"),
    "without time of issue": lambda: without("iat"),
    "expiry as text": lambda: signed(claims(exp="2027-01-01")),
    "unknown role": lambda: token({**OPERATOR, "role": "root"}),
    "a list of roles": lambda: token({**OPERATOR, "role": ["operator"]}),
    "client without patient": lambda: token({"sub": "carl", "role": "client"}),
    "patient that is no id": lambda: token({"sub": "carl", "role": "client", "patient": "7"}),
    "credential without end": lambda: token({**OPERATOR, "credential": {"kind": "md", "valid_from": "2020-01-01"}}),
    "the issuer's key for a service": lambda: token({"sub": "coordination", "role": "service"}),
    "a service's key for a person": lambda: token(key=SERVICE),
    "a service's key for another service": lambda: token({"sub": "monitoring", "role": "service"}, key=SERVICE),
    "line break in the subject": lambda: token({**OPERATOR, "sub": "a\nb"}),
    "overlong": lambda: token({**OPERATOR, "padding": "x" * 9000}),
}


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("case", REFUSED)
def test_refuses(verifier: TokenVerifier, case: str) -> None:
    offered = REFUSED[case]()
    for _time in range(2):
        with pytest.raises(NotSignedIn) as refusal:
            verifier.verify(offered)
        assert refusal.value.slug == "token-invalid"


def test_lets_a_person_in(verifier: TokenVerifier) -> None:
    caller = verifier.verify(token())
    assert (caller.subject, caller.role, caller.patient, caller.credential) == (
        "olive.operator",
        "operator",
        None,
        None,
    )


def test_accepts_one_of_several_audiences(verifier: TokenVerifier) -> None:
    assert verifier.verify(token(audience=["monitoring", "assessment"])).role == "operator"


def test_a_client_speaks_for_one_patient(verifier: TokenVerifier) -> None:
    assert verifier.verify(token({"sub": "carl", "role": "client", "patient": PATIENT})).patient == UUID(PATIENT)


def test_a_service_is_let_in_by_its_own_key(verifier: TokenVerifier) -> None:
    caller = verifier.verify(service_token())
    assert (caller.subject, caller.role) == ("coordination", "service")


def test_es256_is_accepted(clock: Clock) -> None:
    key = {**ECKey.generate_key("P-256").as_dict(private=True), "kid": "ec"}
    public = {"ec": import_key(public_key_set([key])["keys"][0])}
    verifier = TokenVerifier(public, audience="assessment", roles=ROLES, clock=clock)
    assert verifier.verify(token(key=key)).subject == "olive.operator"


def test_a_credential_covers_whole_days(verifier: TokenVerifier) -> None:
    claim = {"kind": "psychiatrist", "valid_from": "2024-01-01", "valid_until": "2026-12-31"}
    credential = verifier.verify(token({"sub": "pia", "role": "psychiatrist", "credential": claim})).credential
    assert credential is not None
    assert credential.covers(datetime(2024, 1, 1, tzinfo=UTC))
    assert credential.covers(datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert not credential.covers(datetime(2023, 12, 31, 23, 59, tzinfo=UTC))
    assert not credential.covers(datetime(2027, 1, 1, tzinfo=UTC))


def test_an_expired_token_is_told_apart(verifier: TokenVerifier) -> None:
    with pytest.raises(NotSignedIn) as refusal:
        verifier.verify(token(issued_at=NOW - timedelta(minutes=11)))
    assert refusal.value.slug == "token-expired"


def test_a_remembered_token_still_expires(verifier: TokenVerifier, clock: Clock) -> None:
    offered = token()
    verifier.verify(offered)
    clock.now = NOW + timedelta(seconds=599)
    verifier.verify(offered)
    clock.now = NOW + timedelta(seconds=600)
    with pytest.raises(NotSignedIn):
        verifier.verify(offered)


def test_not_more_tokens_are_remembered_than_agreed(verifier: TokenVerifier) -> None:
    first = token()
    verifier.verify(first)
    for number in range(REMEMBERED_TOKENS):
        verifier.verify(token({**OPERATOR, "sub": f"person-{number}"}))
    assert len(verifier._remembered) == REMEMBERED_TOKENS
    assert first not in verifier._remembered


def test_service_tokens_are_renewed_before_they_expire(clock: Clock, verifier: TokenVerifier) -> None:
    tokens = ServiceTokens(SERVICE, "coordination", clock)
    first = tokens.token_for("assessment")
    assert tokens.token_for("assessment") == first
    clock.now = NOW + timedelta(seconds=240)
    second = tokens.token_for("assessment")
    assert second != first
    assert verifier.verify(second).subject == "coordination"


def test_a_token_made_before_the_clock_was_set_back_is_not_used(clock: Clock, verifier: TokenVerifier) -> None:
    tokens = ServiceTokens(SERVICE, "coordination", clock)
    clock.now = NOW + timedelta(hours=1)
    tokens.token_for("assessment")
    clock.now = NOW
    assert verifier.verify(tokens.token_for("assessment")).subject == "coordination"


def test_a_service_does_not_sign_with_anothers_key(clock: Clock) -> None:
    with pytest.raises(KeysUnusable):
        ServiceTokens(SERVICE, "monitoring", clock)


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


UNUSABLE: dict[str, Any] = {
    "an RSA key": {"keys": [{**RSAKey.generate_key(2048).as_dict(private=False), "kid": "rsa"}]},
    "a secret": {"keys": [{**OctKey.generate_key(256).as_dict(), "kid": "oct"}]},
    "another curve": {"keys": [{**OKPKey.generate_key("X25519").as_dict(private=False), "kid": "x"}]},
    "a private key": {"keys": [dict(ISSUER)]},
    "no kid": {"keys": [OKPKey.generate_key("Ed25519").as_dict(private=False)]},
    "one kid twice": public_key_set([new_key("k"), new_key("k")]),
    "no keys at all": {},
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_key_set_is_refused_with(tmp_path: Path, case: str) -> None:
    path = write(tmp_path / "keys.json", UNUSABLE[case])
    with pytest.raises(KeysUnusable):
        read_public_keys(path)


def test_keys_survive_the_file(tmp_path: Path, verifier: TokenVerifier) -> None:
    keys = read_public_keys(write(tmp_path / "public.json", public_key_set([ISSUER])))
    private = read_private_key(write(tmp_path / "private.json", ISSUER))
    assert list(keys) == ["issuer-1"]
    assert verifier.verify(sign_token(private, OPERATOR, "assessment", NOW, 60)).role == "operator"


def test_a_public_key_does_not_sign(tmp_path: Path) -> None:
    with pytest.raises(KeysUnusable):
        read_private_key(write(tmp_path / "key.json", public_key_set([ISSUER])["keys"][0]))
