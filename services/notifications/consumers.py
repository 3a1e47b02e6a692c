"""What other services say becomes a note or a notice: one write for each event, decided in order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from careloop.chassis.clock import Clock
from careloop.chassis.commands.streams import Streams
from careloop.chassis.consuming.handler import Effects, Handler, Received
from careloop.chassis.consuming.noting import Notes, listening, note, note_request
from careloop.chassis.events.envelope import Envelope
from careloop.chassis.log.protocol import Statement, Write
from careloop.contracts import assessment, coordination, monitoring, prescribing
from careloop.contracts.episodes import EpisodeBegunNoted, EpisodeEndNoted
from careloop.contracts.terms import EnteredInError, Reporter, RiskLevel, RiskRaised, ScaleScored, Triage, TriageLevel
from careloop.kernel.ids import FactId, PatientId
from careloop.kernel.restating import restating
from careloop.knowledge.scales.score import SAFETY_ITEM_MISSING, asks_for_a_danger
from careloop.knowledge.urgency.safety_questions import ask_within
from careloop.knowledge.urgency.suicide_risk import C_SSRS, HISTORY
from careloop.knowledge.urgency.triage import NOT_UNDERSTOOD
from services.notifications.domain.causes import Cause
from services.notifications.domain.codes import CauseKind
from services.notifications.domain.deciding import DecideNotice, decide_notice
from services.notifications.domain.ending import note_begun, note_end, reopen
from services.notifications.domain.events import Event
from services.notifications.domain.handing_over import with_hand_over
from services.notifications.domain.noted import (
    ReleaseNoted,
    ResolutionNoted,
    SafetyAnswersNoted,
    ScreeningNoted,
    SettlementNoted,
    StrikeNoted,
    TeamNoted,
    TimeZoneNoted,
)
from services.notifications.domain.noting import (
    DecideAgain,
    decide_again,
    note_resolution,
    note_strike,
    note_team,
    note_time_zone,
)
from services.notifications.domain.noting import settled as settled_notices
from services.notifications.domain.rules import NoticeRules
from services.notifications.domain.screenings import Reconsider, note_screening, of_importers, reconsider, with_screened
from services.notifications.domain.settling import Settling, note_settlement, stand_again, with_settled
from services.notifications.domain.state import NoticeBoard, evolve
from services.notifications.domain.waiting import withdraw_page

CONSUMER = "notifications"
SCREENER = "c-ssrs"

RISK_KINDS: Mapping[RiskLevel, CauseKind] = {
    RiskLevel.HIGH: CauseKind.RISK_HIGH,
    RiskLevel.MODERATE: CauseKind.RISK_MODERATE,
    RiskLevel.LOW: CauseKind.RISK_LOW,
    RiskLevel.NONE: CauseKind.RISK_LOW,
}
SIDE_EFFECT_KINDS: Mapping[TriageLevel, CauseKind] = {
    TriageLevel.EMERGENCY_NOW: CauseKind.SIDE_EFFECT_EMERGENCY,
    TriageLevel.SAME_DAY: CauseKind.SIDE_EFFECT_SAME_DAY,
    TriageLevel.WITHIN_72_HOURS: CauseKind.SIDE_EFFECT_WITHIN_72_HOURS,
    TriageLevel.NEXT_VISIT: CauseKind.SIDE_EFFECT_NEXT_VISIT,
}
WRITTEN_KINDS: Mapping[TriageLevel, CauseKind] = {
    TriageLevel.EMERGENCY_NOW: CauseKind.CLIENT_WROTE_EMERGENCY,
    TriageLevel.SAME_DAY: CauseKind.CLIENT_WROTE_SAME_DAY,
    TriageLevel.WITHIN_72_HOURS: CauseKind.CLIENT_WROTE_WITHIN_72_HOURS,
}

RESULT_KINDS: Mapping[str, CauseKind] = {
    "contraindicated": CauseKind.RESULT_CRITICAL,
    "high": CauseKind.RESULT_HIGH,
    "moderate": CauseKind.RESULT_TO_LOOK_AT,
}

LOW = "low"
CONCERN_KINDS: Mapping[str, CauseKind] = {
    "contraindicated": CauseKind.CONCERN_CONTRAINDICATED,
    "high": CauseKind.CONCERN_HIGH,
    "moderate": CauseKind.CONCERN_MODERATE,
}
"""The gravest first."""


@dataclass(frozen=True, slots=True)
class EndHeard:
    """The end of an episode, and what somebody must hear of it."""

    noted: EpisodeEndNoted
    death: Cause | None


Simple = ResolutionNoted | ScreeningNoted | TimeZoneNoted | EpisodeBegunNoted
Heard = Simple | SettlementNoted | SafetyAnswersNoted | TeamNoted | ReleaseNoted | StrikeNoted | Cause | EndHeard
safety_answers = restating(SafetyAnswersNoted, ScaleScored, "evidence")


def hear_risk(envelope: Envelope, fact: RiskRaised) -> Heard:
    """A clinician who recorded the answers is asked before anybody else is paged."""
    kind = CauseKind.RISK_HISTORY if fact.reason == f"{C_SSRS}-{HISTORY}" else RISK_KINDS[fact.level]
    asked = _asked(envelope, fact.reporter)
    return _cause(envelope, fact, kind, detail=fact.reason, due_at=fact.due_at, named=asked)


def hear_scale(envelope: Envelope, fact: ScaleScored) -> Heard | None:
    """A question about a danger that was left blank asks for a person; answered, it ends what asked for it."""
    if SAFETY_ITEM_MISSING in fact.flags:
        due_at = envelope.recorded_at + ask_within(fact.occurred_at.date())
        asked = _asked(envelope, fact.reporter)
        return _cause(envelope, fact, CauseKind.SAFETY_ITEM_MISSING, detail=fact.instrument, due_at=due_at, named=asked)
    answered = fact.items is not None and asks_for_a_danger(fact.instrument)
    return safety_answers(fact, evidence=envelope.event_id) if answered else None


def hear_result(envelope: Envelope, fact: monitoring.ResultActionRaised) -> Heard | None:
    """What an importer recorded is history, also where monitoring says what it demands. What is low is seen in the view
    alone."""
    kind = RESULT_KINDS.get(fact.severity)
    if kind is None:
        return None
    detail = f"{fact.drug}: {fact.message} {fact.action}"
    return replace(_cause(envelope, fact, kind, detail=detail, due_at=fact.due_at), recorded_by=fact.recorded_by)


def _asked(envelope: Envelope, reporter: Reporter | UnsetType) -> str:
    return envelope.actor if reporter is Reporter.CLINICIAN else ""


def hear_side_effect(envelope: Envelope, fact: monitoring.SideEffectReported) -> Heard:
    grade = f", CTCAE grade {fact.ctcae_grade}" if fact.ctcae_grade else ""
    flags = f"; {', '.join(fact.triage.red_flags)}" if fact.triage.red_flags else ""
    kind = SIDE_EFFECT_KINDS[fact.triage.level]
    return _cause(envelope, fact, kind, detail=f"{fact.symptom}{grade}{flags}", due_at=fact.triage.due_at)


def hear_emergency(envelope: Envelope, fact: monitoring.EmergencyDeclared) -> Heard:
    parts = [str(fact.kind)]
    if fact.medicine is not None:
        parts.append(fact.medicine.name)
    if fact.total_mg is not None:
        parts.append(f"{fact.total_mg} mg within 24 hours, {fact.daily_dose_mg} mg a day")
    return _cause(envelope, fact, CauseKind.EMERGENCY_DECLARED, detail=": ".join(parts))


def hear_extra_dose(envelope: Envelope, fact: monitoring.ExtraDoseReported) -> Heard:
    return _cause(envelope, fact, CauseKind.EXTRA_DOSE, detail=f"{fact.medicine.name}: {fact.why}", due_at=fact.due_at)


def hear_issued(envelope: Envelope, fact: prescribing.PrescriptionIssued) -> Heard:
    over = _over_alerts(fact.capsule)
    kind = CauseKind.PRESCRIPTION_ISSUED_OVER_ALERT if over else CauseKind.PRESCRIPTION_ISSUED
    detail = f"{fact.order.medicine.name}{over}"
    return _cause(envelope, fact, kind, detail=detail, named=fact.prescriber if over else "")


def hear_declined(envelope: Envelope, fact: prescribing.PrescriptionDeclined) -> Heard:
    detail = f"{fact.order.medicine.name}: {', '.join(fact.reasons)}"
    return _cause(envelope, fact, CauseKind.PRESCRIPTION_DECLINED, detail=detail, named=fact.prescriber)


def hear_dose_change(envelope: Envelope, fact: prescribing.DoseChanged) -> Heard:
    detail = f"to {fact.to_daily_dose_mg} mg a day from {fact.effective_on}: {fact.reason}"
    over = _over_alerts(fact.capsule)
    kind = CauseKind.DOSE_CHANGED_OVER_ALERT if over else CauseKind.DOSE_CHANGED
    return _cause(envelope, fact, kind, detail=f"{detail}{over}", named=fact.prescriber if over else "")


def _over_alerts(capsule: prescribing.DecisionCapsule) -> str:
    """The rules of the high alerts that were overridden; empty if there were none."""
    high = [alert for alert in capsule.alerts if alert.severity == "high"]
    rules = [alert.rule for alert in high if prescribing.is_overridden(alert, capsule.overrides)]
    return f"; over {', '.join(dict.fromkeys(rules))}" if rules else ""


def hear_discontinued(envelope: Envelope, fact: prescribing.PrescriptionDiscontinued) -> Heard:
    detail = f"last dose {fact.stopped_on}: {fact.status_reason}"
    return _cause(envelope, fact, CauseKind.PRESCRIPTION_DISCONTINUED, detail=detail)


def hear_discrepancy(envelope: Envelope, fact: prescribing.DiscrepancyFound) -> Heard:
    return _cause(envelope, fact, CauseKind.DISCREPANCY_FOUND, detail=f"{fact.medicine.name}: {fact.kind}")


def hear_overdue(envelope: Envelope, fact: prescribing.DiscrepancyOverdue) -> Heard:
    """About the discrepancy: what resolves that ends this too."""
    cause = _cause(envelope, fact, CauseKind.DISCREPANCY_OVERDUE, detail=f"{fact.medicine.name}: {fact.kind}")
    return replace(cause, fact_id=fact.discrepancy)


def hear_concerns(envelope: Envelope, fact: prescribing.ConcernsRaised) -> Heard | None:
    """One notice of all, by the gravest; a low one is seen in the view alone. A severity of a later build is grave."""
    words = list(CONCERN_KINDS)
    severities = [one.alert.severity for one in fact.concerns]
    known = [words.index(severity) if severity in words else 0 for severity in severities if severity != LOW]
    if not known:
        return None
    kind = CONCERN_KINDS[words[min(known)]]
    if kind is CauseKind.CONCERN_HIGH and all(one.prescription is None for one in fact.concerns):
        kind = CauseKind.CONCERN_LISTED
    told = (f"{one.medicine.name}: {', '.join(one.alert.involves)} ({one.alert.severity})" for one in fact.concerns)
    return _cause(envelope, fact, kind, detail="; ".join(told))


def hear_plan_signed(envelope: Envelope, fact: prescribing.DosePlanSigned) -> Heard:
    drugs = dict.fromkeys(dose.drug for step in fact.steps for dose in step.doses)
    detail = f"{fact.kind}, {len(fact.steps)} steps: {', '.join(drugs)}"
    return _cause(envelope, fact, CauseKind.PLAN_SIGNED, detail=detail)


def hear_step_due(envelope: Envelope, fact: prescribing.StepDue) -> Heard:
    return _cause(envelope, fact, CauseKind.STEP_DUE, detail=fact.what, named=fact.prescriber)


def hear_step_overdue(envelope: Envelope, fact: prescribing.StepOverdue) -> Heard:
    return _cause(envelope, fact, CauseKind.STEP_OVERDUE, detail=fact.what, named=fact.prescriber)


def hear_step_confirmed(envelope: Envelope, fact: prescribing.StepConfirmed) -> Heard:
    """The team hears of the changes of dose that it comes to."""
    return _cause(envelope, fact, CauseKind.STEP_CONFIRMED, detail=fact.what, settles=fact.settles)


def hear_safety_step(envelope: Envelope, fact: prescribing.SafetyStepTaken) -> Heard:
    return _cause(envelope, fact, CauseKind.STEP_CONFIRMED, detail=fact.what)


def hear_step_declined(envelope: Envelope, fact: prescribing.StepDeclined) -> Heard | None:
    """Where an order was declined, that is heard of by itself."""
    if fact.declined is not None:
        return None
    detail = f"{fact.what}: {', '.join(fact.reasons)}"
    return _cause(envelope, fact, CauseKind.STEP_DECLINED, detail=detail, named=fact.prescriber)


def hear_step_held(envelope: Envelope, fact: prescribing.StepHeld) -> Heard:
    """A client who holds twice in a row is to be seen within a week."""
    again = "; held again: see the client within 7 days" if fact.in_a_row > 1 else ""
    broken = "; what remains is not legal so: sign another plan" if fact.breaks else ""
    kind = CauseKind.STEP_HELD_BY_CLIENT if fact.by_client else CauseKind.STEP_HELD
    named = fact.prescriber if fact.by_client else ""
    return _cause(
        envelope, fact, kind, detail=f"{fact.what}: {fact.reason}{again}{broken}", named=named, settles=fact.settles
    )


def hear_step_changed(envelope: Envelope, fact: prescribing.StepChanged) -> Heard:
    return _cause(envelope, fact, CauseKind.STEP_CHANGED, detail=f"{fact.what}: {fact.reason}", settles=fact.settles)


def hear_plan_ended(envelope: Envelope, fact: prescribing.DosePlanEnded) -> Heard:
    return _cause(envelope, fact, CauseKind.PLAN_ENDED, detail=str(fact.reason), settles=fact.settles)


def hear_completed(envelope: Envelope, fact: assessment.AssessmentCompleted) -> Heard:
    return _cause(envelope, fact, CauseKind.ASSESSMENT_COMPLETED, detail=", ".join(fact.diagnoses))


def hear_plan(envelope: Envelope, fact: assessment.PlanProposed) -> Heard | None:
    """A plan that replaces another one; the first is heard of with the completion."""
    if fact.replaces is UNSET:
        return None
    plan = fact.plan
    parts = (len(plan.medications), "medications"), (len(plan.therapies), "therapies"), (len(plan.goals), "goals")
    return _cause(envelope, fact, CauseKind.PLAN_CHANGED, detail=", ".join(f"{count} {what}" for count, what in parts))


def hear_dose(envelope: Envelope, fact: monitoring.DoseRecorded) -> Heard | None:
    """A dose whose reason somebody must read; no other is anybody's business between visits."""
    kind = _written(fact.triage)
    if kind is None:
        return None
    return _cause(envelope, fact, kind, detail=f"{fact.medicine.name}: {fact.reason}", due_at=_due_at(fact.triage))


