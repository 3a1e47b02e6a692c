"""What prescribing publishes in other words than it stores: decisions, whose capsule lies flat there, and
plans, without what was asked before a taper."""

from typing import Any, TypeVar

from careloop.contracts import prescribing as contract
from careloop.kernel.restating import Restate, restating
from careloop.knowledge.findings import NotChecked, without_notes
from services.prescribing.domain import events
from services.prescribing.domain.decision_capsule import DecisionCapsule

Published = TypeVar("Published")

_gap = restating(contract.NotChecked, NotChecked)
_capsule = restating(
    contract.DecisionCapsule,
    DecisionCapsule,
    "not_checked",
    knowledge_pack="screening.knowledge.pack",
    knowledge_version="screening.knowledge.version",
    knowledge_digest="screening.knowledge.digest",
    outcome="screening.outcome",
    alerts="screening.alerts",
    checked="screening.checked",
)


def capsule(stored: DecisionCapsule) -> contract.DecisionCapsule:
    """The capsule without the notes of the check, which ask nothing of anybody."""
    gaps = tuple(_gap(gap) for gap in without_notes(stored.screening.not_checked))
    return _capsule(stored, not_checked=gaps)


def decided(published: type[Published], stored: type) -> Restate[Published]:
    restate = restating(published, stored, "capsule")
    return lambda event: restate(event, capsule=capsule(event.capsule))


RESTATED: dict[type, Any] = {
    events.PrescriptionIssued: decided(contract.PrescriptionIssued, events.PrescriptionIssued),
    events.PrescriptionDeclined: decided(contract.PrescriptionDeclined, events.PrescriptionDeclined),
    events.DoseChanged: decided(contract.DoseChanged, events.DoseChanged),
    events.DosePlanSigned: restating(contract.DosePlanSigned, events.DosePlanSigned),
}
"""A stored class to the function that restates it."""
