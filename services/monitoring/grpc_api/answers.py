"""What was stored, in the words of `care.monitoring.v1`."""

from typing import Any

from care.common.v1 import common_pb2
from care.monitoring.v1 import monitoring_pb2 as pb

from careloop.chassis.calls.writing import event_of, shown_as
from careloop.chassis.commands.streams import Done
from careloop.contracts.monitoring import (
    DoseRecorded,
    DoseStatus,
    EmergencyDeclared,
    RiskContactRecorded,
    SideEffectReported,
)
from careloop.contracts.terms import RiskRaised, ScaleScored, Triage
from careloop.knowledge.urgency.extra_doses import NEVER_TWO, TOOK_TOO_MUCH

triage = shown_as(pb.Triage, Triage)
scale = shown_as(common_pb2.ScaleResult, ScaleScored)
risk = shown_as(pb.Risk, RiskRaised)


def reported(done: Done[Any]) -> dict[str, Any]:
    side_effect = event_of(done, SideEffectReported)
    return {"triage": triage(side_effect.triage if side_effect else None)}


def scored(done: Done[Any]) -> dict[str, Any]:
    return {"scale": scale(event_of(done, ScaleScored)), "risk": risk(event_of(done, RiskRaised))}


def contacted(done: Done[Any]) -> dict[str, Any]:
    """The risks that it is about, as they were open when it was recorded."""
    found = event_of(done, RiskContactRecorded)
    if found is None:
        return {}
    return {"risks": [str(risk) for risk in found.risks], "flags": list(found.flags or ())}


def dosed(done: Done[Any]) -> dict[str, Any]:
    found = event_of(done, DoseRecorded)
    if found is None:
        return {}
    emergency = event_of(done, EmergencyDeclared) is not None
    extra = NEVER_TWO if found.status is DoseStatus.EXTRA else ""
    return {
        "flags": list(found.flags or ()),
        "triage": triage(found.triage or None),
        "advice": TOOK_TOO_MUCH if emergency else extra,
        "emergency": emergency,
    }


def took_too_much(_done: Done[Any]) -> dict[str, Any]:
    return {"advice": TOOK_TOO_MUCH}
