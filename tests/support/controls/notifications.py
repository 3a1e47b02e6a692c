"""Examples of what notifications hears, decides and stores."""

from dataclasses import replace
from datetime import timedelta

from msgspec import UNSET

from careloop.contracts.notifications import Addressee, Channel, Priority
from careloop.contracts.terms import Reporter, Role
from careloop.kernel.ids import PersonId
from services.notifications.domain import events, noted
from services.notifications.domain.causes import Cause
from services.notifications.domain.codes import CauseKind, FailureReason
from services.notifications.domain.deciding import DecideNotice, message_id, notice_id
from services.notifications.domain.delivering import BeginAttempt, EndAttempt
from services.notifications.domain.entered_in_error import MarkEnteredInError
from services.notifications.domain.following_up import AcknowledgeNotice, Escalate, PageAgain
from services.notifications.domain.handing_over import HandOver
from services.notifications.domain.notices import Attempt
from services.notifications.domain.noting import DecideAgain
from services.notifications.domain.rules import NoticeRules, OnCall
from services.notifications.domain.screenings import Reconsider
from tests.support.controls.episodes import BEGUN as EPISODE_BEGUN
from tests.support.controls.episodes import ENDED
from tests.support.controls.moments import LAST_WEEK, NOON, event, fact
from tests.support.histories.restate import as_published

DR_OSEI, DR_LIND, MAYA, TOM = "dr-osei", "dr-lind", "maya-manager", "tom-therapist"
ON_CALL = OnCall(person="on-call", role=Role.PSYCHIATRIST, email="on-call@example.org")
RULES = NoticeRules(on_call=ON_CALL, importers=frozenset({"intake"}), repages=2, attempts=3)
SOON = NOON + timedelta(seconds=1)


def member(person: str, role: Role) -> noted.TeamNoted:
    """Coordination said a week ago that this person is in the team."""
    return noted.TeamNoted(
        evidence=event(f"assigned {person}"),
        fact_id=fact(f"assigned {person}"),
        person=person,
        role=role,
        email=f"{person}@example.org",
        effective_from=LAST_WEEK,
        occurred_at=LAST_WEEK,
    )


PRESCRIBER = replace(member(DR_OSEI, Role.PSYCHIATRIST), effective_from=LAST_WEEK - timedelta(days=1))
OTHER_PRESCRIBER = member(DR_LIND, Role.PSYCHIATRIC_NURSE_PRACTITIONER)
CARE_MANAGER = member(MAYA, Role.CARE_MANAGER)
THERAPIST = member(TOM, Role.THERAPIST)
TEAM = (PRESCRIBER, CARE_MANAGER, THERAPIST)
PRESCRIBER_RELEASED = noted.ReleaseNoted(
    evidence=event("released"),
    fact_id=fact("released"),
    person=DR_OSEI,
    role=Role.PSYCHIATRIST,
    effective_from=NOON,
    occurred_at=NOON,
)


