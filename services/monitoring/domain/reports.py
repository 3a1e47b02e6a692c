"""What a client or clinician reports: side effects and how they end, scales, doses."""

from dataclasses import dataclass
from datetime import datetime

from careloop.kernel.errors import InvalidInput, NotKnown, RuleViolated
from careloop.kernel.events import require_past
from careloop.kernel.ids import FactId, PersonId, derived_id
from careloop.knowledge.scales.score import score
from careloop.knowledge.urgency import triage as knowledge
from careloop.knowledge.urgency.suicide_risk import risk_raised
from services.monitoring.domain.events import (
    DoseRecorded,
    DoseStatus,
    EnteredInError,
    Event,
    Medicine,
    ReporterKind,
    RiskRaised,
    ScaleScored,
    SideEffectOutcome,
    SideEffectReported,
    SideEffectResolved,
    Triage,
    TriageLevel,
)
from services.monitoring.domain.watch import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSideEffect:
    """`ctcae_grade` is 1-5 and FIBSER items 0-6; None is not asked."""

    fact_id: FactId
    symptom: str
    own_words: str
    ctcae_grade: int | None
    fibser_frequency: int | None
    fibser_intensity: int | None
    fibser_burden: int | None
    suspected_medicine: Medicine | None
    reporter: ReporterKind
    actor: PersonId
    occurred_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveSideEffect:
    fact_id: FactId
    side_effect: FactId
    outcome: SideEffectOutcome
    action_taken: str
    actor: PersonId
    occurred_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerScale:
    """Answers in the instrument's order; None is an answer that is missing."""

    fact_id: FactId
    instrument: str
    items: tuple[int | None, ...]
    source: str
    actor: PersonId
    occurred_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDose:
    """`reason` says why a dose was skipped and is required then."""

    fact_id: FactId
    medicine: Medicine
    prescription: FactId | None
    status: DoseStatus
    reason: str
    actor: PersonId
    occurred_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkEnteredInError:
    fact_id: FactId
    reason: str
    actor: PersonId
    now: datetime


def report_side_effect(command: ReportSideEffect, watch: Watch) -> list[Event]:
    """The report with its triage: how urgent, which rule says so, and when a clinician must have looked.

    The clock starts now, when it became known. A report for someone not enrolled here yet is taken all the same:
    enrolment may still be on its way. Raises InvalidInput for grades out of range or a time in the future.
    """
    if command.fact_id in watch.recorded:
        return []
    require_past(command.occurred_at, command.now)
    _require_range(command.ctcae_grade, "ctcae_grade", 1, 5)
    for name in ("fibser_frequency", "fibser_intensity", "fibser_burden"):
        _require_range(getattr(command, name), name, 0, 6)
    return [
        SideEffectReported(
            fact_id=command.fact_id,
            symptom=command.symptom,
            own_words=command.own_words,
            ctcae_grade=command.ctcae_grade,
            fibser_frequency=command.fibser_frequency,
            fibser_intensity=command.fibser_intensity,
            fibser_burden=command.fibser_burden,
            suspected_medicine=command.suspected_medicine,
            reporter=command.reporter,
            reported_by=command.actor,
            triage=_triaged(command, watch),
            occurred_at=command.occurred_at,
        )
    ]


def _triaged(command: ReportSideEffect, watch: Watch) -> Triage:
    felt_on = command.occurred_at.date()
    taken = watch.taken_on(felt_on)
    found = knowledge.triage(
        knowledge.ReportedSideEffect(
            symptom=command.symptom,
            own_words=command.own_words,
            ctcae_grade=command.ctcae_grade,
            fibser_burden=command.fibser_burden,
            suspected_medicine=command.suspected_medicine.name if command.suspected_medicine else None,
            medicines=None if taken is None else tuple(medicine.name for medicine in taken),
            felt_on=felt_on,
        )
    )
    return Triage(
        level=TriageLevel(found.level),
        rule=found.rule,
        rule_version=found.version,
        red_flags=found.red_flags,
        due_at=None if found.within is None else command.now + found.within,
    )


def resolve_side_effect(command: ResolveSideEffect, watch: Watch) -> list[Event]:
    """Closes the loop on a reported side effect. Raises NotKnown if there is none, RuleViolated if it was closed."""
    if command.fact_id in watch.recorded:
        return []
    require_past(command.occurred_at, command.now)
    if watch.side_effect(command.side_effect) is None:
        raise NotKnown("side-effect-not-known", "There is no such side effect.", field="side_effect_id")
    if watch.is_resolved(command.side_effect):
        raise RuleViolated("side-effect-resolved", "The side effect was resolved before.", field="side_effect_id")
    return [
        SideEffectResolved(
            fact_id=command.fact_id,
            side_effect=command.side_effect,
            outcome=command.outcome,
            action_taken=command.action_taken,
            resolved_by=command.actor,
            occurred_at=command.occurred_at,
        )
    ]


def answer_scale(command: AnswerScale, watch: Watch) -> list[Event]:
    """The scored scale, and RiskRaised with its due time if the answers ask for a suicide-risk contact.

    Raises InvalidInput for an unknown instrument or an answer out of its range.
    """
    if command.fact_id in watch.recorded:
        return []
    require_past(command.occurred_at, command.now)
    scored = score(command.instrument, command.items)
    events: list[Event] = [
        ScaleScored(
            fact_id=command.fact_id,
            instrument=scored.instrument,
            instrument_version=scored.version,
            items=command.items,
            total=scored.total,
            band=scored.band or "",
            flags=scored.flags,
            missing=scored.missing,
            source=command.source,
            scored_by=command.actor,
            occurred_at=command.occurred_at,
        )
    ]
    found = risk_raised(scored.instrument, command.items, scored.band or "", command.occurred_at.date())
    if found:
        events.append(
            RiskRaised(
                fact_id=FactId(derived_id("monitoring", "risk", command.fact_id)),
                scale_fact_id=command.fact_id,
                level=found.level,
                reason=found.reason,
                rule=found.rule,
                rule_version=found.rule_version,
                due_at=command.now + found.within,
                occurred_at=command.occurred_at,
            )
        )
    return events


def record_dose(command: RecordDose, watch: Watch) -> list[Event]:
    """A dose taken or skipped. Raises InvalidInput for a skipped dose without a reason."""
    if command.fact_id in watch.recorded:
        return []
    require_past(command.occurred_at, command.now)
    if command.status is DoseStatus.SKIPPED and not command.reason:
        raise InvalidInput("reason-required", "reason is required for a skipped dose.", field="reason")
    return [
        DoseRecorded(
            fact_id=command.fact_id,
            medicine=command.medicine,
            prescription=command.prescription,
            status=command.status,
            reason=command.reason,
            recorded_by=command.actor,
            occurred_at=command.occurred_at,
        )
    ]


def mark_entered_in_error(command: MarkEnteredInError, watch: Watch) -> list[Event]:
    """Strikes a fact reported here, and with a scale the risk raised from it. Striking twice changes nothing."""
    if command.fact_id in watch.struck:
        return []
    if command.fact_id not in watch.recorded:
        raise NotKnown("fact-not-known", "There is no such fact in this service.", field="fact_id")
    risk = FactId(derived_id("monitoring", "risk", command.fact_id))
    struck = [command.fact_id] + ([risk] if risk in watch.recorded - watch.struck else [])
    return [
        EnteredInError(fact_id=fact_id, reason=command.reason, marked_by=command.actor, occurred_at=command.now)
        for fact_id in struck
    ]


def _require_range(value: int | None, name: str, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise InvalidInput("out-of-range", f"{name} must be from {least} to {most}.", field=name)