def _written(triage: Triage | UnsetType) -> CauseKind | None:
    """What the client's own words ask for; None where they wait, or nobody read them."""
    if not isinstance(triage, Triage):
        return None
    return CauseKind.CLIENT_WROTE_NOT_UNDERSTOOD if triage.rule == NOT_UNDERSTOOD else WRITTEN_KINDS.get(triage.level)


def _due_at(triage: Triage | UnsetType) -> datetime | None:
    return triage.due_at if isinstance(triage, Triage) else None


ended = restating(EpisodeEndNoted, assessment.EpisodeClosed, "evidence")


def hear_end(envelope: Envelope, fact: assessment.EpisodeClosed) -> EndHeard:
    death = None
    if fact.reason is assessment.EndReason.DECEASED:
        death = _cause(envelope, fact, CauseKind.DEATH_RECORDED, detail=fact.reported_by, due_at=fact.confirm_by)
    return EndHeard(ended(fact, evidence=envelope.event_id), death)


def hear_caring_contact(envelope: Envelope, fact: assessment.CaringContactDue) -> Heard:
    return _cause(envelope, fact, CauseKind.CARING_CONTACT, due_at=fact.due_at)


def hear_message(envelope: Envelope, fact: coordination.MessagePosted) -> Heard:
    kind = CauseKind.MESSAGE_POSTED
    if fact.sender == coordination.CLIENT:
        kind = _written(fact.triage) or CauseKind.MESSAGE_FROM_CLIENT
    elif fact.recipient == coordination.CLIENT:
        kind = CauseKind.MESSAGE_TO_CLIENT
    return _cause(
        envelope,
        fact,
        kind,
        detail=fact.text,
        named=fact.recipient,
        sender=fact.sender,
        due_at=_due_at(fact.triage),
    )


