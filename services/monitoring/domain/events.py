"""What the monitoring stream of a patient holds: what was noted from others, and what was reported here."""

from careloop.contracts.monitoring import (
    DoseRecorded,
    EmergencyDeclared,
    ExtraDoseReported,
    ResultActionEnded,
    ResultActionRaised,
    RiskContactRecorded,
    RiskEnded,
    SideEffectReported,
    SideEffectResolved,
)
from careloop.contracts.terms import EnteredInError, RiskRaised, ScaleScored
from careloop.kernel.events import topics
from services.monitoring.domain.noted import Noted

__all__ = [
    "TOPICS",
    "DoseRecorded",
    "EmergencyDeclared",
    "EnteredInError",
    "Event",
    "ExtraDoseReported",
    "Reported",
    "ResultActionEnded",
    "ResultActionRaised",
    "RiskContactRecorded",
    "RiskEnded",
    "RiskRaised",
    "ScaleScored",
    "SideEffectReported",
    "SideEffectResolved",
]

Followed = RiskContactRecorded | RiskEnded | ResultActionRaised | ResultActionEnded
Dosed = DoseRecorded | ExtraDoseReported | EmergencyDeclared
Reported = SideEffectReported | SideEffectResolved | ScaleScored | RiskRaised | Followed | Dosed
"""Stored and published in the same words."""
Event = Noted | Reported | EnteredInError
TOPICS: dict[str, type[Event]] = topics("monitoring", Event)
"""Every stored event by its registered name."""
