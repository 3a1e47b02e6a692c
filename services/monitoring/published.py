"""Which stored facts monitoring publishes: those reported here, in the same words."""

from careloop.contracts import monitoring as contract
from careloop.contracts import terms
from services.monitoring.domain import events

PUBLISHED: dict[type, type] = {
    events.SideEffectReported: contract.SideEffectReported,
    events.SideEffectResolved: contract.SideEffectResolved,
    events.ScaleScored: terms.ScaleScored,
    events.RiskRaised: terms.RiskRaised,
    events.DoseRecorded: contract.DoseRecorded,
    events.EnteredInError: terms.EnteredInError,
}
"""A stored class to the published one of the same fields."""