def cause(kind: CauseKind, **changes: object) -> Cause:
    """Something that happened and was recorded at noon."""
    usual = Cause(
        event_id=event(f"cause {kind}"),
        fact_id=fact(f"cause {kind}"),
        type="care.monitoring.SideEffectReported.v1",
        kind=kind,
        occurred_at=NOON,
        recorded_at=NOON,
        recorded_by="client-1",
        detail="rash, CTCAE grade 3",
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


SAME_DAY = cause(CauseKind.SIDE_EFFECT_SAME_DAY)
DECIDE = DecideNotice(cause=SAME_DAY, rules=RULES, now=SOON)
NOTICE = notice_id(SAME_DAY.event_id)
ACKNOWLEDGE_BY = NOON + RULES.urgent_window
BOTH = (Channel.INBOX, Channel.EMAIL)

DECIDED = events.NoticeDecided(
    fact_id=NOTICE,
    cause=SAME_DAY.event_id,
    cause_fact=SAME_DAY.fact_id,
    cause_type=SAME_DAY.type,
    cause_recorded_at=NOON,
    kind=CauseKind.SIDE_EFFECT_SAME_DAY,
    named="",
    subject="Side effect to be looked at today",
    detail="rash, CTCAE grade 3",
    priority=Priority.URGENT,
    addressees=(
        Addressee(person=DR_OSEI, role=Role.PSYCHIATRIST, channels=BOTH, step=0),
        Addressee(person=MAYA, role=Role.CARE_MANAGER, channels=BOTH, step=1),
        Addressee(person=ON_CALL.person, role=ON_CALL.role, channels=BOTH, step=2),
    ),
    acknowledge_by=ACKNOWLEDGE_BY,
    suppressed="",
    occurred_at=SOON,
    cause_occurred_at=NOON,
)


def in_inbox(person: str, step: int = 0, at: object = SOON) -> events.NoticeSent:
    """The entry in a person's inbox."""
    return events.NoticeSent(
        notice=NOTICE,
        person=person,
        channel=Channel.INBOX,
        step=step,
        attempt=1,
        message_id=message_id(NOTICE, person, step),
        occurred_at=at,  # type: ignore[arg-type]
    )


def escalated(step: int, *persons: str, again: bool = True) -> events.NoticeEscalated:
    """What the clock of the step before came to, to the second."""
    at = NOON + step * RULES.urgent_window
    return events.NoticeEscalated(
        notice=NOTICE,
        step=step,
        persons=persons,
        channels=BOTH,
        acknowledge_by=at + RULES.urgent_window if again else None,
        occurred_at=at,
    )


def clock_of(step: int, *, unreachable: bool = False) -> Escalate:
    """The clock of a step runs out, to the second."""
    now = NOON + (step + 1) * RULES.urgent_window
    return Escalate(notice=NOTICE, step=step, unreachable=unreachable, rules=RULES, now=now)


FIRST_ATTEMPT = Attempt(person=DR_OSEI, channel=Channel.EMAIL, step=0, number=1)
BEGIN = BeginAttempt(notice=NOTICE, attempt=FIRST_ATTEMPT, now=SOON)
END_SENT = EndAttempt(notice=NOTICE, attempt=FIRST_ATTEMPT, failure=None, hopeless=False, rules=RULES, now=SOON)
END_UNREACHABLE = replace(END_SENT, failure=FailureReason.UNREACHABLE)
ATTEMPTED = events.DeliveryAttempted(
    notice=NOTICE,
    person=DR_OSEI,
    channel=Channel.EMAIL,
    step=0,
    attempt=1,
    message_id=message_id(NOTICE, DR_OSEI, 0),
    occurred_at=SOON,
)
SENT = events.NoticeSent(
    notice=NOTICE,
    person=DR_OSEI,
    channel=Channel.EMAIL,
    step=0,
    attempt=1,
    message_id=ATTEMPTED.message_id,
    occurred_at=SOON,
)
FAILED = events.NoticeFailed(
    notice=NOTICE,
    person=DR_OSEI,
    channel=Channel.EMAIL,
    step=0,
    attempt=1,
    message_id=ATTEMPTED.message_id,
    reason=FailureReason.UNREACHABLE,
    final=False,
    retry_at=SOON + RULES.first_retry,
    occurred_at=SOON,
)
ACKNOWLEDGE = AcknowledgeNotice(notice=NOTICE, actor=PersonId(DR_OSEI), now=SOON)
ACKNOWLEDGED = events.NoticeAcknowledged(notice=NOTICE, acknowledged_by=DR_OSEI, occurred_at=SOON)
CAUSE_STRUCK = noted.StrikeNoted(evidence=event("cause struck"), fact_id=SAME_DAY.fact_id, occurred_at=SOON)
RESOLUTION = noted.ResolutionNoted(
    evidence=event("resolved"), fact_id=fact("resolved"), side_effect=SAME_DAY.fact_id, occurred_at=SOON
)
RESOLVED = events.NoticeWithdrawn(notice=NOTICE, reason="side-effect-resolved", occurred_at=SOON)
SCREENING = noted.ScreeningNoted(
    evidence=event("screened"), fact_id=fact("screened"), screened_by=DR_OSEI, occurred_at=SOON
)
COVERED = replace(SCREENING, evidence=event("covered"), fact_id=fact("covered"), reporter=Reporter.CLINICIAN)
SETTLED = noted.SettlementNoted(
    evidence=event("contacted"), fact_id=fact("contacted"), risks=(fact("risk"),), closes=True, occurred_at=SOON
)
ANSWERED_SAFELY = noted.SafetyAnswersNoted(
    evidence=event("answered safely"), fact_id=fact("answered safely"), instrument="phq-9", occurred_at=SOON
)
TIME_ZONE = noted.TimeZoneNoted(
    evidence=event("enrolled"), fact_id=fact("enrolled"), time_zone="America/New_York", occurred_at=LAST_WEEK
)
RESOLUTION_STRUCK = noted.StrikeNoted(evidence=event("resolution struck"), fact_id=RESOLUTION.fact_id, occurred_at=SOON)
WITHDRAWN = events.NoticeWithdrawn(notice=NOTICE, reason="cause-entered-in-error", occurred_at=SOON)
MARK = MarkEnteredInError(fact_id=NOTICE, reason="wrong patient", actor=PersonId(MAYA), occurred_at=SOON, now=SOON)
MARKED = events.EnteredInError(fact_id=NOTICE, reason="wrong patient", marked_by=MAYA, occurred_at=SOON)
ESCALATED = escalated(1, MAYA)
PAUSED = events.NoticePaused(notice=NOTICE, until=SOON + timedelta(minutes=15), occurred_at=SOON)
RISK_CAUSE = cause(CauseKind.RISK_HIGH, fact_id=fact("open risk"), due_at=NOON + timedelta(hours=1))
RISK_NOTICE = replace(
    DECIDED,
    fact_id=notice_id(RISK_CAUSE.event_id),
    cause=RISK_CAUSE.event_id,
    cause_fact=RISK_CAUSE.fact_id,
    cause_type="care.monitoring.RiskRaised.v1",
    kind=CauseKind.RISK_HIGH,
    subject="High suicide risk: contact the client now",
    detail="c-ssrs-high",
    priority=Priority.STAT,
    addressees=(
        Addressee(person=DR_OSEI, role=Role.PSYCHIATRIST, channels=BOTH, step=0),
        Addressee(person=MAYA, role=Role.CARE_MANAGER, channels=BOTH, step=0),
    ),
    acknowledge_by=NOON + RULES.stat_window,
    due_at=NOON + timedelta(hours=1),
)
RISK_TAKEN_ON = events.NoticeAcknowledged(
    notice=RISK_NOTICE.fact_id,
    acknowledged_by=DR_OSEI,
    occurred_at=SOON,
    resumes_at=SOON + timedelta(hours=1),
)
PAGE_AGAIN = PageAgain(
    notice=RISK_NOTICE.fact_id,
    at=SOON + timedelta(hours=1),
    rules=RULES,
    now=SOON + timedelta(hours=1),
)

ANSWERED = cause(CauseKind.SIDE_EFFECT_EMERGENCY)
ANSWER = noted.ResolutionNoted(
    evidence=event("answered"), fact_id=fact("answered"), side_effect=ANSWERED.fact_id, occurred_at=SOON
)
ANSWERED_NOTICE = replace(
    DECIDED,
    fact_id=notice_id(ANSWERED.event_id),
    cause=ANSWERED.event_id,
    cause_fact=ANSWERED.fact_id,
    kind=ANSWERED.kind,
)
EARLIER = cause(CauseKind.RISK_MODERATE)
EARLIER_NOTICE = replace(
    ANSWERED_NOTICE,
    fact_id=notice_id(EARLIER.event_id),
    cause=EARLIER.event_id,
    cause_fact=EARLIER.fact_id,
    kind=EARLIER.kind,
    suppressed="old-news",
    acknowledge_by=None,
)
"""As a build decided that took what was late for old."""
WRONG = replace(DECIDED, fact_id=fact("wrong notice"), cause=event("wrong cause"), cause_fact=fact("wrong cause"))
ZOE = "zoe-leaver"
"""A therapist who left the team, with a notice open."""
ZOE_CAME = member(ZOE, Role.THERAPIST)
ZOE_LEFT = replace(
    PRESCRIBER_RELEASED, evidence=event("zoe left"), fact_id=fact("zoe left"), person=ZOE, role=Role.THERAPIST
)
FOR_ZOE = replace(
    DECIDED,
    fact_id=fact("for zoe"),
    cause=event("for zoe"),
    cause_fact=fact("for zoe"),
    addressees=(Addressee(person=ZOE, role=Role.THERAPIST, channels=BOTH, step=0),),
)
HAND_OVER = HandOver(vacant=False, rules=RULES, now=SOON)
HANDED_OVER = events.NoticeHandedOver(
    notice=FOR_ZOE.fact_id, left=ZOE, persons=(TOM,), channels=BOTH, step=0, occurred_at=SOON
)
BACKGROUND: tuple[events.Event, ...] = (
    *TEAM,
    ZOE_CAME,
    FOR_ZOE,
    ZOE_LEFT,
    RISK_NOTICE,
    RISK_TAKEN_ON,
    ANSWERED_NOTICE,
    ANSWER,
    events.NoticeWithdrawn(notice=ANSWERED_NOTICE.fact_id, reason="side-effect-resolved", occurred_at=SOON),
    EARLIER_NOTICE,
    WRONG,
)
DECIDE_AGAIN = DecideAgain(
    strike=noted.StrikeNoted(evidence=event("answer struck"), fact_id=ANSWER.fact_id, occurred_at=SOON),
    rules=RULES,
    now=SOON,
)
COMMANDS: tuple[object, ...] = (
    DECIDE,
    BEGIN,
    END_SENT,
    clock_of(0),
    HAND_OVER,
    PAGE_AGAIN,
    ACKNOWLEDGE,
    DECIDE_AGAIN,
    Reconsider(cause=EARLIER, rules=RULES, now=SOON),
    replace(MARK, fact_id=WRONG.fact_id),
)

EXAMPLES: tuple[events.Event, ...] = (
    PRESCRIBER,
    PRESCRIBER_RELEASED,
    CAUSE_STRUCK,
    RESOLUTION,
    SCREENING,
    COVERED,
    TIME_ZONE,
    EPISODE_BEGUN,
    ENDED,
    DECIDED,
    replace(DECIDED, cause_occurred_at=UNSET),
    replace(DECIDED, kind=CauseKind.MESSAGE_POSTED, detail="hi", named=DR_OSEI, sender="m"),
    replace(DECIDED, kind=CauseKind.RISK_LOW, detail="", subject="A risk", due_at=SOON),
    ATTEMPTED,
    SENT,
    FAILED,
    ACKNOWLEDGED,
    replace(ACKNOWLEDGED, resumes_at=SOON + timedelta(hours=1)),
    ESCALATED,
    PAUSED,
    SETTLED,
    ANSWERED_SAFELY,
    HANDED_OVER,
    WITHDRAWN,
    MARKED,
)
PUBLISHED_EXAMPLES = tuple(as_published("notifications", EXAMPLES))
