"""How a client does on one scale over time: change, response, remission, relapse, reliable worsening.

Lower totals are better. What a rule does not say, or missing totals leave open, is None and never guessed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from careloop.knowledge.pack.instruments import instruments
from careloop.knowledge.pack.scale_changes import ChangeRule, Kind, rules_for
from careloop.knowledge.pack.shapes.entries import Basis

EPISODE = timedelta(days=180)
"""A baseline lies at most so long before the last result: the follow-up window of Coley 2020."""
INTAKE = timedelta(days=30)
"""And not longer than this before the assessment was completed: what was scored while the client joined (ours)."""


class Word(StrEnum):
    """The course in one word, the worst first. NOT_JUDGED: nothing to compare with, or no rule for the scale."""

    RELAPSE = "relapse"
    WORSENING = "worsening"
    UNCHANGED = "unchanged"
    IMPROVING = "improving"
    RESPONSE = "response"
    REMISSION = "remission"
    NOT_JUDGED = "not-judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One result; the series is given from the earliest to the latest."""

    on: date
    total: int | None
    band: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A rule that asks for something now."""

    rule: str
    version: int
    action: str
    source: str
    basis: Basis
    reviewed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleCourse:
    """The last result beside the first with a total. Each part is None where no rule or no total says it."""

    word: Word = Word.NOT_JUDGED
    change: int | None = None
    response: bool | None = None
    remission: bool | None = None
    relapse: bool | None = None
    reliable_worsening: bool | None = None
    prompts: tuple[Prompt, ...] = ()


def course(instrument: str, series: Sequence[Point]) -> ScaleCourse:
    """The course up to the last result, by the rules in force on its day. An instrument not known has no rules."""
    if not series:
        return ScaleCourse()
    rules = rules_for(instrument, series[-1].on)
    if Kind.RANK_RISE in rules:
        return _by_band(instrument, series, rules[Kind.RANK_RISE])
    known = [point for point in series if point.total is not None]
    if series[-1].total is None or len(known) < 2:
        return ScaleCourse()
    return _by_total([point.total or 0 for point in known], (series[-1].on - known[0].on).days, rules)


Rules = Mapping[Kind, ChangeRule]


def _by_total(totals: list[int], days: int, rules: Rules) -> ScaleCourse:
    *before, last = totals
    change = last - totals[0]
    worse = (_risen(rules.get(Kind.RELIABLE), min(before), last), _risen(rules.get(Kind.RISE), before[-1], last))
    found = ScaleCourse(
        change=change,
        response=_responded(rules.get(Kind.RESPONSE), totals[0], last),
        remission=_remitted(rules.get(Kind.REMISSION), last),
        relapse=_relapsed(rules, before, last),
        reliable_worsening=None if worse == (None, None) else True in worse,
    )
    rise = found.reliable_worsening
    return replace(
        found,
        word=_word(
            found,
            _risen(rules.get(Kind.MEANINGFUL), min(before), last) if rise is None else rise,
            improved=_improved(change, rules),
        ),
        prompts=tuple(_prompt(rule) for rule in rules.values() if _asks(rule, found, change, days)),
    )


def _responded(rule: ChangeRule | None, baseline: int, last: int) -> bool | None:
    if rule is None or baseline < rule.eligible_from:
        return None
    return 100 * (baseline - last) >= rule.percent * baseline


def _remitted(rule: ChangeRule | None, last: int) -> bool | None:
    return None if rule is None else last <= rule.through


def _relapsed(rules: Rules, before: list[int], last: int) -> bool | None:
    relapse, remission = rules.get(Kind.RELAPSE), rules.get(Kind.REMISSION)
    if relapse is None or remission is None:
        return None
    return last >= relapse.from_ and min(before) <= remission.through


def _risen(rule: ChangeRule | None, before: int, last: int) -> bool | None:
    return None if rule is None else last - before >= rule.points


def _improved(change: int, rules: Rules) -> bool:
    return any(-change >= rules[kind].points for kind in (Kind.MEANINGFUL, Kind.RELIABLE) if kind in rules)


def _word(found: ScaleCourse, worse: bool | None, *, improved: bool) -> Word:
    """Unchanged is only said where a rule could have shown a worsening."""
    words = (
        (found.relapse, Word.RELAPSE),
        (worse, Word.WORSENING),
        (found.remission, Word.REMISSION),
        (found.response, Word.RESPONSE),
        (improved, Word.IMPROVING),
        (worse is not None, Word.UNCHANGED),
    )
    return next((word for holds, word in words if holds), Word.NOT_JUDGED)


def _asks(rule: ChangeRule, found: ScaleCourse, change: int, days: int) -> bool:
    if rule.kind is Kind.RELAPSE:
        return found.relapse is True
    if rule.kind in (Kind.RELIABLE, Kind.RISE):
        return found.reliable_worsening is True
    if days < rule.by_days or found.remission:
        return False
    if rule.kind is Kind.EARLY_IMPROVEMENT:
        return -change < rule.points
    return rule.kind is Kind.PLAN_CHANGE and found.response is False


def _by_band(instrument: str, series: Sequence[Point], rule: ChangeRule) -> ScaleCourse:
    ranks = instruments()[instrument].ranks
    known = [ranks.index(point.band) for point in series if point.band in ranks]
    if series[-1].band not in ranks or len(known) < 2:
        return ScaleCourse()
    *_, previous, last = known
    if last > previous:
        return ScaleCourse(word=Word.WORSENING, reliable_worsening=True, prompts=(_prompt(rule),))
    return ScaleCourse(word=Word.IMPROVING if last < previous else Word.UNCHANGED, reliable_worsening=False)


def _prompt(rule: ChangeRule) -> Prompt:
    return Prompt(
        rule=rule.id,
        version=rule.version,
        action=rule.action,
        source=rule.source,
        basis=rule.basis,
        reviewed=rule.reviewed,
    )
