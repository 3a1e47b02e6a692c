"""Whether the initial assessment is complete, and what it lacks: what an order waits for."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.prescribing.domain.noted import (
    AllergiesNoted,
    AssessmentPartNoted,
    CompletionNoted,
    DiagnosisNoted,
    HistoryNoted,
    MedicationsNoted,
    Noted,
)
from services.prescribing.domain.state import Fact, PrescriptionChart

RISK_SCREEN, PLAN, COMPLETION = "suicide-risk-screen", "plan", "completion"
NOTED_AS: Mapping[str, type[Noted]] = {
    "history": HistoryNoted,
    "medications": MedicationsNoted,
    "allergies": AllergiesNoted,
    "diagnosis": DiagnosisNoted,
}
"""Parts of an assessment that have a note of their own."""
EVERY_EPISODE = frozenset({MedicationsNoted, AllergiesNoted})
"""Those of them that are asked for again when a client comes back."""


def missing(chart: PrescriptionChart) -> tuple[str, ...]:
    """What the assessment of this episode lacks, in the words of assessment; the act of completing it last. Empty if it
    is complete. History and diagnoses of earlier episodes count."""
    before = chart.earlier_end
    if _of_this_episode(chart.standing(CompletionNoted), before):
        return ()
    parts = {noted.part for noted in _of_this_episode(chart.standing(AssessmentPartNoted), before)}
    lacking = [
        part
        for part, kind in NOTED_AS.items()
        if not _of_this_episode(chart.standing(kind), before if kind in EVERY_EPISODE else None)
    ]
    return (*lacking, *(part for part in (RISK_SCREEN, PLAN) if part not in parts), COMPLETION)


def _of_this_episode(notes: Sequence[Fact], before: datetime | None) -> list[Fact]:
    """Those that were true after the end of the episode before."""
    return [noted for noted in notes if before is None or noted.occurred_at > before]
