"""Striking a notice that should never have been decided."""

from dataclasses import dataclass

from careloop.contracts.terms import EnteredInError
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, Now, Past
from careloop.kernel.restating import fact
from services.notifications.domain.events import Event
from services.notifications.domain.notices import NoticeStatus
from services.notifications.domain.state import NoticeBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkEnteredInError:
    """`occurred_at` is when the mistake was seen."""

    fact_id: FactId
    reason: str
    actor: Actor
    occurred_at: Past
    now: Now


strike = fact(EnteredInError, MarkEnteredInError, marked_by="actor")


@guarded(Guard.PAST)
def mark_entered_in_error(command: MarkEnteredInError, board: NoticeBoard) -> list[Event]:
    """A notice is struck, once. Raises NotKnown for anything that is not a notice of this patient."""
    if board.notice(command.fact_id, "fact_id").status is NoticeStatus.ENTERED_IN_ERROR:
        return []
    return [strike(command)]
