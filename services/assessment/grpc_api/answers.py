"""What was stored, in the words of `care.assessment.v1`."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from care.assessment.v1 import assessment_pb2 as pb
from care.common.v1 import common_pb2

from careloop.chassis.calls import reading as fields
from services.assessment.domain.completeness import missing
from services.assessment.domain.events import Event, RiskRaised, ScaleScored
from services.assessment.domain.state import Assessment

Kind = TypeVar("Kind", bound=Event)


def fact_id(events: Sequence[Event]) -> str:
    """The id of the fact that was recorded; empty if nothing had to be."""
    return str(events[0].fact_id) if events else ""


def first(events: Sequence[Event], kind: type[Kind]) -> Kind | None:
    return next((event for event in events if isinstance(event, kind)), None)


def scale_result(events: Sequence[Event]) -> common_pb2.ScaleResult | None:
    scale = first(events, ScaleScored)
    if scale is None:
        return None
    return common_pb2.ScaleResult(
        fact_id=str(scale.fact_id),
        instrument=scale.instrument,
        total=scale.total,
        band=scale.band,
        flags=scale.flags,
        missing=scale.missing,
    )


def risk(events: Sequence[Event]) -> pb.Risk | None:
    raised = first(events, RiskRaised)
    if raised is None:
        return None
    return pb.Risk(
        fact_id=str(raised.fact_id),
        level=raised.level,
        reason=raised.reason,
        due_at=fields.timestamp(raised.due_at),
    )


def assessment(state: Assessment, now: datetime) -> pb.GetAssessmentResponse:
    completion = state.completion
    return pb.GetAssessmentResponse(
        enrolled=state.identity is not None,
        completed_at=fields.timestamp(completion.occurred_at if completion else None),
        missing=missing(state, now),
        facts=[
            pb.RecordedFact(
                fact_id=str(fact.fact_id),
                kind=type(fact).__name__,
                occurred_at=fields.timestamp(fact.occurred_at),
                struck=fact.fact_id in state.struck,
            )
            for fact in state.facts.values()
        ],
    )
