"""What the assessment says, as the view shows it: the newest word where a later one replaces the earlier."""

from dataclasses import dataclass
from datetime import date

from careloop.contracts.assessment import Allergy, EarlierTreatment, EmergencyContact, Location
from careloop.contracts.terms import Coding
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from services.coordination.domain.view.asked import Asked
from services.coordination.domain.view.dated_fact import newest
from services.coordination.domain.view.sections.assessment import AssessmentSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    fact_id: FactId
    name: str
    birth_date: date
    sex: str
    phone: str
    email: str
    emergency_contact: EmergencyContact | None
    location: Location | None
    time_zone: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    fact_id: FactId
    icd10: str
    display: str
    severity: str
    verification: str
    occurred_at: Instant


def diagnoses(section: AssessmentSection) -> tuple[Diagnosis, ...]:
    """One for each code, by code."""
    by_code = {dated.fact.icd10: dated.fact for dated in section.diagnoses}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Allergies:
    asked: Asked
    listed: tuple[Allergy, ...] = ()
    fact_id: FactId | None = None
    occurred_at: Instant | None = None


def allergies(section: AssessmentSection) -> Allergies:
    said = newest(section.allergies)
    if said is None:
        return Allergies(asked=Asked.NOT_ASKED)
    asked = Asked.LISTED if said.allergies else Asked.NONE_KNOWN
    return Allergies(asked=asked, listed=said.allergies, fact_id=said.fact_id, occurred_at=said.occurred_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    coding: Coding
    clinical_status: str
    onset: date | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    asked: Asked
    conditions: tuple[Condition, ...]
    earlier_treatments: tuple[EarlierTreatment, ...]


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
