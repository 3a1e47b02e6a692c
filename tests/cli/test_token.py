"""`careloop token` prints what the services accept, and says what is wrong with the rest."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from careloop.chassis.calls.auth import TokenVerifier, read_public_keys
from careloop.cli.main import app
from careloop.contracts.terms import Role
from careloop.kernel.errors import NotSignedIn
from careloop.local.keys import LocalKeys
from careloop.local.running import NotUp

PATIENT = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A state folder with keys."""
    LocalKeys(tmp_path).ensure()
    return tmp_path


def ask(home: Path, *words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["token", "--home", str(home), *words], env={"COLUMNS": "200", "NO_COLOR": "1"})
    return result.exit_code, result.stdout.strip(), result.stderr


def verifier(home: Path, audience: str) -> TokenVerifier:
    keys = read_public_keys(LocalKeys(home).public)
    return TokenVerifier(keys, audience=audience, roles=list(Role), clock=lambda: datetime.now(UTC))


def test_a_prescribers_token_is_accepted_with_its_credential(home: Path) -> None:
    licence = ("--credential", "psychiatrist", "--valid-from", "2020-01-01", "--valid-until", "2030-01-01")
    code, token, _ = ask(home, "--role", "psychiatrist", "--subject", "dr-1", *licence)
    assert code == 0
    caller = verifier(home, "assessment").verify(token)
    assert (caller.subject, caller.role, caller.patient) == ("dr-1", "psychiatrist", None)
    assert caller.credential is not None
    assert caller.credential.valid_from == datetime(2020, 1, 1, tzinfo=UTC)


def test_a_clients_token_names_the_patient(home: Path) -> None:
    code, token, _ = ask(home, "--role", "client", "--subject", "c-1", "--patient", PATIENT)
    assert code == 0
    assert str(verifier(home, "monitoring").verify(token).patient) == PATIENT


def test_a_token_for_one_service_is_refused_by_another(home: Path) -> None:
    code, token, _ = ask(home, "--role", "operator", "--subject", "o-1", "--audience", "coordination")
    assert code == 0
    assert verifier(home, "coordination").verify(token).role == "operator"
    with pytest.raises(NotSignedIn):
        verifier(home, "assessment").verify(token)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--role", "wizard", "--subject", "x"), "'wizard' is not one of"),
        (("--role", "service", "--subject", "x"), "services sign their own tokens"),
        (("--role", "client", "--subject", "x"), "a client's token names the patient"),
        (("--role", "operator", "--subject", "x", "--ttl", "16"), "less than or equal to 15"),
        (("--role", "operator", "--subject", "x", "--audience", "billing"), "billing is none of: assessment"),
        (("--role", "psychiatrist", "--subject", "x", "--credential", "psychiatrist"), "needs --valid-from"),
        (("--role", "psychiatrist", "--subject", "x", "--valid-from", "2020-01-01"), "needs --credential"),
        (("--role", "operator"), "Missing option '--subject'"),
    ],
)
def test_wrong_use_exits_2_with_a_sentence(home: Path, words: tuple[str, ...], sentence: str) -> None:
    code, token, said = ask(home, *words)
    assert (code, token) == (2, "")
    assert sentence in said


def test_without_a_key_it_says_how_to_get_one(tmp_path: Path) -> None:
    words = ["token", "--role", "operator", "--subject", "x", "--home", str(tmp_path)]
    with pytest.raises(NotUp, match="start the system once with `careloop up`"):
        CliRunner().invoke(app, words, catch_exceptions=False)
