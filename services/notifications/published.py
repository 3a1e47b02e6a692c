"""Which stored facts notifications publishes; what it noted of them, and the start of an attempt, stay here."""

from careloop.contracts import notifications as contract
from careloop.contracts import terms
from services.notifications.domain import events

RESTATED: dict[type, type] = {
    events.NoticeDecided: contract.NoticeDecided,
    events.NoticeSent: contract.NoticeSent,
    events.NoticeFailed: contract.NoticeFailed,
    events.NoticeAcknowledged: contract.NoticeAcknowledged,
    events.NoticeEscalated: contract.NoticeEscalated,
    events.NoticeWithdrawn: contract.NoticeWithdrawn,
    events.EnteredInError: terms.EnteredInError,
}
"""A stored class to the published one, which has some of its fields: what is clinical in a notice is left out."""
