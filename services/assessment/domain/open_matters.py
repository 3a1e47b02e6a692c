"""What is open of a client that an episode of care may not end with, by what this service and the others recorded."""

from datetime import datetime

from msgspec import UNSET

from careloop.contracts.terms import Reporter, RiskLevel, RiskRaised, ScaleScored, TriageLevel
from careloop.kernel.ids import FactId
from careloop.knowledge.urgency import suicide_risk
from services.assessment.domain.noted import (
    AcknowledgementNoted,
    ConcernClosedNoted,
    ConcernsNoted,
    EmergencyNoted,
    EmergencyNoticeNoted,
    PrescriptionEndNoted,
    PrescriptionNoted,
    ResolutionNoted,
    RiskNoted,
    RisksSeenToNoted,
    ScreenNoted,
    SideEffectNoted,
)
from services.assessment.domain.state import Assessment

Dated = tuple[datetime, RiskLevel]


def open_side_effects(state: Assessment, level: TriageLevel) -> list[FactId]:
    """Side effects of that level on which no clinician has closed the loop."""
    closed = {one.side_effect for one in state.matters(ResolutionNoted)}
    return [it.fact_id for it in state.matters(SideEffectNoted) if it.level is level and it.fact_id not in closed]


def open_emergencies(state: Assessment) -> list[FactId]:
    """Emergencies that nobody took on, and side effects of that level on which no clinician has closed the loop."""
    taken = _taken_on(state)
    declared = [it.fact_id for it in state.matters(EmergencyNoted) if it.fact_id not in taken]
    return declared + open_side_effects(state, TriageLevel.EMERGENCY_NOW)


def open_concerns(state: Assessment) -> list[FactId]:
    """Concerns about medicines that are taken, high or worse, that no prescriber answered and the check still finds."""
    closed = {one.concern for one in state.matters(ConcernClosedNoted)}
    return [one for raised in state.matters(ConcernsNoted) for one in raised.concerns if one not in closed]


def open_prescriptions(state: Assessment) -> list[FactId]:
    """Ours that nobody ended."""
    ended = {one.prescription for one in state.matters(PrescriptionEndNoted)}
    return [it.fact_id for it in state.matters(PrescriptionNoted) if it.fact_id not in ended]


def open_risks(state: Assessment) -> list[FactId]:
    """Suicide risks after which no clinician has learned how the client is, or screened. To take the notice of one on
    ends nothing."""
    seen_to = {risk for one in state.matters(RisksSeenToNoted) for risk in one.risks}
    return [fact_id for fact_id in _raised(state) if fact_id not in seen_to]


def last_risk(state: Assessment) -> RiskLevel:
    """The suicide risk as it was raised or screened last; none where nobody ever asked."""
    return max([*_raised(state).values(), *_screens(state)], default=(None, RiskLevel.NONE), key=lambda it: it[0])[1]


def _raised(state: Assessment) -> dict[FactId, Dated]:
    risks: list[RiskRaised | RiskNoted] = [*state.standing(RiskRaised), *state.matters(RiskNoted)]
    return {risk.fact_id: (risk.occurred_at, risk.level) for risk in risks}


def _screens(state: Assessment) -> list[Dated]:
    """What clinicians found who asked the questions of the screener."""
    noted = ((it.occurred_at, it.level) for it in state.matters(ScreenNoted) if _is_by_clinician(it, state))
    asked = (it for it in state.standing(ScaleScored) if it.reporter in (UNSET, Reporter.CLINICIAN))
    own = ((scale.occurred_at, screened(scale)) for scale in asked)
    return [*noted, *((at, level) for at, level in own if level is not None)]


def _is_by_clinician(screen: ScreenNoted, state: Assessment) -> bool:
    """Where the role was not said, who was never in the care team, or only as the client, is not known to be one."""
    if screen.reporter is UNSET:
        return state.was_member(screen.scored_by, screen.occurred_at)
    return screen.reporter is Reporter.CLINICIAN


def screened(scale: ScaleScored) -> RiskLevel | None:
    """The risk that the screener's answers come to; None for another scale, or where its answers say nothing."""
    if scale.instrument != suicide_risk.C_SSRS:
        return None
    found = suicide_risk.screened_risk(scale.instrument, scale.items, scale.band, scale.occurred_at.date())
    return None if found is None else RiskLevel(found)


def _taken_on(state: Assessment) -> set[FactId]:
    """The emergencies of which somebody acknowledged a notice."""
    acknowledged = {one.fact_id for one in state.matters(AcknowledgementNoted)}
    return {it.cause_fact for it in state.matters(EmergencyNoticeNoted) if it.fact_id in acknowledged}
