"""What asks for a person's attention, by when, and which of it comes first: by facts alone, never by the hour."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from msgspec import UNSET

from careloop.contracts.assessment import EndReason
from careloop.contracts.monitoring import ResultActionRaised
from careloop.contracts.notifications import NoticeDecided, Priority
from careloop.contracts.terms import CLINICAL_ROLES, Reporter, RiskLevel, RiskRaised, ScaleScored, TriageLevel
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from careloop.knowledge.findings import Severity
from careloop.knowledge.scales.score import SAFETY_ITEM_MISSING
from careloop.knowledge.urgency.suicide_risk import C_SSRS, HISTORY
from services.coordination.domain.view.concerns import OPEN, standing_concerns
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.episode import ended
from services.coordination.domain.view.notices import acknowledge_by, open_notices, pages_unanswered
from services.coordination.domain.view.result_actions import open_demands
from services.coordination.domain.view.sections import Section, Sections
from services.coordination.domain.view.sections.assessment import AssessmentSection
from services.coordination.domain.view.sections.monitoring import MonitoringSection
from services.coordination.domain.view.sections.notifications import NotificationsSection
from services.coordination.domain.view.sections.prescribing import PrescribingSection

LEVELS = (*TriageLevel, "none")
"""The words of the ranks, the most urgent first."""

NOBODY_ANSWERED_AFTER = 4
"""So many pages of an emergency that nobody answers are said to be so."""
DONE = frozenset({"risk-answered", "asked-since"})
"""Why a notice is withdrawn whose cause was answered."""
NEVER_ASKS = frozenset({"SideEffectReported", "MessagePosted"})
"""Kinds of causes that no notice answers: a side effect stands until it is closed, a message asks for nothing here."""
IMPORTED = "imported"
"""Why nobody is notified of what a named importer recorded."""
_LONG_AGO, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_RISKS = {RiskLevel.HIGH: TriageLevel.EMERGENCY_NOW, RiskLevel.MODERATE: TriageLevel.SAME_DAY}
_DEMANDS = {"moderate": TriageLevel.NEXT_VISIT, "low": TriageLevel.NEXT_VISIT}
_CONCERNS = {"moderate": TriageLevel.NEXT_VISIT}
_NOTICES = {Priority.STAT: TriageLevel.EMERGENCY_NOW, Priority.URGENT: TriageLevel.SAME_DAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One thing that asks for attention. `rank` 0 is the most urgent; `due_at` None has no clock.

    `until_answered`: it stands only until somebody took its fact on, which another source may say.
    """

    fact_id: FactId
    rank: int
    reason: str
    due_at: Instant | None
    until_answered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    rank: int
    level: str
    reason: str = ""
    fact_id: FactId | None = None
    due_at: Instant | None = None


UNSAID = Urgency(rank=len(LEVELS), level="")
"""The urgency that is not shown: it is not said to be none."""

urgency_of = shown(Urgency, Concern, "level")


def concerns(section: Section) -> tuple[Concern, ...]:
    """What asks for attention by this source alone, the most urgent first."""
    found: list[Concern] = []
    if isinstance(section, MonitoringSection):
        found += [*_side_effects(section), *_too_much(section)]
        found += [_demand(one) for one in open_demands(section)]
    if isinstance(section, AssessmentSection | MonitoringSection):
        found += [_risk(risk.fact) for risk in unsuperseded(section)]
        found += [_left_blank(scale.fact.fact_id) for scale in left_blank(section)]
    if isinstance(section, PrescribingSection):
        found += _raised(section)
    if isinstance(section, NotificationsSection):
        found += _notices(section)
        found += [
            _concern(risk, TriageLevel.WITHIN_72_HOURS, "imported-risk", None) for risk in imported_risks(section)
        ]
    return tuple(sorted(found, key=precedence))


def leading(section: Section) -> tuple[Concern, ...]:
    """Of its concerns those that decide about the patient's place: the first, and before it every one that another
    source may answer."""
    ahead: list[Concern] = []
    for concern in concerns(section):
        ahead.append(concern)
        if not concern.until_answered:
            break
    return tuple(ahead)


