"""Washouts: an interval of n days is kept when the order starts at least n days after the last dose."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from careloop.knowledge.chart import Medication
from careloop.knowledge.findings import Check, Screening, Severity
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.pack.shapes.screening import WashoutRule
from tests.support.knowledge import KNOWN, TODAY, alerts, asked, reasons, severities

PACK = current_pack()


def after(stopped: str, days: int, ordered: str) -> Screening:
    """Ordered to start `days` after the last dose of `stopped`."""
    gone = Medication(name=stopped, stopped_on=TODAY - timedelta(days=days))
    return asked(ordered, replace(KNOWN, medications=(gone,)))


@pytest.mark.parametrize(
    ("stopped", "ordered", "days"),
    [
        ("phenelzine", "sertraline", 14),
        ("selegiline", "bupropion", 14),
        ("tranylcypromine", "methylphenidate", 14),
        ("isocarboxazid", "buspirone", 14),
        ("phenelzine", "atomoxetine", 14),
        ("phenelzine", "amitriptyline", 14),
        ("phenelzine", "tranylcypromine", 14),
        ("linezolid", "sertraline", 1),
        ("methylene blue", "venlafaxine", 1),
        ("sertraline", "phenelzine", 14),
        ("citalopram", "tranylcypromine", 14),
        ("amitriptyline", "phenelzine", 14),
        ("mirtazapine", "phenelzine", 14),
        ("bupropion", "phenelzine", 14),
        ("vilazodone", "phenelzine", 14),
        ("fluoxetine", "phenelzine", 35),
        ("vortioxetine", "phenelzine", 21),
        ("venlafaxine", "phenelzine", 7),
        ("desvenlafaxine", "phenelzine", 7),
        ("levomilnacipran", "phenelzine", 7),
        ("duloxetine", "phenelzine", 5),
        ("oxycodone", "naltrexone", 7),
        ("methadone", "naltrexone", 10),
    ],
)
def test_the_day_before_the_day_itself_and_the_day_after(stopped: str, ordered: str, days: int) -> None:
    def held(day: int) -> list[Severity]:
        return severities(after(stopped, day, ordered), Check.WASHOUT)

    first_day = alerts(after(stopped, 0, ordered), Check.WASHOUT)[0].action
    assert (TODAY + timedelta(days=days)).isoformat() in first_day
    table = {day: held(day) for day in (0, days - 1, days, days + 1)}
    contraindicated = [Severity.CONTRAINDICATED]
    assert table == {0: contraindicated, days - 1: contraindicated, days: [], days + 1: []}


@pytest.mark.parametrize("rule", PACK.washouts, ids=lambda rule: rule.id)
def test_every_member_of_every_washout(rule: WashoutRule) -> None:
    excepted = {drug for name in rule.after_except for drug in PACK.members[name]}
    followed = sorted({drug for name in rule.after for drug in PACK.members[name]} - excepted)
    ordered = sorted({drug for name in rule.before for drug in PACK.members[name]})
    pairs = [(old, ordered[0]) for old in followed] + [(followed[0], new) for new in ordered]
    for old, new in pairs:
        if old != new:
            told = severities(after(old, rule.days - 1, new), Check.WASHOUT)
            assert any(severity.rank <= rule.severity.rank for severity in told), (old, new)


def test_the_alert_names_the_first_day_that_keeps_the_interval() -> None:
    told = alerts(after("phenelzine", 3, "sertraline"), Check.WASHOUT)[0]
    assert told.action == "Start sertraline on 2026-12-04 at the earliest."


def test_a_stop_planned_after_the_start_is_an_interaction_not_a_washout() -> None:
    answer = after("phenelzine", -1, "sertraline")
    assert severities(answer, Check.DRUG_DRUG) == [Severity.CONTRAINDICATED]
    assert alerts(answer, Check.WASHOUT) == []


def test_a_drug_restarted_needs_no_washout_from_itself() -> None:
    assert after("phenelzine", 1, "phenelzine").alerts == ()


@pytest.mark.parametrize(("days", "told"), [(34, {"unknown-drug"}), (35, set())])
def test_an_unknown_stopped_drug_matters_as_long_as_the_longest_washout(days: int, told: set[str]) -> None:
    answer = after("xyzmab", days, "phenelzine")
    assert reasons(answer, Check.WASHOUT) == told
    assert reasons(answer, Check.DRUG_DRUG) == set()


def test_the_end_of_the_calendar() -> None:
    chart = replace(KNOWN, medications=(Medication(name="fluoxetine", stopped_on=date.max),))
    assert severities(asked("phenelzine", chart, starts_on=date.max), Check.WASHOUT) == [Severity.CONTRAINDICATED]
