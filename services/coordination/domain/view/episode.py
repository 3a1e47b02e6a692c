"""The client's episode of care, as the view shows it: open, or ended, and how."""

from dataclasses import dataclass
from datetime import date

from careloop.contracts.assessment import CareHandedOver, EpisodeClosed
from careloop.contracts.episodes import standing_end
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from services.coordination.domain.view.sections.assessment import AssessmentSection


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeEnd:
    """How the client's care ended. `confirm_by` is None where nobody is asked to confirm it, `confirmed_by` empty while
    nobody did."""

    fact_id: FactId
    reason: str
    on: date
    handed_to: CareHandedOver | None
    last_risk: str
    reported_by: str
    agreed_by: str
    closed_by: str
    confirm_by: Instant | None
    confirmed_by: str
    occurred_at: Instant


shown_of = shown(EpisodeEnd, EpisodeClosed, "confirmed_by")


def ended(section: AssessmentSection) -> EpisodeClosed | None:
    """The end by which the client is in no episode of care now. What was struck is in no section."""
    closings = (dated.fact for dated in section.closings)
    return standing_end(closings, [dated.fact for dated in section.enrolments], frozenset())


def episode_end(section: AssessmentSection) -> EpisodeEnd | None:
    """None while an episode is open."""
    end = ended(section)
    if end is None:
        return None
    confirmed = (k.fact.confirmed_by for k in section.deaths_confirmed if k.fact.closing == end.fact_id)
    return shown_of(end, confirmed_by=next(confirmed, ""))
