"""What the care team and the client wrote to each other, as the view shows it."""

from careloop.contracts.coordination import MessagePosted
from services.coordination.domain.view.sections.coordination import CoordinationSection

MESSAGES_SHOWN = 100


def messages(section: CoordinationSection) -> tuple[MessagePosted, ...]:
    """The latest first."""
    return tuple(k.fact for k in section.messages[: -MESSAGES_SHOWN - 1 : -1])
