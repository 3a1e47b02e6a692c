"""The codes of a notice: roles, priorities, channels, what causes it, why sending it fails."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is in a patient's care team."""

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


class Priority(StrEnum):
    """FHIR RequestPriority, the part used here."""

    STAT = "stat"
    URGENT = "urgent"
    ROUTINE = "routine"


class Channel(StrEnum):
    """How a notice travels. `inbox` is the list inside Careloop; only there may a notice name what it is about."""

    EMAIL = "email"
    INBOX = "inbox"


class CauseKind(StrEnum):
    """What happened, as far as it matters for who must hear it."""

    RISK_HIGH = "risk-high"
    RISK_MODERATE = "risk-moderate"
    RISK_LOW = "risk-low"
    SIDE_EFFECT_EMERGENCY = "side-effect-emergency"
    SIDE_EFFECT_SAME_DAY = "side-effect-same-day"
    SIDE_EFFECT_WITHIN_72_HOURS = "side-effect-within-72-hours"
    SIDE_EFFECT_NEXT_VISIT = "side-effect-next-visit"
    PRESCRIPTION_DECLINED = "prescription-declined"
    PRESCRIPTION_ISSUED = "prescription-issued"
    DOSE_CHANGED = "dose-changed"
    PRESCRIPTION_DISCONTINUED = "prescription-discontinued"
    ASSESSMENT_COMPLETED = "assessment-completed"
    MESSAGE_POSTED = "message-posted"


class FailureReason(StrEnum):
    """Why an attempt did not succeed. OUTCOME_UNKNOWN: it was begun, and nobody can say how it ended."""

    OUTCOME_UNKNOWN = "outcome-unknown"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NO_ADDRESS = "no-address"
