"""Dose plans and their steps in the words of `care.prescribing.v1`."""

from typing import Any

from care.prescribing.v1 import prescribing_pb2 as pb
from msgspec import UNSET

from careloop.chassis.calls.writing import event_of, shown_as
from careloop.chassis.commands.streams import Done
from careloop.contracts.prescribing import PlannedStep, StepChanged, StepConfirmed, StepDay, StepDeclined, StepHeld
from services.prescribing.domain.events import Decided, DosePlanSigned, Event
from services.prescribing.grpc_api.answers import refused_override, screening_message

_step = shown_as(pb.DosePlanStep, PlannedStep)
_day = shown_as(pb.StepDay, StepDay)


def signed(done: Done[Event]) -> dict[str, Any]:
    found = event_of(done, DosePlanSigned)
    if found is None:
        return {}
    return {"fact_id": str(found.fact_id), "steps": [_step(step) for step in found.steps]}


def confirmed(done: Done[Event]) -> dict[str, Any]:
    """Whether it was, why not, and what the check said."""
    told: dict[str, Any] = {}
    decided = next((event for event in done.events if isinstance(event, Decided)), None)
    if decided is not None:
        refused = decided.capsule.refused_overrides
        told["screening"] = screening_message(decided.capsule.screening)
        told["refused_overrides"] = [] if refused is UNSET else list(map(refused_override, refused))
    step, declined = event_of(done, StepConfirmed), event_of(done, StepDeclined)
    if step is not None:
        return told | {"confirmed": True, "fact_id": str(step.fact_id), "from_on": step.from_on.isoformat()}
    return told | {"reasons": declined.reasons if declined is not None else ()}


def held(done: Done[Event]) -> dict[str, Any]:
    found = event_of(done, StepHeld)
    return {} if found is None else {"moved": [_day(one) for one in found.moved], "breaks": found.breaks}


def changed(done: Done[Event]) -> dict[str, Any]:
    found = event_of(done, StepChanged)
    return {} if found is None else {"moved": [_day(one) for one in found.moved]}
