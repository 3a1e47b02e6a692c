"""Rating scales that a client answers between visits, and the risk that an answer raises."""

from dataclasses import dataclass
from typing import Annotated

from careloop.contracts.terms import Recorder, Reporter, RiskRaised, Role, ScaleScored
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import FactId, derived_id
from careloop.kernel.reading import Absent, Actor, Else, Length, NewFact, Now, Past
from careloop.kernel.restating import fact
from careloop.knowledge.scales.score import Score, score
from careloop.knowledge.urgency.suicide_risk import RiskFinding, risk_raised
from services.monitoring.domain.events import Event
from services.monitoring.domain.risk_ends import with_ends
from services.monitoring.domain.state import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerScale:
    """Answers in the instrument's order; None is a missing one. Without a source it is the caller's role."""

    fact_id: NewFact
    instrument: Annotated[str, Length(50)]
    items: Annotated[tuple[int | None, ...], Absent(-1)]
    source: Annotated[str, Length(100), Else(lambda call: call.role)]
    actor: Actor
    reporter: Recorder
    occurred_at: Past
    now: Now


scored_as = fact(ScaleScored, (AnswerScale, Score), "band", instrument_version="version", scored_by="actor")
raised = fact(RiskRaised, (AnswerScale, RiskFinding), "fact_id", "due_at", scale_fact_id="fact_id")


@guarded(Guard.REPEAT, Guard.PAST)
def answer_scale(command: AnswerScale, watch: Watch) -> list[Event]:
    """The scored scale, and RiskRaised with its due time if the answers ask for a suicide-risk contact.

    Raises InvalidInput for an unknown instrument or an answer out of its range, and for a client who names another
    source than the client: nobody would know these answers from a clinician's.
    """
    if command.reporter is Reporter.CLIENT and command.source != Role.CLIENT:
        raise InvalidInput("not-your-source", 'source of your own answers is "client", or left out.', field="source")
    found = score(command.instrument, command.items)
    scale = scored_as(command, found, band=found.band or "")
    return with_ends([scale, *_risks(scale, command, watch)], watch)


def _risks(scale: ScaleScored, command: AnswerScale, watch: Watch) -> list[Event]:
    """The risk, unless it is earlier behaviour alone and that was raised before."""
    found = risk_raised(scale.instrument, command.items, scale.band, command.occurred_at.date())
    if found is None or (found.is_history and watch.risks.has_history(watch.struck)):
        return []
    risk = risk_of_scale(scale.fact_id)
    return [raised(command, found, fact_id=risk, due_at=command.now + found.within)]


def risk_of_scale(scale: FactId) -> FactId:
    """The fact that a scale raised a risk, named by the scale."""
    return FactId(derived_id("monitoring", "risk", scale))
