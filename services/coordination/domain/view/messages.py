"""What the care team and the client wrote to each other, as the view shows it."""

from dataclasses import dataclass

from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from services.coordination.domain.view.sections.coordination import CoordinationSection

MESSAGES_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    fact_id: FactId
    sender: str
    recipient: str
    about: FactId | None
    text: str
    occurred_at: Instant


def messages(section: CoordinationSection) -> tuple[Message, ...]:
    """The latest first."""
    return tuple(
        Message(
            fact_id=k.fact.fact_id,
            sender=k.fact.sender,
            recipient=k.fact.recipient,
            about=k.fact.about,
            text=k.fact.text,
            occurred_at=k.fact.occurred_at,
        )
        for k in section.messages[: -MESSAGES_SHOWN - 1 : -1]
    )
