"""The codes of what is reported between visits, and of its triage."""

from enum import StrEnum


class TriageLevel(StrEnum):
    EMERGENCY_NOW = "emergency-now"
    SAME_DAY = "same-day"
    WITHIN_72_HOURS = "within-72-hours"
    NEXT_VISIT = "next-visit"


class ReporterKind(StrEnum):
    CLIENT = "client"
    CLINICIAN = "clinician"


class SideEffectOutcome(StrEnum):
    """FHIR AdverseEvent.outcome, the part used here."""

    RESOLVED = "resolved"
    RECOVERING = "recovering"
    ONGOING = "ongoing"
    RESOLVED_WITH_SEQUELAE = "resolvedWithSequelae"


class DoseStatus(StrEnum):
    TAKEN = "taken"
    SKIPPED = "skipped"
