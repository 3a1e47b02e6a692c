"""The codes that a prescriber chooses from."""

from enum import StrEnum


class OverrideReason(StrEnum):
    """Why a prescriber goes on in spite of an alert."""

    BENEFIT_OUTWEIGHS_RISK = "benefit-outweighs-risk"
    WILL_MONITOR = "will-monitor"
    PATIENT_HAS_TOLERATED = "patient-has-tolerated"
    DOSE_ADJUSTED = "dose-adjusted"
    CROSS_TAPER = "cross-taper"
    ALERT_NOT_APPLICABLE = "alert-not-applicable"
    NO_ALTERNATIVE = "no-alternative"


class StatusReason(StrEnum):
    """FHIR MedicationRequest.statusReason."""

    ALTERNATIVE_CHOICE = "altchoice"
    CLARIFICATION = "clarif"
    LEVEL_TOO_HIGH = "drughigh"
    HOSPITAL_ADMISSION = "hospadm"
    LAB_INTERFERENCE = "labint"
    NOT_AVAILABLE = "non-avail"
    PREGNANCY = "preg"
    ALLERGY = "salg"
    INTERACTION = "sddi"
    DUPLICATE = "sdupther"
    INTOLERANCE = "sintol"
    SURGERY = "surg"
    WASHOUT = "washout"
