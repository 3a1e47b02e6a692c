"""What a programme sets for its notices."""

from datetime import timedelta
from pathlib import Path

import pytest

from careloop.chassis.process.settings import SettingsInvalid, read_settings
from services.notifications.domain.codes import Priority
from services.notifications.senders.files import FileSender
from services.notifications.senders.smtp import SmtpSender
from services.notifications.settings import NotificationSettings

USUAL = {
    "CARELOOP_SERVICE": "notifications",
    "CARELOOP_POSTGRES_DSN": "postgres://127.0.0.1/x",
    "CARELOOP_KAFKA_BOOTSTRAP": "127.0.0.1:1",
    "CARELOOP_GRPC_PORT": "0",
    "CARELOOP_HTTP_PORT": "0",
    "CARELOOP_TOKEN_KEYS_FILE": "keys.json",
    "CARELOOP_SERVICE_KEY_FILE": "key.json",
}


def settings(monkeypatch: pytest.MonkeyPatch, **told: str) -> NotificationSettings:
    for name, value in (USUAL | {f"CARELOOP_NOTICE_{name.upper()}": value for name, value in told.items()}).items():
        monkeypatch.setenv(name, value)
    found = read_settings(NotificationSettings)
    assert isinstance(found, NotificationSettings)
    return found


def test_without_any_setting_mail_becomes_files_and_clocks_are_sane(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELOOP_HOME", "/somewhere")
    found = settings(monkeypatch)
    rules, sender = found.rules(), found.sender()
    assert [rules.window(priority) for priority in Priority] == [
        timedelta(minutes=15),
        timedelta(hours=2),
        timedelta(hours=24),
    ]
    assert rules.importers == {"careloop-intake"}
    assert isinstance(sender, FileSender)
    assert sender.path("<x>").parent == Path("/somewhere/mail")


def test_a_demonstration_may_shorten_the_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = settings(monkeypatch, urgent_window_seconds="2.5", repages="1", importers='["a", "b"]').rules()
    assert (rules.urgent_window, rules.repages) == (timedelta(seconds=2.5), 1)
    assert rules.importers == {"a", "b"}


def test_smtp_is_chosen_by_a_setting_and_its_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(monkeypatch, sender="smtp", smtp_password="hush-hush", smtp_tls="implicit")
    assert isinstance(found.sender(), SmtpSender)
    assert "hush-hush" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stat_window_seconds", "0"),
        ("stat_window_seconds", "soon"),
        ("attempts", "0"),
        ("poll_seconds", "0.6"),
        ("sender", "pigeon"),
        ("on_call_role", "janitor"),
        ("on_call_email", ""),
    ],
)
def test_a_setting_that_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"CARELOOP_NOTICE_{name.upper()}"):
        settings(monkeypatch, **{name: value})


def test_a_lease_outlasts_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsInvalid, match="CARELOOP_NOTICE_LEASE_SECONDS"):
        settings(monkeypatch, lease_seconds="10", send_deadline_seconds="10")
