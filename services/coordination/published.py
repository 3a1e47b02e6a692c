"""Everything the care team decides is published to the other services, in the same fields."""

from careloop.contracts import coordination as contract
from careloop.contracts import terms
from services.coordination.domain import events

RESTATED: dict[type, type] = {
    events.TeamMemberAssigned: contract.TeamMemberAssigned,
    events.TeamMemberReleased: contract.TeamMemberReleased,
    events.MessagePosted: contract.MessagePosted,
    events.EnteredInError: terms.EnteredInError,
}
