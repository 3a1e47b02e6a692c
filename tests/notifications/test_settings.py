"""What a programme sets for its notices."""

from datetime import timedelta
from pathlib import Path

import pytest

from careloop.chassis.due.worker import Pace
from careloop.chassis.process.settings import SettingsInvalid, read_settings
from careloop.contracts.notifications import Priority
from careloop.contracts.terms import Role
from services.notifications.domain.rules import NoticeRules, OnCall
from services.notifications.senders.files import FileSender
from services.notifications.senders.smtp import SmtpSender, SmtpServer, SmtpTls
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


def test_every_setting_arrives_where_it_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(
        monkeypatch,
        on_call_person="dr-night",
        on_call_role="therapist",
        on_call_email="night@example.org",
        stat_window_seconds="1",
        urgent_window_seconds="2",
        routine_window_seconds="3",
        stat_again_seconds="3.5",
        old_news_seconds="4",
        first_retry_seconds="5",
        longest_retry_seconds="6",
        attempts="7",
        repages="8",
        importers='["x"]',
        lease_seconds="9",
        send_deadline_seconds="8.5",
        poll_seconds="0.25",
    )
    assert found.rules() == NoticeRules(
        on_call=OnCall(person="dr-night", role=Role.THERAPIST, email="night@example.org"),
        stat_window=timedelta(seconds=1),
        urgent_window=timedelta(seconds=2),
        routine_window=timedelta(seconds=3),
        stat_again_after=timedelta(seconds=3.5),
        old_news_after=timedelta(seconds=4),
        first_retry=timedelta(seconds=5),
        longest_retry=timedelta(seconds=6),
        attempts=7,
        repages=8,
        importers=frozenset({"x"}),
    )
    assert found.notice_send_deadline_seconds == 8.5
    assert found.pace() == Pace(lease=9, poll=0.25)


def test_a_folder_for_mail_is_used_before_the_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = settings(monkeypatch, folder="/elsewhere").sender()
    assert isinstance(sender, FileSender)
    assert sender.path("<x>").parent == Path("/elsewhere")


@pytest.mark.parametrize(
    ("tls", "use_tls", "start_tls"), [("none", False, False), ("starttls", False, True), ("implicit", True, False)]
)
def test_an_smtp_server_is_spoken_to_as_it_is_set(
    monkeypatch: pytest.MonkeyPatch, tls: str, use_tls: bool, start_tls: bool
) -> None:
    server = SmtpServer(
        host="mail.example.org", port=26, tls=SmtpTls(tls), username="user", password="hush", timeout_seconds=4
    )
    assert server.options() == {
        "hostname": "mail.example.org",
        "port": 26,
        "use_tls": use_tls,
        "start_tls": start_tls,
        "username": "user",
        "password": "hush",
        "timeout": 4,
    }
    anonymous = SmtpServer(host="h", port=1, tls=SmtpTls.NONE).options()
    assert (anonymous["username"], anonymous["password"]) == (None, None)
    found = settings(
        monkeypatch,
        sender="smtp",
        smtp_host="mail.example.org",
        smtp_port="26",
        smtp_tls=tls,
        smtp_username="user",
        smtp_password="hush",
        smtp_timeout_seconds="4",
        **{"from": "Notices <n@example.org>"},
    )
    assert vars(found.sender()) == vars(SmtpSender(server, "Notices <n@example.org>"))
