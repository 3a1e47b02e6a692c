"""Words that several published events share. Coded values follow FHIR R4 where it has a code."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, UnsetType

from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.open_codes import OpenCodes
from careloop.kernel.reading import Call, FromCall, Length


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """One code of one system (`icd-10-cm`, `snomed`, `rxnorm`, `loinc`, `ctcae`, ...) with its display text."""

    system: Annotated[str, Length(60)]
    code: Annotated[str, Length(60)]
    display: Annotated[str, Length(500)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Medicine:
    """A medicine as it was named by its source. `rxcui` is an RxNorm concept id, of a product or an ingredient."""

    name: Annotated[str, Length(500)]
    rxcui: Annotated[str, Length(20)] = ""


NOT_KNOWN_YET = "not-known-yet"
"""A flag of a fact that refers to another service's fact, of which its own service has not heard yet, or never will."""


class Role(StrEnum):
    """What a person is in a patient's care team; also the roles a token may carry."""

    CLIENT = "client"
    PSYCHIATRIST = "psychiatrist"
    PSYCHIATRIC_NURSE_PRACTITIONER = "psychiatric-nurse-practitioner"
    THERAPIST = "therapist"
    CARE_MANAGER = "care-manager"
    PHARMACIST = "pharmacist"
    REGISTRAR = "registrar"
    OPERATOR = "operator"
    ANALYST = "analyst"
    SERVICE = "service"


CLINICAL_ROLES = frozenset(
    {
        Role.PSYCHIATRIST,
        Role.PSYCHIATRIC_NURSE_PRACTITIONER,
        Role.THERAPIST,
        Role.CARE_MANAGER,
        Role.PHARMACIST,
    }
)


class RiskLevel(StrEnum):
    """Suicide risk, in the bands of the C-SSRS screener."""

    NONE = "none"
    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


class Reporter(OpenCodes):
    """Who recorded answers, by the role on their token. UNKNOWN is nobody's word: a registrar brings in what others
    asked, and builds that did not say it leave it out."""

    CLIENT = "client"
    CLINICIAN = "clinician"
    UNKNOWN = "unknown"


def reporter_of(call: Call) -> Reporter:
    """The caller, by the role on the token."""
    if call.role == Role.CLIENT:
        return Reporter.CLIENT
    return Reporter.CLINICIAN if call.role in CLINICAL_ROLES else Reporter.UNKNOWN


Recorder = Annotated[Reporter | UnsetType, FromCall(reporter_of)]
"""Not in the request: who recorded it, by the role on the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleScored:
    """A rating scale was answered, or its total came from elsewhere (`items` is then None: items are never invented).

    In `items`, None is an answer that is missing. `total` is None where too many are missing. `source` is a word of
    whoever recorded it; `reporter` is not.
    """

    fact_id: FactId
    instrument: str
    instrument_version: int
    items: tuple[int | None, ...] | None = None
    total: int | None = None
    band: str
    flags: tuple[str, ...] = ()
    missing: int = 0
    source: str
    scored_by: str
    occurred_at: Instant
    reporter: Reporter | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRaised:
    """An answer that asks for a suicide-risk contact by `due_at`, and the rule that says so. `reporter` is who recorded
    the answers; absent is not known, and counts as the client, alone."""

    fact_id: FactId
    scale_fact_id: FactId
    level: RiskLevel
    reason: str
    rule: str
    rule_version: int
    due_at: Instant
    occurred_at: Instant
    reporter: Reporter | UnsetType = UNSET


class TriageLevel(StrEnum):
    """How soon somebody must look at what was reported or written."""

    EMERGENCY_NOW = "emergency-now"
    SAME_DAY = "same-day"
    WITHIN_72_HOURS = "within-72-hours"
    NEXT_VISIT = "next-visit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """How urgent, which rule said so, what it recognised, and when a clinician must have looked.

    `due_at` is None at level next-visit.
    """

    level: TriageLevel
    rule: str
    rule_version: int
    red_flags: tuple[str, ...]
    due_at: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredInError:
    """The fact should never have been recorded: views, screens and open notices follow; the history of what was
    known stays."""

    fact_id: FactId
    reason: str
    marked_by: str
    occurred_at: Instant
