"""What a complete assessment holds, and what it comes to."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from careloop.contracts.assessment import (
    AllergiesRecorded,
    DiagnosisEstablished,
    HistoryRecorded,
    MedicationsReconciled,
    Plan,
    PlanProposed,
)
from careloop.contracts.terms import ScaleScored
from careloop.kernel.errors import RuleViolated
from careloop.kernel.ids import FactId
from careloop.knowledge.urgency.suicide_risk import C_SSRS, RiskLevel, screened_risk
from services.assessment.domain.events import ClinicalFact
from services.assessment.domain.state import Assessment


class Part(StrEnum):
    """What a complete assessment holds."""

    HISTORY = "history"
    MEDICATIONS = "medications"
    ALLERGIES = "allergies"
    DIAGNOSIS = "diagnosis"
    SUICIDE_RISK_SCREEN = "suicide-risk-screen"
    PLAN = "plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What an assessment comes to on the facts that stood at one moment."""

    diagnoses: tuple[str, ...]
    suicide_risk: RiskLevel
    plan: Plan
    rests_on: tuple[FactId, ...]


def parts(state: Assessment, as_of: datetime) -> dict[Part, list[ClinicalFact]]:
    """The facts that fill each part by `as_of`; an empty list is what is missing.

    History and diagnoses stay a client's; lists, the screen and the plan are asked for again in every episode.
    """
    whole_lists = {
        Part.MEDICATIONS: state.latest(MedicationsReconciled, as_of),
        Part.ALLERGIES: state.latest(AllergiesRecorded, as_of),
        Part.PLAN: state.latest(PlanProposed, as_of),
    }
    before = state.earlier_end
    latest_only: dict[Part, list[ClinicalFact]] = {
        part: [fact] if fact and (before is None or fact.occurred_at > before) else []
        for part, fact in whole_lists.items()
    }
    return {
        Part.HISTORY: [*state.standing(HistoryRecorded, as_of)],
        Part.DIAGNOSIS: [*_diagnoses(state, as_of)],
        Part.SUICIDE_RISK_SCREEN: [*_risk_screens(state, as_of)],
        **latest_only,
    }


def missing(state: Assessment, as_of: datetime) -> list[Part]:
    """What is still to be recorded before the assessment can be completed as of that moment."""
    filled = parts(state, as_of)
    return [part for part in Part if not filled[part]]


def _diagnoses(state: Assessment, as_of: datetime) -> list[DiagnosisEstablished]:
    """The latest of each code."""
    return list({fact.icd10: fact for fact in state.standing(DiagnosisEstablished, as_of)}.values())


def _risk_screens(state: Assessment, as_of: datetime) -> list[ScaleScored]:
    """The last C-SSRS screener of this episode and any PHQ-9 with item 9 answered since; without a screener the last
    such PHQ-9."""
    before = state.earlier_end
    scales = (it for it in state.standing(ScaleScored, as_of) if before is None or it.occurred_at > before)
    screens = [scale for scale in scales if _risk(scale) is not None]
    screeners = [index for index, scale in enumerate(screens) if scale.instrument == C_SSRS]
    return screens[screeners[-1] :] if screeners else screens[-1:]


def _risk(scale: ScaleScored) -> RiskLevel | None:
    return screened_risk(scale.instrument, scale.items, scale.band, scale.occurred_at.date())


def findings(state: Assessment, as_of: datetime) -> Findings:
    """What the assessment says. Raises RuleViolated `assessment-incomplete` that lists every part missing, also in its
    details."""
    lacking = missing(state, as_of)
    if lacking:
        sentence = f"The assessment still needs: {', '.join(lacking)}."
        raise RuleViolated("assessment-incomplete", sentence, details={"missing": ",".join(lacking)})
    plan = state.latest(PlanProposed, as_of)
    risks = (_risk(screen) or RiskLevel.NONE for screen in _risk_screens(state, as_of))
    return Findings(
        diagnoses=tuple(fact.icd10 for fact in _diagnoses(state, as_of)),
        suicide_risk=max(risks, key=lambda level: level.rank),
        plan=plan.plan if plan else Plan(),
        rests_on=tuple(fact.fact_id for facts in parts(state, as_of).values() for fact in facts),
    )
