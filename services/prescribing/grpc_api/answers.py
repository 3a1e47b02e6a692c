"""Decisions and the safety check's answer, in the words of `care.prescribing.v1`."""

from collections.abc import Sequence
from itertools import zip_longest

from care.common.v1 import common_pb2
from care.prescribing.v1 import prescribing_pb2 as pb

from careloop.chassis.calls import reading as fields
from careloop.chassis.commands.streams import Done
from careloop.knowledge.findings import NotChecked, Screening
from careloop.knowledge.screening.explaining import Explanation
from services.prescribing.domain.events import Decided, Event, PrescriptionDeclined
from services.prescribing.domain.screening import RESTS_ON, Freshness


def screening_message(screening: Screening, explanations: Sequence[Explanation] = ()) -> pb.Screening:
    """With the explanation of each alert, if any are given."""
    return pb.Screening(
        knowledge_pack=screening.knowledge.pack,
        knowledge_version=screening.knowledge.version,
        knowledge_digest=screening.knowledge.digest,
        outcome=screening.outcome,
        alerts=[
            common_pb2.Alert(
                rule=alert.rule,
                version=alert.version,
                kind=alert.kind,
                severity=alert.severity,
                involves=alert.involves,
                message=alert.message,
                action=alert.action,
                source=alert.source,
                reviewed=alert.reviewed,
                mechanism=why.mechanism if why else "",
                evidence=why.evidence if why else (),
            )
            for alert, why in zip_longest(screening.alerts, explanations)
        ],
        not_checked=not_checked_messages(screening.not_checked),
        checked=screening.checked,
    )


def not_checked_messages(gaps: Sequence[NotChecked]) -> list[common_pb2.NotChecked]:
    return [common_pb2.NotChecked(check=gap.check, reason=gap.reason, subject=gap.subject) for gap in gaps]


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


def decision(decided: Decided) -> pb.Decision.ValueType:
    declined = isinstance(decided, PrescriptionDeclined)
    return pb.DECISION_DECLINED if declined else pb.DECISION_ISSUED


def reasons(decided: Decided) -> tuple[str, ...]:
    return decided.reasons if isinstance(decided, PrescriptionDeclined) else ()
