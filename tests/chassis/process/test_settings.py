"""Settings: read once, checked at the start, and never shown."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from careloop.chassis.process.settings import ServiceSettings, SettingsInvalid, read_settings

CANARY = "s3cret-canary"
NEEDED = {
    "SERVICE": "assessment",
    "POSTGRES_DSN": f"postgres://assessment:{CANARY}@127.0.0.1/careloop",
    "KAFKA_BOOTSTRAP": "127.0.0.1:9092",
    "GRPC_PORT": "50051",
    "HTTP_PORT": "8081",
    "TOKEN_KEYS_FILE": "keys/public.json",
    "SERVICE_KEY_FILE": "keys/private.json",
    "PEERS": '{"monitoring": "127.0.0.1:50052"}',
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(f"CARELOOP_{name}", value)


def test_reads_the_environment() -> None:
    settings = read_settings()
    assert settings.service == "assessment"
    assert settings.partitions == 6
    assert settings.peers == {"monitoring": "127.0.0.1:50052"}
    assert settings.token_keys_file == Path("keys/public.json")
    assert settings.grpc_host == settings.http_host == "127.0.0.1"


def test_does_not_change_afterwards() -> None:
    with pytest.raises(ValidationError):
        read_settings().partitions = 7


def test_does_not_show_the_password() -> None:
    assert CANARY not in repr(read_settings())


@pytest.mark.parametrize("name", sorted(set(NEEDED) - {"PEERS"}))
def test_names_what_is_missing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(f"CARELOOP_{name}")
    with pytest.raises(SettingsInvalid, match=f"CARELOOP_{name}: Field required"):
        read_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRPC_PORT", CANARY),
        ("PARTITIONS", "0"),
        ("SERVICE", f"Ä {CANARY}"),
        ("PEERS", "{" + CANARY),
        ("PEERS", '{"' + CANARY + '": 7}'),
        ("GRACE_SECONDS", "-1"),
    ],
)
def test_names_the_variable_that_is_wrong_and_not_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"CARELOOP_{name}", value)
    with pytest.raises(SettingsInvalid) as wrong:
        read_settings()
    assert f"CARELOOP_{name}" in str(wrong.value)
    assert CANARY not in str(wrong.value)


@pytest.mark.parametrize(
    "values",
    [
        {"pool_timeout_seconds": 5, "statement_timeout_seconds": 5},
        {"statement_timeout_seconds": 10, "max_deadline_seconds": 10},
        {"max_deadline_seconds": 15, "grace_seconds": 15},
    ],
)
def test_each_wait_must_end_before_the_one_around_it(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsInvalid, match="must be less than"):
        read_settings(**values)


def test_a_service_may_have_settings_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(ServiceSettings):
        urgent_seconds: float = 900

    monkeypatch.setenv("CARELOOP_URGENT_SECONDS", "5")
    assert read_settings(Own).model_dump()["urgent_seconds"] == 5


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"kafka_security_protocol": "SASL_SSL"}, "needs CARELOOP_KAFKA_SASL_USERNAME"),
        (
            {"kafka_security_protocol": "SASL_SSL", "kafka_sasl_username": "x"},
            "needs CARELOOP_KAFKA_SASL_PASSWORD_FILE",
        ),
        (
            {
                "kafka_security_protocol": "SASL_PLAINTEXT",
                "kafka_sasl_mechanism": "PLAIN",
                "kafka_sasl_username": "x",
                "kafka_sasl_password_file": "x",
            },
            "PLAIN shows the password",
        ),
        ({"kafka_cert_file": "x", "kafka_key_file": "x"}, "needs SSL or SASL_SSL"),
        ({"kafka_security_protocol": "SSL", "kafka_cert_file": "x"}, "CARELOOP_KAFKA_KEY_FILE is not set"),
        ({"grpc_cert_file": "x", "grpc_key_file": "x"}, "CARELOOP_GRPC_CA_FILE is not set"),
        ({"grpc_mutual_tls": True}, "CARELOOP_GRPC_MUTUAL_TLS needs CARELOOP_GRPC_CERT_FILE"),
    ],
)
def test_what_belongs_together_is_given_together(values: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsInvalid, match=named):
        read_settings(**values)


def test_nothing_is_encrypted_unless_it_is_said() -> None:
    settings = read_settings()
    assert settings.grpc_tls() is None
    assert settings.broker().arguments() == {
        "bootstrap_servers": "127.0.0.1:9092",
        "security_protocol": "PLAINTEXT",
    }


def test_a_password_is_read_again_for_every_client(tmp_path: Path) -> None:
    word = tmp_path / "word"
    settings = read_settings(
        kafka_security_protocol="SASL_PLAINTEXT", kafka_sasl_username="assessment", kafka_sasl_password_file=word
    )
    for password in ("first", "second"):
        word.write_text(f"{password}\n")
        assert settings.broker().arguments()["sasl_plain_password"] == password
