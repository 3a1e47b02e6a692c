"""What the assessment says, as the view shows it: the newest word where a later one replaces the earlier."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careloop.contracts.assessment import (
    AllergiesRecorded,
    Allergy,
    Condition,
    DiagnosisEstablished,
    EarlierTreatment,
    EmergencyContact,
    ListGapsRecorded,
    Location,
    PatientEnrolled,
    PregnancyRecorded,
    Result,
)
from careloop.contracts.terms import Coding
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
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


identity_of = shown(Identity, PatientEnrolled)


def identity(section: AssessmentSection) -> Identity | None:
    enrolled = newest(section.enrolments)
    return None if enrolled is None else identity_of(enrolled)


def diagnoses(section: AssessmentSection) -> tuple[DiagnosisEstablished, ...]:
    """One for each code, by code."""
    by_code = {dated.fact.icd10: dated.fact for dated in section.diagnoses}
    return tuple(fact for _code, fact in sorted(by_code.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Allergies:
    asked: Asked
    listed: tuple[Allergy, ...] = ()
    fact_id: FactId | None = None
    occurred_at: Instant | None = None


allergies_of = shown(Allergies, AllergiesRecorded, "asked", listed="allergies")


def allergies(section: AssessmentSection) -> Allergies:
    said = newest(section.allergies)
    if said is None:
        return Allergies(asked=Asked.NOT_ASKED)
    asked = Asked.LISTED if said.allergies else Asked.NONE_KNOWN
    return allergies_of(said, asked=asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pregnancy:
    fact_id: FactId
    status: str
    source: str
    occurred_at: Instant


pregnancy_of = shown(Pregnancy, PregnancyRecorded)


def pregnancy(section: AssessmentSection) -> Pregnancy | None:
    """The newest answer; None while nobody asked."""
    said = newest(section.pregnancies)
    return None if said is None else pregnancy_of(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestResult:
    fact_id: FactId
    loinc: str
    value: Decimal
    unit: str
    on: date
    display: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    asked: Asked
    latest: tuple[LatestResult, ...] = ()


result = shown(LatestResult, Result, "fact_id", "source")


def results(section: AssessmentSection) -> Results:
    """Of each measure, by its LOINC code, the result of the latest day; of one day the one recorded as true last."""
    if not section.results:
        return Results(asked=Asked.NOT_ASKED)
    measured = [(found, k.fact) for k in section.results for found in k.fact.results]
    latest = {found.loinc: (found, fact) for found, fact in sorted(measured, key=lambda one: one[0].on)}
    shown_of = (result(found, fact_id=fact.fact_id, source=fact.source) for found, fact in latest.values())
    return Results(
        asked=Asked.LISTED if latest else Asked.NONE_KNOWN,
        latest=tuple(sorted(shown_of, key=lambda one: one.loinc)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryCondition:
    coding: Coding
    clinical_status: str
    onset: date | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    asked: Asked
    conditions: tuple[HistoryCondition, ...]
    earlier_treatments: tuple[EarlierTreatment, ...]


condition = shown(HistoryCondition, Condition, "source")


def history(section: AssessmentSection) -> History:
    conditions = tuple(condition(found, source=k.fact.source) for k in section.histories for found in k.fact.conditions)
    treatments: tuple[EarlierTreatment, ...] = tuple(t for k in section.histories for t in k.fact.earlier_treatments)
    listed = Asked.LISTED if conditions or treatments else Asked.NONE_KNOWN
    return History(
        asked=listed if section.histories else Asked.NOT_ASKED, conditions=conditions, earlier_treatments=treatments
    )


def list_gaps(section: AssessmentSection) -> tuple[ListGapsRecorded, ...]:
    """The last word on each list of each source where entries are missing, by list and source."""
    last = {(dated.fact.list.value, dated.fact.source): dated.fact for dated in section.list_gaps}
    return tuple(said for _, said in sorted(last.items()) if said.left_out)