def answered(section: Section) -> frozenset[FactId]:
    """The risks and scales, of any source, that ask for nothing more themselves: a clinician learned how the client is,
    or screened or asked since; or an importer brought them in, and then an imported risk is a concern of its own.

    Where taking a notice on is enough, and in builds in which it always was, that is an answer too. What was suppressed
    for any other reason is open.
    """
    if isinstance(section, MonitoringSection):
        contacts = (k.fact for k in section.contacts if k.fact.outcome.closes)
        return frozenset(risk for one in contacts for risk in one.risks) | {k.fact.risk for k in section.ended}
    if not isinstance(section, NotificationsSection):
        return frozenset()
    taken = settled_notices(section)
    return frozenset(
        k.fact.cause_fact
        for k in section.decided
        if (k.fact.fact_id in taken or k.fact.suppressed == IMPORTED) and asks_until_answered(k.fact)
    )


def settled_notices(section: NotificationsSection) -> frozenset[FactId]:
    """The notices whose causes were answered."""
    taken = {k.fact.notice for k in section.acknowledged if k.fact.resumes_at is UNSET}
    return frozenset(taken | {k.fact.notice for k in section.withdrawn if k.fact.reason in DONE})


def imported_risks(section: NotificationsSection) -> frozenset[FactId]:
    """The risks that an importer recorded and that no clinician of the team has screened since."""
    ended = {dated.fact.notice for dated in section.withdrawn}
    return frozenset(
        k.fact.cause_fact
        for k in section.decided
        if k.fact.suppressed == IMPORTED and _is_risk(k.fact) and k.fact.fact_id not in ended
    )


def urgency(sections: Sections) -> Urgency:
    """The first of all concerns. A risk counts until it is answered, a side effect until it is closed. After the end of
    an episode of care only emergencies count; of a client who died only those of which somebody is notified."""
    taken, end = answered(sections.notifications) | answered(sections.monitoring), end_of(sections.assessment)
    every = (sections.assessment, sections.prescribing, sections.monitoring, sections.notifications)
    heard = every[-1:] if end == EndReason.DECEASED else every
    standing = (concern for section in heard for concern in concerns(section) if stands(concern, taken))
    return first(concern for concern in standing if not end or concern.rank == 0)


def end_of(section: AssessmentSection) -> str:
    """Why the client is in no episode of care now; empty while one is open."""
    end = ended(section)
    return "" if end is None else end.reason


def stands(concern: Concern, taken: frozenset[FactId]) -> bool:
    return not (concern.until_answered and concern.fact_id in taken)


def first(standing: Iterable[Concern]) -> Urgency:
    concern = min(standing, key=precedence, default=None)
    if concern is None:
        return Urgency(rank=len(LEVELS) - 1, level=LEVELS[-1])
    return urgency_of(concern, level=LEVELS[concern.rank])


def precedence(concern: Concern) -> tuple[int, datetime, FactId]:
    return concern.rank, concern.due_at or _NEVER, concern.fact_id


def unsuperseded(section: AssessmentSection | MonitoringSection) -> tuple[DatedFact[RiskRaised], ...]:
    """The risks after which no clinician screened in the same source: what that finds speaks for itself."""
    screened = (k.fact.occurred_at for k in reversed(section.scales) if ends_risks(k.fact))
    last = next(screened, _LONG_AGO)
    return tuple(risk for risk in section.risks if risk.fact.occurred_at >= last)


def ends_risks(scale: ScaleScored) -> bool:
    """Whether a clinician asked the screener's questions, and none that mattered is missing. Builds that did not say
    who recorded a scale named the caller's role as its source, unless another source was given."""
    if scale.instrument != C_SSRS or SAFETY_ITEM_MISSING in scale.flags or not scale.band:
        return False
    if scale.reporter is UNSET:
        return scale.source in CLINICAL_ROLES
    return scale.reporter is Reporter.CLINICIAN


def left_blank(section: AssessmentSection | MonitoringSection) -> tuple[DatedFact[ScaleScored], ...]:
    """The scales in which a question about a danger was left out, and after which the same source did not ask again."""
    asked = {instrument: scale.fact.occurred_at for instrument, scale in asked_in_full(section).items()}
    screened = asked.get(C_SSRS, _LONG_AGO)
    return tuple(
        k
        for k in section.scales
        if SAFETY_ITEM_MISSING in k.fact.flags
        and max(asked.get(k.fact.instrument, _LONG_AGO), screened) <= k.fact.occurred_at
    )


