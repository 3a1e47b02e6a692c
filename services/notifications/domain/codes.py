"""The codes of a notice that only notifications knows: what causes it, why sending it fails."""

from enum import StrEnum


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
    PRESCRIPTION_ISSUED_OVER_ALERT = "prescription-issued-over-alert"
    DOSE_CHANGED = "dose-changed"
    DOSE_CHANGED_OVER_ALERT = "dose-changed-over-alert"
    PRESCRIPTION_DISCONTINUED = "prescription-discontinued"
    DISCREPANCY_FOUND = "discrepancy-found"
    CONCERN_CONTRAINDICATED = "concern-contraindicated"
    CONCERN_HIGH = "concern-high"
    CONCERN_LISTED = "concern-listed"
    """High, and about medicines that are listed and that we do not prescribe."""
    CONCERN_MODERATE = "concern-moderate"
    ASSESSMENT_COMPLETED = "assessment-completed"
    PLAN_CHANGED = "plan-changed"
    MESSAGE_POSTED = "message-posted"
    """Between members of the care team."""
    MESSAGE_TO_CLIENT = "message-to-client"
    MESSAGE_FROM_CLIENT = "message-from-client"
    RECORDS_WAIT = "records-wait"
    """Something that may be urgent is known, and could not be applied."""


class FailureReason(StrEnum):
    """Why an attempt did not succeed. OUTCOME_UNKNOWN: it was begun, and nobody can say how it ended."""

    OUTCOME_UNKNOWN = "outcome-unknown"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NO_ADDRESS = "no-address"
