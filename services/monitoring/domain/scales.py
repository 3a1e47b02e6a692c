"""Rating scales that a client answers between visits, and the risk that an answer raises."""

from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.events import require_past
from careloop.kernel.ids import FactId, PersonId, derived_id
from careloop.knowledge.scales.score import score
from careloop.knowledge.urgency.suicide_risk import risk_raised
from services.monitoring.domain.events import Event, RiskRaised, ScaleScored
from services.monitoring.domain.state import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerScale:
    """Answers in the instrument's order; None is an answer that is missing."""

    fact_id: FactId
    instrument: str
    items: tuple[int | None, ...]
    source: str
    actor: PersonId
    occurred_at: datetime
    now: datetime


def answer_scale(command: AnswerScale, watch: Watch) -> list[Event]:
    """The scored scale, and RiskRaised with its due time if the answers ask for a suicide-risk contact.

    Raises InvalidInput for an unknown instrument or an answer out of its range.
    """
    if command.fact_id in watch.recorded:
        return []
    require_past(command.occurred_at, command.now)
    scored = score(command.instrument, command.items)
    scale = ScaleScored(
        fact_id=command.fact_id,
        instrument=scored.instrument,
        instrument_version=scored.version,
        items=command.items,
        total=scored.total,
        band=scored.band or "",
        flags=scored.flags,
        missing=scored.missing,
        source=command.source,
        scored_by=command.actor,
        occurred_at=command.occurred_at,
    )
    return [scale, *_risks(scale, command)]


def _risks(scale: ScaleScored, command: AnswerScale) -> list[Event]:
    found = risk_raised(scale.instrument, command.items, scale.band, command.occurred_at.date())
    if found is None:
        return []
    return [
        RiskRaised(
            fact_id=risk_of_scale(scale.fact_id),
            scale_fact_id=scale.fact_id,
            level=found.level,
            reason=found.reason,
            rule=found.rule,
            rule_version=found.rule_version,
            due_at=command.now + found.within,
            occurred_at=command.occurred_at,
        )
    ]


def risk_of_scale(scale: FactId) -> FactId:
    """The fact that a scale raised a risk, named by the scale."""
    return FactId(derived_id("monitoring", "risk", scale))
