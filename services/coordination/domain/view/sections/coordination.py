"""What stands of the facts that this service published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from careloop.contracts import coordination
from careloop.contracts.terms import EnteredInError
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.sections.shelf import Shelf, shelved


@shelved
@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinationSection:
    shelves: ClassVar[Mapping[type, Shelf]]
    assigned: tuple[DatedFact[coordination.TeamMemberAssigned], ...] = ()
    released: tuple[DatedFact[coordination.TeamMemberReleased], ...] = ()
    messages: tuple[DatedFact[coordination.MessagePosted], ...] = ()
    struck: tuple[DatedFact[EnteredInError], ...] = ()
