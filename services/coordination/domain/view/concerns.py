"""What the standing check raised against something that is taken already, as the view shows it."""

from dataclasses import dataclass
from datetime import date

from careloop.contracts.prescribing import Alert, Concern, ConcernAnswered
from careloop.contracts.terms import Medicine
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from careloop.knowledge.findings import Severity
from services.coordination.domain.view.sections.prescribing import PrescribingSection

OPEN, ANSWERED = "open", "answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingConcern:
    concern: FactId
    prescription: FactId | None
    medicine: Medicine
    alert: Alert
    if_stopped: str
    status: str
    answer: str = ""
    by_when: date | None = None
    reason: str = ""
    comment: str = ""
    second: str = ""
    prescriber: str = ""
    look_again_at: Instant | None = None
    caused_by: FactId
    occurred_at: Instant


standing_concern = shown(
    StandingConcern,
    Concern,
    *("status", "answer", "by_when", "reason", "comment", "second", "prescriber", "look_again_at"),
    *("caused_by", "occurred_at"),
)


def standing_concerns(section: PrescribingSection) -> tuple[StandingConcern, ...]:
    """Those that have not ended: open before answered, the gravest first."""
    ended = {dated.fact.concern for dated in section.concerns_ended}
    answers = {dated.fact.concern: dated.fact for dated in section.concerns_answered}
    found = [
        _shown(one, answers.get(one.concern), dated.fact.caused_by, dated.fact.occurred_at)
        for dated in section.concerns_raised
        for one in dated.fact.concerns
        if one.concern not in ended
    ]
    return tuple(sorted(found, key=lambda one: (one.status != OPEN, grave(one.alert), one.occurred_at, one.concern)))


def grave(alert: Alert) -> int:
    """0 for the gravest; a severity of a later build is taken for such."""
    words = [str(severity) for severity in Severity]
    return words.index(alert.severity) if alert.severity in words else 0


def _shown(one: Concern, given: ConcernAnswered | None, caused_by: FactId, occurred_at: Instant) -> StandingConcern:
    return standing_concern(
        one,
        status=OPEN if given is None else ANSWERED,
        answer="" if given is None else str(given.answer),
        by_when=None if given is None else given.by_when,
        reason="" if given is None or given.reason is None else str(given.reason),
        comment="" if given is None else given.comment,
        second="" if given is None else given.second,
        prescriber="" if given is None else given.prescriber,
        look_again_at=None if given is None else given.look_again_at,
        caused_by=caused_by,
        occurred_at=occurred_at,
    )
