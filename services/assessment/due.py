"""What an event of assessment makes due: contacts after a client left."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from careloop.chassis.due.rows import due_row, read_detail
from careloop.chassis.log.protocol import DueRow
from careloop.contracts.assessment import EpisodeClosed
from services.assessment.domain.caring_contacts import AskForContact, Contact, contacts_after
from services.assessment.domain.events import Event

CARING_CONTACT = "caring-contact"


def due_rows(event: Event, stream_id: UUID) -> Iterable[DueRow]:
    """The rows of the contacts that an end makes due."""
    if isinstance(event, EpisodeClosed):
        for contact in contacts_after(event):
            subject, at = contact.closing, contact.begins
            yield due_row(stream_id, CARING_CONTACT, subject=subject, at=at, detail=contact)


def asked(row: DueRow, _now: datetime) -> AskForContact:
    """What the row asks for."""
    return AskForContact(contact=read_detail(row, Contact))
