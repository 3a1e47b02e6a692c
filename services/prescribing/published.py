"""Which stored facts prescribing tells others, and in which words."""

from typing import Any

import msgspec

from careloop.contracts import prescribing as contract
from careloop.contracts import terms
from services.prescribing.domain import events
from services.prescribing.domain.events import DecisionCapsule


def _decided(event: events.Decided, published: type) -> Any:
    """The event in the published words; its capsule lies flat there."""
    return msgspec.convert(msgspec.to_builtins(event) | {"capsule": _capsule(event.capsule)}, published)


def _capsule(capsule: DecisionCapsule) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(capsule)
    screening = told.pop("screening")
    knowledge = screening.pop("knowledge")
    names = {f"knowledge_{name}": knowledge[name] for name in ("pack", "version", "digest")}
    return {**told, **screening, **names}


def issued(event: events.PrescriptionIssued) -> contract.PrescriptionIssued:
    told: contract.PrescriptionIssued = _decided(event, contract.PrescriptionIssued)
    return told


def declined(event: events.PrescriptionDeclined) -> contract.PrescriptionDeclined:
    told: contract.PrescriptionDeclined = _decided(event, contract.PrescriptionDeclined)
    return told


def dose_changed(event: events.DoseChanged) -> contract.DoseChanged:
    told: contract.DoseChanged = _decided(event, contract.DoseChanged)
    return told


PUBLISHED: dict[type, Any] = {
    events.PrescriptionIssued: issued,
    events.PrescriptionDeclined: declined,
    events.DoseChanged: dose_changed,
    events.PrescriptionDiscontinued: contract.PrescriptionDiscontinued,
    events.EnteredInError: terms.EnteredInError,
}
"""A stored class to the published one of the same fields, or to the function that restates it."""
