"""What stands of the facts that notifications published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from careloop.contracts import notifications
from careloop.contracts.terms import EnteredInError
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.sections.shelf import Shelf, shelved


@shelved
@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsSection:
    """NoticeSent is left to the journal: the view shows what still needs a person."""

    shelves: ClassVar[Mapping[type, Shelf]]
    decided: tuple[DatedFact[notifications.NoticeDecided], ...] = ()
    failed: tuple[DatedFact[notifications.NoticeFailed], ...] = ()
    acknowledged: tuple[DatedFact[notifications.NoticeAcknowledged], ...] = ()
    escalated: tuple[DatedFact[notifications.NoticeEscalated], ...] = ()
    handed_over: tuple[DatedFact[notifications.NoticeHandedOver], ...] = ()
    withdrawn: tuple[DatedFact[notifications.NoticeWithdrawn], ...] = ()
    struck: tuple[DatedFact[EnteredInError], ...] = ()
