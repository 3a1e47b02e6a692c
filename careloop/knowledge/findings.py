"""What a screen answers: alerts, and as plainly what was not checked and why. Stored with the decision it led to."""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import UNSET, UnsetType


class Check(StrEnum):
    """The checks of a screen, in the order an answer lists them; also the kind of an alert."""

    DRUG_DRUG = "drug-drug"
    WASHOUT = "washout"
    DRUG_CONDITION = "drug-condition"
    ALLERGY = "allergy"
    DUPLICATE_THERAPY = "duplicate-therapy"
    DOSE = "dose"
    AGE = "age"
    PREGNANCY = "pregnancy"
    LAB = "lab"
    PRIOR_TRIAL = "prior-trial"
    SUPPLY = "supply"
    CONTROLLED_SUBSTANCE = "controlled-substance"


class Severity(StrEnum):
    """How strongly an alert speaks against the order, worst first."""

    CONTRAINDICATED = "contraindicated"
    HIGH = "high"
    MODERATE = "moderate"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return _RANKS[self]

    @property
    def softer(self) -> "Severity":
        """One step less; the least stays."""
        return list(Severity)[min(self.rank + 1, len(Severity) - 1)]


_RANKS = {severity: place for place, severity in enumerate(Severity)}


class ScreeningOutcome(StrEnum):
    """A headline for people. Decisions read `alerts` and `not_checked`."""

    CLEAR = "clear"
    ALERTS = "alerts"
    NOT_CHECKED = "not-checked"


class Reason(StrEnum):
    """Why something was not checked."""

    UNKNOWN_DRUG = "unknown-drug"
    CONTRADICTORY_CODE = "contradictory-code"
    CODE_UNVERIFIED = "code-unverified"
    UNKNOWN_SUBSTANCE = "unknown-substance"
    UNKNOWN_CONDITION = "unknown-condition"
    NOT_IN_PACK = "not-in-pack"
    MEDICATIONS_NOT_RECORDED = "medications-not-recorded"
    CONDITIONS_NOT_RECORDED = "conditions-not-recorded"
    LIST_INCOMPLETE = "list-incomplete"
    ALLERGIES_NOT_ASKED = "allergies-not-asked"
    TRIALS_NOT_RECORDED = "trials-not-recorded"
    TRIAL_DETAILS_MISSING = "trial-details-missing"
    LABS_NOT_RECORDED = "labs-not-recorded"
    LAB_UNIT_UNKNOWN = "lab-unit-unknown"
    RESULT_NOT_UNDERSTOOD = "result-not-understood"
    THIN_COVERAGE = "thin-coverage"
    DOSE_OF_COMBINATION = "dose-of-combination"
    DOSE_UNDER_18 = "dose-under-18"
    DOSE_OF_DEPOT = "dose-of-depot"
    DOSE_MISSING = "dose-missing"
    DOSE_OR_ROUTE_MISSING = "dose-or-route-missing"
    START_DATE_MISSING = "start-date-missing"
    EXCIPIENTS_NOT_IN_PACK = "excipients-not-in-pack"
    SEX_UNKNOWN = "sex-unknown"
    WEIGHT_MISSING = "weight-missing"
    BIRTH_DATE_MISSING = "birth-date-missing"
    PREGNANCY_UNKNOWN = "pregnancy-unknown"
    SUICIDE_RISK_UNKNOWN = "suicide-risk-unknown"
    DAYS_SUPPLY_MISSING = "days-supply-missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackReference:
    """Which knowledge answered: pack name, version and `sha256:` digest over its content."""

    pack: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One reason against the order. `source` ends with how well it was seen: V, S, M or ours."""

    rule: str
    version: int
    kind: Check
    severity: Severity
    involves: tuple[str, ...]
    message: str
    action: str
    source: str
    reviewed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotChecked:
    """One thing a check could not look at. Services add reasons of their own, such as `evidence-stale`.

    `settled_by` is what would settle it. A `note` changes no outcome and blocks nothing.
    """

    check: Check
    reason: str
    subject: str = ""
    settled_by: str | UnsetType = UNSET
    note: bool | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """The whole answer. A check may stand in both `checked` (what could be) and `not_checked` (what could not)."""

    knowledge: PackReference
    outcome: ScreeningOutcome
    alerts: tuple[Alert, ...]
    not_checked: tuple[NotChecked, ...]
    checked: tuple[Check, ...]


def without_notes(not_checked: tuple[NotChecked, ...]) -> tuple[NotChecked, ...]:
    """The gaps that ask something of somebody."""
    return tuple(gap for gap in not_checked if gap.note is not True)


def headline(alerts: tuple[Alert, ...], not_checked: tuple[NotChecked, ...]) -> ScreeningOutcome:
    """`alerts` when there is any, else `not-checked` when anything was not, else `clear`; notes do not count."""
    if alerts:
        return ScreeningOutcome.ALERTS
    return ScreeningOutcome.NOT_CHECKED if without_notes(not_checked) else ScreeningOutcome.CLEAR
