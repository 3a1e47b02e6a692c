"""What was stored, in the words of `care.assessment.v1`."""

from datetime import datetime
from typing import Any

from care.assessment.v1 import assessment_pb2 as pb
from care.common.v1 import common_pb2

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.writing import event_of, shown_as
from careloop.chassis.commands.streams import Done
from careloop.contracts.assessment import AssessmentAmended, AssessmentCompleted, EpisodeClosed, ListGapsRecorded
from careloop.contracts.terms import RiskRaised, ScaleScored
from services.assessment.domain.completeness import missing
from services.assessment.domain.list_gaps import open_gaps
from services.assessment.domain.state import Assessment

scale = shown_as(common_pb2.ScaleResult, ScaleScored)
risk = shown_as(pb.Risk, RiskRaised)
list_gaps = shown_as(pb.ListGaps, ListGapsRecorded)


def taken_over(done: Done[Any]) -> dict[str, Any]:
    return {"result": scale(event_of(done, ScaleScored))}


def scored(done: Done[Any]) -> dict[str, Any]:
    return taken_over(done) | {"risk": risk(event_of(done, RiskRaised))}


def completed(done: Done[Any]) -> dict[str, Any]:
    said = event_of(done, AssessmentCompleted) or event_of(done, AssessmentAmended)
    return {"diagnoses": said.diagnoses, "suicide_risk": said.suicide_risk} if said else {}


def ended(done: Done[Any]) -> dict[str, Any]:
    """By when a second person is to confirm, where that is asked for."""
    found = event_of(done, EpisodeClosed)
    return {"confirm_by": fields.timestamp(found.confirm_by if found else None)}


def struck(done: Done[Any]) -> dict[str, Any]:
    return {"struck": [str(event.fact_id) for event in done.events]}


def assessment(state: Assessment, now: datetime) -> pb.GetAssessmentResponse:
    completion, identity, end = state.completion, state.identity, state.ended
    return pb.GetAssessmentResponse(
        enrolled=state.enrolled,
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
        name=identity.name if identity else "",
        birth_date=identity.birth_date.isoformat() if identity else "",
        list_gaps=[list_gaps(said) for said in open_gaps(state)],
        ended_at=fields.timestamp(end.occurred_at if end else None),
        end_reason=end.reason if end else "",
    )
