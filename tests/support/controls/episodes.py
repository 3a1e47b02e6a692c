"""The end of an episode of care, as assessment publishes it and as the other services note it."""

from datetime import datetime

from careloop.contracts.assessment import EndReason, EpisodeClosed
from careloop.contracts.episodes import EpisodeBegunNoted, EpisodeEndNoted
from careloop.contracts.terms import RiskLevel
from tests.support.controls.moments import LAST_WEEK, YESTERDAY, event, fact


def end_noted(name: str, at: datetime, reason: EndReason = EndReason.COMPLETED) -> EpisodeEndNoted:
    return EpisodeEndNoted(evidence=event(name), fact_id=fact(name), reason=reason, occurred_at=at)


def begun_noted(name: str, at: datetime) -> EpisodeBegunNoted:
    return EpisodeBegunNoted(evidence=event(name), fact_id=fact(name), occurred_at=at)


def closed(name: str, at: datetime, reason: EndReason = EndReason.COMPLETED) -> EpisodeClosed:
    return EpisodeClosed(
        fact_id=fact(name),
        reason=reason,
        on=at.date(),
        handed_to=None,
        letter_sent_on=None,
        attempts=(),
        last_risk=RiskLevel.NONE,
        reported_by="",
        agreed_by="",
        closed_by="dr-amara-osei",
        confirm_by=None,
        occurred_at=at,
    )


BEGUN = begun_noted("begun", LAST_WEEK)
ENDED = end_noted("ended", YESTERDAY)
