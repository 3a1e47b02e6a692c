"""The codes of an assessment's facts."""

from enum import StrEnum


class Sex(StrEnum):
    """FHIR AdministrativeGender."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


class TreatmentResponse(StrEnum):
    NONE = "none"
    PARTIAL = "partial"
    RESPONSE = "response"
    REMISSION = "remission"
    UNKNOWN = "unknown"


class StoppedFor(StrEnum):
    INEFFICACY = "inefficacy"
    INTOLERANCE = "intolerance"
    ALLERGY = "allergy"
    OTHER = "other"
    UNKNOWN = "unknown"
    NOT_STOPPED = "not-stopped"


class Criticality(StrEnum):
    """FHIR AllergyIntolerance.criticality."""

    LOW = "low"
    HIGH = "high"
    UNABLE_TO_ASSESS = "unable-to-assess"


class AllergyType(StrEnum):
    """FHIR AllergyIntolerance.type."""

    ALLERGY = "allergy"
    INTOLERANCE = "intolerance"


class PregnancyStatus(StrEnum):
    """What the client is or may be; UNKNOWN is an answer that was sought and not found."""

    PREGNANT = "pregnant"
    BREASTFEEDING = "breastfeeding"
    POSSIBLE = "possible"
    NOT_PREGNANT = "not-pregnant"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"
    UNSPECIFIED = "unspecified"


class VerificationStatus(StrEnum):
    """FHIR Condition.verificationStatus, the part used here."""

    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"
