"""Who is in the care team, by the facts of coordination, becomes notes in assessment's own stream."""

from careloop.chassis.consuming.noting import Notes, listening, note
from careloop.contracts import coordination
from careloop.contracts.care_team import MembershipEndNoted, MembershipNoted
from careloop.contracts.terms import EnteredInError
from services.assessment.domain.events import Event
from services.assessment.domain.noted import StrikeNoted

TEAM_CONSUMER = "assessment.team"
"""Reads coordination from its beginning, also what came before there was such a consumer."""

TEAM_NOTES: Notes[Event | None] = listening(
    coordination.TYPES,
    note(MembershipNoted, coordination.TeamMemberAssigned),
    note(MembershipEndNoted, coordination.TeamMemberReleased),
    note(StrikeNoted, EnteredInError),
)
