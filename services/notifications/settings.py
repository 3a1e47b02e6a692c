"""The settings of the notifications process: whom, how fast, and by which way out."""

from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from careloop.chassis.due.worker import Pace
from careloop.chassis.process.settings import ServiceSettings
from careloop.chassis.process.transport import variable
from careloop.contracts.terms import Role
from services.notifications.domain.rules import NoticeRules, OnCall
from services.notifications.sender import Sender
from services.notifications.senders.files import FileSender
from services.notifications.senders.smtp import SmtpSender, SmtpServer, SmtpTls


class NotificationSettings(ServiceSettings):
    """Durations are seconds. What each window means is said in `NoticeRules`."""

    notice_on_call_person: str = Field(default="on-call", min_length=1)
    notice_on_call_role: Role = Role.PSYCHIATRIST
    notice_on_call_email: str = Field(default="on-call@careloop.invalid", min_length=3)
    notice_last_resort_person: str = ""
    """Who is paged as well when nobody answers four pages of an emergency; nobody if empty."""
    notice_last_resort_role: Role = Role.PSYCHIATRIST
    notice_last_resort_email: str = ""
    notice_stat_window_seconds: float = Field(default=15 * 60, gt=0)
    notice_urgent_window_seconds: float = Field(default=2 * 3600, gt=0)
    notice_routine_window_seconds: float = Field(default=24 * 3600, gt=0)
    notice_stat_again_seconds: float = Field(default=15 * 60, gt=0)
    notice_old_news_seconds: float = Field(default=24 * 3600, gt=0)
    notice_first_retry_seconds: float = Field(default=15, gt=0)
    notice_longest_retry_seconds: float = Field(default=300, gt=0)
    notice_attempts: int = Field(default=6, ge=1, le=100)
    notice_repages: int = Field(default=12, ge=0, le=1000)
    notice_importers: frozenset[str] = frozenset({"careloop-intake"})
    """Subjects of tokens whose facts are imported history, as a JSON list."""
    nurse_practitioners_supervised: bool = False
    """A psychiatrist of the team hears when a nurse practitioner overrides a high alert."""
    notice_poll_seconds: float = Field(default=0.5, gt=0, le=0.5)
    notice_lease_seconds: float = Field(default=60, gt=0)
    notice_send_deadline_seconds: float = Field(default=10, gt=0)
    notice_sender: Literal["file", "smtp"] = "file"
    notice_from: str = Field(default="Careloop <notices@careloop.invalid>", min_length=3)
    home: Path = Path(".careloop")
    notice_folder: Path | None = None
    """Where the file sender puts messages; `mail` in the state folder when not given."""
    notice_smtp_host: str = "127.0.0.1"
    notice_smtp_port: int = Field(default=587, ge=1, le=65535)
    notice_smtp_tls: SmtpTls = SmtpTls.STARTTLS
    notice_smtp_username: str = ""
    notice_smtp_password: SecretStr = SecretStr("")
    notice_smtp_timeout_seconds: float = Field(default=5, gt=0)

    @model_validator(mode="after")
    def _a_lease_outlasts_a_message(self) -> Self:
        if self.notice_send_deadline_seconds >= self.notice_lease_seconds:
            shorter, longer = variable("notice_send_deadline_seconds"), variable("notice_lease_seconds")
            raise ValueError(f"{shorter} must be less than {longer}")
        return self

    def rules(self) -> NoticeRules:
        return NoticeRules(
            on_call=OnCall(
                person=self.notice_on_call_person, role=self.notice_on_call_role, email=self.notice_on_call_email
            ),
            last_resort=self._last_resort(),
            stat_window=timedelta(seconds=self.notice_stat_window_seconds),
            urgent_window=timedelta(seconds=self.notice_urgent_window_seconds),
            routine_window=timedelta(seconds=self.notice_routine_window_seconds),
            stat_again_after=timedelta(seconds=self.notice_stat_again_seconds),
            old_news_after=timedelta(seconds=self.notice_old_news_seconds),
            first_retry=timedelta(seconds=self.notice_first_retry_seconds),
            longest_retry=timedelta(seconds=self.notice_longest_retry_seconds),
            attempts=self.notice_attempts,
            repages=self.notice_repages,
            importers=self.notice_importers,
            nurse_practitioners_supervised=self.nurse_practitioners_supervised,
        )

    def _last_resort(self) -> OnCall | None:
        if not self.notice_last_resort_person:
            return None
        return OnCall(
            person=self.notice_last_resort_person,
            role=self.notice_last_resort_role,
            email=self.notice_last_resort_email,
        )

    def pace(self) -> Pace:
        return Pace(lease=self.notice_lease_seconds, poll=self.notice_poll_seconds)

    def sender(self) -> Sender:
        """The way out that is set."""
        if self.notice_sender == "file":
            return FileSender(self.notice_folder or self.home / "mail", self.notice_from)
        server = SmtpServer(
            host=self.notice_smtp_host,
            port=self.notice_smtp_port,
            tls=self.notice_smtp_tls,
            username=self.notice_smtp_username,
            password=self.notice_smtp_password.get_secret_value(),
            timeout_seconds=self.notice_smtp_timeout_seconds,
        )
        return SmtpSender(server, self.notice_from)
