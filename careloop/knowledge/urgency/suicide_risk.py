"""When an answered scale asks for a suicide-risk contact, how high the risk is read, and how soon someone must look.

The rules are suicide-risk.yaml and clocks.yaml, with their sources. A scale is read by the rules of the day on which it
was answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from careloop.knowledge.pack.index import in_force
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.pack.shapes.urgency import ResponseClock, RiskLevel, RiskRule

__all__ = ["C_SSRS", "RiskFinding", "RiskLevel", "risk_raised", "screened_risk"]

C_SSRS = "c-ssrs"
HISTORY = "history"
"""How earlier behaviour alone is named where the level would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFinding:
    """Why a contact is due: the level read from the answers and the rule that read it.

    `within`: how soon after it became known a clinician must have made contact. `is_history`: it is read from earlier
    behaviour alone, which asks for one contact and not for one after every screen.
    """

    level: RiskLevel
    reason: str
    rule: str
    rule_version: int
    within: timedelta
    is_history: bool = False


def screened_risk(
    instrument: str, items: Sequence[int | None] | None, band: str, answered_on: date
) -> RiskLevel | None:
    """The suicide risk this scale screened for; None if it did not ask (another scale, its item or band missing)."""
    rule = _rule_of(instrument, answered_on)
    return _level(rule, items, band) if rule else None


def risk_raised(
    instrument: str, items: Sequence[int | None] | None, band: str, answered_on: date
) -> RiskFinding | None:
    """The finding when the scale is read as a risk that asks for a contact."""
    rule = _rule_of(instrument, answered_on)
    level = _level(rule, items, band) if rule else None
    if rule is None or level is None or level.rank < rule.contact_from.rank:
        return None
    clocks = (clock for clock in in_force(current_pack(), ResponseClock, answered_on) if clock.risk is level)
    is_history = _is_history(rule, items)
    read = HISTORY if is_history else level
    return RiskFinding(
        level=level,
        reason=f"{instrument}-{read}" if rule.item is None else f"{instrument}-item-{rule.item}",
        rule=rule.id,
        rule_version=rule.version,
        within=timedelta(minutes=next(clocks).minutes),
        is_history=is_history,
    )


def _rule_of(instrument: str, day: date) -> RiskRule | None:
    rules = in_force(current_pack(), RiskRule, day)
    return next((rule for rule in rules if rule.instrument == instrument), None)


def _is_history(rule: RiskRule, items: Sequence[int | None] | None) -> bool:
    """Whether earlier behaviour is the only yes, and whether it was recent was asked."""
    if rule.history_item is None or items is None:
        return False
    others = (answer for number, answer in enumerate(items, start=1) if number != rule.history_item)
    return items[rule.history_item - 1] == 1 and not any(others) and items[-1] == 0


def _level(rule: RiskRule, items: Sequence[int | None] | None, band: str) -> RiskLevel | None:
    """What the rule reads; an answer that the item does not have is read as the nearest one."""
    if rule.item is None:
        return next((reading.level for reading in rule.readings if reading.band == band), None)
    answer = None if items is None or len(items) < rule.item else items[rule.item - 1]
    spans = [(reading.answers, reading.level) for reading in rule.readings if reading.answers is not None]
    return None if answer is None else min(spans, key=lambda one: one[0].distance(answer))[1]
