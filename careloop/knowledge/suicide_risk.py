"""When an answered scale asks for a suicide-risk contact, how high the risk is read, and how soon someone must look.

Bands of the C-SSRS screener: Columbia triage guidelines (V). A positive item 9 asks for the screener on the same day
(M, common protocol); reading it as moderate until that screener is done, and the hours, are proposals of this project.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

PHQ_9 = "phq-9"
C_SSRS = "c-ssrs"


class RiskLevel(StrEnum):
    """Suicide risk in the bands of the C-SSRS screener."""

    NONE = "none"
    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for none, 3 for high."""
        return list(RiskLevel).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskClocks:
    """How soon after it became known a clinician must have made contact."""

    high: timedelta = timedelta(hours=1)
    raised: timedelta = timedelta(hours=24)

    def within(self, level: RiskLevel) -> timedelta:
        return self.high if level is RiskLevel.HIGH else self.raised


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFinding:
    """Why a contact is due: the level read from the answers and the rule that read it."""

    level: RiskLevel
    reason: str
    rule: str
    rule_version: int


def screened_risk(instrument: str, items: Sequence[int | None] | None, band: str) -> RiskLevel | None:
    """The suicide risk this scale screened for; None if it did not ask (another scale, item 9 or the band missing)."""
    if instrument == C_SSRS:
        return RiskLevel(band) if band in set(RiskLevel) else None
    answer = item_9(instrument, items)
    if answer is None:
        return None
    return RiskLevel.MODERATE if answer >= 1 else RiskLevel.NONE


def risk_raised(instrument: str, items: Sequence[int | None] | None, band: str) -> RiskFinding | None:
    """The finding when a PHQ-9's item 9 is positive, or a C-SSRS screener is in a band of moderate or higher."""
    level = screened_risk(instrument, items, band)
    if level is None or level.rank < RiskLevel.MODERATE.rank:
        return None
    if instrument == C_SSRS:
        return RiskFinding(level=level, reason=f"c-ssrs-{level}", rule="risk.c-ssrs-band", rule_version=1)
    return RiskFinding(level=level, reason="phq-9-item-9", rule="risk.phq-9-item-9", rule_version=1)


def item_9(instrument: str, items: Sequence[int | None] | None) -> int | None:
    """The answer to thoughts of being better off dead; None if this is no PHQ-9 or it was not answered."""
    return items[8] if instrument == PHQ_9 and items is not None and len(items) >= 9 else None
