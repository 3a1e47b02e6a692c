"""All facts that still stand, in one line: what each kind says of itself, and in which order they stand."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from careloop.contracts import assessment, coordination, monitoring, notifications
from careloop.contracts.terms import Medicine, RiskLevel, Role
from services.coordination.domain.view.section_fold import KNOWN_TYPES
from services.coordination.domain.view.sections import SECTIONS
from services.coordination.domain.view.timeline import TimelineEntry
from tests.coordination.telling import received, recorded_at, view
from tests.support.controls import coordination as control
from tests.support.controls import dose_plans as plans
from tests.support.controls.coordination import struck, week
from tests.support.controls.moments import PRESCRIBER, fact

NO_DOSE = replace(control.ORDER, daily_dose_mg=None)
TAKEN = replace(control.LISTED.medications[0], medicine=Medicine(name="aspirin"))
AMENDED = assessment.AssessmentAmended(
    fact_id=fact("amended"),
    amends=control.COMPLETED.fact_id,
    amended_by="dr-lind",
    credential=Role.PSYCHIATRIST,
    reason="a diagnosis was missing",
    diagnoses=(),
    suicide_risk=RiskLevel.LOW,
    plan=control.PLAN,
    rests_on=(),
    occurred_at=week(2),
)
WITHDRAWN = notifications.NoticeWithdrawn(
    notice=control.NOTICE.fact_id, reason="cause-entered-in-error", occurred_at=week(9)
)
WITHOUT_A_NAME = replace(control.RESULTS.results[0], display="", unit="")
ASSIGNED, RELEASED, POSTED = (
    next(one for one in control.PUBLISHED_EXAMPLES if type(one) is kind)
    for kind in (coordination.TeamMemberAssigned, coordination.TeamMemberReleased, coordination.MessagePosted)
)
PLAN: dict[str, Any] = {type(one).__name__: one for one in plans.PUBLISHED_STORY}

SAYS: list[tuple[str, Any, str, str]] = [
    ("assessment", control.ENROLLED, "PatientEnrolled", "enrolled"),
    ("assessment", control.HISTORY, "HistoryRecorded", "1 conditions, 1 earlier treatments"),
    ("assessment", replace(control.HISTORY, conditions=()), "HistoryRecorded", "0 conditions, 1 earlier treatments"),
    (
        "assessment",
        replace(control.LISTED, medications=(control.LISTED.medications[0], TAKEN)),
        "MedicationsReconciled",
        "lisinopril, aspirin",
    ),
    ("assessment", replace(control.LISTED, medications=()), "MedicationsReconciled", "none taken"),
    (
        "assessment",
        replace(
            control.ALLERGIC,
            allergies=(
                control.ALLERGIC.allergies[0],
                replace(control.ALLERGIC.allergies[0], substance=Medicine(name="latex")),
            ),
        ),
        "AllergiesRecorded",
        "penicillin V, latex",
    ),
    ("assessment", control.NO_ALLERGIES, "AllergiesRecorded", "no known allergies"),
    (
        "assessment",
        control.LIST_GAPS,
        "ListGapsRecorded",
        "medications of ehr-import: 2 entries could not be read",
    ),
    *(
        ("assessment", replace(control.NOT_PREGNANT, status=status), "PregnancyRecorded", status.value)
        for status in assessment.PregnancyStatus
    ),
    (
        "assessment",
        control.RESULTS,
        "ResultsRecorded",
        "Weight 66 kg, Weight 67 kg, Weight 68 kg, Weight 69 kg, Weight 70 kg and 1 more",
    ),
    (
        "assessment",
        replace(control.RESULTS, results=control.RESULTS.results[:5]),
        "ResultsRecorded",
        "Weight 67 kg, Weight 68 kg, Weight 69 kg, Weight 70 kg, Weight 71 kg",
    ),
    ("assessment", replace(control.RESULTS, results=(WITHOUT_A_NAME,)), "ResultsRecorded", "29463-7 71"),
    ("assessment", replace(control.RESULTS, results=(), none_known=True), "ResultsRecorded", "no results known"),
    ("assessment", control.GENOTYPES, "GenotypesRecorded", "CYP2D6 poor metabolizer"),
    (
        "assessment",
        replace(control.GENOTYPES, genotypes=(), none_known=True),
        "GenotypesRecorded",
        "no genotypes known",
    ),
    ("assessment", control.CLOSED_BEFORE, "EpisodeClosed", f"left on {week(-4).date()} handed to Lakeside Clinic"),
    (
        "assessment",
        replace(control.CLOSED_BEFORE, handed_to=None),
        "EpisodeClosed",
        f"left on {week(-4).date()}",
    ),
    ("assessment", control.DEATH_CONFIRMED, "DeathConfirmed", "by noor-nurse"),
    ("assessment", control.CONTACT_DUE, "CaringContactDue", f"by {week(-3).date()}"),
    (
        "monitoring",
        control.EXTRA_DOSE,
        "ExtraDoseReported",
        "extra dose of lithium: Builds up for hours after it was taken; kidney, brain.",
    ),
    ("monitoring", control.EMERGENCY, "EmergencyDeclared", "took-too-much"),
    (
        "monitoring",
        replace(control.EMERGENCY, medicine=Medicine(name="lithium")),
        "EmergencyDeclared",
        "took-too-much: lithium",
    ),
    ("assessment", control.FORMER_SMOKER, "SmokingRecorded", "smoking: former 2026-01-05"),
    (
        "assessment",
        replace(control.FORMER_SMOKER, status=assessment.SmokingStatus.NEVER, stopped_on=None),
        "SmokingRecorded",
        "smoking: never",
    ),
    *(
        (source, scored, "ScaleScored", summary)
        for source in ("assessment", "monitoring")
        for scored, summary in (
            (control.BASELINE, "phq-9 18 moderate"),
            (replace(control.BASELINE, total=0, band="minimal"), "phq-9 0 minimal"),
            (replace(control.BASELINE, total=None, band=""), "phq-9"),
        )
    ),
    (
        "assessment",
        control.DEPRESSION,
        "DiagnosisEstablished",
        "F33.1 Major depressive disorder, recurrent, moderate (provisional)",
    ),
    ("assessment", control.RISK, "RiskRaised", "moderate suicide risk: phq-9-item-9"),
    ("monitoring", replace(control.RISK, level=RiskLevel.HIGH), "RiskRaised", "high suicide risk: phq-9-item-9"),
    (
        "assessment",
        replace(control.PROPOSED, plan=replace(control.PLAN, goals=("sleep", "work"))),
        "PlanProposed",
        "sleep; work",
    ),
    ("assessment", control.COMPLETED, "AssessmentCompleted", f"by {PRESCRIBER}"),
    ("assessment", AMENDED, "AssessmentAmended", "a diagnosis was missing"),
    ("prescribing", control.ISSUED, "PrescriptionIssued", "sertraline 50 mg a day"),
    ("prescribing", replace(control.ISSUED, order=NO_DOSE), "PrescriptionIssued", "sertraline"),
    (
        "prescribing",
        replace(control.DECLINED, reasons=("contraindicated", "washout")),
        "PrescriptionDeclined",
        "phenelzine 50 mg a day - contraindicated, washout",
    ),
    (
        "prescribing",
        replace(control.DECLINED, order=NO_DOSE),
        "PrescriptionDeclined",
        "sertraline - contraindicated",
    ),
    ("prescribing", replace(control.CHANGED, to_daily_dose_mg=Decimal("37.5")), "DoseChanged", "to 37.5 mg a day"),
    ("prescribing", control.TOOK_EFFECT, "DoseTookEffect", "now 100 mg a day"),
    ("prescribing", control.COUNTED, "SupplyCounted", "sertraline 7.5 left on 2026-11-20"),
    ("prescribing", control.LIST_COMPARED, "ListCompared", "1 of our medicines on the list"),
    ("prescribing", control.DISCREPANCY, "DiscrepancyFound", "sertraline: dose"),
    ("prescribing", PLAN["DosePlanSigned"], "DosePlanSigned", "taper in 2 steps"),
    *(
        ("prescribing", PLAN[kind], kind, f"step 1: {plans.WHAT}")
        for kind in ("StepDue", "StepOverdue", "StepConfirmed", "SafetyStepTaken")
    ),
    (
        "prescribing",
        PLAN["StepDeclined"],
        "StepDeclined",
        f"step 1: {plans.WHAT} - high-alert-not-overridden",
    ),
    ("prescribing", replace(PLAN["StepDeclined"], reasons=()), "StepDeclined", f"step 1: {plans.WHAT}"),
    ("prescribing", PLAN["StepHeld"], "StepHeld", f"step 1: {plans.WHAT} (client-wish)"),
    ("prescribing", PLAN["StepChanged"], "StepChanged", f"step 1: {plans.WHAT} (supply)"),
    ("prescribing", PLAN["DosePlanEnded"], "DosePlanEnded", "relapse low again"),
    ("prescribing", control.DISCREPANCY_OVERDUE, "DiscrepancyOverdue", "sertraline: dose was not answered in time"),
    ("prescribing", control.DISCREPANCY_RESOLVED, "DiscrepancyResolved", "list-wrong read again"),
    ("prescribing", control.CONCERNS_RAISED, "ConcernsRaised", "sertraline 50 MG Oral Tablet ddi.maoi-serotonergic"),
    ("prescribing", control.CONCERN_ANSWERED, "ConcernAnswered", "accepted cross-taper 2026-11-23 in hospital"),
    ("prescribing", control.CONCERN_ENDED, "ConcernEnded", "not-found"),
    ("prescribing", control.DISCONTINUED, "PrescriptionDiscontinued", "sintol last dose 2026-11-20"),
    ("monitoring", control.RASH, "SideEffectReported", "rash: same-day"),
    ("monitoring", control.NAUSEA_RESOLVED, "SideEffectResolved", "resolved: taken with food"),
    ("monitoring", control.DOSE, "DoseRecorded", "sertraline taken"),
    (
        "monitoring",
        replace(control.DOSE, status=monitoring.DoseStatus.SKIPPED, reason="felt sick"),
        "DoseRecorded",
        "sertraline skipped felt sick",
    ),
    ("monitoring", control.CONTACTED, "RiskContactRecorded", "plan-made call on Monday"),
    ("monitoring", control.DEMANDED, "ResultActionRaised", "lithium: Lithium above 1.5 mmol/L. Hold lithium."),
    ("monitoring", control.SETTLED, "ResultActionEnded", "new-result"),
    ("monitoring", control.ENDED, "RiskEnded", "a clinician screened since"),
    ("notifications", control.NOTICE, "NoticeDecided", "side effect reported"),
    (
        "notifications",
        replace(control.NOTICE, suppressed="old-news"),
        "NoticeDecided",
        "side effect reported (suppressed: old-news)",
    ),
    ("notifications", control.FAILED, "NoticeFailed", f"{PRESCRIBER} by inbox: unreachable"),
    ("notifications", control.ACKNOWLEDGED, "NoticeAcknowledged", f"by {control.MANAGER}"),
    (
        "notifications",
        replace(control.ESCALATED, persons=(control.MANAGER, "tom")),
        "NoticeEscalated",
        f"to {control.MANAGER}, tom",
    ),
    ("notifications", control.HANDED_OVER, "NoticeHandedOver", f"from {PRESCRIBER} to dr-new"),
    ("notifications", WITHDRAWN, "NoticeWithdrawn", "cause-entered-in-error"),
    ("coordination", ASSIGNED, "TeamMemberAssigned", "Mira Ivanov as therapist"),
    ("coordination", RELEASED, "TeamMemberReleased", f"{control.THERAPIST} as therapist"),
    ("coordination", POSTED, "MessagePosted", f"{control.THERAPIST} to {PRESCRIBER}"),
    *((source, struck(control.RASH), "EnteredInError", "told of the wrong client") for source in SECTIONS),
]
LEFT_TO_THE_JOURNAL = {"care.notifications.NoticeSent.v1"}


def test_every_published_type_says_something_of_itself() -> None:
    told = {f"care.{source}.{kind}.v1" for source, _, kind, _ in SAYS}
    assert told == set(KNOWN_TYPES) - LEFT_TO_THE_JOURNAL


@pytest.mark.parametrize(("source", "event", "kind", "summary"), SAYS)
def test_an_entry_says_all_of_its_fact(source: str, event: Any, kind: str, summary: str) -> None:
    assert view(**{source: (event,)}).timeline == (
        TimelineEntry(
            occurred_at=event.occurred_at,
            recorded_at=recorded_at(1),
            source=source,
            kind=kind,
            summary=summary,
            fact_id=getattr(event, "fact_id", None),
            actor="someone",
        ),
    )


def test_what_is_only_delivered_leaves_no_entry() -> None:
    sent = notifications.NoticeSent(
        notice=control.NOTICE.fact_id,
        person="tom",
        channel=notifications.Channel.EMAIL,
        attempt=1,
        message_id="m",
        occurred_at=week(8),
    )
    assert view(notifications=(sent,)) == view()


def test_the_latest_stand_first_and_of_one_moment_by_source() -> None:
    at = week(3)
    told = {
        "assessment": (replace(control.ENROLLED, occurred_at=at),),
        "monitoring": (replace(control.DOSE, occurred_at=at - timedelta(hours=1)),),
        "prescribing": (replace(control.ISSUED, occurred_at=at),),
    }
    assert [entry.source for entry in view(**told).timeline] == ["prescribing", "assessment", "monitoring"]


def test_of_one_moment_and_source_entries_stand_the_same_way_however_they_came() -> None:
    doses = tuple(replace(control.DOSE, fact_id=fact(f"d{n}"), occurred_at=week(1)) for n in range(6))
    ids = [received("monitoring", dose, n + 1).envelope.event_id for n, dose in enumerate(doses)]
    expected = [doses[ids.index(one)].fact_id for one in sorted(ids, reverse=True)]
    assert [entry.fact_id for entry in view(monitoring=doses).timeline] == expected


def test_facts_without_an_id_are_known_by_their_event() -> None:
    assert [entry.fact_id for entry in view(notifications=(control.FAILED, control.ACKNOWLEDGED)).timeline] == [
        None
    ] * 2
    twice = view(notifications=(control.FAILED, control.FAILED)).timeline
    assert len(twice) == 2
