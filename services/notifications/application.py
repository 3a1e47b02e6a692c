"""Notifications' use cases that wait for something: one notice, and a person's inbox over all patients."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from msgspec import UNSET

from careloop.chassis.commands.writes import Writes
from careloop.kernel.ids import FactId, PatientId, PersonId
from services.notifications.domain.causes import MESSAGES
from services.notifications.domain.codes import CauseKind
from services.notifications.domain.events import Event, NoticeDecided
from services.notifications.domain.notices import Notice
from services.notifications.domain.state import NoticeBoard
from services.notifications.views import Entry, Place


class Inboxes(Protocol):
    """Whose inbox holds which notice, over all patients."""

    async def page(self, person: str, after: Place | None, limit: int, *, open_only: bool) -> Sequence[Entry]:
        """Up to `limit` entries behind `after`: open ones first, the most urgent first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientNotice:
    """A notice as it stands in its patient's stream now."""

    patient_id: PatientId
    notice: Notice

    def read_by(self, reader: PersonId) -> "PatientNotice":
        """Without what was written, if it was written to somebody else.

        Who has a message in the place of somebody who left reads what the client wrote to the care team; of what a
        colleague wrote they read to whom and by whom it was written, and ask that one.
        """
        decided = self.notice.decided
        if decided.kind not in MESSAGES or decided.named == reader:
            return self
        stands_in = reader in self.notice.holders
        if stands_in and decided.kind is CauseKind.MESSAGE_FROM_CLIENT:
            return self
        detail = _to_one_who_left(decided) if stands_in else ""
        return replace(self, notice=replace(self.notice, decided=replace(decided, detail=detail)))


def _to_one_who_left(message: NoticeDecided) -> str:
    sender = "a colleague" if message.sender is UNSET else message.sender
    return f"To {message.named}, who is not in the care team, from {sender}: ask {sender} what it says."


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPage:
    """One page of an inbox; `next_after` is None on the last."""

    notices: Sequence[PatientNotice]
    next_after: Place | None


class Notices:
    """What people read of notices."""

    def __init__(self, writes: Writes[NoticeBoard, Event], inboxes: Inboxes) -> None:
        self._writes = writes
        self._inboxes = inboxes

    async def get_notice(self, patient_id: PatientId, notice_id: FactId, reader: PersonId) -> PatientNotice:
        """Raises NotKnown if this patient has no such notice."""
        board = await self._writes.state(patient_id)
        return PatientNotice(patient_id=patient_id, notice=board.notice(notice_id)).read_by(reader)

    async def list_inbox(
        self, inbox: str, reader: PersonId, after: Place | None, size: int, *, open_only: bool
    ) -> InboxPage:
        """The index says which notices and in which order; what they say is read from their patients' streams."""
        entries = await self._inboxes.page(inbox, after, size + 1, open_only=open_only)
        shown = entries[:size]
        patients = dict.fromkeys(entry.patient_id for entry in shown)
        boards = {patient: await self._writes.state(patient) for patient in patients}
        notices = [
            PatientNotice(
                patient_id=entry.patient_id, notice=boards[entry.patient_id].notices[entry.notice_id]
            ).read_by(reader)
            for entry in shown
        ]
        return InboxPage(notices=notices, next_after=shown[-1].place if len(entries) > size else None)
