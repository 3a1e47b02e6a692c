"""Every command of the care team, with the decision that answers it."""

from careloop.kernel.decisions import Decisions
from services.coordination.domain.care_team import assign, release
from services.coordination.domain.entered_in_error import mark_entered_in_error
from services.coordination.domain.events import Event
from services.coordination.domain.messages import post
from services.coordination.domain.state import CareTeam

DECISIONS: Decisions[CareTeam, Event] = Decisions(assign, release, post, mark_entered_in_error)
