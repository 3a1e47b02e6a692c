"""Whether the initial assessment is complete, and what it lacks: what an order waits for."""

from collections.abc import Mapping

from services.prescribing.domain.noted import (
    AllergiesNoted,
    AssessmentPartNoted,
    CompletionNoted,
    DiagnosisNoted,
    HistoryNoted,
    MedicationsNoted,
    Noted,
)
from services.prescribing.domain.state import PrescriptionChart

RISK_SCREEN, PLAN, COMPLETION = "suicide-risk-screen", "plan", "completion"
NOTED_AS: Mapping[str, type[Noted]] = {
    "history": HistoryNoted,
    "medications": MedicationsNoted,
    "allergies": AllergiesNoted,
    "diagnosis": DiagnosisNoted,
}
"""Parts of an assessment that have a note of their own."""


def missing(chart: PrescriptionChart) -> tuple[str, ...]:
    """What the assessment lacks, in the words of assessment; the act of completing it last. Empty if it is complete."""
    if chart.standing(CompletionNoted):
        return ()
    parts = {noted.part for noted in chart.standing(AssessmentPartNoted)}
    lacking = [part for part, kind in NOTED_AS.items() if not chart.standing(kind)]
    return (*lacking, *(part for part in (RISK_SCREEN, PLAN) if part not in parts), COMPLETION)
