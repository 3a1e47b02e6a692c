"""What was stored, in the words of `care.monitoring.v1`."""

from typing import TypeVar

from care.common.v1 import common_pb2
from care.monitoring.v1 import monitoring_pb2 as pb

from careloop.chassis.calls import reading as fields
from careloop.chassis.commands.streams import Done
from services.monitoring.domain.events import Event, RiskRaised, ScaleScored, Triage

Fact = TypeVar("Fact")


def only(done: Done[Event], kind: type[Fact]) -> Fact:
    return next(event for event in done.events if isinstance(event, kind))


def triage(decided: Triage) -> pb.Triage:
    return pb.Triage(
        level=decided.level,
        rule=decided.rule,
        rule_version=decided.rule_version,
        red_flags=decided.red_flags,
        due_at=fields.timestamp(decided.due_at),
    )


def scale(scored: ScaleScored) -> common_pb2.ScaleResult:
    return common_pb2.ScaleResult(
        fact_id=str(scored.fact_id),
        instrument=scored.instrument,
        total=scored.total,
        band=scored.band,
        flags=scored.flags,
        missing=scored.missing,
    )


def risk(done: Done[Event]) -> pb.Risk | None:
    raised = next((event for event in done.events if isinstance(event, RiskRaised)), None)
    if raised is None:
        return None
    return pb.Risk(
        fact_id=str(raised.fact_id), level=raised.level, reason=raised.reason, due_at=fields.timestamp(raised.due_at)
    )