def _cause(envelope: Envelope, fact: Any, kind: CauseKind, **details: Any) -> Cause:
    return Cause(
        event_id=envelope.event_id,
        fact_id=fact.fact_id,
        type=envelope.type,
        kind=kind,
        occurred_at=envelope.occurred_at,
        recorded_at=envelope.recorded_at,
        recorded_by=envelope.actor,
        **details,
    )


def is_of_screener(scored: ScaleScored) -> bool:
    return scored.instrument == SCREENER


def settles(closed: prescribing.ConcernAnswered | prescribing.ConcernEnded) -> bool:
    return closed.settles is not None


def settled(closed: prescribing.ConcernAnswered | prescribing.ConcernEnded) -> FactId | None:
    """What was raised of which nothing is open any more."""
    return closed.settles


SCREENING = note(ScreeningNoted, ScaleScored, at={"screened_by": "scored_by"}, only=is_of_screener)
STRUCK = note(StrikeNoted, EnteredInError)
HEARD: Notes[Heard | None] = {
    **listening(
        coordination.TYPES,
        note(TeamNoted, coordination.TeamMemberAssigned),
        note(ReleaseNoted, coordination.TeamMemberReleased),
        (coordination.MessagePosted, hear_message),
        STRUCK,
    ),
    **listening(
        monitoring.TYPES,
        (monitoring.SideEffectReported, hear_side_effect),
        (monitoring.DoseRecorded, hear_dose),
        (monitoring.EmergencyDeclared, hear_emergency),
        (monitoring.ExtraDoseReported, hear_extra_dose),
        note(ResolutionNoted, monitoring.SideEffectResolved),
        note(SettlementNoted, monitoring.RiskContactRecorded, closes=lambda fact: fact.outcome.closes),
        note(SettlementNoted, monitoring.RiskEnded, risks=lambda fact: (fact.risk,), closes=lambda _fact: True),
        (ScaleScored, hear_scale),
        (monitoring.ResultActionRaised, hear_result),
        note(ResolutionNoted, monitoring.ResultActionEnded, at={"side_effect": "raised"}),
        (RiskRaised, hear_risk),
        STRUCK,
    ),
    **listening(
        assessment.TYPES,
        (RiskRaised, hear_risk),
        (ScaleScored, hear_scale),
        (assessment.AssessmentCompleted, hear_completed),
        (assessment.PlanProposed, hear_plan),
        STRUCK,
    ),
    **listening(
        prescribing.TYPES,
        (prescribing.PrescriptionIssued, hear_issued),
        (prescribing.PrescriptionDeclined, hear_declined),
        (prescribing.DoseChanged, hear_dose_change),
        (prescribing.PrescriptionDiscontinued, hear_discontinued),
        (prescribing.DiscrepancyFound, hear_discrepancy),
        (prescribing.DiscrepancyOverdue, hear_overdue),
        note(ResolutionNoted, prescribing.DiscrepancyResolved, at={"side_effect": "discrepancy"}),
        (prescribing.ConcernsRaised, hear_concerns),
        (prescribing.DosePlanSigned, hear_plan_signed),
        (prescribing.StepDue, hear_step_due),
        (prescribing.StepOverdue, hear_step_overdue),
        (prescribing.StepConfirmed, hear_step_confirmed),
        (prescribing.SafetyStepTaken, hear_safety_step),
        (prescribing.StepDeclined, hear_step_declined),
        (prescribing.StepHeld, hear_step_held),
        (prescribing.StepChanged, hear_step_changed),
        (prescribing.DosePlanEnded, hear_plan_ended),
        note(ResolutionNoted, prescribing.ConcernAnswered, only=settles, side_effect=settled),
        note(ResolutionNoted, prescribing.ConcernEnded, only=settles, side_effect=settled),
        STRUCK,
    ),
}
"""What notifications listens to. Topics have no order between them: a cause that comes before its patient's team goes
to the on-call person, and the team is the first to be notified when the clock runs out."""

