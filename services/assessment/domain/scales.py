"""Rating scales: scored from their answers, or taken over as a total; and the risk that an answer raises."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import UNSET

from careloop.contracts.assessment import Code, Source
from careloop.contracts.terms import Recorder, RiskRaised, ScaleScored
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.ids import FactId, derived_id
from careloop.kernel.reading import Absent, Actor, Range
from careloop.kernel.restating import fact
from careloop.knowledge.scales.score import Score, score, score_total
from careloop.knowledge.urgency.suicide_risk import C_SSRS, HISTORY, RiskFinding, risk_raised
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerScale(FactCommand):
    """Answers in the instrument's order; None is an answer that is missing."""

    instrument: Code
    items: Annotated[tuple[int | None, ...], Absent(-1), Range(-1, 100)]
    source: Source
    actor: Actor
    reporter: Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordScaleTotal(FactCommand):
    """A total that somebody else added up; its items are not known."""

    instrument: Code
    total: Annotated[int, Range(0, 1_000)]
    source: Source
    actor: Actor


scored_as = fact(ScaleScored, (AnswerScale, Score), "band", instrument_version="version", scored_by="actor")
taken_over = fact(
    ScaleScored, (RecordScaleTotal, Score), "band", "reporter", instrument_version="version", scored_by="actor"
)
raised = fact(RiskRaised, (AnswerScale, RiskFinding), "fact_id", "due_at", scale_fact_id="fact_id")


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def answer_scale(command: AnswerScale, state: Assessment) -> list[Event]:
    """The scored scale, and the risk if its answers ask for a contact. The clock of that contact starts now, when it
    became known. Raises InvalidInput for an unknown instrument, or answers that it does not have."""
    found = score(command.instrument, command.items)
    scale = scored_as(command, found, band=found.band or "")
    return [scale, *_risks(scale, command, state)]


def _risks(scale: ScaleScored, command: AnswerScale, state: Assessment) -> list[Event]:
    """The risk, unless it is earlier behaviour alone and that was raised before."""
    found = risk_raised(scale.instrument, scale.items, scale.band, scale.occurred_at.date())
    if found is None or (found.is_history and _history_is_raised(state)):
        return []
    risk = FactId(derived_id("assessment", "risk", scale.fact_id))
    return [raised(command, found, fact_id=risk, due_at=command.now + found.within)]


def _history_is_raised(state: Assessment) -> bool:
    return any(risk.reason == f"{C_SSRS}-{HISTORY}" for risk in state.standing(RiskRaised))


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def record_scale_total(command: RecordScaleTotal, state: Assessment) -> list[Event]:
    """A total from elsewhere, banded, its items unknown. Raises InvalidInput for an unknown instrument, one that has
    no total, or a total outside its range."""
    found = score_total(command.instrument, command.total)
    return [taken_over(command, found, band=found.band or "", reporter=UNSET)]
