"""Contacts that stay due when a client who left was at risk: they outlive the episode of care.

By zerosuicide.edc.org's caring contacts: 24-72 hours after the end, and seven days after it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from careloop.contracts.assessment import CaringContactDue, EndReason, EpisodeClosed
from careloop.contracts.terms import RiskLevel
from careloop.kernel.decisions import guarded
from careloop.kernel.ids import FactId, derived_id
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment

CONTACTS = ((timedelta(hours=24), timedelta(hours=72)), (timedelta(days=6), timedelta(days=7)))
"""From when, and by when, counted from the end."""
AT_RISK = frozenset({RiskLevel.MODERATE, RiskLevel.HIGH})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One contact after the end that `closing` recorded."""

    closing: FactId
    begins: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForContact:
    """The time for this contact has come."""

    contact: Contact


def contacts_after(end: EpisodeClosed) -> Iterable[Contact]:
    """Those that an end makes due."""
    if end.reason is EndReason.LEFT and end.last_risk in AT_RISK:
        for begins, due in CONTACTS:
            yield Contact(closing=end.fact_id, begins=end.occurred_at + begins, due_at=end.occurred_at + due)


@guarded()
def ask_for_contact(command: AskForContact, state: Assessment) -> list[Event]:
    """The contact is due, once. Nothing where the end was struck, or the client is in care again or has died."""
    contact = command.contact
    fact_id = FactId(derived_id("assessment", "caring-contact", contact.closing, contact.due_at.isoformat()))
    ended = state.ended
    if ended is None or ended.fact_id != contact.closing or state.knows(fact_id):
        return []
    return [
        CaringContactDue(fact_id=fact_id, closing=contact.closing, due_at=contact.due_at, occurred_at=contact.begins)
    ]
