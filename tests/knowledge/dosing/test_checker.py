"""Any schedule judged: each constraint on the day before, on, and after its bound, with what was found and allowed."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from careloop.knowledge.chart import Condition, Genotype, Pregnancy
from careloop.knowledge.dosing.plan import NOBODY_ASKED, OnHand, Segment
from careloop.knowledge.regimen.regimen import AsNeeded, Phase, Regimen, ScheduledDose
from tests.support.dose_plans import (
    ASKED,
    FIRST,
    KNOWN,
    MONDAY,
    breaches,
    charted,
    day,
    judged,
    seg,
    short,
    tablets,
    takes,
)
from tests.support.knowledge import of

ON_50 = charted(takes("sertraline", 50, since=FIRST))
ON_100 = charted(takes("sertraline", 100))


def days_after(first: str, number: int) -> str:
    return (day(first) + timedelta(days=number)).isoformat()


# K1


def test_the_total_of_a_day_is_held_against_the_limit() -> None:
    on_200 = charted(takes("sertraline", 175))
    assert breaches(judged(on_200, [seg("sertraline", "12-07", None, 200)])) == []
    assert breaches(judged(on_200, [seg("sertraline", "12-07", None, 225)])) == [
        ("K1", "sertraline", "2026-12-07", 225, 200)
    ]


def test_a_total_counts_what_is_taken_as_needed_and_not_the_mean() -> None:
    need = AsNeeded(reason="anxiety", amount_mg=Decimal(1), most_in_24_hours=3)
    dose = ScheduledDose(at="bedtime", amount_mg=Decimal(2))
    plan = Segment(drug="clonazepam", from_on=MONDAY, regimen=Regimen(phases=(Phase(doses=(dose,), as_needed=need),)))
    assert ("K1", "clonazepam", "2026-12-07", 5, 4) in breaches(judged(charted(takes("clonazepam", 2)), [plan]))
    alternate = judged(charted(takes("citalopram", 25)), [seg("citalopram", "12-07", None, 60, every_days=2)])
    assert ("K1", "citalopram", "2026-12-07", 60, 40) in breaches(alternate)


def test_two_segments_of_one_drug_add_up_on_the_days_they_share() -> None:
    chart = charted(takes("citalopram", 20))
    plan = [seg("citalopram", "12-07", None, 20), seg("citalopram", "12-14", "12-20", 30)]
    assert ("K1", "citalopram", "2026-12-14", 50, 40) in breaches(judged(chart, plan))
    in_turn = [seg("citalopram", "12-07", None, 40, every_days=2), seg("citalopram", "12-08", None, 40, every_days=2)]
    assert "K1" not in {one[0] for one in breaches(judged(charted(takes("citalopram", 40)), in_turn))}


def test_the_limit_is_that_of_this_patient() -> None:
    poor = charted(takes("citalopram", 20), chart=of(KNOWN, genotypes=(Genotype(gene="CYP2C19", phenotype="poor"),)))
    found = judged(poor, [seg("citalopram", "12-07", None, 40)])
    assert ("K1", "citalopram", "2026-12-07", 40, 20) in breaches(found)
    assert {one.rule for one in found.violations} == {"dose.citalopram-cyp2c19-poor"}


def test_a_limit_that_falls_because_of_the_other_drug_holds_from_its_first_day() -> None:
    chart = charted(takes("citalopram", 40))
    plan = [seg("citalopram", "12-07", None, 40), seg("omeprazole", "12-21", None, 20)]
    assert ("K1", "citalopram", "2026-12-21", 40, 20) in breaches(judged(chart, plan))


def test_a_dose_from_before_the_plan_that_is_too_high_may_be_lowered() -> None:
    check = judged(charted(takes("sertraline", 300)), [seg("sertraline", "12-07", None, 250)])
    assert breaches(check) == []
    assert ("K1", "sertraline", "2026-12-07", 250, 200) in [short(one) for one in check.notes]


# K2


@pytest.mark.parametrize(("number", "legal"), [(6, False), (7, True), (8, True)])
def test_a_step_up_comes_no_sooner_than_its_days(number: int, legal: bool) -> None:
    check = judged(ON_50, [seg("sertraline", days_after("12-01", number), None, 100)], FIRST)
    expected = [] if legal else [("K2", "sertraline", "2026-12-07", 6, 7)]
    assert (breaches(check), check.legal) == (expected, legal)


@pytest.mark.parametrize(("mg", "expected"), [(75, []), (100, []), (125, [("K2", "sertraline", "2026-12-08", 75, 50)])])
def test_a_step_up_is_no_larger_than_the_largest(mg: int, expected: list[object]) -> None:
    assert breaches(judged(ON_50, [seg("sertraline", "12-08", None, mg)], FIRST)) == expected


@pytest.mark.parametrize(("mg", "expected"), [(50, []), (75, [("K2", "sertraline", "2026-12-07", 75, 50)])])
def test_a_first_dose_is_no_higher_than_the_highest_first_dose(mg: int, expected: list[object]) -> None:
    assert breaches(judged(charted(), [seg("sertraline", "12-07", None, mg)])) == expected


def test_a_second_step_counts_from_the_first() -> None:
    plan = [seg("sertraline", "12-08", "12-13", 100), seg("sertraline", "12-14", None, 150)]
    assert breaches(judged(ON_50, plan, FIRST)) == [("K2", "sertraline", "2026-12-14", 6, 7)]


def test_steps_read_the_mean_over_days_off() -> None:
    chart = charted(takes("fluoxetine", 10, since=day("2026-10-01")))
    assert breaches(judged(chart, [seg("fluoxetine", "12-07", None, 60, every_days=2)])) == []
    larger = judged(chart, [seg("fluoxetine", "12-07", None, 70, every_days=2)])
    assert breaches(larger) == [("K2", "fluoxetine", "2026-12-07", 25, 20)]


@pytest.mark.parametrize(("days", "starts"), [(12, False), (13, True)])
def test_after_a_fortnight_without_it_a_drug_begins_again(days: int, starts: bool) -> None:
    back = days_after("2026-12-21", days)
    plan = [seg("bupropion", "12-07", "12-20", 300), seg("bupropion", back, None, 300)]
    found = breaches(judged(charted(takes("bupropion", 300)), plan))
    assert found == ([("K2", "bupropion", back, 300, 150)] if starts else [])


@pytest.mark.parametrize(("days", "starts"), [(0, False), (1, True)])
def test_clozapine_begins_again_after_two_days(days: int, starts: bool) -> None:
    chart = charted(takes("clozapine", 300, since=day("2026-10-01")))
    back = days_after("2026-12-08", days)
    plan = [seg("clozapine", "12-07", "12-07", 300), seg("clozapine", back, None, 300)]
    assert (("K2", "clozapine", back, 300, 25) in breaches(judged(chart, plan))) is starts


def test_larger_steps_from_a_higher_dose_on_and_further_apart() -> None:
    plan = [seg("clozapine", "12-07", "12-08", 550), seg("clozapine", "12-09", None, 650)]
    found = breaches(judged(charted(takes("clozapine", 450, since=day("12-01"))), plan))
    assert found == [("K2", "clozapine", "2026-12-09", 2, 3)]
    below = judged(charted(takes("clozapine", 425, since=day("12-01"))), [seg("clozapine", "12-07", None, 500)])
    assert breaches(below) == [("K2", "clozapine", "2026-12-07", 75, 50)]


def test_what_is_not_known_of_a_step_is_a_gap() -> None:
    unknown = judged(charted(takes("sertraline", 50, since=None)), [seg("sertraline", "12-07", None, 100)])
    assert (unknown.legal, [(one.constraint, one.reason) for one in unknown.not_checked]) == (
        None, [("K2", "start-date-missing")],
    )  # fmt: skip
    doseless = judged(charted(takes("sertraline", None)), [seg("sertraline", "12-07", None, 100)])
    assert {("K2", "dose-missing"), ("K4", "dose-missing")} <= {
        (one.constraint, one.reason) for one in doseless.not_checked
    }
    strange = judged(charted(), [seg("modafinil", "12-07", None, 100)])
    assert ("K2", "step-unknown") in {(one.constraint, one.reason) for one in strange.not_checked}


def test_steps_that_a_switch_slows_are_to_be_answered() -> None:
    chart = charted(takes("paroxetine", 20, until=day("12-04")))
    quick = [seg("nortriptyline", "12-07", "12-13", 25), seg("nortriptyline", "12-14", None, 50)]
    assert [short(one) for one in judged(chart, quick).to_answer if one.constraint == "K2"] == [
        ("K2", "nortriptyline", "2026-12-14", 7, 14)
    ]
    slow = [seg("nortriptyline", "12-07", "12-20", 25), seg("nortriptyline", "12-21", None, 50)]
    assert [one for one in judged(chart, slow).to_answer if one.constraint == "K2"] == []
    after = charted(takes("fluoxetine", 20, until=day("11-30")))
    large = [seg("amitriptyline", "12-07", "12-13", 25), seg("amitriptyline", "12-14", None, 50)]
    assert [short(one) for one in judged(after, large).to_answer if one.constraint == "K2"] == [
        ("K2", "amitriptyline", "2026-12-14", 25, 12.5)
    ]


# K3

LADDER = [
    seg("lamotrigine", "12-01", "12-14", 25), seg("lamotrigine", "12-15", "12-28", 50),
    seg("lamotrigine", "12-29", "2027-01-04", 100), seg("lamotrigine", "2027-01-05", None, 200),
]  # fmt: skip


def test_a_fixed_titration_is_never_run_ahead_of() -> None:
    assert breaches(judged(charted(), LADDER, FIRST)) == []
    early = [replace(LADDER[0], to_on=day("12-13")), replace(LADDER[1], from_on=day("12-14")), *LADDER[2:]]
    assert breaches(judged(charted(), early, FIRST)) == [("K3", "lamotrigine", "2026-12-14", 50, 25)]
    late = [replace(LADDER[0], to_on=day("12-20")), replace(LADDER[1], from_on=day("12-21")), *LADDER[2:]]
    assert breaches(judged(charted(), late, FIRST)) == []


def test_beside_valproate_alternate_days_are_the_fixed_titration() -> None:
    chart = charted(takes("valproate", 1000))
    assert breaches(judged(chart, [seg("lamotrigine", "12-01", None, 25, every_days=2)], FIRST)) == []
    daily = judged(chart, [seg("lamotrigine", "12-01", None, 25)], FIRST)
    assert breaches(daily) == [("K3", "lamotrigine", "2026-12-01", 25, 12.5)]
    half = judged(chart, [seg("lamotrigine", "12-01", None, 50, every_days=4)], FIRST)
    assert breaches(half) == [("K3", "lamotrigine", "2026-12-01", 50, 25)]


def test_a_fixed_titration_under_way_counts_from_its_own_beginning() -> None:
    known = charted(takes("lamotrigine", 50, since=FIRST))
    assert breaches(judged(known, [seg("lamotrigine", "12-28", None, 100)])) == [
        ("K3", "lamotrigine", "2026-12-28", 100, 50)
    ]
    assert breaches(judged(known, [seg("lamotrigine", "12-29", None, 100)])) == []
    unknown = judged(charted(takes("lamotrigine", 50, since=None)), [seg("lamotrigine", "12-29", None, 100)])
    assert ("K3", "start-date-missing") in {(one.constraint, one.reason) for one in unknown.not_checked}


# K4

ON_20 = charted(takes("diazepam", 20))


def test_a_benzodiazepine_falls_by_no_more_than_a_quarter_in_any_fortnight() -> None:
    fall = [seg("diazepam", "12-07", "12-13", 17), seg("diazepam", "12-14", None, 14)]
    assert breaches(judged(ON_20, fall)) == [
        ("K4", "diazepam", "2026-12-14", 7, 14), ("K4", "diazepam", "2026-12-14", 30, 25),
    ]  # fmt: skip
    assert breaches(judged(ON_20, [seg("diazepam", "12-07", None, 14)])) == [("K4", "diazepam", "2026-12-07", 30, 25)]
    assert breaches(judged(ON_20, [seg("diazepam", "12-07", None, 15)])) == []
    assert breaches(judged(ON_20, [seg("diazepam", "12-07", None, 14.5)])) == [
        ("K4", "diazepam", "2026-12-07", 27.5, 25)
    ]


def test_one_least_step_is_always_allowed() -> None:
    on_2 = charted(takes("diazepam", 2))
    assert breaches(judged(on_2, [seg("diazepam", "12-07", "12-20", 1)])) == []
    on_3 = charted(takes("diazepam", 3))
    assert breaches(judged(on_3, [seg("diazepam", "12-07", None, 1)])) == [("K4", "diazepam", "2026-12-07", 66.7, 25)]


@pytest.mark.parametrize(
    ("use", "softened"),
    [
        ({"used_since": day("2026-11-16")}, True),
        ({"used_since": day("2026-09-09")}, True),
        ({"used_since": day("2026-09-08")}, False),
        ({"days_a_week": 3}, True),
        ({"days_a_week": 4}, False),
        ({}, False),
    ],
)
def test_short_or_seldom_use_makes_a_fast_taper_a_question(use: dict[str, object], softened: bool) -> None:
    check = judged(ON_20, [seg("diazepam", "12-07", None, 14)], answers=replace(ASKED, **use))  # type: ignore[arg-type]
    asked = [short(one) for one in check.to_answer]
    assert (breaches(check) == []) is softened
    assert (asked == [("K4", "diazepam", "2026-12-07", 30, 25)]) is softened


@pytest.mark.parametrize(("number", "expected"), [(13, [13]), (14, []), (15, [])])
def test_steps_down_are_a_fortnight_apart(number: int, expected: list[int]) -> None:
    second = days_after("12-07", number)
    ends = days_after("12-07", number - 1)
    plan = [seg("sertraline", "12-07", ends, 75), seg("sertraline", second, None, 50)]
    assert breaches(judged(ON_100, plan)) == [("K4", "sertraline", second, float(days), 14.0) for days in expected]


def test_an_antidepressant_falls_by_no_more_than_half() -> None:
    on_150 = charted(takes("sertraline", 150))
    assert breaches(judged(on_150, [seg("sertraline", "12-07", None, 75)])) == []
    assert breaches(judged(on_150, [seg("sertraline", "12-07", None, 50)])) == [
        ("K4", "sertraline", "2026-12-07", 66.7, 50)
    ]


@pytest.mark.parametrize(("last", "expected"), [(12.5, []), (25, [("K4", "sertraline", "2026-12-21", 25, 12.5)])])
def test_it_stops_from_a_quarter_of_the_adequate_dose(last: float, expected: list[object]) -> None:
    hand = (tablets("sertraline", 25, splittable=True),)
    plan = [seg("sertraline", "12-07", "12-20", last)]
    assert breaches(judged(charted(takes("sertraline", last)), plan, on_hand=hand)) == expected


def test_a_last_dose_that_cannot_be_made_smaller_is_told() -> None:
    check = judged(charted(takes("sertraline", 25)), [seg("sertraline", "12-07", "12-20", 25)])
    assert (breaches(check), [short(one) for one in check.notes]) == (
        [],
        [("K4", "sertraline", "2026-12-21", 25, 12.5)],
    )


@pytest.mark.parametrize(
    ("drug", "before", "levels", "expected"),
    [
        ("lithium", 900, [("12-07", "12-13", 675), ("12-14", "12-20", 450), ("12-21", "01-03", 225)], []),
        ("lithium", 900, [("12-07", "12-13", 675), ("12-14", "12-20", 450), ("12-21", "01-02", 225)],
         [("K4", "lithium", "2027-01-03", 27, 28)]),
        ("lithium", 900, [("12-07", "12-12", 675), ("12-13", None, 450)], [("K4", "lithium", "2026-12-13", 6, 7)]),
        ("lithium", 900, [("12-07", None, 600)], [("K4", "lithium", "2026-12-07", 33.3, 25)]),
        ("lithium", 900, [("12-07", "01-03", 675), ("01-04", "01-31", 450)],
         [("K4", "lithium", "2027-02-01", 450, 225)]),
        ("gabapentin", 1200, [("12-07", "12-08", 900), ("12-09", "12-10", 600), ("12-11", "12-12", 300)],
         [("K4", "gabapentin", "2026-12-13", 6, 7)]),
        ("clonidine", 0.3, [("12-07", None, 0.1)], [("K4", "clonidine", "2026-12-07", 0.2, 0.1)]),
        ("clonidine", 0.3, [("12-07", "12-08", 0.2), ("12-09", None, 0.1)], [("K4", "clonidine", "2026-12-09", 2, 3)]),
        ("fluoxetine", 60, [("12-07", None, 20)], [("K4", "fluoxetine", "2026-12-07", 66.7, 50)]),
        ("fluoxetine", 40, [("12-07", "12-20", 40)], [("K4", "fluoxetine", "2026-12-21", 40, 20)]),
        ("vilazodone", 40, [("12-07", None, 10)], [("K4", "vilazodone", "2026-12-07", 10, 20)]),
        ("vilazodone", 40, [("12-07", "12-09", 20), ("12-10", None, 10)], [("K4", "vilazodone", "2026-12-10", 3, 4)]),
        ("vilazodone", 40, [("12-07", "12-10", 20), ("12-11", "12-13", 10)], []),
        ("vortioxetine", 20, [("12-07", "12-12", 10)], [("K4", "vortioxetine", "2026-12-13", 6, 7)]),
        ("bupropion", 300, [("12-07", "12-07", 300)], []),
    ],
)  # fmt: skip
def test_each_drug_is_held_to_its_own_taper(
    drug: str, before: float, levels: list[tuple[str, str | None, float]], expected: list[object]
) -> None:
    plan = [seg(drug, begins, ends, mg) for begins, ends, mg in levels]
    assert breaches(judged(charted(takes(drug, before)), plan)) == expected


def test_twenty_of_fluoxetine_on_alternate_days_is_a_step_down_of_half() -> None:
    plan = [seg("fluoxetine", "12-07", "12-20", 20, every_days=2)]
    assert breaches(judged(charted(takes("fluoxetine", 20)), plan)) == []


@pytest.mark.parametrize("drug", ["baclofen", "methadone", "milnacipran"])
def test_a_taper_that_nobody_knows_leaves_the_plan_unchecked(drug: str) -> None:
    check = judged(charted(takes(drug, 50)), [seg(drug, "12-06", "12-06", 50)], on_hand=(tablets(drug, 50),))
    reason = {"baclofen": "taper-unknown", "methadone": "taper-not-offered", "milnacipran": "stop-dose-unknown"}
    assert check.legal is None
    assert ("K4", reason[drug], drug) in {(one.constraint, one.reason, one.subject) for one in check.not_checked}


def test_before_a_benzodiazepine_falls_its_dangers_are_asked() -> None:
    plan = [seg("diazepam", "12-07", None, 18)]
    (asked,) = judged(ON_20, plan, answers=NOBODY_ASKED).to_answer
    assert (asked.constraint, asked.day, asked.rule) == ("K4", MONDAY, "taper.benzodiazepine")
    assert "withdrawal-seizure: not known" in asked.message
    (said,) = judged(ON_20, plan, answers=replace(ASKED, alcohol_or_opioids=True)).to_answer
    assert "alcohol-or-opioids: yes" in said.message
    assert judged(ON_20, plan).to_answer == ()


def test_a_psychosis_or_a_relapse_makes_the_taper_of_an_antipsychotic_a_question() -> None:
    plan = [seg("risperidone", "12-07", None, 3)]
    known = charted(takes("risperidone", 4), chart=of(KNOWN, conditions=(Condition(icd10="F20.9"),)))
    assert "psychosis: yes" in judged(known, plan).to_answer[0].message
    assert judged(charted(takes("risperidone", 4)), plan).to_answer == ()
    relapsed = judged(charted(takes("risperidone", 4)), plan, answers=replace(ASKED, relapse_in_24_months=True))
    assert "relapse-in-24-months: yes" in relapsed.to_answer[0].message


# K5


@pytest.mark.parametrize(("first", "found"), [("01-03", 34), ("01-04", None), ("01-05", None)])
def test_a_washout_is_kept_to_the_day(first: str, found: int | None) -> None:
    chart = charted(takes("fluoxetine", 20, until=day("11-30")))
    check = judged(chart, [seg("phenelzine", first, None, 45)])
    expected = [("K5", "phenelzine", day(first).isoformat(), found, 35)] if found else []
    assert (breaches(check), check.legal) == (expected, not expected)


def test_a_washout_counts_from_the_last_dose_within_the_plan() -> None:
    chart = charted(takes("phenelzine", 15))
    plan = [seg("phenelzine", "12-07", "12-20", 15), seg("sertraline", "2027-01-02", None, 50)]
    assert breaches(judged(chart, plan)) == [("K5", "sertraline", "2027-01-02", 13, 14)]
    plan[1] = seg("sertraline", "2027-01-03", None, 50)
    assert breaches(judged(chart, plan)) == []
    on_alternate_days = [
        seg("phenelzine", "12-07", "12-21", 15, every_days=2),
        seg("sertraline", "2027-01-03", None, 50),
    ]
    assert ("K5", "sertraline", "2027-01-03", 13, 14) in breaches(judged(chart, on_alternate_days))


def test_what_needs_a_washout_is_not_taken_side_by_side_either() -> None:
    beside = judged(charted(takes("phenelzine", 45)), [seg("sertraline", "12-07", None, 50)])
    assert ("K5", "sertraline", "2026-12-07", 0, 14) in breaches(beside)
    other_way = judged(charted(takes("methadone", 40)), [seg("naltrexone", "12-07", None, 50)])
    assert ("K5", "naltrexone", "2026-12-07", 0, 10) in breaches(other_way)


@pytest.mark.parametrize(("first", "found"), [("01-04", 1), ("01-05", None), ("12-21", 0)])
def test_the_usual_gap_is_to_be_answered_where_it_is_not_kept(first: str, found: int | None) -> None:
    plan = [seg("sertraline", "12-07", "12-20", 50), seg("sertraline", "12-21", "01-03", 25),
            seg("venlafaxine", first, None, 37.5)]  # fmt: skip
    check = judged(ON_100, plan)
    asked = [short(one) for one in check.to_answer if one.constraint == "K5"]
    assert asked == ([] if found is None else [("K5", "venlafaxine", day(first).isoformat(), found, 2)])
    assert check.legal is True


def test_side_by_side_two_reuptake_inhibitors_have_two_questions_and_are_legal() -> None:
    plan = [seg("sertraline", "12-07", "12-20", 50), seg("sertraline", "12-21", "01-03", 25),
            seg("venlafaxine", "12-21", None, 37.5)]  # fmt: skip
    check = judged(ON_100, plan)
    assert [(one.constraint, one.rule) for one in check.to_answer] == [
        ("K5", "switch.ssri-reuptake"), ("K6", "duplicate.ssri-snri"),
    ]  # fmt: skip
    assert check.legal is True


def test_sources_that_differ_make_a_note() -> None:
    plan = [seg("venlafaxine", "12-07", "12-20", 37.5), seg("sertraline", "12-20", None, 50)]
    check = judged(charted(takes("venlafaxine", 75)), plan)
    assert "K5" not in {one.constraint for one in check.to_answer}
    plan[1] = seg("sertraline", "12-19", None, 50)
    check = judged(charted(takes("venlafaxine", 75)), plan)
    assert "K5" not in {one.constraint for one in check.to_answer}


@pytest.mark.parametrize(("first", "found"), [("12-07", None), ("12-06", 29)])
def test_a_crossing_is_no_longer_than_usual(first: str, found: int | None) -> None:
    plan = [seg("mirtazapine", "12-01", "01-03", 7.5), seg("sertraline", first, None, 50)]
    check = judged(charted(takes("mirtazapine", 15)), plan)
    asked = [short(one) for one in check.to_answer if one.constraint == "K5"]
    assert asked == ([("K5", "sertraline", day(first).isoformat(), found, 28)] if found else [])


# K6


def test_what_is_contraindicated_on_the_day_makes_the_plan_illegal() -> None:
    seizures = charted(chart=of(KNOWN, conditions=(Condition(text="seizure disorder"),)))
    check = judged(seizures, [seg("bupropion", "12-07", None, 150)])
    assert [(one.constraint, one.rule, one.day) for one in check.violations] == [
        ("K6", "condition.bupropion-seizure", MONDAY)
    ]


def test_a_high_alert_is_to_be_answered_once_over_all_steps() -> None:
    chart = charted(takes("ibuprofen", 600), takes("lithium", 600))
    plan = [seg("lithium", "12-07", "12-13", 900), seg("lithium", "12-14", None, 1200)]
    asked = [(one.rule, one.day, one.involves) for one in judged(chart, plan).to_answer if one.constraint == "K6"]
    assert asked == [("ddi.lithium-nsaid", MONDAY, ("lithium", "ibuprofen"))]


def test_what_was_so_before_the_plan_does_not_forbid_to_lower_the_drug() -> None:
    chart = charted(takes("sertraline", 100), takes("phenelzine", 45))
    check = judged(chart, [seg("sertraline", "12-07", None, 50)])
    assert check.violations == ()
    assert "ddi.maoi-serotonergic" in {one.rule for one in check.notes}
    raised = judged(chart, [seg("sertraline", "12-07", None, 150)])
    assert "ddi.maoi-serotonergic" in {one.rule for one in raised.violations}


def test_the_other_drugs_are_as_planned_for_that_day() -> None:
    chart = charted(takes("ibuprofen", 600), takes("lithium", 600))
    plan = [seg("ibuprofen", "12-07", "12-20", 600), seg("lithium", "12-21", None, 900)]
    assert "ddi.lithium-nsaid" not in {one.rule for one in judged(chart, plan[1:] + plan[:1]).to_answer}
    plan[1] = seg("lithium", "12-20", None, 900)
    assert "ddi.lithium-nsaid" in {one.rule for one in judged(chart, plan).to_answer}


def test_a_missing_fact_of_the_chart_is_a_gap_and_no_law_is_asked() -> None:
    unknown = charted(takes("valproate", 750), chart=of(KNOWN, pregnancy=Pregnancy.UNKNOWN))
    check = judged(unknown, [seg("valproate", "12-07", None, 1000)])
    assert "pregnancy-unknown" in {one.reason for one in check.not_checked}
    assert judged(charted(takes("lorazepam", 2)), [seg("lorazepam", "12-07", None, 1.5)]).not_checked == ()


def test_a_drug_that_is_not_known_leaves_the_plan_unchecked() -> None:
    check = judged(charted(), [seg("xyzmab", "12-07", None, 10)])
    assert (check.legal, [(one.reason, one.subject) for one in check.not_checked]) == (
        None, [("unknown-drug", "xyzmab")],
    )  # fmt: skip


# K7


def test_two_drugs_of_one_kind_are_taken_side_by_side_only_on_the_way() -> None:
    for ends in (None, "12-31"):
        plan = [seg("olanzapine", "12-07", None, 10), seg("risperidone", "12-07", ends, 1)]
        found = judged(charted(takes("olanzapine", 10)), plan)
        assert ("K7", "duplicate.antipsychotic") in {(one.constraint, one.rule) for one in found.violations}


@pytest.mark.parametrize(("ends", "found"), [("01-03", None), ("01-04", 29)])
def test_they_overlap_for_four_weeks_at_most(ends: str, found: int | None) -> None:
    plan = [seg("olanzapine", "12-07", ends, 2.5), seg("risperidone", "12-07", None, 1)]
    check = judged(charted(takes("olanzapine", 2.5)), plan)
    expected = [("K7", "risperidone", "2027-01-04", found, 28)] if found else []
    assert [one for one in breaches(check) if one[0] == "K7"] == expected


@pytest.mark.parametrize(("mg", "found"), [(400, None), (450, 1.06)])
def test_they_add_up_to_one_full_dose_at_most(mg: int, found: float | None) -> None:
    plan = [seg("olanzapine", "12-07", "12-20", 10), seg("quetiapine", "12-07", None, mg)]
    check = judged(charted(takes("olanzapine", 10)), plan)
    expected = [("K7", "quetiapine", "2026-12-07", found, 1)] if found else []
    assert [one for one in breaches(check) if one[0] == "K7"] == expected


# K8


@pytest.mark.parametrize(
    ("hand", "mg", "can"),
    [
        ((tablets("sertraline", 25, 50),), 75, True),
        ((tablets("sertraline", 50),), 75, False),
        ((tablets("sertraline", 50, splittable=True),), 75, True),
        ((tablets("sertraline", 25),), 12.5, False),
        ((), 75, True),
        ((), 80, False),
    ],
)
def test_every_dose_can_be_made_of_what_there_is(hand: tuple[OnHand, ...], mg: float, can: bool) -> None:
    check = judged(ON_100, [seg("sertraline", "12-07", None, mg)], on_hand=hand)
    smallest = 25.0 if not hand else float(min(hand[0].strengths_mg)) / (2 if hand[0].splittable else 1)
    expected = [] if can else [("K8", "sertraline", "2026-12-07", mg, smallest)]
    assert [one for one in breaches(check) if one[0] == "K8"] == expected


def test_without_a_strength_it_is_a_gap() -> None:
    check = judged(charted(), [seg("levetiracetam", "12-07", None, 500)])
    assert ("K8", "strength-unknown") in {(one.constraint, one.reason) for one in check.not_checked}


# K9, K10


def test_days_without_either_drug_are_told_beyond_the_washout() -> None:
    gap = [seg("sertraline", "12-07", "12-20", 25), seg("venlafaxine", "12-27", None, 37.5)]
    check = judged(charted(takes("sertraline", 25)), gap)
    assert ("K9", "venlafaxine", "2026-12-21", 6, 0) in [short(one) for one in check.notes]
    washed = [seg("phenelzine", "12-07", "12-20", 15), seg("sertraline", "2027-01-03", None, 50)]
    assert "K9" not in {one.constraint for one in judged(charted(takes("phenelzine", 15)), washed).notes}
    washed[1] = seg("sertraline", "2027-01-04", None, 50)
    told = [short(one) for one in judged(charted(takes("phenelzine", 15)), washed).notes if one.constraint == "K9"]
    assert told == [("K9", "sertraline", "2026-12-21", 14, 13)]


def test_a_step_up_that_needs_a_result_asks_for_it() -> None:
    chart = charted(takes("lithium", 600))
    silent = seg("lithium", "12-07", None, 900)
    assert [(one.constraint, one.day) for one in judged(chart, [silent]).notes if one.constraint == "K10"] == [
        ("K10", MONDAY)
    ]
    asking = replace(silent, asks=("lithium-level",))
    assert "K10" not in {one.constraint for one in judged(chart, [asking]).notes}


# all


def test_findings_are_by_day_each_with_its_source() -> None:
    plan = [seg("sertraline", "12-07", "12-09", 150), seg("sertraline", "12-10", None, 300)]
    check = judged(ON_50, plan)
    assert [one.day for one in check.violations] == sorted(one.day for one in check.violations)
    assert {one.constraint for one in check.violations} == {"K1", "K2"}
    assert all(one.source and one.basis == "M" and not one.reviewed for one in check.violations)


def test_the_order_of_segments_says_nothing() -> None:
    assert judged(charted(), LADDER[::-1], FIRST) == judged(charted(), LADDER, FIRST)


def test_legal_is_three_valued() -> None:
    assert judged(ON_100, [seg("sertraline", "12-07", None, 75)]).legal is True
    assert judged(charted(takes("baclofen", 30)), [seg("baclofen", "12-07", None, 20)]).legal is None
    both = judged(
        charted(takes("baclofen", 30)), [seg("baclofen", "12-07", None, 20), seg("sertraline", "12-07", None, 75)]
    )
    assert both.legal is False


def test_the_last_dose_of_alternate_days_is_the_last_day_with_one() -> None:
    plan = [seg("phenelzine", "12-07", "12-20", 15, every_days=2), seg("sertraline", "2027-01-02", None, 50)]
    assert breaches(judged(charted(takes("phenelzine", 15)), plan)) == []
    plan[1] = seg("sertraline", "2027-01-01", None, 50)
    assert breaches(judged(charted(takes("phenelzine", 15)), plan)) == [("K5", "sertraline", "2027-01-01", 13, 14)]


@pytest.mark.parametrize(
    ("medicine", "plan", "said"),
    [
        (("sertraline", 175), [("sertraline", "12-07", None, 225)], "K1 mg The day's total is above the limit."),
        (None, [("sertraline", "12-07", None, 75)], "K2 mg The first dose is above the highest first dose."),
        (("sertraline", 50), [("sertraline", "12-07", None, 125)], "K2 mg The step up is larger than the largest."),
        (("sertraline", 50), [("sertraline", "12-07", "12-08", 75), ("sertraline", "12-09", None, 100)],
         "K2 days The step up comes too soon after the one before."),
        (None, [("lamotrigine", "12-07", None, 50)], "K3 mg The dose is ahead of the fixed titration."),
        (("sertraline", 100), [("sertraline", "12-07", "12-08", 75), ("sertraline", "12-09", None, 50)],
         "K4 days The step down comes too soon after the one before."),
        (("sertraline", 150), [("sertraline", "12-07", None, 50)],
         "K4 percent The step down is larger than the largest."),
        (("diazepam", 20), [("diazepam", "12-07", None, 14)],
         "K4 percent The dose falls by more in 14 days than it may."),
        (("clonidine", 0.3), [("clonidine", "12-07", None, 0.1)], "K4 mg The step down is larger than the largest."),
        (("vilazodone", 40), [("vilazodone", "12-07", None, 10)],
         "K4 mg The step down leaves out a dose of the label's ladder."),
        (("sertraline", 50), [("sertraline", "12-07", "12-20", 50)],
         "K4 mg The last dose is above the one that it may stop from."),
        (("gabapentin", 600), [("gabapentin", "12-07", "12-08", 450), ("gabapentin", "12-09", "12-10", 300),
                               ("gabapentin", "12-11", "12-12", 150)], "K4 days The whole taper is too short."),
        (("phenelzine", 15), [("phenelzine", "12-07", "12-20", 15), ("sertraline", "12-27", None, 50)],
         "K5 days The washout after phenelzine is not kept."),
        (("olanzapine", 2.5), [("olanzapine", "12-07", "01-10", 2.5), ("risperidone", "12-07", None, 1)],
         "K7 days olanzapine and risperidone are taken side by side for too long."),
        (("olanzapine", 10), [("olanzapine", "12-07", None, 10), ("risperidone", "12-07", None, 1)],
         "K7  olanzapine and risperidone are taken side by side, and neither gives way."),
        (("olanzapine", 10), [("olanzapine", "12-07", "12-20", 10), ("quetiapine", "12-07", None, 450)],
         "K7 of-limits olanzapine and quetiapine together are more than one full dose."),
        (("sertraline", 100), [("sertraline", "12-07", None, 80)],
         "K8 mg The dose cannot be made from the strengths there are."),
    ],
)  # fmt: skip
def test_a_violation_says_what_is_wrong_in_a_sentence(
    medicine: tuple[str, float] | None, plan: list[tuple[str, str, str | None, float]], said: str
) -> None:
    check = judged(charted(*([takes(*medicine)] if medicine else [])), [seg(*one) for one in plan])
    assert said in {f"{one.constraint} {one.unit} {one.message}" for one in check.violations}


@pytest.mark.parametrize(
    ("medicine", "plan", "said"),
    [
        (("sertraline", 25), [("sertraline", "12-07", "12-20", 25)],
         "K4 mg The last dose is above the one to stop from, and cannot be made smaller."),
        (("sertraline", 25), [("sertraline", "12-07", "12-20", 25), ("venlafaxine", "12-27", None, 37.5)],
         "K9 days Days without either sertraline or venlafaxine."),
        (("sertraline", 25), [("sertraline", "12-07", "12-20", 25), ("venlafaxine", "12-21", None, 37.5)],
         "K5 days The usual days between sertraline and venlafaxine are not kept."),
        (("mirtazapine", 7.5), [("mirtazapine", "12-07", "01-10", 7.5), ("sertraline", "12-07", None, 50)],
         "K5 days mirtazapine and sertraline are taken side by side for longer than is usual."),
        (("paroxetine", 10), [("paroxetine", "12-01", "12-04", 10), ("nortriptyline", "12-07", "12-13", 25),
                              ("nortriptyline", "12-14", None, 50)],
         "K2 days After paroxetine the steps are further apart."),
        (("fluoxetine", 20), [("fluoxetine", "12-01", "12-01", 20), ("amitriptyline", "12-08", "12-14", 25),
                              ("amitriptyline", "12-15", None, 50)], "K2 mg After fluoxetine the steps are smaller."),
        (("lithium", 600), [("lithium", "12-07", None, 900)],
         "K10  The step up needs a result that it does not ask for: lithium-level."),
    ],
)  # fmt: skip
def test_a_question_or_a_note_says_what_it_is_about(
    medicine: tuple[str, float], plan: list[tuple[str, str, str | None, float]], said: str
) -> None:
    check = judged(charted(takes(*medicine)), [seg(*one) for one in plan])
    assert said in {f"{one.constraint} {one.unit} {one.message}" for one in (*check.to_answer, *check.notes)}
