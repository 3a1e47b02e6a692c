"""The course of a scale: each threshold just missed, just met; the first of a series, a missing total, old rules."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.knowledge.pack.instruments import instruments
from careloop.knowledge.pack.pack import PackInvalid, read_data
from careloop.knowledge.pack.scale_changes import change_rules, read_change_rules, rules_for
from careloop.knowledge.scales.trends import Point, ScaleCourse, Word, course

START = date(2026, 1, 5)


def weekly(*totals: int | None, start: date = START) -> list[Point]:
    return [Point(on=start + timedelta(weeks=week), total=total) for week, total in enumerate(totals)]


def banded(*bands: str | None) -> list[Point]:
    return [Point(on=START + timedelta(weeks=week), total=None, band=band) for week, band in enumerate(bands)]


def apart(first: int, last: int, days: int) -> list[Point]:
    return [Point(on=START, total=first), Point(on=START + timedelta(days=days), total=last)]


def asked(found: ScaleCourse) -> list[str]:
    return [prompt.rule for prompt in found.prompts]


@pytest.mark.parametrize(
    ("totals", "change", "response", "remission", "relapse", "word"),
    [
        ((18, 14), -4, False, False, False, Word.UNCHANGED),
        ((18, 13), -5, False, False, False, Word.IMPROVING),
        ((18, 10), -8, False, False, False, Word.IMPROVING),
        ((18, 9), -9, True, False, False, Word.RESPONSE),
        ((18, 5), -13, True, False, False, Word.RESPONSE),
        ((18, 4), -14, True, True, False, Word.REMISSION),
        ((18, 23), 5, False, False, False, Word.UNCHANGED),
        ((18, 24), 6, False, False, False, Word.WORSENING),
        ((18, 4, 9), -9, True, False, False, Word.RESPONSE),
        ((18, 3, 9), -9, True, False, False, Word.WORSENING),
        ((18, 4, 10), -8, False, False, True, Word.RELAPSE),
        ((18, 5, 10), -8, False, False, False, Word.IMPROVING),
        ((20, 4, 10), -10, True, False, True, Word.RELAPSE),
        ((18, 4, 10, 4), -14, True, True, False, Word.REMISSION),
        ((18, None, 9), -9, True, False, False, Word.RESPONSE),
        ((None, 18, 9), -9, True, False, False, Word.RESPONSE),
        ((10, 5), -5, True, False, False, Word.RESPONSE),
        ((9, 4), -5, None, True, False, Word.REMISSION),
        ((9, 5), -4, None, False, False, Word.UNCHANGED),
    ],
)
def test_depression_over_time(
    totals: tuple[int | None, ...],
    change: int,
    response: bool | None,
    remission: bool,
    relapse: bool,
    word: Word,
) -> None:
    found = course("phq-9", weekly(*totals))
    assert (found.change, found.response, found.remission, found.relapse, found.word) == (
        change, response, remission, relapse, word,
    )  # fmt: skip


@pytest.mark.parametrize("totals", [(), (18,), (18, None), (None, 9), (None, None)])
def test_without_two_totals_and_a_last_one_nothing_is_said(totals: tuple[int | None, ...]) -> None:
    assert course("phq-9", weekly(*totals)) == ScaleCourse()


@pytest.mark.parametrize(
    ("instrument", "totals", "word", "worsening"),
    [
        ("gad-7", (12, 9), Word.UNCHANGED, None), ("gad-7", (12, 8), Word.IMPROVING, None),
        ("gad-7", (8, 11), Word.UNCHANGED, None), ("gad-7", (8, 12), Word.WORSENING, None),
        ("isi", (20, 15), Word.UNCHANGED, None), ("isi", (20, 14), Word.IMPROVING, None),
        ("isi", (8, 13), Word.UNCHANGED, None), ("isi", (8, 14), Word.WORSENING, None),
        ("pcl-5", (50, 36), Word.UNCHANGED, False), ("pcl-5", (50, 35), Word.IMPROVING, False),
        ("pcl-5", (50, 64), Word.UNCHANGED, False), ("pcl-5", (50, 65), Word.WORSENING, True),
        ("ymrs", (30, 16), Word.NOT_JUDGED, None), ("ymrs", (30, 15), Word.RESPONSE, None),
        ("ymrs", (30, 13), Word.RESPONSE, None), ("ymrs", (30, 12), Word.REMISSION, None),
        ("ymrs", (20, 30), Word.NOT_JUDGED, None),
        ("bars", (2, 2), Word.UNCHANGED, False), ("bars", (1, 2), Word.WORSENING, True),
        ("bars", (3, 1, 2), Word.WORSENING, True), ("bars", (1, 3, 2), Word.UNCHANGED, False),
        ("audit-c", (8, 0), Word.NOT_JUDGED, None), ("no-such-scale", (8, 0), Word.NOT_JUDGED, None),
    ],
)  # fmt: skip
def test_other_scales_over_time(instrument: str, totals: tuple[int, ...], word: Word, worsening: bool | None) -> None:
    found = course(instrument, weekly(*totals))
    assert (found.word, found.reliable_worsening, found.change) == (word, worsening, totals[-1] - totals[0])


def test_a_mania_scale_at_zero_has_no_response() -> None:
    assert course("ymrs", weekly(0, 0)).response is None
    assert course("ymrs", weekly(1, 0)).response is True


@pytest.mark.parametrize(
    ("last_on", "rule"),
    [(date(2021, 12, 31), "change.pcl-5.reliable-2013"), (date(2022, 1, 1), "change.pcl-5.reliable-2022")],
)
def test_what_is_reliable_in_post_traumatic_stress_changed_in_2022(last_on: date, rule: str) -> None:
    series = [Point(on=date(2021, 12, 1), total=20), Point(on=last_on, total=35)]
    assert asked(course("pcl-5", series)) == [rule]
    old = [Point(on=date(2021, 12, 1), total=20), Point(on=last_on, total=25)]
    assert course("pcl-5", old).reliable_worsening is (last_on.year == 2021)


@pytest.mark.parametrize(
    ("bands", "word", "worsening"),
    [
        (("none", "low"), Word.WORSENING, True),
        (("none", "high"), Word.WORSENING, True),
        (("high", "low", "moderate"), Word.WORSENING, True),
        (("low", None, "moderate"), Word.WORSENING, True),
        (("high", "moderate"), Word.IMPROVING, False),
        (("moderate", "moderate"), Word.UNCHANGED, False),
        (("low", None), Word.NOT_JUDGED, None),
        (("low",), Word.NOT_JUDGED, None),
        (("strange", "low"), Word.NOT_JUDGED, None),
    ],
)
def test_any_move_up_of_the_columbia_screener_asks_for_a_look(
    bands: tuple[str | None, ...], word: Word, worsening: bool | None
) -> None:
    found = course("c-ssrs", banded(*bands))
    assert (found.word, found.reliable_worsening) == (word, worsening)
    assert asked(found) == (["change.c-ssrs.rank-rise"] if worsening else [])


EARLY, PLAN = "change.phq-9.early-improvement", "change.phq-9.plan-change"


@pytest.mark.parametrize(
    ("last", "days", "rules"),
    [
        (16, 41, []), (16, 42, [EARLY]), (16, 43, [EARLY]), (13, 42, []), (14, 42, [EARLY]),
        (10, 83, []), (10, 84, [PLAN]), (9, 84, []), (14, 84, [EARLY, PLAN]), (4, 84, []),
    ],
)  # fmt: skip
def test_too_little_change_after_6_and_12_weeks_asks_for_a_look_at_the_plan(
    last: int, days: int, rules: list[str]
) -> None:
    series = apart(18, last, days)
    between = Point(on=START + timedelta(days=1), total=18)
    assert asked(course("phq-9", series)) == rules
    assert asked(course("phq-9", [series[0], between, series[1]])) == rules


def test_a_baseline_too_low_for_a_response_asks_for_no_other_plan() -> None:
    assert asked(course("phq-9", apart(9, 5, 84))) == [EARLY]


def test_a_relapse_and_a_reliable_worsening_each_say_what_to_do() -> None:
    found = course("phq-9", weekly(18, 4, 10))
    assert asked(found) == ["change.phq-9.relapse", "change.phq-9.reliable"]
    assert all(prompt.action and prompt.source and prompt.reviewed is False for prompt in found.prompts)
    assert [prompt.version for prompt in found.prompts] == [1, 1]
    assert [prompt.basis for prompt in found.prompts] == ["ours", "M"]
    assert asked(course("bars", weekly(0, 1))) == ["change.bars.rise"]


def test_no_drop_asks_for_anything_where_no_rule_does() -> None:
    assert course("gad-7", weekly(20, 1)).prompts == ()


TOTALS = st.integers(0, 27)


@given(st.lists(TOTALS, min_size=1, max_size=6), TOTALS, TOTALS)
def test_a_higher_last_total_never_reads_better(before: list[int], last: int, other: int) -> None:
    lower, higher = sorted((last, other))
    ranks = list(Word)
    better, worse = course("phq-9", weekly(*before, lower)).word, course("phq-9", weekly(*before, higher)).word
    assert ranks.index(worse) <= ranks.index(better)


@given(
    st.sampled_from([*instruments(), "other"]),
    st.lists(
        st.builds(
            Point,
            on=st.dates(),
            total=st.none() | st.integers(),
            band=st.none() | st.sampled_from(["none", "low", "moderate", "high"]) | st.text(),
        ),
        max_size=5,
    ),
)
def test_no_series_makes_it_raise(instrument: str, series: list[Point]) -> None:
    assert course(instrument, series).word in Word


@pytest.mark.parametrize(("day", "count"), [(date(1999, 12, 31), 0), (date(2000, 1, 1), 7), (date.max, 7)])
def test_rules_hold_from_their_day_on(day: date, count: int) -> None:
    assert len(rules_for("phq-9", day)) == count


@pytest.mark.parametrize("rule", change_rules(), ids=lambda rule: rule.id)
def test_every_rule_says_where_it_comes_from(rule: object) -> None:
    found = next(one for one in change_rules() if one is rule)
    assert found.source
    assert not found.reviewed
    assert found.id.startswith(f"change.{found.instrument}.")
    assert found.version == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("instrument: bars", "instrument: bears", "change.bars.rise: no such instrument"),
        (
            "kind: remission, through: 4",
            "kind: remission",
            "change.phq-9.remission: a remission has the figures through",
        ),
        (
            "kind: meaningful, points: 6",
            "kind: meaningful, points: 6, through: 3",
            "change.isi.meaningful: a meaningful has the figures points",
        ),
        (
            "effective_to: 2021-12-31",
            "effective_to: 2022-01-01",
            "change.pcl-5.reliable-2013 and change.pcl-5.reliable-2022 hold on the same day",
        ),
        (
            "effective_from: 2022-01-01}",
            "effective_from: 2021-12-31}",
            "change.pcl-5.reliable-2013 and change.pcl-5.reliable-2022 hold on the same day",
        ),
        ("id: change.bars.rise", "id: change.isi.meaningful", "change.isi.meaningful: given twice"),
        ("kind: rise", "kind: raise", "change.bars.rise: Invalid enum value 'raise' - at `$[14].kind`"),
        ("kind: rise", "kind: rise, sign: 1", "change.bars.rise: Object contains unknown field `sign` - at `$[14]`"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused(old: str, new: str, said: str) -> None:
    data = read_data()
    text = data["changes.yaml"].decode()
    assert old in text
    with pytest.raises(PackInvalid) as refused:
        read_change_rules({**data, "changes.yaml": text.replace(old, new, 1).encode()})
    assert str(refused.value) == f"changes.yaml: {said}"


def test_rules_of_one_kind_may_follow_each_other() -> None:
    held = [rule.id for rule in change_rules() if rule.instrument == "pcl-5" and rule.kind == "reliable"]
    assert held == ["change.pcl-5.reliable-2013", "change.pcl-5.reliable-2022"]
