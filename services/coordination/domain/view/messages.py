"""What the care team and the client wrote to each other, as the view shows it."""

from dataclasses import dataclass

from careloop.contracts.coordination import MessagePosted
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from services.coordination.domain.view.sections.coordination import CoordinationSection
from services.coordination.domain.view.written import level_of

MESSAGES_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    fact_id: FactId
    sender: str
    recipient: str
    about: FactId | None
    text: str
    occurred_at: Instant
    flags: tuple[str, ...]
    triage: str = ""


message = shown(Message, MessagePosted, "flags", "triage")


def messages(section: CoordinationSection) -> tuple[Message, ...]:
    """The latest first."""
    latest = section.messages[: -MESSAGES_SHOWN - 1 : -1]
    return tuple(message(k.fact, flags=k.fact.flags or (), triage=level_of(k.fact.triage)) for k in latest)
