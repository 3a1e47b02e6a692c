"""Tokens at both sides of every bound: the clock's skew, their life, their length, and how many a read may name."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, import_key

from careloop.chassis.calls.auth import KeysUnusable, TokenVerifier, read_public_keys
from careloop.chassis.calls.call import Caller
from careloop.chassis.calls.token_signing import ServiceTokens, new_key, public_key_set, read_private_key, sign_token
from careloop.chassis.events.consistency_token import ConsistencyToken, at_least
from careloop.kernel.credentials import Credential
from careloop.kernel.errors import InvalidInput, NotSignedIn
from careloop.kernel.ids import PatientId
from tests.support.histories.log import patient
from tests.support.services.signing import ISSUER, NOW, OPERATOR, SERVICE, claims, public_keys, token

SECONDS = int(NOW.timestamp())
ANN = patient(1)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def verifier(clock: Clock | None = None) -> TokenVerifier:
    roles = {"operator", "service", "client", "psychiatrist"}
    return TokenVerifier(public_keys(), audience="assessment", roles=roles, clock=clock or Clock())


def verified(content: Mapping[str, Any]) -> Caller:
    """Who a token with exactly these claims speaks for."""
    header = {"alg": "Ed25519", "kid": ISSUER["kid"]}
    return verifier().verify(jwt.encode(header, dict(content), import_key(dict(ISSUER)), algorithms=["Ed25519"]))


def is_let_in(**changes: Any) -> bool:
    try:
        verified(claims(**changes))
    except NotSignedIn:
        return False
    return True


@pytest.mark.parametrize(("ahead", "expected"), [(-600, True), (0, True), (5, True), (6, False), (60, False)])
def test_a_token_issued_five_seconds_ahead_is_another_clocks_and_one_of_six_is_refused(
    ahead: int, expected: bool
) -> None:
    assert is_let_in(iat=SECONDS + ahead, exp=SECONDS + 100) is expected
    assert is_let_in(iat=SECONDS + ahead, exp=SECONDS + 100, nbf=SECONDS - 1) is expected


@pytest.mark.parametrize(("ahead", "expected"), [(-600, True), (0, True), (5, True), (6, False), (60, False)])
def test_a_token_that_begins_five_seconds_ahead_is_valid_and_one_of_six_is_not_yet(ahead: int, expected: bool) -> None:
    assert is_let_in(nbf=SECONDS + ahead) is expected


@pytest.mark.parametrize(("seconds", "expected"), [(1, True), (900, True), (901, False)])
def test_a_token_lives_for_fifteen_minutes_at_most(seconds: int, expected: bool) -> None:
    assert is_let_in(iat=SECONDS, exp=SECONDS + seconds) is expected


@pytest.mark.parametrize(("expires", "slug"), [(SECONDS + 1, ""), (SECONDS, "token-expired"), (0, "token-expired")])
def test_expiry_has_no_skew(expires: int, slug: str) -> None:
    issued = min(SECONDS - 10, expires)
    if not slug:
        assert verified(claims(iat=issued, exp=expires)).role == "operator"
        return
    with pytest.raises(NotSignedIn) as refused:
        verified(claims(iat=issued, exp=expires))
    assert refused.value.slug == slug


def test_a_token_that_was_never_seen_and_has_expired_is_not_remembered() -> None:
    made, expired = verifier(), token(issued_at=NOW - timedelta(minutes=11))
    with pytest.raises(NotSignedIn):
        made.verify(expired)
    assert expired not in made._remembered


@pytest.mark.parametrize("when", [True, "0", None, [0], -1, 1e11, float("nan")])
@pytest.mark.parametrize("name", ["iat", "exp", "nbf"])
def test_a_time_is_a_number_of_seconds_that_a_calendar_has(name: str, when: object) -> None:
    assert not is_let_in(**{name: when})


def test_a_time_may_have_a_fraction() -> None:
    assert is_let_in(iat=SECONDS - 0.5, nbf=SECONDS + 4.9)


@pytest.mark.parametrize(("length", "expected"), [(0, False), (1, True), (200, True), (201, False)])
@pytest.mark.parametrize("name", ["sub", "kind"])
def test_a_name_has_1_to_200_characters(name: str, length: int, expected: bool) -> None:
    words = "a" * length
    content = {"sub": words} if name == "sub" else {"credential": licence(kind=words)}
    assert is_let_in(**content) is expected


@pytest.mark.parametrize("name", ["a\x7f", "a\tb", 7, None, ["a"]])
def test_a_name_is_printable_text(name: object) -> None:
    assert not is_let_in(sub=name)
    assert not is_let_in(credential=licence(kind=name))


def signed_of(length: int) -> str:
    """A valid token of so many characters."""
    key = import_key(dict(ISSUER))
    for kind, padding in product(("", "J", "JW"), range(5_700, 6_000)):
        header = {"alg": "Ed25519", "kid": ISSUER["kid"], "typ": kind}
        made = jwt.encode(header, claims(padding="x" * padding), key, algorithms=["Ed25519"])
        if len(made) == length:
            return made
    raise AssertionError("no padding gives this length")


def test_a_token_of_8192_characters_is_read_and_one_of_8193_is_not() -> None:
    assert verifier().verify(signed_of(8_192)).role == "operator"
    with pytest.raises(NotSignedIn) as refused:
        verifier().verify(signed_of(8_193))
    assert refused.value.slug == "token-invalid"


def licence(**changes: object) -> dict[str, object]:
    return {"kind": "md", "valid_from": "2024-01-01", "valid_until": "2026-12-31", **changes}


def credential(**changes: object) -> Credential:
    found = verified(claims(credential=licence(**changes))).credential
    assert found is not None
    return found


def test_a_licence_of_days_is_valid_from_the_first_moment_of_the_first_to_the_last_of_the_last() -> None:
    assert credential() == Credential(
        kind="md",
        valid_from=datetime(2024, 1, 1, tzinfo=UTC),
        valid_until=datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    )


def test_a_licence_of_instants_is_valid_between_them() -> None:
    found = credential(valid_from="2024-01-01T08:00:00+02:00", valid_until="2026-12-31T12:00:00Z")
    assert (found.valid_from, found.valid_until) == (
        datetime(2024, 1, 1, 6, tzinfo=UTC),
        datetime(2026, 12, 31, 12, tzinfo=UTC),
    )
    assert found.valid_from.tzinfo is UTC


def test_both_ends_of_a_licence_belong_to_it() -> None:
    found, tick = credential(), timedelta(microseconds=1)
    assert [found.covers(moment) for moment in (found.valid_from, found.valid_until)] == [True, True]
    assert not found.covers(found.valid_from - tick)
    assert not found.covers(found.valid_until + tick)


@pytest.mark.parametrize("missing", ["kind", "valid_from", "valid_until"])
def test_a_licence_says_all_of_itself(missing: str) -> None:
    told = licence()
    del told[missing]
    assert not is_let_in(credential=told)


@pytest.mark.parametrize("end", ["2026-12-31T12:00:00", "2026-13-01", "soon", 7])
def test_an_end_of_a_licence_that_is_no_moment_is_refused(end: object) -> None:
    assert not is_let_in(credential=licence(valid_from=end))
    assert not is_let_in(credential=licence(valid_until=end))


def test_another_audience_is_refused_whichever_form_it_has() -> None:
    assert is_let_in(aud="assessment")
    assert is_let_in(aud=["monitoring", "assessment"])
    assert not any(is_let_in(aud=other) for other in ("monitoring", ["monitoring"], [], "assessments", None))


def test_a_token_carries_the_patient_also_where_its_role_needs_none() -> None:
    assert verified(claims(patient=str(ANN))).patient == ANN
    assert verified(claims()).patient is None


def test_a_service_whose_name_begins_with_anothers_is_another() -> None:
    for subject, accepted in (("coordination", True), ("coordinatio", False), ("coordination2", False)):
        offered = token({"sub": subject, "role": "service"}, key=SERVICE)
        if accepted:
            assert verifier().verify(offered).subject == subject
        else:
            with pytest.raises(NotSignedIn):
                verifier().verify(offered)


def test_a_header_says_no_more_than_algorithm_key_and_kind() -> None:
    key = import_key(dict(ISSUER))
    header = {"alg": "Ed25519", "kid": ISSUER["kid"]}
    plain = jwt.encode({**header, "typ": "JWT"}, claims(), key, algorithms=["Ed25519"])
    assert verifier().verify(plain).role == "operator"
    more = jwt.encode({**header, "cty": "JWT"}, claims(), key, algorithms=["Ed25519"])
    with pytest.raises(NotSignedIn):
        verifier().verify(more)


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    "key",
    [
        {**OctKey.generate_key(256).as_dict(), "kid": "secret"},
        {**OKPKey.generate_key("X25519").as_dict(private=True), "kid": "x"},
        {**ECKey.generate_key("P-384").as_dict(private=True), "kid": "p384"},
        {name: value for name, value in new_key("k").items() if name != "kid"},
        [],
        {},
    ],
)
def test_a_private_key_of_another_kind_is_refused(tmp_path: Path, key: Any) -> None:
    with pytest.raises(KeysUnusable):
        read_private_key(write(tmp_path / "key.json", key))


def test_a_key_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for read in (read_private_key, read_public_keys):
        with pytest.raises(KeysUnusable, match="not readable"):
            read(tmp_path / "none.json")


def test_a_public_key_set_holds_nothing_private() -> None:
    key = new_key("k")
    (public,) = public_key_set([key])["keys"]
    assert "d" in key
    assert "d" not in public
    assert (public["kid"], public["x"]) == ("k", key["x"])


def test_a_signed_token_says_when_it_was_issued_and_when_it_ends() -> None:
    signed = sign_token(ISSUER, OPERATOR, "assessment", NOW, 60)
    decoded = jwt.decode(signed, import_key(dict(ISSUER)), algorithms=["Ed25519"])
    told = dict(decoded.claims)
    assert told.pop("jti") != jwt.decode(token(), import_key(dict(ISSUER)), algorithms=["Ed25519"]).claims["jti"]
    assert told == {**OPERATOR, "aud": "assessment", "iat": SECONDS, "exp": SECONDS + 60}


@pytest.mark.parametrize(("seconds", "same"), [(0, True), (239, True), (240, False), (-1, False)])
def test_a_services_token_has_a_minute_to_live_whenever_it_is_used(seconds: int, same: bool) -> None:
    clock = Clock()
    tokens = ServiceTokens(SERVICE, "coordination", clock)
    first = tokens.token_for("assessment")
    clock.now = NOW + timedelta(seconds=seconds)
    second = tokens.token_for("assessment")
    assert (second == first) is same
    caller = verifier(clock).verify(second)
    assert (caller.subject, caller.role) == ("coordination", "service")


def test_a_services_token_is_for_one_audience() -> None:
    tokens = ServiceTokens(SERVICE, "coordination", Clock())
    assert tokens.token_for("monitoring") != tokens.token_for("assessment")
    with pytest.raises(NotSignedIn):
        verifier().verify(tokens.token_for("monitoring"))


def consistency(position: int = 41, who: PatientId = ANN, service: str = "assessment") -> ConsistencyToken:
    return ConsistencyToken(service=service, partition=3, position=position, patient_id=who)


def test_a_read_may_name_twenty_writes_and_no_more() -> None:
    tokens = [consistency(position) for position in range(21)]
    texts = [one.encode() for one in tokens]
    assert at_least([], ANN, ["assessment"]) == []
    assert at_least(texts[:20], ANN, ["assessment"]) == tokens[:20]
    with pytest.raises(InvalidInput) as refused:
        at_least(texts, ANN, ["assessment"])
    assert (refused.value.slug, refused.value.field) == ("list-too-long", "at_least")


def test_the_token_that_is_wrong_is_named_by_its_place() -> None:
    good = consistency().encode()
    for wrong in (consistency(who=patient(2)), consistency(service="monitoring")):
        with pytest.raises(InvalidInput) as refused:
            at_least([good, good, wrong.encode()], ANN, ["assessment"])
        assert refused.value.field == "at_least[2]"


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode()


def test_a_consistency_token_says_service_partition_position_and_patient() -> None:
    assert consistency().encode() == encoded(f"assessment:3:41:{ANN}")


@pytest.mark.parametrize(
    "text",
    [
        f":3:41:{ANN}", f"assessment::41:{ANN}", f"assessment:3::{ANN}", f"assessment:-3:41:{ANN}",
        f"assessment:3:-41:{ANN}", f"assessment:3:+41:{ANN}", f"assessment:3:041:{ANN}", "assessment:3:41:ann",
        f"assessment:3:41:{str(ANN).upper()}x", f"assessment:3:41:{ANN}:more", f"assessment:3:41:{{{ANN}}}",
    ],
)  # fmt: skip
def test_what_no_write_answers_is_no_consistency_token(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ConsistencyToken.parse(encoded(text))
    assert (refused.value.slug, refused.value.field) == ("token-malformed", "at_least")


def test_a_consistency_token_of_three_hundred_characters_is_read_and_no_longer_one() -> None:
    longest = consistency(service="a" * (225 - len(f":3:41:{ANN}")))
    assert len(longest.encode()) == 300
    assert ConsistencyToken.parse(longest.encode()) == longest
    with pytest.raises(InvalidInput):
        ConsistencyToken.parse(consistency(service="a" * (226 - len(f":3:41:{ANN}"))).encode())
