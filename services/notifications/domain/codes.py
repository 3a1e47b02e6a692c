"""The codes of a notice that only notifications knows: what causes it, why sending it fails."""

from enum import StrEnum


class CauseKind(StrEnum):
    """What happened, as far as it matters for who must hear it."""

    RISK_HIGH = "risk-high"
    RISK_MODERATE = "risk-moderate"
    RISK_LOW = "risk-low"
    RISK_HISTORY = "risk-history"
    """Earlier suicidal behaviour, and nothing now."""
    SAFETY_ITEM_MISSING = "safety-item-missing"
    """A question about a danger was left blank."""
    SIDE_EFFECT_EMERGENCY = "side-effect-emergency"
    SIDE_EFFECT_SAME_DAY = "side-effect-same-day"
    SIDE_EFFECT_WITHIN_72_HOURS = "side-effect-within-72-hours"
    SIDE_EFFECT_NEXT_VISIT = "side-effect-next-visit"
    RESULT_CRITICAL = "result-critical"
    """A result that forbids to go on with a drug as it is taken."""
    RESULT_HIGH = "result-high"
    RESULT_TO_LOOK_AT = "result-to-look-at"
    PRESCRIPTION_DECLINED = "prescription-declined"
    PRESCRIPTION_ISSUED = "prescription-issued"
    PRESCRIPTION_ISSUED_OVER_ALERT = "prescription-issued-over-alert"
    DOSE_CHANGED = "dose-changed"
    DOSE_CHANGED_OVER_ALERT = "dose-changed-over-alert"
    PRESCRIPTION_DISCONTINUED = "prescription-discontinued"
    DISCREPANCY_FOUND = "discrepancy-found"
    ASSESSMENT_COMPLETED = "assessment-completed"
    PLAN_CHANGED = "plan-changed"
    MESSAGE_POSTED = "message-posted"
    """Between members of the care team."""
    MESSAGE_TO_CLIENT = "message-to-client"
    MESSAGE_FROM_CLIENT = "message-from-client"
    CLIENT_WROTE_EMERGENCY = "client-wrote-emergency"
    """In a message, or as the reason of a dose."""
    CLIENT_WROTE_SAME_DAY = "client-wrote-same-day"
    CLIENT_WROTE_WITHIN_72_HOURS = "client-wrote-within-72-hours"
    CLIENT_WROTE_NOT_UNDERSTOOD = "client-wrote-not-understood"
    RECORDS_WAIT = "records-wait"
    """Something that may be urgent is known, and could not be applied."""


class FailureReason(StrEnum):
    """Why an attempt did not succeed. OUTCOME_UNKNOWN: it was begun, and nobody can say how it ended."""

    OUTCOME_UNKNOWN = "outcome-unknown"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NO_ADDRESS = "no-address"
