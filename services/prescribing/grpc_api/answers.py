"""Decisions and the safety check's answer, in the words of `care.prescribing.v1`."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from care.common.v1 import common_pb2
from care.prescribing.v1 import prescribing_pb2 as pb
from msgspec import UNSET

from careloop.chassis.calls import reading as fields
from careloop.chassis.calls.writing import event_of, shown_as
from careloop.chassis.commands.streams import Done
from careloop.contracts import prescribing as contract
from careloop.contracts.prescribing import ConcernAnswered, PrescriptionDiscontinued, RefusedOverride
from careloop.knowledge.findings import Alert, NotChecked, Screening
from careloop.knowledge.screening.explaining import Explanation
from services.prescribing.domain.events import Decided, Event, PrescriptionDeclined
from services.prescribing.domain.screening import RESTS_ON, Freshness

refused_override = shown_as(pb.RefusedOverride, RefusedOverride)
_gap = shown_as(common_pb2.NotChecked, NotChecked, "settled_by", "note")
_alert = shown_as(common_pb2.Alert, Alert, "mechanism", "evidence")
_stop_alert = shown_as(common_pb2.Alert, contract.Alert, "mechanism", "evidence")
_screening = shown_as(
    pb.Screening,
    Screening,
    "alerts",
    "not_checked",
    knowledge_pack="knowledge.pack",
    knowledge_version="knowledge.version",
    knowledge_digest="knowledge.digest",
)


def not_checked(gap: NotChecked) -> common_pb2.NotChecked:
    """One gap as it is told."""
    return _gap(gap, settled_by=gap.settled_by or "", note=gap.note is True)


def screening_message(screening: Screening, explanations: Sequence[Explanation] = ()) -> pb.Screening:
    """With the explanation of each alert, if any are given."""
    explained = zip_longest(screening.alerts, explanations)
    alerts = [_alert(alert, **_why(why)) for alert, why in explained]
    return _screening(screening, alerts=alerts, not_checked=[not_checked(gap) for gap in screening.not_checked])


def _why(explanation: Explanation | None) -> dict[str, Any]:
    return {"mechanism": explanation.mechanism, "evidence": explanation.evidence} if explanation else {}


def evidence_messages(freshness: Freshness) -> list[common_pb2.Freshness]:
    by_source = {position.source: position for position in freshness.positions}
    return [
        common_pb2.Freshness(
            source=source,
            fresh_as_of=fields.timestamp(by_source[source].fresh_as_of),
            stale=source in freshness.stale,
        )
        for source in sorted(RESTS_ON)
    ]


def decided_in(done: Done[Event]) -> Decided:
    return next(event for event in done.events if isinstance(event, Decided))


def ordered(done: Done[Event]) -> dict[str, Any]:
    """What an order came to, and what the assessment lacked when it did."""
    missing = decided_in(done).capsule.missing
    return decided(done) | {"missing": () if missing is UNSET else missing}


def decided(done: Done[Event]) -> dict[str, Any]:
    found = decided_in(done)
    not_counting = found.capsule.refused_overrides
    said = {"refused_overrides": [] if not_counting is UNSET else list(map(refused_override, not_counting))}
    if isinstance(found, PrescriptionDeclined):
        return said | {"decision": pb.DECISION_DECLINED, "reasons": found.reasons}
    return said | {"decision": pb.DECISION_ISSUED}


def concern_answered(done: Done[Event]) -> dict[str, Any]:
    found = event_of(done, ConcernAnswered)
    return {"look_again_at": fields.timestamp(found.look_again_at) if found is not None else None}


def ended(done: Done[Event]) -> dict[str, Any]:
    found = event_of(done, PrescriptionDiscontinued)
    return {"alerts": [_stop_alert(alert) for alert in (found.alerts or ())] if found is not None else []}
