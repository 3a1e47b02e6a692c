"""Rating scales against their published bands, cut-offs and rules for missing answers."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.kernel.errors import InvalidInput
from careloop.knowledge.chart import Sex
from careloop.knowledge.pack.instruments import RULES, SUM, read_instruments
from careloop.knowledge.pack.pack import PackInvalid, read_data
from careloop.knowledge.pack.shapes.entries import Basis
from careloop.knowledge.scales.score import ScaleReading, Score, instruments, readings, score, score_total
from careloop.knowledge.scales.ways_to_score import OWN_RULES
from tests.support.refusals import refused_field

IDS = [
    "phq-2", "phq-9", "gad-7", "c-ssrs", "pcl-5", "mdq", "asrm", "ymrs",
    "audit-c", "dast-10", "isi", "wsas", "bars", "aims", "fibser", "prise",
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
        ("dast-10", 1, "low"), ("dast-10", 3, "moderate"), ("dast-10", 8, "substantial"), ("dast-10", 10, "severe"),
        ("wsas", 9, "subclinical"), ("wsas", 10, "significant"), ("wsas", 20, "significant"), ("wsas", 21, "severe"),
        ("gad-7", 9, "mild"), ("gad-7", 14, "moderate"), ("isi", 14, "subthreshold"), ("isi", 21, "moderate"),
        ("bars", 0, "absent"), ("bars", 1, "questionable"), ("bars", 2, "mild"), ("bars", 3, "moderate"),
        ("bars", 4, "marked"), ("bars", 5, "severe"),
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
        ([0, 0, None, None, None, 0, None], "none"),
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
    ("answers", "slug", "field", "said"),
    [
        ([1] * 8, "wrong-count", "items", "phq-9 has 9 items; 8 answers were given."),
        ([1] * 10, "wrong-count", "items", "phq-9 has 9 items; 10 answers were given."),
        ([4] + [0] * 8, "out-of-range", "items[0]", "Item 1 of phq-9 must be from 0 to 3 (interest)."),
        ([0] * 8 + [-1], "out-of-range", "items[8]", "Item 9 of phq-9 must be from 0 to 3 (better-off-dead)."),
    ],
)
def test_what_is_no_answer_is_named(answers: list[int | None], slug: str, field: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        score("phq-9", answers)
    assert (refused.value.slug, refused.value.field, refused.value.sentence) == (slug, field, said)


@pytest.mark.parametrize(
    ("instrument", "total", "slug", "field", "said"),
    [
        ("phq-9", 28, "out-of-range", "total", "total must be from 0 to 27 for phq-9."),
        ("phq-9", -1, "out-of-range", "total", "total must be from 0 to 27 for phq-9."),
        ("c-ssrs", 1, "items-needed", "instrument", "c-ssrs is read from its items."),
        ("hdrs", 1, "unknown-instrument", "instrument", f"instrument must be one of: {', '.join(IDS)}."),
    ],
)
def test_totals_that_mean_nothing_are_refused(instrument: str, total: int, slug: str, field: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        score_total(instrument, total)
    assert (refused.value.slug, refused.value.field, refused.value.sentence) == (slug, field, said)


@pytest.mark.parametrize("instrument", IDS)
def test_the_highest_and_lowest_answers_of_every_instrument(instrument: str) -> None:
    most = instruments()[instrument].most
    assert score(instrument, list(most)).missing == 0
    assert score(instrument, [0] * len(most)).flags == ()
    assert score(instrument, [None] * len(most)).band is None


# HL7 US Core, QuestionnaireResponse/phq-9-example (CC0): link id and answer of each item, and the total it states.
US_CORE_PHQ_9 = {
    "44250-9": "LA6570-1", "44255-8": "LA6570-1", "44259-0": "LA6570-1", "44254-1": "LA6570-1", "44251-7": "LA6569-3",
    "44258-2": "LA6569-3", "44252-5": "LA6570-1", "44253-3": "LA6568-5", "44260-8": "LA6568-5",
}  # fmt: skip
US_CORE_TOTAL = 12
POINTS = {"LA6568-5": 0, "LA6569-3": 1, "LA6570-1": 2, "LA6571-9": 3}


def test_the_published_us_core_phq_9_scores_to_its_published_total() -> None:
    told = score("phq-9", [POINTS[answer] for answer in US_CORE_PHQ_9.values()])
    assert (told.total, told.band, told.flags, told.missing) == (US_CORE_TOTAL, "moderate", (), 0)


@pytest.mark.parametrize(
    ("sex", "total", "band"),
    [
        (Sex.FEMALE, 2, "negative"), (Sex.FEMALE, 3, "positive"),
        (Sex.MALE, 3, "negative"), (Sex.MALE, 4, "positive"),
        (Sex.OTHER, 3, "positive-for-women"), (Sex.UNKNOWN, 3, "positive-for-women"),
        (None, 2, "negative"), (None, 3, "positive-for-women"), (None, 4, "positive"),
    ],
)  # fmt: skip
def test_alcohol_cut_offs_go_by_sex(sex: Sex | None, total: int, band: str) -> None:
    assert score_total("audit-c", total, sex).band == band
    assert score("audit-c", [total, 0, 0], sex).band == band


def test_a_total_from_elsewhere_is_told_with_its_band_alone() -> None:
    assert score_total("phq-9", 12) == Score(
        instrument="phq-9", version=1, total=12, band="moderate", flags=(), missing=0
    )


def test_sex_changes_nothing_else() -> None:
    assert score("gad-7", [1] * 7, Sex.MALE) == score("gad-7", [1] * 7)


@pytest.mark.parametrize(
    ("answers", "total", "band"),
    [
        ([2, 2, 0, 0, 0, 0, None], None, "probable-dyskinesia"),
        ([3, None, 0, 0, 0, 0, 0], None, "probable-dyskinesia"),
        ([2, 1, 0, 0, 0, 0, None], None, None),
        ([2, 1, 1, 1, 1, 1, 1], 8, "below-criterion"),
    ],
)
def test_dyskinesia_is_probable_even_while_an_area_is_missing(
    answers: list[int | None], total: int | None, band: str | None
) -> None:
    told = score("aims", [*answers, None, None, None, None, None])
    assert (told.total, told.band) == (total, band)


def test_a_mood_disorder_questionnaire_with_a_missing_answer_says_nothing() -> None:
    assert score("mdq", [1] * 13 + [1, None]).band is None
    assert score("mdq", [None] + [1] * 12 + [1, 3]).total is None
    assert score("mdq", [1] * 7 + [0] * 6 + [1, 2]).total == 7


@pytest.mark.parametrize(
    ("answers", "band", "flags"),
    [
        ([0] * 9, "none", ()),
        ([0, 1, 0, 0, 0, 0, 0, 0, 0], "tolerable", ()),
        ([0, 1, 0, 0, 0, 0, 0, 2, None], "distressing", ("distressing-sexual",)),
        ([0, 1, 0, 0, 0, 0, 0, 0, None], None, ()),
        ([2] + [0] * 7 + [2], "distressing", ("distressing-gastrointestinal", "distressing-other")),
    ],
)
def test_side_effects_by_system(answers: list[int | None], band: str | None, flags: tuple[str, ...]) -> None:
    told = score("prise", answers)
    assert (told.total, told.band, told.flags) == (None, band, flags)


@pytest.mark.parametrize(("answered", "total"), [((0, 0, 0, 1), 1), ((1, 1, 1, 2), 6), ((3, 3, 3, 2), 14)])
def test_a_prorated_total_is_rounded_half_up(answered: tuple[int, ...], total: int) -> None:
    assert score("asrm", [*answered, None]).total == total


@pytest.mark.parametrize(("positive", "flag"), [(0, ()), (1, ("item-9",)), (None, ("safety-item-missing",))])
def test_item_9_is_flagged_from_one_and_where_it_is_missing(positive: int | None, flag: tuple[str, ...]) -> None:
    assert score("phq-9", [None] * 8 + [positive]).flags == flag


def reading(instrument: str, name: str, answers: Sequence[int | None]) -> ScaleReading:
    return next(read for read in readings(instrument, answers) if read.name == name)


@pytest.mark.parametrize(
    ("answers", "major", "other"),
    [
        ([2, 0, 2, 2, 2, 2, 0, 0, 0], True, False),
        ([0, 2, 2, 2, 2, 0, 0, 0, 1], True, False),
        ([0, 2, 2, 2, 0, 0, 0, 0, 1], False, True),
        ([0, 2, 2, 0, 0, 0, 0, 0, 0], False, True),
        ([0, 2, 1, 1, 1, 1, 1, 1, 0], False, False),
        ([1, 1, 2, 2, 2, 2, 2, 2, 3], False, False),
        ([2, 2, 2, 2, None, 0, 0, 0, 0], None, None),
        ([None, None, 2, 2, 2, 2, 2, 0, 0], None, False),
        ([2, 0, 0, 0, 0, 0, 0, 0, None], False, None),
    ],
)
def test_depressive_syndromes_by_the_phq_algorithm(
    answers: list[int | None], major: bool | None, other: bool | None
) -> None:
    assert reading("phq-9", "major-depressive-syndrome", answers).holds is major
    assert reading("phq-9", "other-depressive-syndrome", answers).holds is other


def clusters(b: int, c: int, d: int, e: int) -> list[int | None]:
    """PCL-5 answers with so many symptoms of 2 in each cluster."""
    return [2 if number < count else 1 for count, size in ((b, 5), (c, 2), (d, 7), (e, 6)) for number in range(size)]


@pytest.mark.parametrize(
    ("counts", "holds"),
    [((1, 1, 2, 2), True), ((0, 1, 2, 2), False), ((1, 0, 2, 2), False), ((1, 1, 1, 2), False), ((1, 1, 2, 1), False)],
)
def test_post_traumatic_stress_needs_every_cluster(counts: tuple[int, int, int, int], holds: bool) -> None:
    assert reading("pcl-5", "provisional-ptsd", clusters(*counts)).holds is holds


@pytest.mark.parametrize(
    ("instrument", "answers", "name", "action"),
    [
        ("phq-2", [3, 0], "positive", "Ask the whole PHQ-9."),
        ("phq-9", [0] * 8 + [1], "item-9", "Ask the C-SSRS screener on the same day."),
        ("asrm", [2, 2, 2, 0, 0], "probable-mania", "On an antidepressant: review at once for a switch to mania."),
        ("bars", [0, 0, 0, 2], "akathisia", "Review the antipsychotic's dose; treat the akathisia."),
        ("fibser", [0, 0, 3], "address", "Address the side effects: dose, timing, antidote."),
        ("fibser", [0, 0, 5], "reduce-or-switch", "Decrease the dose or switch."),
    ],
)
def test_what_answers_ask_for_stands_with_its_source(
    instrument: str, answers: list[int | None], name: str, action: str
) -> None:
    read = reading(instrument, name, answers)
    assert (read.holds, read.action, read.reviewed) == (True, action, False)
    assert read.source
    assert read.basis in {"V", "S", "M", "ours"}


def test_a_flag_has_its_own_basis_and_a_band_that_of_its_instrument() -> None:
    assert reading("phq-9", "item-9", [0] * 8 + [1]).basis == "M"
    assert reading("fibser", "address", [0, 0, 3]).basis == "V"


def test_a_criterion_has_its_own_source_and_says_what_to_do() -> None:
    assert reading("phq-9", "major-depressive-syndrome", [3] * 9) == ScaleReading(
        name="major-depressive-syndrome",
        holds=True,
        action="Confirm by interview: impairment, bereavement, mania, other causes.",
        source="PHQ instruction manual",
        basis=Basis.MEMORY,
        reviewed=False,
    )
    assert reading("pcl-5", "provisional-ptsd", [4] * 20).action == "Confirm by structured interview."


def test_answers_that_ask_for_nothing_read_as_nothing() -> None:
    assert readings("fibser", [6, 6, 2]) == ()
    assert readings("prise", [2] * 9) == ()


@given(st.data(), st.sampled_from(IDS))
def test_scores_are_within_the_range_and_more_answers_of_more_never_score_less(data: st.DataObject, name: str) -> None:
    most = instruments()[name].most
    answers = [data.draw(st.integers(0, highest)) for highest in most]
    higher = [data.draw(st.integers(answer, highest)) for answer, highest in zip(answers, most, strict=True)]
    less, more = score(name, answers).total, score(name, higher).total
    assert less is None or (more is not None and 0 <= less <= more <= instruments()[name].highest_total)


@given(
    st.text() | st.sampled_from(IDS),
    st.lists(st.none() | st.integers(-1, 5) | st.integers(), max_size=21),
    st.none() | st.sampled_from(Sex),
)
def test_nothing_but_the_documented_refusal_comes_of_any_answers(
    name: str, answers: list[int | None], sex: Sex | None
) -> None:
    field = refused_field(lambda: score(name, answers, sex))
    assert refused_field(lambda: readings(name, answers, sex)) == field
    assert field is None or field.startswith(("instrument", "items"))


@given(st.sampled_from(IDS), st.integers())
def test_any_total_is_banded_or_refused(name: str, total: int) -> None:
    bands = instruments()[name].bands
    field = refused_field(lambda: score_total(name, total))
    assert field == (
        "instrument" if not bands else None if 0 <= total <= instruments()[name].highest_total else "total"
    )


def test_the_ways_to_score_are_those_the_data_may_name() -> None:
    assert {SUM, *OWN_RULES} == RULES


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id: phq-9\n", "id: phq-2\n", "an instrument is given twice"),
        ("score: mood-disorder", "score: guessed", "mdq: no such way to score"),
        ("most: 8, count: 5", "most: 0, count: 5", "wsas: every item needs a range"),
        ("most: 8, count: 5", "most: 8, count: 0", "wsas: every item needs a range"),
        (
            "{name: subclinical, from: 0}",
            "{name: subclinical, from: 1}",
            "wsas: bands must rise from 0 within the range",
        ),
        (
            "{name: significant, from: 10}",
            "{name: significant, from: 22}",
            "wsas: bands must rise from 0 within the range",
        ),
        (
            "{name: significant, from: 10}",
            "{name: significant, from: 21}",
            "wsas: bands must rise from 0 within the range",
        ),
        ("{name: severe, from: 21}", "{name: severe, from: 41}", "wsas: bands must rise from 0 within the range"),
        (
            "    female: [{name: negative, from: 0}",
            "    women: [{name: negative, from: 0}",
            "audit-c: bands are by female and male",
        ),
        (
            "    male: [{name: negative, from: 0}",
            "    male: [{name: negative, from: 1}",
            "audit-c: bands must rise from 0 within the range",
        ),
        ("item: 9, from: 1, action", "item: 10, from: 1, action", "phq-9: an item is named that it does not have"),
        (
            "{items: [1, 2], at_least: 1}",
            "{items: [0, 2], at_least: 1}",
            "phq-9: an item is named that it does not have",
        ),
        ("but: [{item: 9, from: 1}]", "but: [{item: 99, from: 1}]", "phq-9: an item is named that it does not have"),
        ("totalled: [4]", "totalled: [5]", "bars: an item is named that it does not have"),
        (
            "reviewed: false",
            "reviewed: false\n  signed: true",
            "phq-2: Object contains unknown field `signed` - at `$[0]`",
        ),
    ],
)
def test_an_instrument_that_does_not_fit_together_is_refused(old: str, new: str, said: str) -> None:
    data = read_data()
    text = data["instruments.yaml"].decode()
    assert old in text
    with pytest.raises(PackInvalid) as refused:
        read_instruments({**data, "instruments.yaml": text.replace(old, new, 1).encode()})
    assert str(refused.value) == f"instruments.yaml: {said}"
