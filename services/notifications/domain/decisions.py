"""Every command of notifications, with the decision that answers it."""

from careloop.kernel.decisions import Decisions
from services.notifications.domain.deciding import decide_notice
from services.notifications.domain.delivering import begin, end
from services.notifications.domain.entered_in_error import mark_entered_in_error
from services.notifications.domain.events import Event
from services.notifications.domain.following_up import acknowledge, escalate
from services.notifications.domain.noting import decide_again
from services.notifications.domain.screenings import reconsider
from services.notifications.domain.state import NoticeBoard

DECISIONS: Decisions[NoticeBoard, Event] = Decisions(acknowledge, mark_entered_in_error)
"""What people ask for."""

OWN_DECISIONS: Decisions[NoticeBoard, Event] = Decisions(decide_notice, decide_again, reconsider, begin, end, escalate)
"""What the service does of itself: about what it hears, and when something is due."""