SCREENED: Notes[Heard | None] = {
    wire_type: heard
    for types, risks in (
        (assessment.TYPES, [(RiskRaised, hear_risk), note(TimeZoneNoted, assessment.PatientEnrolled)]),
        (monitoring.TYPES, [(RiskRaised, hear_risk), (monitoring.SideEffectReported, hear_side_effect)]),
    )
    for wire_type, heard in listening(types, SCREENING, *risks).items()
}
"""What came before late things were news, the screenings that end an imported risk, and where the client lives."""

ENDS: Notes[Heard | None] = listening(
    assessment.TYPES,
    note(EpisodeBegunNoted, assessment.PatientEnrolled),
    (assessment.EpisodeClosed, hear_end),
    note(ResolutionNoted, assessment.DeathConfirmed, at={"side_effect": "closing"}),
    (assessment.CaringContactDue, hear_caring_contact),
)
"""The end of episodes, and what is due after it."""


def decide(heard: Heard, board: NoticeBoard, rules: NoticeRules, clock: Clock) -> Sequence[Event]:
    """The decision that one event asks for; nothing if it was taken before."""
    match heard:
        case Cause():
            now = clock()
            notice = decide_notice(DecideNotice(cause=heard, rules=rules, now=now), board)
            made = with_settled(with_screened(notice, board, now), board, now)
            return [*made, *withdraw_page(heard, board, now), *settled_notices(heard, board, now)]
        case StrikeNoted():
            again = decide_again(DecideAgain(strike=heard, rules=rules, now=clock()), board)
            again += stand_again(heard, board, Settling(rules=rules, now=clock()))
            again += reopen(heard, board, rules, clock())
            return with_hand_over([*note_strike(heard, board), *again], board, rules, clock())
        case SettlementNoted() | SafetyAnswersNoted():
            return note_settlement(heard, board, Settling(rules=rules, now=clock()))
        case TeamNoted() | ReleaseNoted():
            return with_hand_over(note_team(heard, board), board, rules, clock())
        case EndHeard():
            return _ended(heard, board, rules, clock)
        case _:
            return _noted(heard, board, rules)