def asked_in_full(section: AssessmentSection | MonitoringSection) -> Mapping[str, DatedFact[ScaleScored]]:
    """By instrument the last of which the answers are known and no question about a danger is missing."""
    return {
        k.fact.instrument: k
        for k in section.scales
        if k.fact.items is not None and SAFETY_ITEM_MISSING not in k.fact.flags
    }


def asks_until_answered(notice: NoticeDecided) -> bool:
    """Whether its cause may be a fact that asks until it is answered: all but those known to be none."""
    return _cause(notice) not in NEVER_ASKS


def _is_risk(notice: NoticeDecided) -> bool:
    return _cause(notice) == RiskRaised.__name__


def _cause(notice: NoticeDecided) -> str:
    """By the name of its cause on the wire: `care.<service>.RiskRaised.v<n>`."""
    return next(iter(notice.cause_type.split(".")[-2:-1]), "")


def _side_effects(section: MonitoringSection) -> list[Concern]:
    closed = {dated.fact.side_effect for dated in section.resolved}
    return [
        _concern(k.fact.fact_id, k.fact.triage.level, "side-effect", k.fact.triage.due_at)
        for k in section.reported
        if k.fact.fact_id not in closed
    ]


def _too_much(section: MonitoringSection) -> list[Concern]:
    declared = [
        _concern(k.fact.fact_id, TriageLevel.EMERGENCY_NOW, "emergency", k.fact.occurred_at)
        for k in section.emergencies
    ]
    extra = [_concern(k.fact.fact_id, TriageLevel.SAME_DAY, "extra-dose", k.fact.due_at) for k in section.extra_doses]
    return [replace(one, until_answered=True) for one in (*declared, *extra)]


def _demand(raised: ResultActionRaised) -> Concern:
    """A severity that is not known here counts as the gravest."""
    level = _DEMANDS.get(raised.severity, TriageLevel.SAME_DAY)
    return _concern(raised.fact_id, level, "result-action", raised.due_at)


def _left_blank(scale: FactId) -> Concern:
    return replace(_concern(scale, TriageLevel.SAME_DAY, SAFETY_ITEM_MISSING, None), until_answered=True)


def _raised(section: PrescribingSection) -> list[Concern]:
    """What the safety check finds against something that is taken, until it is answered; a low one asks for nobody, and
    a severity that is not known here counts as the gravest."""
    return [
        _concern(
            one.concern,
            _CONCERNS.get(one.alert.severity, TriageLevel.SAME_DAY),
            f"concern-{one.alert.severity}",
            None,
        )
        for one in standing_concerns(section)
        if one.status == OPEN and one.alert.severity != Severity.LOW
    ]


def _risk(risk: RiskRaised) -> Concern:
    is_history = risk.reason == f"{C_SSRS}-{HISTORY}"
    level = TriageLevel.WITHIN_72_HOURS if is_history else _RISKS.get(risk.level, TriageLevel.WITHIN_72_HOURS)
    return replace(_concern(risk.fact_id, level, "suicide-risk", risk.due_at), until_answered=True)


def _notices(section: NotificationsSection) -> list[Concern]:
    return [
        _concern(
            k.fact.fact_id,
            _NOTICES.get(k.fact.priority, TriageLevel.NEXT_VISIT),
            _why_open(k.fact, section),
            acknowledge_by(k.fact, section),
        )
        for k in open_notices(section)
    ]


def _why_open(notice: NoticeDecided, section: NotificationsSection) -> str:
    if notice.priority is Priority.STAT and pages_unanswered(notice, section) >= NOBODY_ANSWERED_AFTER:
        return "nobody-answered"
    unreached = any(k.fact.notice == notice.fact_id and k.fact.final for k in section.failed)
    return "notice-failed" if unreached else "notice-unacknowledged"


def _concern(fact_id: FactId, level: TriageLevel, reason: str, due_at: datetime | None) -> Concern:
    return Concern(fact_id=fact_id, rank=LEVELS.index(level), reason=reason, due_at=due_at)
