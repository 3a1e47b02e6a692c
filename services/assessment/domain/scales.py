"""Rating scales: scored from their answers, or taken over as a total; and the risk that an answer raises."""

from dataclasses import dataclass

from careloop.kernel.ids import FactId, PersonId, derived_id
from careloop.knowledge.scales.score import score, score_total
from careloop.knowledge.urgency.suicide_risk import risk_raised
from services.assessment.domain.events import Event, RiskRaised, ScaleScored
from services.assessment.domain.recording import FactCommand, is_new
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerScale(FactCommand):
    """Answers in the instrument's order; None is an answer that is missing."""

    instrument: str
    items: tuple[int | None, ...]
    source: str
    actor: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordScaleTotal(FactCommand):
    """A total that somebody else added up; its items are not known."""

    instrument: str
    total: int
    source: str
    actor: PersonId


def answer_scale(command: AnswerScale, state: Assessment) -> list[Event]:
    """The scored scale, and the risk if its answers ask for a contact. The clock of that contact starts now, when it
    became known. Raises InvalidInput for an unknown instrument, or answers that it does not have."""
    if not is_new(command, state):
        return []
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
    found = risk_raised(scale.instrument, scale.items, scale.band, scale.occurred_at.date())
    if found is None:
        return []
    return [
        RiskRaised(
            fact_id=FactId(derived_id("assessment", "risk", scale.fact_id)),
            scale_fact_id=scale.fact_id,
            level=found.level,
            reason=found.reason,
            rule=found.rule,
            rule_version=found.rule_version,
            due_at=command.now + found.within,
            occurred_at=scale.occurred_at,
        )
    ]


def record_scale_total(command: RecordScaleTotal, state: Assessment) -> list[Event]:
    """A total from elsewhere, banded, its items unknown. Raises InvalidInput for an unknown instrument, one that has
    no total, or a total outside its range."""
    if not is_new(command, state):
        return []
    scored = score_total(command.instrument, command.total)
    return [
        ScaleScored(
            fact_id=command.fact_id,
            instrument=scored.instrument,
            instrument_version=scored.version,
            items=None,
            total=scored.total,
            band=scored.band or "",
            flags=scored.flags,
            missing=scored.missing,
            source=command.source,
            scored_by=command.actor,
            occurred_at=command.occurred_at,
        )
    ]