def _noted(heard: Simple, board: NoticeBoard, rules: NoticeRules) -> Sequence[Event]:
    match heard:
        case ResolutionNoted():
            return note_resolution(heard, board)
        case ScreeningNoted():
            return note_screening(of_importers(heard, rules), board)
        case TimeZoneNoted():
            return note_time_zone(heard, board)
        case EpisodeBegunNoted():
            return note_begun(heard, board)


def _ended(heard: EndHeard, board: NoticeBoard, rules: NoticeRules, clock: Clock) -> Sequence[Event]:
    """The end, and the notice that a death asks for; each once."""
    events = note_end(heard.noted, board)
    if heard.death is None:
        return events
    for event in events:
        board = evolve(board, event)
    return [*events, *decide_notice(DecideNotice(cause=heard.death, rules=rules, now=clock()), board)]


def decide_earlier(heard: Heard, board: NoticeBoard, rules: NoticeRules, clock: Clock) -> Sequence[Event]:
    """As `decide`, of what may have come before: a cause is not decided, but looked at again by the rules of today."""
    if isinstance(heard, Cause):
        return reconsider(Reconsider(cause=heard, rules=rules, now=clock()), board)
    return decide(heard, board, rules, clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A consumer by its name, what it hears, and the decision that each of that asks for."""

    consumer: str
    heard: Notes[Heard | None]
    decide: Callable[[Heard, NoticeBoard, NoticeRules, Clock], Sequence[Event]]

    @property
    def sources(self) -> tuple[str, ...]:
        """The services whose topics are read."""
        return tuple(sorted({name.split(".")[1] for name in self.heard}))


CAUSES = Listener(consumer=CONSUMER, heard=HEARD, decide=decide)
EARLIER = Listener(consumer="notifications.screenings", heard=SCREENED, decide=decide_earlier)
"""Reads its sources from their beginning, also what came before there was such a consumer."""

EPISODES = Listener(consumer="notifications.episodes", heard=ENDS, decide=decide)
"""Reads assessment from its beginning, also what came before there was such a consumer."""


class NoticesConsumer(Handler):
    """Decides on each patient's newest notices; a conflict with others makes the inbox call it again."""

    def __init__(
        self, listener: Listener, streams: Streams[NoticeBoard, Event], rules: NoticeRules, clock: Clock
    ) -> None:
        self.consumer = listener.consumer
        self.contracts: Mapping[str, type] = {name: contract for name, (contract, _hear) in listener.heard.items()}
        self._heard = listener.heard
        self._decide = listener.decide
        self._streams = streams
        self._rules = rules
        self._clock = clock

    async def handle(self, received: Sequence[Received]) -> Effects:
        writes: list[Write] = []
        statements: list[Statement] = []
        by_patient: dict[PatientId, list[Received]] = {}
        for one in received:
            by_patient.setdefault(one.envelope.patient_id, []).append(one)
        for patient_id, heard in by_patient.items():
            for write, events in await self._decided(patient_id, heard):
                writes.append(write)
                statements += [it for event in events for it in self._streams.statements(event, patient_id)]
        return Effects(writes=tuple(writes), statements=tuple(statements))

    async def _decided(
        self, patient_id: PatientId, received: Sequence[Received]
    ) -> Sequence[tuple[Write, Sequence[Event]]]:
        loaded = await self._streams.load(patient_id)
        board, version = loaded.state, loaded.version
        decided = []
        for one in received:
            _contract, hear = self._heard[one.envelope.type]
            heard = hear(one.envelope, one.event)
            events = () if heard is None else self._decide(heard, board, self._rules, self._clock)
            if events:
                write = self._streams.write(
                    patient_id, note_request(self.consumer, one.envelope, self._clock()), events, version
                )
                decided.append((write, events))
                board, version = self._streams.decider.fold(events, board), version + len(events)
        return decided
