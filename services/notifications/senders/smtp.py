"""Mail through an SMTP server."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import aiosmtplib

from services.notifications.domain.codes import FailureReason
from services.notifications.sender import Message, SendFailed

PERMANENT = 500


class SmtpTls(StrEnum):
    """How the connection is protected. NONE is for a server on the same machine."""

    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mail is handed over. `timeout_seconds` bounds each step of the dialogue."""

    host: str
    port: int
    tls: SmtpTls
    username: str = ""
    password: str = field(default="", repr=False)
    timeout_seconds: float = 5

    def options(self) -> dict[str, Any]:
        return {
            "hostname": self.host,
            "port": self.port,
            "use_tls": self.tls is SmtpTls.IMPLICIT,
            "start_tls": self.tls is SmtpTls.STARTTLS,
            "username": self.username or None,
            "password": self.password or None,
            "timeout": self.timeout_seconds,
        }


class SmtpSender:
    """A connection for each message: notices are few and must not wait for one another."""

    def __init__(self, server: SmtpServer, sender: str) -> None:
        self._server = server
        self._sender = sender

    async def send(self, message: Message) -> None:
        try:
            await aiosmtplib.send(message.as_email(self._sender), **self._server.options())
        except ValueError:
            raise SendFailed(FailureReason.NO_ADDRESS, hopeless=True) from None
        except (aiosmtplib.SMTPException, OSError) as failure:
            raise _failed(failure) from None


def _failed(failure: Exception) -> SendFailed:
    match failure:
        case aiosmtplib.SMTPRecipientsRefused():
            return _refused(max(refused.code for refused in failure.recipients))
        case aiosmtplib.SMTPResponseException():
            return _refused(failure.code)
        case aiosmtplib.SMTPNotSupported():
            return SendFailed(FailureReason.REFUSED, hopeless=True)
        case aiosmtplib.SMTPConnectError():
            return SendFailed(FailureReason.UNREACHABLE)
        case aiosmtplib.SMTPException():
            # The connection was lost or fell silent on the way: the server may have taken the message.
            return SendFailed(FailureReason.OUTCOME_UNKNOWN)
        case _:
            return SendFailed(FailureReason.UNREACHABLE)


def _refused(code: int) -> SendFailed:
    return SendFailed(FailureReason.REFUSED, hopeless=code >= PERMANENT)
