"""What the coordination stream of a patient holds: everything is stored and published in the same words."""

from careloop.contracts.coordination import MessagePosted, Published, TeamMemberAssigned, TeamMemberReleased
from careloop.contracts.terms import EnteredInError
from careloop.kernel.events import topics

__all__ = ["TOPICS", "EnteredInError", "Event", "MessagePosted", "TeamMemberAssigned", "TeamMemberReleased"]

Event = Published
TOPICS: dict[str, type[Event]] = topics("coordination", Event)
"""Every stored event by its registered name."""
