"""`careloop keys`: what services are given and believe."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from careloop.chassis.calls.auth import read_public_keys
from careloop.chassis.calls.token_signing import new_key, public_key_set, read_private_key
from careloop.cli.checking import files as checks
from careloop.cli.checking.findings import Level
from careloop.cli.main import app
from careloop.local.settings import SERVICES


def keys(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["keys", *words])
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def issuer(tmp_path: Path) -> Path:
    file = tmp_path / "issuer.jwks.json"
    file.write_text(json.dumps(public_key_set([new_key("our-issuer")])))
    return file


def test_each_service_has_a_key_that_all_believe_beside_the_issuers(tmp_path: Path, issuer: Path) -> None:
    folder = tmp_path / "made"
    keys(str(folder), "--issuer", str(issuer))
    believed = read_public_keys(folder / "public.jwks.json")
    assert believed.keys() == {"our-issuer", *(f"service:{service}" for service in SERVICES)}
    for service in SERVICES:
        file = folder / f"{service}.private.jwk.json"
        assert read_private_key(file)["kid"] == f"service:{service}"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        named = checks.FileSettings(token_keys_file=folder / "public.jwks.json", service_key_file=file)
        wrong = [one for one in checks.look(named, [], datetime.now(UTC)) if one.level is not Level.OK]
        assert wrong == []


def test_keys_that_are_there_stay_and_a_trial_issuer_may_come_later(tmp_path: Path, issuer: Path) -> None:
    folder = tmp_path / "trial/keys"
    keys(str(folder), "--issuer", str(issuer))
    first = {file.name: file.read_text() for file in folder.glob("*.private.jwk.json")}
    assert len(first) == len(SERVICES)
    keys(str(folder), "--trial-issuer")
    assert first.items() <= {file.name: file.read_text() for file in folder.glob("*.private.jwk.json")}.items()
    assert "careloop-local" in read_public_keys(folder / "public.jwks.json")
    signed = CliRunner().invoke(app, ["token", "--home", str(folder.parent), "--role", "operator", "--subject", "me"])
    assert signed.exit_code == 0, signed.output


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        json.dumps({"keys": [new_key("private-half")]}),
        json.dumps(public_key_set([new_key("service:monitoring")])),
    ],
)
def test_an_issuers_set_that_nobody_should_believe_is_refused_and_makes_nothing(tmp_path: Path, content: str) -> None:
    file = tmp_path / "issuer.jwks.json"
    file.write_text(content)
    keys(str(tmp_path / "made"), "--issuer", str(file), code=2)
    assert not (tmp_path / "made").exists()


def test_without_an_issuer_nobody_could_call(tmp_path: Path) -> None:
    keys(str(tmp_path / "made"), code=2)
