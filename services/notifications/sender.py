"""The port to the world outside: one message to one person, and the ways in which sending fails."""

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Protocol

from careloop.contracts.notifications import Priority
from careloop.kernel.ids import FactId
from services.notifications.domain.codes import FailureReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What leaves Careloop. It names the notice and nothing of the patient: mail is read by anybody on its way."""

    message_id: str
    to: str
    notice: FactId
    priority: Priority
    at: datetime

    @property
    def text(self) -> str:
        urgency = "a" if self.priority is Priority.ROUTINE else "an urgent"
        return f"You have {urgency} Careloop notice. Sign in to read it. Reference {self.notice}\n"

    def as_email(self, sender: str) -> EmailMessage:
        """The same bytes for the same message. Raises ValueError if an address holds a line break."""
        mail = EmailMessage()
        mail["Message-ID"] = self.message_id
        mail["Date"] = self.at
        mail["From"] = sender
        mail["To"] = self.to
        mail["Subject"] = "Careloop notice" if self.priority is Priority.ROUTINE else "Urgent Careloop notice"
        mail.set_content(self.text, cte="7bit")
        return mail


class SendFailed(Exception):
    """Why the next hop did not take the message; `hopeless` if trying again cannot help."""

    def __init__(self, reason: FailureReason, *, hopeless: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hopeless = hopeless


class Sender(Protocol):
    """Sending is at least once: the receiver recognises a repeat by its Message-ID."""

    async def send(self, message: Message) -> None:
        """Returns when the next hop has taken it. Raises SendFailed."""
        ...
