"""Which stored facts prescribing publishes, and in which words."""

from typing import Any, TypeVar

import msgspec

from careloop.contracts import prescribing as contract
from careloop.contracts import terms
from services.prescribing.domain import events
from services.prescribing.domain.decision_capsule import DecisionCapsule

Published = TypeVar("Published")


def _decided(event: events.Decided, published: type[Published]) -> Published:
    """The event in the published words; its capsule lies flat there."""
    return msgspec.convert(msgspec.to_builtins(event) | {"capsule": _capsule(event.capsule)}, published)


def _capsule(capsule: DecisionCapsule) -> dict[str, Any]:
    flat: dict[str, Any] = msgspec.to_builtins(capsule)
    screening = flat.pop("screening")
    knowledge = screening.pop("knowledge")
    names = {f"knowledge_{name}": knowledge[name] for name in ("pack", "version", "digest")}
    return {**flat, **screening, **names}


def issued(event: events.PrescriptionIssued) -> contract.PrescriptionIssued:
    return _decided(event, contract.PrescriptionIssued)


def declined(event: events.PrescriptionDeclined) -> contract.PrescriptionDeclined:
    return _decided(event, contract.PrescriptionDeclined)


def dose_changed(event: events.DoseChanged) -> contract.DoseChanged:
    return _decided(event, contract.DoseChanged)


RESTATED: dict[type, Any] = {
    events.PrescriptionIssued: issued,
    events.PrescriptionDeclined: declined,
    events.DoseChanged: dose_changed,
    events.PrescriptionDiscontinued: contract.PrescriptionDiscontinued,
    events.EnteredInError: terms.EnteredInError,
}
"""A stored class to the published one of the same fields, or to the function that restates it."""
