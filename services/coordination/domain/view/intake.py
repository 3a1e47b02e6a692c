"""What the assessment says, as the view shows it: the newest word where a later one replaces the earlier."""

from collections.abc import Sequence
from typing import Any, cast

from careloop.contracts.assessment import AssessmentAmended, AssessmentCompleted, EarlierTreatment, PlanProposed
from services.coordination.domain.view.care_view import (
    Allergies,
    Asked,
    Completion,
    Condition,
    Diagnosis,
    History,
    Identity,
    Plan,
)
from services.coordination.domain.view.dated_fact import Fact, Kept, order
from services.coordination.domain.view.sections import AssessmentSection


def newest(facts: Sequence[Kept[Fact]]) -> Fact | None:
    """The fact that was true last, whenever it came to be known."""
    return facts[-1].fact if facts else None


def identity(section: AssessmentSection) -> Identity | None:
    enrolled = newest(section.enrolments)
    if enrolled is None:
        return None
    return Identity(
        fact_id=enrolled.fact_id,
        name=enrolled.name,
        birth_date=enrolled.birth_date,
        sex=enrolled.sex,
        phone=enrolled.phone,
        email=enrolled.email,
        emergency_contact=enrolled.emergency_contact,
        location=enrolled.location,
        time_zone=enrolled.time_zone,
    )


def diagnoses(section: AssessmentSection) -> tuple[Diagnosis, ...]:
    """One for each code, by code."""
    by_code = {kept.fact.icd10: kept.fact for kept in section.diagnoses}
    return tuple(
        Diagnosis(
            fact_id=fact.fact_id,
            icd10=code,
            display=fact.display,
            severity=fact.severity,
            verification=fact.verification,
            occurred_at=fact.occurred_at,
        )
        for code, fact in sorted(by_code.items())
    )


def allergies(section: AssessmentSection) -> Allergies:
    said = newest(section.allergies)
    if said is None:
        return Allergies(asked=Asked.NOT_ASKED)
    asked = Asked.LISTED if said.allergies else Asked.NONE_KNOWN
    return Allergies(asked=asked, listed=said.allergies, fact_id=said.fact_id, occurred_at=said.occurred_at)


def history(section: AssessmentSection) -> History:
    conditions = tuple(
        Condition(coding=found.coding, clinical_status=found.clinical_status, onset=found.onset, source=k.fact.source)
        for k in section.histories
        for found in k.fact.conditions
    )
    treatments: tuple[EarlierTreatment, ...] = tuple(t for k in section.histories for t in k.fact.earlier_treatments)
    listed = Asked.LISTED if conditions or treatments else Asked.NONE_KNOWN
    return History(
        asked=listed if section.histories else Asked.NOT_ASKED, conditions=conditions, earlier_treatments=treatments
    )


def plan(section: AssessmentSection) -> Plan | None:
    """The newest of what was proposed, completed and amended."""
    stated: list[Kept[PlanProposed | AssessmentCompleted | AssessmentAmended]] = []
    for facts in (section.plans, section.completions, section.amendments):
        stated.extend(cast(Any, facts))
    if not stated:
        return None
    fact = max(stated, key=order).fact
    return Plan(
        fact_id=fact.fact_id,
        medications=fact.plan.medications,
        therapies=fact.plan.therapies,
        goals=fact.plan.goals,
        occurred_at=fact.occurred_at,
    )


def completion(section: AssessmentSection) -> Completion | None:
    """Who completed the assessment, and what it says after its last amendment."""
    completed = newest(section.completions)
    if completed is None:
        return None
    amended = newest(section.amendments)
    says: AssessmentCompleted | AssessmentAmended = amended or completed
    return Completion(
        fact_id=completed.fact_id,
        completed_by=completed.completed_by,
        credential=completed.credential,
        occurred_at=completed.occurred_at,
        diagnoses=says.diagnoses,
        suicide_risk=says.suicide_risk,
        amended_by=amended.amended_by if amended else "",
        amendment_reason=amended.reason if amended else "",
    )
