"""Rating scales against their published bands, cut-offs and rules for missing answers."""

import pytest

from careloop.kernel.errors import InvalidInput
from careloop.knowledge.scales import instruments, score, score_total

IDS = [
    "phq-2", "phq-9", "gad-7", "c-ssrs", "pcl-5", "mdq", "asrm", "ymrs",
    "audit-c", "dast-10", "isi", "wsas", "bars", "aims", "fibser",
]  # fmt: skip


def test_the_instruments() -> None:
    assert list(instruments()) == IDS


def test_the_phq_9_of_the_interface() -> None:
    told = score("phq-9", [2, 1, 3, 0, 1, 2, 1, 0, 1])
    assert (told.total, told.band, told.flags, told.missing) == (11, "moderate", ("item-9",), 0)


@pytest.mark.parametrize(
    ("instrument", "total", "band"),
    [
        ("phq-2", 2, "negative"), ("phq-2", 3, "positive"),
        ("phq-9", 0, "minimal"), ("phq-9", 4, "minimal"), ("phq-9", 5, "mild"), ("phq-9", 9, "mild"),
        ("phq-9", 10, "moderate"), ("phq-9", 14, "moderate"), ("phq-9", 15, "moderately-severe"),
        ("phq-9", 19, "moderately-severe"), ("phq-9", 20, "severe"), ("phq-9", 27, "severe"),
        ("gad-7", 4, "minimal"), ("gad-7", 5, "mild"), ("gad-7", 10, "moderate"), ("gad-7", 15, "severe"),
        ("pcl-5", 32, "below-cut-off"), ("pcl-5", 33, "probable-ptsd"),
        ("asrm", 5, "unlikely"), ("asrm", 6, "probable-mania"),
        ("ymrs", 12, "remission"), ("ymrs", 13, "above-remission"),
        ("audit-c", 2, "negative"), ("audit-c", 3, "positive-for-women"), ("audit-c", 4, "positive"),
        ("dast-10", 0, "none"), ("dast-10", 2, "low"), ("dast-10", 5, "moderate"), ("dast-10", 6, "substantial"),
        ("dast-10", 9, "severe"),
        ("isi", 7, "none"), ("isi", 8, "subthreshold"), ("isi", 15, "moderate"), ("isi", 22, "severe"),
    ],
)  # fmt: skip
def test_bands_at_their_edges(instrument: str, total: int, band: str) -> None:
    assert score_total(instrument, total).band == band


@pytest.mark.parametrize(
    ("answers", "band"),
    [
        ([0, 0, 0, 0, 0, 0, 0], "none"),
        ([0, 0, None, None, None, 0, 0], "none"),
        ([1, 0, None, None, None, 0, 0], "low"),
        ([0, 1, 0, 0, 0, 0, 0], "low"),
        ([1, 1, 1, 0, 0, 0, 0], "moderate"),
        ([0, 0, None, None, None, 1, 0], "moderate"),
        ([1, 1, 1, 1, 0, 0, 0], "high"),
        ([1, 1, 0, 0, 1, 0, 0], "high"),
        ([0, 0, None, None, None, 1, 1], "high"),
        ([None, None, None, None, None, None, 1], "high"),
        ([0, 1, None, 0, 0, 0, 0], None),
        ([0, None, None, None, None, 0, 0], None),
        ([0, 0, None, None, None, None, None], None),
    ],
)
def test_the_columbia_screener(answers: list[int | None], band: str | None) -> None:
    assert score("c-ssrs", answers).band == band


@pytest.mark.parametrize(
    ("instrument", "answers", "total", "missing"),
    [
        ("phq-9", [1, 1, 1, 1, 1, 1, 1, None, None], 9, 2),
        ("phq-9", [1, 1, 1, 1, 1, 1, None, None, None], None, 3),
        ("asrm", [2, 2, 2, 2, None], 10, 1),
        ("asrm", [2, 2, 2, None, None], None, 2),
        ("gad-7", [1, 1, 1, 1, 1, 1, None], None, 1),
        ("fibser", [None, None, 4], 4, 2),
        ("bars", [0, 0, 0, None], None, 1),
    ],
)
def test_missing_answers(instrument: str, answers: list[int | None], total: int | None, missing: int) -> None:
    told = score(instrument, answers)
    assert (told.total, told.missing) == (total, missing)


@pytest.mark.parametrize(
    ("symptoms", "same_period", "impairment", "band"),
    [
        (7, 1, 2, "positive"),
        (6, 1, 2, "negative"),
        (7, 0, 2, "negative"),
        (7, 1, 1, "negative"),
        (13, 1, 3, "positive"),
    ],
)
def test_the_mood_disorder_questionnaire(symptoms: int, same_period: int, impairment: int, band: str) -> None:
    assert score("mdq", [1] * symptoms + [0] * (13 - symptoms) + [same_period, impairment]).band == band


@pytest.mark.parametrize(
    ("areas", "total", "band"),
    [
        ([2, 2, 0, 0, 0, 0, 0], 4, "probable-dyskinesia"),
        ([3, 0, 0, 0, 0, 0, 0], 3, "probable-dyskinesia"),
        ([2, 1, 1, 1, 1, 1, 1], 8, "below-criterion"),
        ([4, 4, 4, 4, 4, 4, 4], 28, "probable-dyskinesia"),
    ],
)
def test_involuntary_movements_count_items_one_to_seven_only(areas: list[int], total: int, band: str) -> None:
    told = score("aims", [*areas, 4, 4, 4, 1, 1])
    assert (told.total, told.band) == (total, band)


@pytest.mark.parametrize(("global_", "flags"), [(1, ()), (2, ("akathisia",)), (5, ("akathisia",))])
def test_akathisia_by_the_global_item(global_: int, flags: tuple[str, ...]) -> None:
    assert score("bars", [3, 3, 3, global_]).flags == flags


@pytest.mark.parametrize(
    ("burden", "band"),
    [(2, "no-change"), (3, "address"), (4, "address"), (5, "reduce-or-switch"), (6, "reduce-or-switch")],
)
def test_burden_of_side_effects(burden: int, band: str) -> None:
    assert score("fibser", [6, 6, burden]).band == band


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([1] * 8, "9 items"),
        ([1] * 10, "9 items"),
        ([4] + [0] * 8, "Item 1 of phq-9 must be from 0 to 3"),
        ([0] * 8 + [-1], "Item 9"),
    ],
)
def test_what_is_no_answer_is_named(answers: list[int | None], said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        score("phq-9", answers)
    assert said in refused.value.sentence


@pytest.mark.parametrize(("instrument", "total"), [("phq-9", 28), ("phq-9", -1), ("c-ssrs", 1), ("hdrs", 1)])
def test_totals_that_mean_nothing_are_refused(instrument: str, total: int) -> None:
    with pytest.raises(InvalidInput):
        score_total(instrument, total)


@pytest.mark.parametrize("instrument", IDS)
def test_the_highest_and_lowest_answers_of_every_instrument(instrument: str) -> None:
    most = instruments()[instrument].most
    assert score(instrument, list(most)).missing == 0
    assert score(instrument, [0] * len(most)).flags == ()
    assert score(instrument, [None] * len(most)).band is None
