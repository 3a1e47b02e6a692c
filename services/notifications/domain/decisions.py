"""Every command of notifications, with the decision that answers it."""

from careloop.kernel.decisions import Decisions
from services.notifications.domain.deciding import decide_notice
from services.notifications.domain.delivering import begin, end
from services.notifications.domain.entered_in_error import mark_entered_in_error
from services.notifications.domain.events import Event
from services.notifications.domain.following_up import acknowledge, escalate, page_again
from services.notifications.domain.handing_over import hand_over
from services.notifications.domain.noting import decide_again
from services.notifications.domain.screenings import reconsider
from services.notifications.domain.state import NoticeBoard

DECISIONS: Decisions[NoticeBoard, Event] = Decisions(
    acknowledge, mark_entered_in_error, also_after_leaving=[acknowledge]
)
"""What people ask for. A person who is paged may take that on, also after leaving the team."""

OWN_DECISIONS: Decisions[NoticeBoard, Event] = Decisions(
    decide_notice, decide_again, reconsider, begin, end, escalate, page_again, hand_over
)
"""What the service does of itself: about what it hears, and when something is due."""
