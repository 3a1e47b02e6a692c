"""Striking a notice that should never have been decided."""

from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.ids import FactId, PersonId
from services.notifications.domain.events import EnteredInError, Event
from services.notifications.domain.notices import NoticeStatus
from services.notifications.domain.state import NoticeBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkEnteredInError:
    fact_id: FactId
    reason: str
    actor: PersonId
    occurred_at: datetime


def mark_entered_in_error(command: MarkEnteredInError, board: NoticeBoard) -> list[Event]:
    """A notice is struck, once. Raises NotKnown for anything that is not a notice of this patient."""
    if board.notice(command.fact_id, "fact_id").status is NoticeStatus.ENTERED_IN_ERROR:
        return []
    return [
        EnteredInError(
            fact_id=command.fact_id,
            reason=command.reason,
            marked_by=command.actor,
            occurred_at=command.occurred_at,
        )
    ]
