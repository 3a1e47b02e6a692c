"""What each event of another service comes to in notifications, field by field."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET, structs

from careloop.chassis.consuming.handler import Received
from careloop.chassis.events.envelope import Envelope
from careloop.contracts import assessment, coordination, monitoring, prescribing, terms
from careloop.contracts.notifications import Addressee, Channel, Priority
from careloop.contracts.terms import Role
from careloop.kernel.ids import PersonId
from services.notifications.consumers import CAUSES as LISTENER
from services.notifications.consumers import EARLIER, HEARD
from services.notifications.domain.codes import CauseKind
from services.notifications.domain.events import Event, NoticeDecided
from services.notifications.domain.noted import ReleaseNoted, ResolutionNoted, StrikeNoted, TeamNoted
from tests.support.controls import coordination as published
from tests.support.controls import dose_plans as plans
from tests.support.controls import monitoring as doses
from tests.support.controls import notifications as control
from tests.support.controls.moments import NOON, PATIENT, event, fact
from tests.support.controls.notifications import DR_LIND, DR_OSEI, MAYA, RULES, TOM
from tests.support.services.notices import Office, office_in_memory
from tests.support.speaking import CORRELATION
from tests.support.whole import unsaid

EVIDENCE = event("heard")
OCCURRED = NOON - timedelta(hours=3)
RECORDED = NOON - timedelta(minutes=20)
DUE = RECORDED + timedelta(minutes=5)
LATE = RECORDED + timedelta(days=30)


def received(wire_type: str, told: Any, *, actor: str = "who-recorded-it") -> Received:
    envelope = Envelope(
        event_id=EVIDENCE,
        type=wire_type,
        source=wire_type.split(".")[1],
        patient_id=PATIENT,
        occurred_at=told.occurred_at,
        recorded_at=RECORDED,
        position=7,
        previous=6,
        actor=PersonId(actor),
        correlation_id=CORRELATION,
    )
    return Received(envelope=envelope, event=told)


async def office_with(*team: Event) -> Office:
    """An office that has noted these."""
    office = office_in_memory()
    for number, noted in enumerate(team):
        told: Any = noted
        one = received(
            "care.coordination.TeamMemberAssigned.v1",
            coordination.TeamMemberAssigned(
                fact_id=told.fact_id,
                person=told.person,
                name=told.person,
                role=terms.Role(told.role),
                email=told.email,
                effective_from=told.effective_from,
                assigned_by=MAYA,
                occurred_at=told.occurred_at,
            ),
        )
        await office.hear(
            structs.replace(one, envelope=structs.replace(one.envelope, event_id=event(f"team {number}")))
        )
    return office


async def heard(wire_type: str, told: Any, *team: Event, actor: str = "who-recorded-it") -> list[Event]:
    """What one event comes to."""
    office = await office_with(*team)
    before = len(await office.stored())
    await office.hear(received(wire_type, told, actor=actor))
    return list(await office.stored())[before:]


def test_notifications_listens_to_what_somebody_must_hear_and_to_every_strike() -> None:
    assert {name: contract for name, (contract, _hear) in HEARD.items()} == {
        "care.coordination.TeamMemberAssigned.v1": coordination.TeamMemberAssigned,
        "care.coordination.TeamMemberReleased.v1": coordination.TeamMemberReleased,
        "care.coordination.MessagePosted.v1": coordination.MessagePosted,
        "care.coordination.EnteredInError.v1": terms.EnteredInError,
        "care.monitoring.SideEffectReported.v1": monitoring.SideEffectReported,
        "care.monitoring.SideEffectResolved.v1": monitoring.SideEffectResolved,
        "care.monitoring.DoseRecorded.v1": monitoring.DoseRecorded,
        "care.monitoring.EmergencyDeclared.v1": monitoring.EmergencyDeclared,
        "care.monitoring.ExtraDoseReported.v1": monitoring.ExtraDoseReported,
        "care.monitoring.RiskRaised.v1": terms.RiskRaised,
        "care.monitoring.RiskContactRecorded.v1": monitoring.RiskContactRecorded,
        "care.monitoring.RiskEnded.v1": monitoring.RiskEnded,
        "care.monitoring.ResultActionRaised.v1": monitoring.ResultActionRaised,
        "care.monitoring.ResultActionEnded.v1": monitoring.ResultActionEnded,
        "care.monitoring.ScaleScored.v1": terms.ScaleScored,
        "care.assessment.ScaleScored.v1": terms.ScaleScored,
        "care.monitoring.EnteredInError.v1": terms.EnteredInError,
        "care.assessment.RiskRaised.v1": terms.RiskRaised,
        "care.assessment.AssessmentCompleted.v1": assessment.AssessmentCompleted,
        "care.assessment.PlanProposed.v1": assessment.PlanProposed,
        "care.prescribing.DiscrepancyFound.v1": prescribing.DiscrepancyFound,
        "care.prescribing.DiscrepancyOverdue.v1": prescribing.DiscrepancyOverdue,
        "care.prescribing.DiscrepancyResolved.v1": prescribing.DiscrepancyResolved,
        "care.assessment.EnteredInError.v1": terms.EnteredInError,
        "care.prescribing.ConcernsRaised.v1": prescribing.ConcernsRaised,
        "care.prescribing.ConcernAnswered.v1": prescribing.ConcernAnswered,
        "care.prescribing.ConcernEnded.v1": prescribing.ConcernEnded,
        **{f"care.prescribing.{type(one).__name__}.v1": type(one) for one in plans.PUBLISHED_STORY},
        "care.prescribing.PrescriptionIssued.v1": prescribing.PrescriptionIssued,
        "care.prescribing.PrescriptionDeclined.v1": prescribing.PrescriptionDeclined,
        "care.prescribing.DoseChanged.v1": prescribing.DoseChanged,
        "care.prescribing.PrescriptionDiscontinued.v1": prescribing.PrescriptionDiscontinued,
        "care.prescribing.EnteredInError.v1": terms.EnteredInError,
    }
    assert LISTENER.sources == ("assessment", "coordination", "monitoring", "prescribing")
    assert EARLIER.sources == ("assessment", "monitoring")


@pytest.mark.parametrize("role", terms.Role)
async def test_an_assignment_is_noted_with_every_field_and_in_every_role(role: terms.Role) -> None:
    told = coordination.TeamMemberAssigned(
        fact_id=fact("assigned"),
        person=TOM,
        name="Tom",
        role=role,
        email="tom@example.org",
        effective_from=NOON + timedelta(days=2),
        assigned_by=MAYA,
        occurred_at=OCCURRED,
    )
    noted = TeamNoted(
        evidence=EVIDENCE,
        fact_id=fact("assigned"),
        person=TOM,
        role=Role(role.value),
        email="tom@example.org",
        effective_from=NOON + timedelta(days=2),
        occurred_at=OCCURRED,
    )
    assert unsaid(noted) == []
    assert await heard("care.coordination.TeamMemberAssigned.v1", told) == [noted]
    without = replace(told, email="")
    assert await heard("care.coordination.TeamMemberAssigned.v1", without) == [replace(noted, email="")]


@pytest.mark.parametrize("role", terms.Role)
async def test_a_release_is_noted_with_every_field_and_in_every_role(role: terms.Role) -> None:
    told = coordination.TeamMemberReleased(
        fact_id=fact("released"),
        person=TOM,
        role=role,
        effective_from=NOON + timedelta(days=3),
        released_by=MAYA,
        occurred_at=OCCURRED,
    )
    noted = ReleaseNoted(
        evidence=EVIDENCE,
        fact_id=fact("released"),
        person=TOM,
        role=Role(role.value),
        effective_from=NOON + timedelta(days=3),
        occurred_at=OCCURRED,
    )
    assert unsaid(noted) == []
    assert await heard("care.coordination.TeamMemberReleased.v1", told) == [noted]


@pytest.mark.parametrize("source", LISTENER.sources)
async def test_a_strike_of_every_source_is_noted_with_every_field(source: str) -> None:
    told = terms.EnteredInError(fact_id=fact("wrong"), reason="typo", marked_by=MAYA, occurred_at=OCCURRED)
    noted = StrikeNoted(evidence=EVIDENCE, fact_id=fact("wrong"), occurred_at=OCCURRED)
    assert await heard(f"care.{source}.EnteredInError.v1", told) == [noted]


async def test_a_resolution_is_noted_with_every_field() -> None:
    told = monitoring.SideEffectResolved(
        fact_id=fact("resolution"),
        side_effect=fact("rash"),
        outcome=monitoring.SideEffectOutcome.ONGOING,
        action_taken="lamotrigine stopped",
        resolved_by=DR_OSEI,
        occurred_at=OCCURRED,
    )
    noted = ResolutionNoted(
        evidence=EVIDENCE, fact_id=fact("resolution"), side_effect=fact("rash"), occurred_at=OCCURRED
    )
    assert await heard("care.monitoring.SideEffectResolved.v1", told) == [noted]


def risk(level: terms.RiskLevel, due_at: datetime = DUE) -> terms.RiskRaised:
    return terms.RiskRaised(
        fact_id=fact("risk"),
        scale_fact_id=fact("scale"),
        level=level,
        reason="phq-9-item-9",
        rule="risk.phq-9-item-9",
        rule_version=1,
        due_at=due_at,
        occurred_at=OCCURRED,
    )


def side_effect(
    level: terms.TriageLevel, due_at: datetime | None = DUE, grade: int | None = None, *flags: str
) -> monitoring.SideEffectReported:
    return monitoring.SideEffectReported(
        fact_id=fact("rash"),
        symptom="rash",
        own_words="red spots",
        ctcae_grade=grade,
        fibser_frequency=1,
        fibser_intensity=2,
        fibser_burden=3,
        suspected_medicine=published.LAMOTRIGINE,
        reporter=monitoring.ReporterKind.CLIENT,
        reported_by="client",
        triage=terms.Triage(level=level, rule="r", rule_version=1, red_flags=flags, due_at=due_at),
        occurred_at=OCCURRED,
    )


OVER_ALERT = replace(published.ISSUED, fact_id=fact("issued"), prescriber=DR_LIND, occurred_at=OCCURRED)
ISSUED = replace(OVER_ALERT, capsule=replace(published.CAPSULE, overrides=()))
DECLINED = replace(
    published.DECLINED,
    fact_id=fact("declined"),
    prescriber=DR_LIND,
    reasons=("contraindicated", "washout"),
    occurred_at=OCCURRED,
)
CHANGED = replace(
    published.CHANGED,
    fact_id=fact("changed"),
    to_daily_dose_mg=Decimal("37.5"),
    effective_on=date(2026, 11, 24),
    reason="too little",
    occurred_at=OCCURRED,
)
DISCONTINUED = replace(
    published.DISCONTINUED,
    fact_id=fact("discontinued"),
    status_reason=prescribing.StatusReason.PREGNANCY,
    stopped_on=date(2026, 11, 22),
    occurred_at=OCCURRED,
)
COMPLETED = replace(published.COMPLETED, fact_id=fact("completed"), diagnoses=("F33.1", "F41.1"), occurred_at=OCCURRED)
MESSAGE = coordination.MessagePosted(
    fact_id=fact("message"),
    sender=MAYA,
    recipient=TOM,
    about=fact("rash"),
    text="Please look at the rash.",
    occurred_at=OCCURRED,
)


def written(level: terms.TriageLevel, rule: str = "r") -> coordination.MessagePosted:
    triage = terms.Triage(level=level, rule=rule, rule_version=1, red_flags=("ran-out",), due_at=DUE)
    return replace(MESSAGE, sender="client", triage=triage)


def skipped(level: terms.TriageLevel) -> monitoring.DoseRecorded:
    triage = terms.Triage(level=level, rule="r", rule_version=1, red_flags=(), due_at=DUE)
    return monitoring.DoseRecorded(
        fact_id=fact("skipped"),
        medicine=published.LAMOTRIGINE,
        prescription=None,
        status=monitoring.DoseStatus.SKIPPED,
        reason="no pills left",
        recorded_by="client",
        occurred_at=OCCURRED,
        triage=triage,
    )


CONTRAINDICATED = "What the client takes is contraindicated now"


def concerns(*severities: str, ours: bool = True) -> prescribing.ConcernsRaised:
    """One for each severity, about a prescription of ours or about something that is only listed."""
    (ours_one,) = published.CONCERNS_RAISED.concerns
    about = ours_one if ours else replace(ours_one, prescription=None)
    raised = (replace(about, alert=replace(about.alert, severity=severity)) for severity in severities)
    return replace(published.CONCERNS_RAISED, concerns=tuple(raised), occurred_at=OCCURRED)


Said = tuple[str, Any, CauseKind, str, str, str]
"""Type, event, and of the notice: kind, subject, detail and whom it names."""
NOW, CONTACT = "High suicide risk: contact the client now", "Moderate suicide risk: contact the client"
ANSWER = "An answer asks for a suicide-risk contact"
RISK_OF, EFFECT = "care.{}.RiskRaised.v1", "care.monitoring.SideEffectReported.v1"
POSTED, DOSED = "care.coordination.MessagePosted.v1", "care.monitoring.DoseRecorded.v1"
EMERGENCY = (CauseKind.CLIENT_WROTE_EMERGENCY, "The client wrote of an emergency: contact them now")
TODAY_READ = (CauseKind.CLIENT_WROTE_SAME_DAY, "What the client wrote is to be answered today")
TRIAGED, LEVELS = terms.TriageLevel, terms.RiskLevel
PLAN_CHANGED = replace(published.PROPOSED, fact_id=fact("plan"), replaces=fact("plan before"), occurred_at=OCCURRED)
PLAN = {type(one).__name__: replace(one, occurred_at=OCCURRED) for one in plans.PUBLISHED_STORY}
HELD, OF_LIND = PLAN["StepHeld"], {"prescriber": DR_LIND}
CLIENT_HOLDS = "The client holds a step of their dose plan: hear today why"
AGAIN_AND_BROKEN = (
    "client-wish; held again: see the client within 7 days; what remains is not legal so: sign another plan"
)
OF_PLANS: list[Said] = [
    (f"care.prescribing.{type(told).__name__}.v1", told, kind, subject, detail, named)
    for told, kind, subject, detail, named in (
        (PLAN["DosePlanSigned"], CauseKind.PLAN_SIGNED, "A dose plan was signed", "taper, 2 steps: sertraline", ""),
        (
            replace(PLAN["StepDue"], **OF_LIND),
            CauseKind.STEP_DUE,
            "A step of a dose plan is due: without a confirmation it does not happen",
            plans.WHAT,
            DR_LIND,
        ),
        (
            replace(PLAN["StepOverdue"], **OF_LIND),
            CauseKind.STEP_OVERDUE,
            "A step of a dose plan was not confirmed: the dose before goes on",
            plans.WHAT,
            DR_LIND,
        ),
        *(
            (PLAN[kind], CauseKind.STEP_CONFIRMED, "Your medicine changes as planned", plans.WHAT, "")
            for kind in ("StepConfirmed", "SafetyStepTaken")
        ),
        (
            replace(PLAN["StepDeclined"], declined=None, reasons=("plan-not-legal", "result-missing"), **OF_LIND),
            CauseKind.STEP_DECLINED,
            "A step of a dose plan was declined",
            f"{plans.WHAT}: plan-not-legal, result-missing",
            DR_LIND,
        ),
        (
            replace(HELD, in_a_row=1, breaks=(), **OF_LIND),
            CauseKind.STEP_HELD_BY_CLIENT,
            CLIENT_HOLDS,
            f"{plans.WHAT}: client-wish",
            DR_LIND,
        ),
        (
            replace(HELD, **OF_LIND),
            CauseKind.STEP_HELD_BY_CLIENT,
            CLIENT_HOLDS,
            f"{plans.WHAT}: {AGAIN_AND_BROKEN}",
            DR_LIND,
        ),
        (
            replace(HELD, by_client=False, in_a_row=0, breaks=()),
            CauseKind.STEP_HELD,
            "A step of a dose plan waits",
            f"{plans.WHAT}: client-wish",
            "",
        ),
        (
            PLAN["StepChanged"],
            CauseKind.STEP_CHANGED,
            "A step of a dose plan has another day",
            f"{plans.WHAT}: supply",
            "",
        ),
        (PLAN["DosePlanEnded"], CauseKind.PLAN_ENDED, "A dose plan ended", "relapse", ""),
    )
]
CAUSES: list[Said] = [
    *OF_PLANS,
    *(
        (RISK_OF.format(source), risk(level), kind, subject, "phq-9-item-9", "")
        for source in ("assessment", "monitoring")
        for level, kind, subject in (
            (LEVELS.HIGH, CauseKind.RISK_HIGH, NOW),
            (LEVELS.MODERATE, CauseKind.RISK_MODERATE, CONTACT),
            (LEVELS.LOW, CauseKind.RISK_LOW, ANSWER),
            (LEVELS.NONE, CauseKind.RISK_LOW, ANSWER),
        )
    ),
    *(
        (
            RISK_OF.format(source),
            replace(risk(LEVELS.MODERATE), reason="c-ssrs-history"),
            CauseKind.RISK_HISTORY,
            "Earlier suicidal behaviour: say how high the risk is",
            "c-ssrs-history",
            "",
        )
        for source in ("assessment", "monitoring")
    ),
    *(
        (
            f"care.{source}.ScaleScored.v1",
            replace(published.BASELINE, fact_id=fact("blank"), flags=("safety-item-missing",), occurred_at=OCCURRED),
            CauseKind.SAFETY_ITEM_MISSING,
            "A question about safety was left blank: ask the client today",
            "phq-9",
            "",
        )
        for source in ("assessment", "monitoring")
    ),
    *(
        (
            "care.monitoring.ResultActionRaised.v1",
            replace(published.DEMANDED, severity=severity, due_at=DUE, occurred_at=OCCURRED),
            kind,
            subject,
            "lithium: Lithium above 1.5 mmol/L. Hold lithium.",
            "",
        )
        for severity, kind, subject in (
            ("contraindicated", CauseKind.RESULT_CRITICAL, "A result demands that a drug is held or stopped: act now"),
            ("high", CauseKind.RESULT_HIGH, "A result to act on today"),
            ("moderate", CauseKind.RESULT_TO_LOOK_AT, "A result to look at"),
        )
    ),
    (
        EFFECT,
        side_effect(TRIAGED.EMERGENCY_NOW, DUE, 4, "rash", "fever"),
        CauseKind.SIDE_EFFECT_EMERGENCY,
        "Side effect: emergency, act now",
        "rash, CTCAE grade 4; rash, fever",
        "",
    ),
    (
        "care.monitoring.EmergencyDeclared.v1",
        replace(published.EMERGENCY, occurred_at=OCCURRED),
        CauseKind.EMERGENCY_DECLARED,
        "The client took too much: act now",
        "took-too-much",
        "",
    ),
    (
        "care.monitoring.EmergencyDeclared.v1",
        replace(doses.EMERGENCY, occurred_at=OCCURRED),
        CauseKind.EMERGENCY_DECLARED,
        "The client took too much: act now",
        "double-daily-dose: lithium: 1800 mg within 24 hours, 900 mg a day",
        "",
    ),
    (
        "care.monitoring.ExtraDoseReported.v1",
        replace(published.EXTRA_DOSE, due_at=DUE, occurred_at=OCCURRED),
        CauseKind.EXTRA_DOSE,
        "An extra dose of what is dangerous in overdose: to be looked at today",
        "lithium: Builds up for hours after it was taken; kidney, brain.",
        "",
    ),
    (
        EFFECT,
        side_effect(TRIAGED.SAME_DAY, DUE, 3),
        CauseKind.SIDE_EFFECT_SAME_DAY,
        "Side effect to be looked at today",
        "rash, CTCAE grade 3",
        "",
    ),
    (
        EFFECT,
        side_effect(TRIAGED.WITHIN_72_HOURS, DUE, None, "rash"),
        CauseKind.SIDE_EFFECT_WITHIN_72_HOURS,
        "Side effect to be looked at within 72 hours",
        "rash; rash",
        "",
    ),
    (
        EFFECT,
        side_effect(TRIAGED.NEXT_VISIT, None),
        CauseKind.SIDE_EFFECT_NEXT_VISIT,
        "Side effect for the next visit",
        "rash",
        "",
    ),
    (
        "care.prescribing.PrescriptionIssued.v1",
        ISSUED,
        CauseKind.PRESCRIPTION_ISSUED,
        "A prescription was issued",
        "sertraline",
        "",
    ),
    (
        "care.prescribing.PrescriptionIssued.v1",
        OVER_ALERT,
        CauseKind.PRESCRIPTION_ISSUED_OVER_ALERT,
        "A prescription was issued over a high alert",
        "sertraline; over interaction.ssri-nsaid",
        DR_LIND,
    ),
    (
        "care.prescribing.PrescriptionDeclined.v1",
        DECLINED,
        CauseKind.PRESCRIPTION_DECLINED,
        "An order was declined by the safety check",
        "phenelzine: contraindicated, washout",
        DR_LIND,
    ),
    (
        "care.prescribing.DoseChanged.v1",
        CHANGED,
        CauseKind.DOSE_CHANGED,
        "A dose was changed",
        "to 37.5 mg a day from 2026-11-24: too little",
        "",
    ),
    (
        "care.prescribing.DoseChanged.v1",
        replace(CHANGED, capsule=published.CAPSULE, prescriber=DR_LIND),
        CauseKind.DOSE_CHANGED_OVER_ALERT,
        "A dose was changed over a high alert",
        "to 37.5 mg a day from 2026-11-24: too little; over interaction.ssri-nsaid",
        DR_LIND,
    ),
    (
        "care.prescribing.PrescriptionDiscontinued.v1",
        DISCONTINUED,
        CauseKind.PRESCRIPTION_DISCONTINUED,
        "A prescription was discontinued",
        "last dose 2026-11-22: preg",
        "",
    ),
    (
        "care.assessment.AssessmentCompleted.v1",
        COMPLETED,
        CauseKind.ASSESSMENT_COMPLETED,
        "The initial assessment is complete",
        "F33.1, F41.1",
        "",
    ),
    (
        "care.assessment.AssessmentCompleted.v1",
        replace(COMPLETED, diagnoses=()),
        CauseKind.ASSESSMENT_COMPLETED,
        "The initial assessment is complete",
        "",
        "",
    ),
    (
        "care.prescribing.DiscrepancyFound.v1",
        replace(published.DISCREPANCY, fact_id=fact("discrepancy"), occurred_at=OCCURRED),
        CauseKind.DISCREPANCY_FOUND,
        "The client's list differs from a prescription",
        "sertraline: dose",
        "",
    ),
    (
        "care.prescribing.DiscrepancyOverdue.v1",
        replace(published.DISCREPANCY_OVERDUE, occurred_at=OCCURRED),
        CauseKind.DISCREPANCY_OVERDUE,
        "Nobody answered that the client's list differs from a prescription: answer it today",
        "sertraline: dose",
        "",
    ),
    *(
        (
            "care.prescribing.ConcernsRaised.v1",
            concerns(*severities, ours=kind is not CauseKind.CONCERN_LISTED),
            kind,
            subject,
            "; ".join(f"sertraline 50 MG Oral Tablet: sertraline, phenelzine ({severity})" for severity in severities),
            "",
        )
        for severities, kind, subject in (
            (
                ("contraindicated", "high"),
                CauseKind.CONCERN_CONTRAINDICATED,
                CONTRAINDICATED,
            ),
            (("of-a-later-build",), CauseKind.CONCERN_CONTRAINDICATED, CONTRAINDICATED),
            (("low", "high"), CauseKind.CONCERN_HIGH, "A high alert against what the client takes"),
            (("high",), CauseKind.CONCERN_LISTED, "A high alert against what the client takes"),
            (("moderate",), CauseKind.CONCERN_MODERATE, "An alert against what the client takes"),
        )
    ),
    (
        "care.assessment.PlanProposed.v1",
        PLAN_CHANGED,
        CauseKind.PLAN_CHANGED,
        "The plan was changed",
        "1 medications, 1 therapies, 1 goals",
        "",
    ),
    (
        "care.coordination.MessagePosted.v1",
        MESSAGE,
        CauseKind.MESSAGE_POSTED,
        "A message from a colleague",
        "Please look at the rash.",
        TOM,
    ),
    (
        "care.coordination.MessagePosted.v1",
        replace(MESSAGE, sender="client"),
        CauseKind.MESSAGE_FROM_CLIENT,
        "A message from the client",
        "Please look at the rash.",
        TOM,
    ),
    (
        POSTED,
        written(TRIAGED.NEXT_VISIT),
        CauseKind.MESSAGE_FROM_CLIENT,
        "A message from the client",
        "Please look at the rash.",
        TOM,
    ),
    (POSTED, written(TRIAGED.EMERGENCY_NOW), *EMERGENCY, "Please look at the rash.", TOM),
    (POSTED, written(TRIAGED.SAME_DAY), *TODAY_READ, "Please look at the rash.", TOM),
    (
        POSTED,
        written(TRIAGED.WITHIN_72_HOURS),
        CauseKind.CLIENT_WROTE_WITHIN_72_HOURS,
        "What the client wrote is to be answered within 72 hours",
        "Please look at the rash.",
        TOM,
    ),
    (
        POSTED,
        written(TRIAGED.SAME_DAY, "triage.not-understood"),
        CauseKind.CLIENT_WROTE_NOT_UNDERSTOOD,
        "Only a person can tell what the client means: read it today",
        "Please look at the rash.",
        TOM,
    ),
    (
        "care.coordination.MessagePosted.v1",
        replace(MESSAGE, recipient="client"),
        CauseKind.MESSAGE_TO_CLIENT,
        "A message from your care team",
        "Please look at the rash.",
        "client",
    ),
]

BOTH, INBOX = (Channel.INBOX, Channel.EMAIL), (Channel.INBOX,)
LIND_ROLE = Role.PSYCHIATRIC_NURSE_PRACTITIONER
Rungs = tuple[tuple[tuple[str, Role], ...], ...]
OSEI, LIND = (DR_OSEI, Role.PSYCHIATRIST), (DR_LIND, LIND_ROLE)
MANAGER, THERAPIST, LAST = (MAYA, Role.CARE_MANAGER), (TOM, Role.THERAPIST), ("on-call", Role.PSYCHIATRIST)
TOLD: dict[CauseKind, tuple[Priority, Rungs]] = {
    CauseKind.RISK_HIGH: (Priority.STAT, ((OSEI, MANAGER), (THERAPIST,), (LIND,), (LAST,))),
    CauseKind.RISK_MODERATE: (Priority.URGENT, ((OSEI,), (MANAGER,), (THERAPIST, LIND), (LAST,))),
    CauseKind.RISK_LOW: (Priority.ROUTINE, ((OSEI,), (MANAGER,), (LAST,))),
    CauseKind.RISK_HISTORY: (Priority.ROUTINE, ((OSEI,), (MANAGER,), (LAST,))),
    CauseKind.SAFETY_ITEM_MISSING: (Priority.URGENT, ((MANAGER,), (THERAPIST,), (OSEI,), (LAST,))),
    CauseKind.SIDE_EFFECT_EMERGENCY: (Priority.STAT, ((OSEI, MANAGER), (LIND, THERAPIST), (LAST,))),
    CauseKind.EMERGENCY_DECLARED: (Priority.STAT, ((OSEI, MANAGER), (LIND, THERAPIST), (LAST,))),
    CauseKind.EXTRA_DOSE: (Priority.URGENT, ((OSEI,), (MANAGER,), (LIND,), (LAST,))),
    CauseKind.SIDE_EFFECT_SAME_DAY: (Priority.URGENT, ((OSEI,), (MANAGER,), (LIND,), (LAST,))),
    CauseKind.SIDE_EFFECT_WITHIN_72_HOURS: (Priority.ROUTINE, ((OSEI,), (MANAGER,), (LAST,))),
    CauseKind.RESULT_CRITICAL: (Priority.STAT, ((OSEI,), (MANAGER, LIND), (LAST,))),
    CauseKind.RESULT_HIGH: (Priority.URGENT, ((OSEI,), (LIND,), (MANAGER,), (LAST,))),
    CauseKind.RESULT_TO_LOOK_AT: (Priority.ROUTINE, ((OSEI,), (MANAGER,), (LAST,))),
    CauseKind.SIDE_EFFECT_NEXT_VISIT: (Priority.ROUTINE, ((OSEI,),)),
    CauseKind.PRESCRIPTION_DECLINED: (Priority.ROUTINE, ((LIND,),)),
    CauseKind.PRESCRIPTION_ISSUED: (Priority.ROUTINE, ((THERAPIST, MANAGER),)),
    CauseKind.PRESCRIPTION_ISSUED_OVER_ALERT: (Priority.ROUTINE, ((THERAPIST, MANAGER),)),
    CauseKind.DOSE_CHANGED_OVER_ALERT: (Priority.ROUTINE, ((THERAPIST, MANAGER),)),
    CauseKind.DOSE_CHANGED: (Priority.ROUTINE, ((THERAPIST, MANAGER),)),
    CauseKind.PRESCRIPTION_DISCONTINUED: (Priority.ROUTINE, ((THERAPIST, MANAGER),)),
    CauseKind.ASSESSMENT_COMPLETED: (Priority.ROUTINE, ((OSEI, LIND, MANAGER, THERAPIST),)),
    CauseKind.DISCREPANCY_FOUND: (Priority.ROUTINE, ((OSEI,), (MANAGER,), (LAST,))),
    CauseKind.DISCREPANCY_OVERDUE: (Priority.URGENT, ((OSEI,), (MANAGER, LIND), (LAST,))),
    CauseKind.CONCERN_CONTRAINDICATED: (Priority.STAT, ((OSEI, MANAGER), (LIND,), (LAST,))),
    CauseKind.CONCERN_HIGH: (Priority.URGENT, ((OSEI,), (MANAGER,), (LIND,), (LAST,))),
    CauseKind.CONCERN_LISTED: (Priority.URGENT, ((MANAGER, OSEI), (LIND,), (LAST,))),
    CauseKind.CONCERN_MODERATE: (Priority.ROUTINE, ((OSEI,), (MANAGER,), (LAST,))),
    CauseKind.PLAN_SIGNED: (Priority.ROUTINE, ((THERAPIST, MANAGER),)),
    CauseKind.STEP_DUE: (Priority.ROUTINE, ((LIND,),)),
    CauseKind.STEP_OVERDUE: (Priority.ROUTINE, ((LIND,), (MANAGER,), (LAST,))),
    CauseKind.STEP_CONFIRMED: (Priority.ROUTINE, ((("client", terms.Role.CLIENT),),)),
    CauseKind.STEP_DECLINED: (Priority.ROUTINE, ((LIND,),)),
    CauseKind.STEP_HELD_BY_CLIENT: (Priority.URGENT, ((LIND,), (MANAGER,), (OSEI,), (LAST,))),
    CauseKind.STEP_HELD: (Priority.ROUTINE, ((THERAPIST, MANAGER),)),
    CauseKind.STEP_CHANGED: (Priority.ROUTINE, ((THERAPIST, MANAGER),)),
    CauseKind.PLAN_ENDED: (Priority.ROUTINE, ((THERAPIST, MANAGER),)),
    CauseKind.PLAN_CHANGED: (Priority.ROUTINE, ((OSEI, LIND, MANAGER, THERAPIST),)),
    CauseKind.MESSAGE_POSTED: (Priority.ROUTINE, ((THERAPIST,),)),
    CauseKind.MESSAGE_FROM_CLIENT: (Priority.ROUTINE, ((THERAPIST,),)),
    CauseKind.CLIENT_WROTE_EMERGENCY: (Priority.STAT, ((OSEI, MANAGER, THERAPIST), (LIND,), (LAST,))),
    CauseKind.CLIENT_WROTE_SAME_DAY: (Priority.URGENT, ((OSEI, THERAPIST), (MANAGER,), (LIND,), (LAST,))),
    CauseKind.CLIENT_WROTE_WITHIN_72_HOURS: (Priority.ROUTINE, ((OSEI, THERAPIST), (MANAGER,), (LAST,))),
    CauseKind.CLIENT_WROTE_NOT_UNDERSTOOD: (Priority.ROUTINE, ((THERAPIST,), (MANAGER,), (OSEI,), (LAST,))),
    CauseKind.MESSAGE_TO_CLIENT: (Priority.ROUTINE, ((("client", terms.Role.CLIENT),),)),
}
BY_WINDOW = {
    CauseKind.CONCERN_CONTRAINDICATED: RULES.stat_window,
    CauseKind.CONCERN_HIGH: RULES.urgent_window,
    CauseKind.CONCERN_LISTED: RULES.urgent_window,
    CauseKind.CONCERN_MODERATE: RULES.routine_window,
    CauseKind.DISCREPANCY_FOUND: RULES.routine_window,
    CauseKind.EMERGENCY_DECLARED: RULES.stat_window,
    CauseKind.DISCREPANCY_OVERDUE: RULES.urgent_window,
    CauseKind.SAFETY_ITEM_MISSING: RULES.urgent_window,
    CauseKind.STEP_OVERDUE: RULES.routine_window,
    CauseKind.STEP_HELD_BY_CLIENT: RULES.urgent_window,
}
"""Whose clock nothing but the programme sets."""
OF_AN_END = {CauseKind.DEATH_RECORDED, CauseKind.CARING_CONTACT}
"""What another consumer hears."""
WITH_A_CLOCK = {
    *BY_WINDOW,
    CauseKind.RISK_HIGH,
    CauseKind.RISK_MODERATE,
    CauseKind.RISK_LOW,
    CauseKind.RISK_HISTORY,
    CauseKind.RESULT_CRITICAL,
    CauseKind.RESULT_HIGH,
    CauseKind.RESULT_TO_LOOK_AT,
    CauseKind.SIDE_EFFECT_EMERGENCY,
    CauseKind.SIDE_EFFECT_SAME_DAY,
    CauseKind.EMERGENCY_DECLARED,
    CauseKind.EXTRA_DOSE,
    CauseKind.SIDE_EFFECT_WITHIN_72_HOURS,
    CauseKind.CLIENT_WROTE_EMERGENCY,
    CauseKind.CLIENT_WROTE_SAME_DAY,
    CauseKind.CLIENT_WROTE_WITHIN_72_HOURS,
    CauseKind.CLIENT_WROTE_NOT_UNDERSTOOD,
    CauseKind.DISCREPANCY_FOUND,
}
DAY_LATER = RECORDED + RULES.routine_window
CLOCKS_BY_WINDOW = {
    CauseKind.DISCREPANCY_FOUND: DAY_LATER,
    CauseKind.SAFETY_ITEM_MISSING: RECORDED + RULES.urgent_window,
    CauseKind.EMERGENCY_DECLARED: RECORDED + RULES.stat_window,
}
ACT_BY = {
    **dict.fromkeys((CauseKind.RISK_HIGH, CauseKind.RISK_MODERATE, CauseKind.RISK_LOW, CauseKind.RISK_HISTORY), DUE),
    CauseKind.SAFETY_ITEM_MISSING: RECORDED + timedelta(hours=12),
}
"""Until when what the notice asks for must have been done."""
EVERYBODY = (*control.TEAM, control.OTHER_PRESCRIBER)


def test_the_causes_are_of_every_kind_and_every_level() -> None:
    assert {kind for _, _, kind, *_ in CAUSES} == set(CauseKind) - OF_AN_END - {CauseKind.RECORDS_WAIT} == set(TOLD)
    assert {told.level for _, told, *_ in CAUSES if isinstance(told, terms.RiskRaised)} == set(terms.RiskLevel)
    effects = [told for _, told, *_ in CAUSES if isinstance(told, monitoring.SideEffectReported)]
    assert {told.triage.level for told in effects} == set(terms.TriageLevel)


@pytest.mark.parametrize("said", CAUSES, ids=lambda said: f"{said[0].split('.')[1]}-{said[2]}")
async def test_a_cause_becomes_one_notice_that_says_all_of_it(said: Said) -> None:
    wire_type, told, kind, subject, detail, named = said
    priority, rungs = TOLD[kind]
    acknowledged = kind in WITH_A_CLOCK
    clock = (RECORDED + BY_WINDOW[kind] if kind in BY_WINDOW else DUE) if acknowledged else None
    quiet = kind in (CauseKind.CONCERN_MODERATE, CauseKind.STEP_OVERDUE)
    channels = BOTH if acknowledged and not quiet else INBOX
    notice, *entries = await heard(wire_type, told, *EVERYBODY)
    assert isinstance(notice, NoticeDecided)
    assert notice == NoticeDecided(
        fact_id=notice.fact_id,
        cause=EVIDENCE,
        cause_fact=told.discrepancy if isinstance(told, prescribing.DiscrepancyOverdue) else told.fact_id,
        cause_type=wire_type,
        cause_recorded_at=RECORDED,
        kind=kind,
        named=named,
        subject=subject,
        detail=detail,
        priority=priority,
        addressees=tuple(
            Addressee(person=person, role=role, channels=channels, step=step)
            for step, rung in enumerate(rungs)
            for person, role in rung
        ),
        acknowledge_by=clock,
        suppressed="",
        occurred_at=NOON,
        cause_occurred_at=told.occurred_at,
        sender=getattr(told, "sender", UNSET),
        due_at=ACT_BY.get(kind, UNSET),
    )
    assert notice.fact_id not in (told.fact_id, EVIDENCE)
    assert [(one.person, one.channel, one.step, one.attempt, one.notice, one.occurred_at) for one in entries] == [  # type: ignore[union-attr]
        (person, Channel.INBOX, 0, 1, notice.fact_id, NOON) for person, _ in rungs[0]
    ]


@pytest.mark.parametrize(
    ("level", "kind", "at_once"),
    [
        (TRIAGED.EMERGENCY_NOW, CauseKind.CLIENT_WROTE_EMERGENCY, [DR_OSEI, MAYA]),
        (TRIAGED.SAME_DAY, CauseKind.CLIENT_WROTE_SAME_DAY, [DR_OSEI]),
        (TRIAGED.WITHIN_72_HOURS, CauseKind.CLIENT_WROTE_WITHIN_72_HOURS, [DR_OSEI]),
    ],
)
async def test_why_a_dose_was_skipped_is_heard_by_who_must_act(
    level: terms.TriageLevel, kind: CauseKind, at_once: list[str]
) -> None:
    notice, *_ = await heard(DOSED, skipped(level), *EVERYBODY)
    assert isinstance(notice, NoticeDecided)
    assert (notice.kind, notice.detail, notice.acknowledge_by) == (kind, "lamotrigine: no pills left", DUE)
    assert [one.person for one in notice.addressees if one.step == 0] == at_once


async def test_a_reason_that_waits_and_one_that_nobody_read_are_no_notice() -> None:
    assert await heard(DOSED, skipped(TRIAGED.NEXT_VISIT), *EVERYBODY) == []
    assert await heard(DOSED, replace(skipped(TRIAGED.EMERGENCY_NOW), triage=UNSET), *EVERYBODY) == []


CLOCKS = [
    (RISK_OF.format("monitoring"), risk(LEVELS.HIGH, LATE), RULES.stat_window),
    (RISK_OF.format("assessment"), risk(LEVELS.MODERATE, LATE), RULES.urgent_window),
    (RISK_OF.format("monitoring"), risk(LEVELS.LOW, LATE), RULES.routine_window),
    (EFFECT, side_effect(TRIAGED.EMERGENCY_NOW, LATE), RULES.stat_window),
    (EFFECT, side_effect(TRIAGED.SAME_DAY, LATE), RULES.urgent_window),
    (EFFECT, side_effect(TRIAGED.WITHIN_72_HOURS, LATE), RULES.routine_window),
    (EFFECT, side_effect(TRIAGED.WITHIN_72_HOURS, None), RULES.routine_window),
]


@pytest.mark.parametrize(("wire_type", "told", "window"), CLOCKS)
async def test_without_an_earlier_due_time_the_window_of_its_priority_is_the_clock(
    wire_type: str, told: Any, window: timedelta
) -> None:
    notice = (await heard(wire_type, told, *EVERYBODY))[0]
    assert isinstance(notice, NoticeDecided)
    assert notice.acknowledge_by == RECORDED + window


async def test_who_recorded_a_risk_decides_whether_it_is_news_and_never_when_it_happened() -> None:
    fresh = risk(LEVELS.HIGH)
    stale = replace(fresh, occurred_at=RECORDED - RULES.old_news_after - timedelta(microseconds=1))
    for told, actor, suppressed in (
        (fresh, "who-recorded-it", ""),
        (fresh, "intake", "imported"),
        (stale, "intake", "imported"),
        (stale, "who-recorded-it", ""),
    ):
        notice, *entries = await heard(RISK_OF.format("monitoring"), told, *EVERYBODY, actor=actor)
        assert isinstance(notice, NoticeDecided)
        assert (notice.suppressed, bool(entries)) == (suppressed, not suppressed)


async def test_a_notes_row_names_what_caused_it_and_who_wrote_it() -> None:
    office = await office_with()
    await office.hear(received(RISK_OF.format("monitoring"), risk(LEVELS.HIGH)))
    rows = await office.store.load(PATIENT)
    assert {(row.meta.actor, row.meta.causation_id, row.meta.correlation_id) for row in rows} == {
        ("notifications", EVIDENCE, CORRELATION)
    }


async def test_of_the_first_plan_nobody_hears_before_it_is_part_of_a_completed_assessment() -> None:
    first = replace(PLAN_CHANGED, replaces=UNSET)
    assert await heard("care.assessment.PlanProposed.v1", first, *EVERYBODY) == []


@pytest.mark.parametrize(("severity", "rule"), [("moderate", "interaction.ssri-nsaid"), ("high", "another")])
async def test_an_answer_to_a_lesser_alert_or_to_none_is_no_override_of_a_high_one(severity: str, rule: str) -> None:
    capsule = replace(
        published.CAPSULE,
        alerts=(replace(published.ALERT, severity=severity),),
        overrides=(replace(published.OVERRIDE, rule=rule),),
    )
    notice, *_ = await heard("care.prescribing.PrescriptionIssued.v1", replace(OVER_ALERT, capsule=capsule), *EVERYBODY)
    assert getattr(notice, "kind") == CauseKind.PRESCRIPTION_ISSUED  # noqa: B009 - any event may come back


async def test_a_step_that_was_declined_as_an_order_is_heard_of_once() -> None:
    told = PLAN["StepDeclined"]
    assert told.declined is not None
    assert await heard("care.prescribing.StepDeclined.v1", told, *EVERYBODY) == []


@pytest.mark.parametrize("kind", ["StepConfirmed", "StepHeld", "StepChanged", "DosePlanEnded"])
async def test_what_becomes_of_an_overdue_step_ends_its_notice(kind: str) -> None:
    office = await office_with(*EVERYBODY)
    overdue = PLAN["StepOverdue"]
    await office.hear(received("care.prescribing.StepOverdue.v1", overdue))
    answer = received(f"care.prescribing.{kind}.v1", replace(PLAN[kind], settles=overdue.fact_id))
    await office.hear(structs.replace(answer, envelope=structs.replace(answer.envelope, event_id=event("answer"))))
    (notice,) = [one for one in (await office.board()).notices.values() if one.decided.cause_fact == overdue.fact_id]
    assert (notice.is_open, notice.reason) == (False, "side-effect-resolved")
