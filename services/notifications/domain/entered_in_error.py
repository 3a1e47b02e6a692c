"""Striking a notice that should never have been decided."""

from dataclasses import dataclass

from careloop.contracts.terms import EnteredInError
from careloop.kernel import commands
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import NotAllowed
from careloop.kernel.reading import Past
from careloop.kernel.restating import fact
from services.notifications.domain.events import Event
from services.notifications.domain.following_up import who_may_answer
from services.notifications.domain.notices import NoticeStatus
from services.notifications.domain.state import NoticeBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkEnteredInError(commands.MarkEnteredInError):
    """`occurred_at` is when the mistake was seen."""

    occurred_at: Past


strike = fact(EnteredInError, MarkEnteredInError, marked_by="actor")


@guarded(Guard.PAST)
def mark_entered_in_error(command: MarkEnteredInError, board: NoticeBoard) -> list[Event]:
    """A notice is struck, once, by one who may answer it.

    Raises NotKnown for anything that is not a notice of this patient, NotAllowed.
    """
    notice = board.notice(command.fact_id, "fact_id")
    if command.actor not in who_may_answer(notice, board, command.now):
        raise NotAllowed("not-an-addressee", "Only those whom a notice is for may strike it.", field="fact_id")
    if notice.status is NoticeStatus.ENTERED_IN_ERROR:
        return []
    return [strike(command)]
