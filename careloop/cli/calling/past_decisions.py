"""Past decisions as prescribing answers them: what was asked and answered then, explained, and answered again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
from care.common.v1 import common_pb2
from care.prescribing.v1 import prescribing_pb2 as pb

from careloop.knowledge.findings import (
    Alert,
    Check,
    NotChecked,
    PackReference,
    Screening,
    ScreeningOutcome,
    Severity,
    headline,
)
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.screening.explaining import Explanation
from careloop.knowledge.screening.question import Question, chart_of
from careloop.knowledge.screening.screen import screen

_QUESTIONS = msgspec.json.Decoder(Question)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One alert of a decision, why it holds, and how it was answered."""

    alert: Alert
    why: Explanation
    answered: str


def question_of(decision: pb.PastDecision) -> Question:
    """What the check was asked then."""
    return _QUESTIONS.decode(decision.question)


def answered_then(decision: pb.PastDecision) -> Screening:
    """The answer as it was stored with the decision."""
    screening = decision.screening
    return Screening(
        knowledge=PackReference(
            pack=screening.knowledge_pack, version=screening.knowledge_version, digest=screening.knowledge_digest
        ),
        outcome=ScreeningOutcome(screening.outcome),
        alerts=tuple(_alert(alert) for alert in screening.alerts),
        not_checked=_gaps(screening.not_checked),
        checked=tuple(Check(check) for check in screening.checked),
    )


def answered_by(decision: pb.PastDecision, pack: Pack) -> Screening:
    """What this pack answers on the evidence known then."""
    asked = question_of(decision)
    assert asked.as_of is not None
    found = screen(chart_of(asked), asked.order, asked.as_of, pack)
    gaps = tuple(dict.fromkeys((*found.not_checked, *_gaps(decision.evidence_gaps))))
    return replace(found, not_checked=gaps, outcome=headline(found.alerts, gaps))


def explained(decision: pb.PastDecision) -> list[Explained]:
    """Every alert of the decision; one of a rule that the service's pack does not hold any more has no mechanism."""
    return [
        Explained(
            alert=_alert(alert),
            why=Explanation(mechanism=alert.mechanism, evidence=tuple(alert.evidence)),
            answered=_answered(_alert(alert), decision.overrides),
        )
        for alert in decision.screening.alerts
    ]


def _answered(alert: Alert, overrides: Sequence[pb.Override]) -> str:
    """The coded reason that was given for going on in spite of it; empty without one."""
    for override in overrides:
        if override.rule == alert.rule and set(override.involves) in (set(), set(alert.involves)):
            return f"{override.reason}: {override.comment}" if override.comment else override.reason
    return ""


def _alert(alert: common_pb2.Alert) -> Alert:
    return Alert(
        rule=alert.rule,
        version=alert.version,
        kind=Check(alert.kind),
        severity=Severity(alert.severity),
        involves=tuple(alert.involves),
        message=alert.message,
        action=alert.action,
        source=alert.source,
        reviewed=alert.reviewed,
    )


def _gaps(gaps: Sequence[common_pb2.NotChecked]) -> tuple[NotChecked, ...]:
    return tuple(
        NotChecked(
            check=Check(gap.check),
            reason=gap.reason,
            subject=gap.subject,
            settled_by=gap.settled_by or msgspec.UNSET,
            note=gap.note or msgspec.UNSET,
        )
        for gap in gaps
    )
