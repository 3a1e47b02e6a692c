"""What other services recorded becomes notes in assessment's own stream: who is in the care team, and what is open that
an episode of care may not end with."""

from collections.abc import Mapping

from careloop.chassis.consuming.noting import Notes, listening, note
from careloop.contracts import coordination, monitoring, notifications, prescribing
from careloop.contracts.care_team import MembershipEndNoted, MembershipNoted
from careloop.contracts.terms import EnteredInError, RiskRaised, ScaleScored, Triage, TriageLevel
from careloop.kernel.ids import FactId
from careloop.knowledge.findings import Severity
from services.assessment.domain import noted
from services.assessment.domain.events import Event
from services.assessment.domain.open_matters import screened

TEAM_CONSUMER = "assessment.team"
"""Reads coordination from its beginning, also what came before there was such a consumer."""
MATTERS_CONSUMER = "assessment.open-matters"
"""Reads its sources from their beginning, also what came before there was such a consumer."""
MATTERS_OF = ("coordination", "monitoring", "notifications", "prescribing")

STRUCK = note(noted.StrikeNoted, EnteredInError)
TEAM_NOTES: Notes[Event | None] = listening(
    coordination.TYPES,
    note(MembershipNoted, coordination.TeamMemberAssigned),
    note(MembershipEndNoted, coordination.TeamMemberReleased),
    STRUCK,
)

NOT_GRAVE = frozenset({Severity.MODERATE, Severity.LOW})
MAY_BE_EMERGENCIES = frozenset(
    one.__name__ for one in (monitoring.EmergencyDeclared, monitoring.DoseRecorded, coordination.MessagePosted)
)
SEEN_TO_SOON = frozenset({TriageLevel.EMERGENCY_NOW, TriageLevel.SAME_DAY})


def is_for_today(fact: monitoring.SideEffectReported) -> bool:
    return fact.triage.level in SEEN_TO_SOON


def is_written_emergency(fact: monitoring.DoseRecorded | coordination.MessagePosted) -> bool:
    """Whether it was graded an emergency by what the client wrote."""
    return isinstance(fact.triage, Triage) and fact.triage.level is TriageLevel.EMERGENCY_NOW


def grave(fact: prescribing.ConcernsRaised) -> tuple[FactId, ...]:
    """High or worse; a severity that is not known here counts as the gravest."""
    return tuple(one.concern for one in fact.concerns if one.alert.severity not in NOT_GRAVE)


def is_grave(fact: prescribing.ConcernsRaised) -> bool:
    return bool(grave(fact))


def is_of_screener(fact: ScaleScored) -> bool:
    return screened(fact) is not None


def is_of_emergency(fact: notifications.NoticeDecided) -> bool:
    """By the name of its cause on the wire: `care.<service>.<Event>.v<n>`. Any other name is of none."""
    event = next(iter(fact.cause_type.split(".")[-2:-1]), "")
    return fact.priority is notifications.Priority.STAT and event in MAY_BE_EMERGENCIES


def answers_risks(fact: monitoring.RiskContactRecorded) -> bool:
    return fact.outcome.closes


MATTERS: Notes[Event | None] = {
    **listening(
        prescribing.TYPES,
        note(noted.PrescriptionNoted, prescribing.PrescriptionIssued),
        note(noted.PrescriptionEndNoted, prescribing.PrescriptionDiscontinued),
        note(noted.ConcernsNoted, prescribing.ConcernsRaised, only=is_grave, concerns=grave),
        note(noted.ConcernClosedNoted, prescribing.ConcernAnswered),
        note(noted.ConcernClosedNoted, prescribing.ConcernEnded),
        STRUCK,
    ),
    **listening(
        monitoring.TYPES,
        note(noted.RiskNoted, RiskRaised),
        note(noted.RisksSeenToNoted, monitoring.RiskContactRecorded, only=answers_risks),
        note(noted.RisksSeenToNoted, monitoring.RiskEnded, risks=lambda fact: (fact.risk,)),
        note(noted.EmergencyNoted, monitoring.EmergencyDeclared),
        note(noted.EmergencyNoted, monitoring.DoseRecorded, only=is_written_emergency),
        note(noted.ScreenNoted, ScaleScored, only=is_of_screener, level=screened),
        note(noted.SideEffectNoted, monitoring.SideEffectReported, only=is_for_today, at={"level": "triage.level"}),
        note(noted.ResolutionNoted, monitoring.SideEffectResolved),
        STRUCK,
    ),
    **listening(
        coordination.TYPES, note(noted.EmergencyNoted, coordination.MessagePosted, only=is_written_emergency), STRUCK
    ),
    **listening(
        notifications.TYPES,
        note(noted.EmergencyNoticeNoted, notifications.NoticeDecided, only=is_of_emergency),
        note(noted.AcknowledgementNoted, notifications.NoticeAcknowledged, at={"fact_id": "notice"}),
        STRUCK,
    ),
}
CONSUMERS: Mapping[str, tuple[str, ...]] = {MATTERS_CONSUMER: MATTERS_OF}
"""Who notes what the end of an episode rests on, of which sources."""
