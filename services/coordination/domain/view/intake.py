"""What the assessment says, as the view shows it: the newest word where a later one replaces the earlier."""

from dataclasses import dataclass
from datetime import date

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
