"""What is due when, at the day before, on and after; what results demand, just below, at and above; gaps."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as replace_fields

from careloop.kernel.errors import InvalidInput
from careloop.knowledge.due_dates import Taking, Window, next_window
from careloop.knowledge.follow_up.result_actions import MeasuredResult
from careloop.knowledge.follow_up.schedules import follow_up, schedule_sets
from careloop.knowledge.follow_up.terms import Client, DrugCourse, DueMeasure, FollowUp, Gap, Status
from careloop.knowledge.pack.pack import PackInvalid, current_pack, load, read_data
from careloop.knowledge.pack.shapes.follow_up import FACTS, Measure, ResultRule, ScheduleRule, Timing

START = date(2026, 1, 5)
ANC, LITHIUM, WEIGHT, QTC, GLUCOSE, SODIUM, EGFR = (
    "751-8",
    "14334-7",
    "29463-7",
    "8636-3",
    "1558-6",
    "2951-2",
    "33914-3",
)
UNITS = {ANC: "/uL", LITHIUM: "mmol/L", WEIGHT: "kg", QTC: "ms", SODIUM: "mmol/L", EGFR: "mL/min/1.73m2"}


def day(number: int) -> date:
    return START + timedelta(days=number)


def taking(name: str, **told: Any) -> DrugCourse:
    return DrugCourse(**{"name": name, "started_on": START, **told})


def result(code: str, on: int, value: str | int | None = None, unit: str | None = None) -> MeasuredResult:
    told = None if value is None else Decimal(value)
    return MeasuredResult(code=code, on=day(on), value=told, unit=unit or UNITS.get(code))


def asked(course: DrugCourse, on: int, *results: MeasuredResult, sets: str = "ada-apa-2004", **facts: bool) -> FollowUp:
    named = {name.replace("_", "-"): known for name, known in facts.items()}
    return follow_up([course], results, day(on), Client(facts=named), frozenset({sets} if sets else ()))


def of(found: FollowUp, rule: str) -> DueMeasure | None:
    return next((one for one in found.due if one.applied.rule == f"schedule.{rule}"), None)


def due_day(found: FollowUp, rule: str) -> int | None:
    one = of(found, rule)
    return None if one is None or one.due_on is None else (one.due_on - START).days


def demanded(found: FollowUp) -> list[str]:
    return [one.applied.rule.removeprefix("result.") for one in found.results]


CLOZAPINE = taking("clozapine")


@pytest.mark.parametrize(
    ("last", "due"),
    [(0, 7), (1, 8), (174, 181), (181, 188), (182, 196), (183, 197), (364, 378), (365, 395), (366, 396), (700, 730)],
)
def test_neutrophils_weekly_to_6_months_fortnightly_to_12_then_monthly(last: int, due: int) -> None:
    assert due_day(asked(CLOZAPINE, last, result(ANC, last, 4000)), "clozapine.anc") == due


@pytest.mark.parametrize(
    ("today", "status"),
    [(11, Status.PLANNED), (12, Status.DUE), (14, Status.DUE), (15, Status.OVERDUE)],
)
def test_a_count_may_be_done_two_days_early_and_is_overdue_the_day_after(today: int, status: Status) -> None:
    one = of(asked(CLOZAPINE, today, result(ANC, 7, 4000)), "clozapine.anc")
    assert one is not None
    assert (one.status, one.opens_on, one.due_on, one.last_on) == (status, day(12), day(14), day(7))
    assert (one.measure, one.applied.drug, one.applied.version, one.applied.reviewed) == ("anc", "clozapine", 1, False)
    assert (one.applied.source, one.applied.basis) == ("FDA label, clozapine (2025)", "V")
    assert one.applied.action == "Count neutrophils before the next supply."


@pytest.mark.parametrize(
    ("before", "due", "status"),
    [(None, 0, Status.DUE), (-31, 0, Status.DUE), (-30, 7, Status.PLANNED), (-1, 7, Status.PLANNED)],
)
def test_a_count_of_the_30_days_before_is_the_baseline(before: int | None, due: int, status: Status) -> None:
    results = [] if before is None else [result(ANC, before, 4000)]
    found = asked(CLOZAPINE, 0, *results)
    assert due_day(found, "clozapine.anc") == due
    assert [one.status for one in found.due if one.applied.rule == "schedule.clozapine.anc"] == [status]


def test_without_a_baseline_the_count_is_overdue_from_the_first_day_on() -> None:
    one = of(asked(CLOZAPINE, 1), "clozapine.anc")
    assert one is not None
    assert (one.status, one.opens_on, one.last_on) == (Status.OVERDUE, day(-30), None)


@pytest.mark.parametrize(
    ("count", "rules", "due"),
    [
        (1500, [], 27), (1499, ["clozapine.mild"], 23), (1000, ["clozapine.mild"], 23),
        (999, ["clozapine.moderate"], 21), (500, ["clozapine.moderate"], 21), (499, ["clozapine.severe"], 21),
    ],
)  # fmt: skip
def test_the_ladder_of_neutrophils(count: int, rules: list[str], due: int) -> None:
    found = asked(CLOZAPINE, 20, result(ANC, 20, count))
    assert demanded(found) == rules
    assert due_day(found, "clozapine.anc") == due


@pytest.mark.parametrize(
    ("count", "rules", "due"),
    [
        (1000, [], 27), (999, ["clozapine.mild-ben"], 23), (500, ["clozapine.mild-ben"], 23),
        (499, ["clozapine.severe"], 21),
    ],
)  # fmt: skip
def test_with_benign_ethnic_neutropenia_the_ladder_is_one_band_lower(count: int, rules: list[str], due: int) -> None:
    found = asked(CLOZAPINE, 20, result(ANC, 20, count), benign_ethnic_neutropenia=True)
    assert demanded(found) == rules
    assert due_day(found, "clozapine.anc") == due
    assert demanded(asked(CLOZAPINE, 20, result(ANC, 20, 1200), benign_ethnic_neutropenia=False)) == ["clozapine.mild"]


@pytest.mark.parametrize(
    ("count", "known", "rules"),
    [
        (1500, False, []),
        (1499, False, ["clozapine.start", "clozapine.mild"]),
        (1000, True, []),
        (999, True, ["clozapine.start-ben", "clozapine.mild-ben"]),
    ],
)
def test_clozapine_needs_neutrophils_to_start(count: int, known: bool, rules: list[str]) -> None:
    before = [result(ANC, -3, count)]
    assert demanded(asked(CLOZAPINE, 0, *before, benign_ethnic_neutropenia=known)) == rules
    same_day = [result(ANC, 0, count)]
    assert demanded(asked(CLOZAPINE, 0, *same_day, benign_ethnic_neutropenia=known)) == rules
    later = asked(CLOZAPINE, 8, *before, result(ANC, 7, 4000), benign_ethnic_neutropenia=known)
    assert demanded(later) == []


def test_a_finding_says_what_to_do_and_by_when() -> None:
    (found,) = asked(CLOZAPINE, 22, result(ANC, 20, 700)).results
    assert (found.severity, found.measure, found.recheck_by) == ("contraindicated", "anc", day(21))
    assert found.message == "Neutrophils from 500 to 999/uL."
    assert found.applied.action.startswith("Interrupt clozapine")
    assert (found.applied.basis, found.applied.drug, found.applied.rule) == (
        "M",
        "clozapine",
        "result.clozapine.moderate",
    )


def test_severe_neutropenia_is_remembered_after_recovery() -> None:
    counts = (result(ANC, 20, 499), result(ANC, 30, 4000))
    assert demanded(asked(CLOZAPINE, 30, *counts)) == ["clozapine.severe-before"]
    assert demanded(asked(CLOZAPINE, 30, result(ANC, 20, 500), result(ANC, 30, 4000))) == []
    assert demanded(asked(CLOZAPINE, 29, *counts)) == ["clozapine.severe"]


def test_the_worst_of_two_counts_of_a_day_speaks_and_their_units_are_read() -> None:
    assert demanded(asked(CLOZAPINE, 20, result(ANC, 20, 4000), result(ANC, 20, 900))) == ["clozapine.moderate"]
    for unit in ("10*3/uL", "10*3 / uL", " K/UL"):
        assert demanded(asked(CLOZAPINE, 20, result(ANC, 20, "1.4", unit))) == ["clozapine.mild"]


@pytest.mark.parametrize("unit", ["mg", ""])
def test_a_result_whose_unit_is_not_known_is_told(unit: str) -> None:
    strange = MeasuredResult(code=ANC, on=day(20), value=Decimal(100), unit=unit)
    assert asked(CLOZAPINE, 20, strange).not_checked == (("lab-unit-unknown", "anc"),)
    assert asked(CLOZAPINE, 20, result(ANC, 20, 4000)).not_checked == ()
    assert asked(CLOZAPINE, 20, strange, result(ANC, 20, 4000)).not_checked == (("lab-unit-unknown", "anc"),)
    assert asked(CLOZAPINE, 20, result(ANC, 20)).not_checked == (("lab-unit-unknown", "anc"),)


@pytest.mark.parametrize(
    ("resumed", "gaps", "due"),
    [
        (201, [], 214),
        (202, ["gap.clozapine-restart"], 214),
        (229, ["gap.clozapine-restart"], 214),
        (230, ["gap.clozapine-monitoring", "gap.clozapine-restart"], 230),
    ],
)
def test_a_gap_of_two_days_restarts_the_dose_and_of_thirty_the_counts(resumed: int, gaps: list[str], due: int) -> None:
    gap = Gap(last_dose_on=day(200), resumed_on=day(resumed))
    found = asked(taking("clozapine", gaps=(gap,)), 230, result(ANC, 200, 4000))
    assert [one.applied.rule for one in found.gaps] == gaps
    assert due_day(found, "clozapine.anc") == due if resumed < 230 else True
    weekly = asked(taking("clozapine", gaps=(gap,)), 240, result(ANC, 236, 4000))
    assert due_day(weekly, "clozapine.anc") == (243 if resumed == 230 else 250)


@pytest.mark.parametrize(("today", "gaps"), [(201, 0), (202, 1), (229, 1), (230, 2)])
def test_a_gap_that_lasts_is_counted_to_today(today: int, gaps: int) -> None:
    found = asked(taking("clozapine", gaps=(Gap(last_dose_on=day(200)),)), today)
    assert [one.days for one in found.gaps] == [today - 200] * gaps


def test_after_a_dose_of_today_an_earlier_gap_speaks_no_more() -> None:
    earlier = Gap(last_dose_on=day(20), resumed_on=day(30))
    assert asked(taking("clozapine", gaps=(earlier,)), 40).gaps[0].days == 10
    assert asked(taking("clozapine", gaps=(earlier, Gap(last_dose_on=day(40)))), 40).gaps == ()


def test_only_the_latest_gap_speaks_and_one_to_come_does_not() -> None:
    old, new = Gap(last_dose_on=day(10), resumed_on=day(20)), Gap(last_dose_on=day(30), resumed_on=day(31))
    assert asked(taking("clozapine", gaps=(new, old)), 40).gaps == ()
    assert asked(taking("clozapine", gaps=(old,)), 40).gaps[0].severity == "high"
    assert asked(taking("clozapine", gaps=(Gap(last_dose_on=day(50), resumed_on=day(60)),)), 40).gaps == ()


@pytest.mark.parametrize(
    ("drug", "beside", "days", "rule"),
    [
        ("lamotrigine", None, 4, None), ("lamotrigine", None, 5, "gap.lamotrigine-restart"),
        ("lamotrigine", "carbamazepine", 1, None),
        ("lamotrigine", "carbamazepine", 2, "gap.lamotrigine-inducer-restart"),
        ("buprenorphine", None, 5, None), ("buprenorphine", None, 6, "gap.opioid-agonist-restart"),
        ("methadone", None, 6, "gap.opioid-agonist-restart"),
        ("prazosin", None, 2, None), ("prazosin", None, 3, "gap.alpha-blocker-restart"),
        ("sertraline", None, 90, None),
    ],
)  # fmt: skip
def test_after_how_many_days_a_drug_must_not_simply_go_on(
    drug: str, beside: str | None, days: int, rule: str | None
) -> None:
    course = taking(drug, gaps=(Gap(last_dose_on=day(40), resumed_on=day(40 + days)),))
    courses = [course, *([taking(beside)] if beside else [])]
    found = follow_up(courses, (), day(60))
    assert [one.applied.rule for one in found.gaps] == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("today", "results", "status"),
    [
        (4, [], Status.PLANNED), (5, [], Status.DUE), (7, [], Status.DUE), (8, [], Status.OVERDUE),
        (8, [4], Status.OVERDUE), (8, [5], None), (8, [8], None), (8, [9], Status.OVERDUE),
    ],
)  # fmt: skip
def test_a_lithium_level_5_to_7_days_after_the_start(today: int, results: list[int], status: Status | None) -> None:
    found = asked(taking("lithium"), today, *(result(LITHIUM, on, "0.8") for on in results))
    one = of(found, "lithium.level-after-change")
    assert (one.status if one else None) == status


def test_a_lithium_level_5_to_7_days_after_the_latest_change() -> None:
    course = taking("lithium", dose_changes=(day(40), day(20), day(90)))
    levels = (result(LITHIUM, 6, "0.5"), result(LITHIUM, 26, "0.7"))
    one = of(asked(course, 44, *levels), "lithium.level-after-change")
    assert one is not None
    assert (one.opens_on, one.due_on, one.last_on) == (day(45), day(47), day(26))


@pytest.mark.parametrize(
    ("rule", "code", "without", "after"),
    [
        ("lithium.level", LITHIUM, 91, 141), ("lithium.thyroid", "3016-3", 0, 232),
        ("lithium.renal-function", "2160-0", 0, 232), ("lithium.calcium", "17861-6", 0, 232),
        ("lithium.weight", WEIGHT, 0, 232),
    ],
)  # fmt: skip
def test_lithium_every_3_and_6_months(rule: str, code: str, without: int, after: int) -> None:
    assert due_day(asked(taking("lithium"), 50), rule) == without
    assert due_day(asked(taking("lithium"), 50, result(code, 50, 1)), rule) == after


@pytest.mark.parametrize(
    ("level", "rules"),
    [
        ("0.59", ["lithium.low"]), ("0.6", []), ("1.2", []), ("1.21", ["lithium.high"]), ("1.5", ["lithium.high"]),
        ("1.51", ["lithium.toxic"]),
    ],
)  # fmt: skip
def test_lithium_levels(level: str, rules: list[str]) -> None:
    assert demanded(asked(taking("lithium"), 50, result(LITHIUM, 50, level))) == rules


@pytest.mark.parametrize(
    ("level", "next_day"), [("1.0", 141), ("1.4", 57), ("1.6", 51)]
)  # fmt: skip
def test_a_level_that_is_too_high_brings_the_next_one_forward(level: str, next_day: int) -> None:
    one = of(asked(taking("lithium"), 50, result(LITHIUM, 50, level)), "lithium.level")
    assert one is not None
    assert (one.due_on, one.last_on) == (day(next_day), day(50))


@pytest.mark.parametrize(
    ("drug", "code", "unit", "value", "rules"),
    [
        ("lithium", EGFR, None, 45, []), ("lithium", EGFR, None, 44, ["lithium.egfr"]),
        ("divalproex", "4086-5", "ug/mL", 50, []), ("divalproex", "4086-5", "ug/mL", 49, ["valproate.low"]),
        ("divalproex", "4086-5", "mg/L", 125, []), ("divalproex", "4086-5", "mcg/mL", 126, ["valproate.high"]),
        ("Tegretol", "3432-2", "ug/mL", 4, []), ("Tegretol", "3432-2", "ug/mL", 3, ["carbamazepine.low"]),
        ("Tegretol", "3432-2", "ug/mL", 12, []), ("Tegretol", "3432-2", "ug/mL", 13, ["carbamazepine.high"]),
        ("Tegretol", SODIUM, None, 130, []), ("oxcarbazepine", SODIUM, None, 129, ["carbamazepine.sodium"]),
        ("ziprasidone", QTC, None, 500, []), ("ziprasidone", QTC, None, 501, ["qtc.long"]),
        ("citalopram", QTC, None, 501, ["qtc.long"]), ("sertraline", QTC, None, 600, []),
    ],
)  # fmt: skip
def test_what_results_demand(drug: str, code: str, unit: str | None, value: int, rules: list[str]) -> None:
    assert demanded(asked(taking(drug), 50, result(code, 50, value, unit))) == rules


@pytest.mark.parametrize(
    ("first", "last", "rules"),
    [(400, 459, []), (400, 460, ["qtc.rise"]), (400, 461, ["qtc.rise"]), (460, 501, ["qtc.long"])],
)
def test_a_qtc_60_ms_above_its_baseline(first: int, last: int, rules: list[str]) -> None:
    assert demanded(asked(taking("ziprasidone"), 30, result(QTC, -5, first), result(QTC, 30, last))) == rules


@pytest.mark.parametrize(
    ("first", "last", "rules"),
    [(100, "104.96", []), (100, 105, ["metabolic.weight-gain"]), (0, 105, []), (1, 2, ["metabolic.weight-gain"])],
)
def test_a_weight_gain_of_5_percent(first: int, last: str | int, rules: list[str]) -> None:
    found = asked(taking("olanzapine"), 30, result(WEIGHT, 0, first), result(WEIGHT, 30, last))
    assert demanded(found) == rules


def test_the_baseline_is_the_last_value_before_the_start_else_the_first_after_it() -> None:
    weights = [result(WEIGHT, -20, 90), result(WEIGHT, -1, 100), result(WEIGHT, 10, 103)]
    assert demanded(asked(taking("olanzapine"), 30, *weights)) == []
    on_the_day = [result(WEIGHT, 0, 100), result(WEIGHT, 10, 90), result(WEIGHT, 30, 104)]
    assert demanded(asked(taking("olanzapine"), 30, *on_the_day)) == []
    assert demanded(asked(taking("olanzapine"), 30, result(WEIGHT, -5, 90), *on_the_day)) == []
    after = [result(WEIGHT, 10, 100), result(WEIGHT, 20, 90), result(WEIGHT, 30, 105)]
    assert demanded(asked(taking("olanzapine"), 30, *after)) == ["metabolic.weight-gain"]
    pounds = [result(WEIGHT, 0, 100), result(WEIGHT, 30, 232, "lb")]
    assert demanded(asked(taking("olanzapine"), 30, *pounds)) == ["metabolic.weight-gain"]
    assert demanded(asked(taking("olanzapine"), 30, result(WEIGHT, -91, 50), result(WEIGHT, 30, 100))) == []
    oldest = [result(WEIGHT, -90, 50), result(WEIGHT, 30, 100)]
    assert demanded(asked(taking("olanzapine"), 30, *oldest)) == ["metabolic.weight-gain"]


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, 0),
        (0, 28),
        (20, 28),
        (21, 56),
        (28, 56),
        (48, 56),
        (49, 84),
        (84, 175),
        (167, 175),
        (168, 266),
        (200, 266),
    ],
)  # fmt: skip
def test_weight_at_4_8_and_12_weeks_then_quarterly(last: int | None, due: int) -> None:
    results = [] if last is None else [result(WEIGHT, last, 80)]
    assert due_day(asked(taking("olanzapine"), 400, *results), "metabolic.ada-apa-2004.weight") == due


@pytest.mark.parametrize(
    ("sets", "rule", "code", "days"),
    [
        ("ada-apa-2004", "waist", "8280-0", [0, 365, 730]),
        ("ada-apa-2004", "blood-pressure", "85354-9", [0, 84, 449]),
        ("ada-apa-2004", "fasting-glucose", GLUCOSE, [0, 84, 449]),
        ("ada-apa-2004", "lipids", "2093-3", [0, 84, 1910]),
        ("ada-apa-2004", "history", "metabolic-history", [0, 365, 730]),
        ("apa-2020", "bmi-quarterly", "39156-5", [0, 182, 273]),
        ("apa-2020", "glucose", "4548-4", [0, 122, 487]),
        ("apa-2020", "lipids", "18262-6", [0, 122, 487]),
    ],
)
def test_both_metabolic_schedules(sets: str, rule: str, code: str, days: list[int]) -> None:
    results: list[MeasuredResult] = []
    for expected in days:
        found = asked(taking("quetiapine"), days[-1], *results, sets=sets)
        assert due_day(found, f"metabolic.{sets}.{rule}") == expected
        results.append(result(code, expected, 1))


def test_one_metabolic_schedule_is_followed_and_another_may_be_chosen() -> None:
    def named(found: FollowUp) -> set[str]:
        return {one.applied.rule.split(".")[2] for one in found.due if ".metabolic." in one.applied.rule}

    assert named(follow_up([taking("olanzapine")], (), START)) == {"ada-apa-2004"}
    assert named(asked(taking("olanzapine"), 0, sets="apa-2020")) == {"apa-2020"}
    assert named(asked(taking("olanzapine"), 0, sets="")) == set()
    assert schedule_sets() == {"ada-apa-2004", "apa-2020", "isbd"}


def test_a_schedule_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        asked(taking("olanzapine"), 0, sets="apa-2019")
    assert (refused.value.slug, refused.value.field) == ("unknown-schedule", "sets[apa-2019]")
    assert refused.value.sentence == "sets must be among: ada-apa-2004, apa-2020, isbd."


@pytest.mark.parametrize(("today", "seen"), [(0, True), (182, True), (183, False)])
def test_a_bmi_at_every_visit_of_six_months(today: int, seen: bool) -> None:
    one = of(asked(taking("olanzapine"), today, sets="apa-2020"), "metabolic.apa-2020.bmi")
    assert (one is not None) is seen
    assert one is None or (one.status, one.due_on) == (Status.EACH_CONTACT, None)


@pytest.mark.parametrize(("today", "seen"), [(56, True), (57, False)])
def test_a_rash_is_asked_for_in_the_first_8_weeks_of_lamotrigine(today: int, seen: bool) -> None:
    assert (of(asked(taking("Lamictal"), today), "lamotrigine.rash-check") is not None) is seen


def test_lithium_asks_for_a_review_of_drugs_at_every_contact_for_ever() -> None:
    assert of(asked(taking("lithium"), 3000), "lithium.drug-review") is not None


@pytest.mark.parametrize(
    ("rule", "code", "days"),
    [
        ("valproate.blood-count", "777-3", [0, 182, 547]), ("valproate.liver-enzymes", "1742-6", [0, 182, 547]),
        ("valproate.weight-or-bmi", WEIGHT, [0, 182, 547]), ("valproate.clotting", "clotting", [0, None]),
    ],
)  # fmt: skip
def test_valproate(rule: str, code: str, days: list[int | None]) -> None:
    results: list[MeasuredResult] = []
    for expected in days:
        assert due_day(asked(taking("valproate"), 600, *results), rule) == expected
        results.append(result(code, expected or 0, 1))


@pytest.mark.parametrize(
    ("drug", "rule", "opens", "due"),
    [
        ("clozapine", "clozapine.anc", -30, 0),
        ("lithium", "lithium.thyroid", -183, 0),
        ("lithium", "lithium.level", 77, 91),
        ("valproate", "valproate.blood-count", -90, 0),
        ("valproate", "valproate.pregnancy-test", -7, 0),
        ("carbamazepine", "carbamazepine.sodium", -90, 0),
    ],
)
def test_a_baseline_may_be_done_so_many_days_before_the_start(drug: str, rule: str, opens: int, due: int) -> None:
    one = of(asked(taking(drug), 0), rule)
    assert one is not None
    assert (one.opens_on, one.due_on, one.last_on) == (day(opens), day(due), None)


@pytest.mark.parametrize(("on", "due"), [(-2, 91), (-1, 91), (0, 91), (1, 92)])
def test_a_level_from_before_the_start_says_nothing_of_this_course(on: int, due: int) -> None:
    one = of(asked(taking("lithium"), 2, result(LITHIUM, on, "0.8")), "lithium.level")
    assert one is not None
    assert (one.due_on, one.last_on) == (day(due), day(on) if on >= 0 else None)


@pytest.mark.parametrize(
    ("earlier", "told"),
    [
        (taking("xyzmab", started_on=day(-10)), (("unknown-drug", "xyzmab"),)),
        (taking("clozapine", started_on=day(-10), stopped_on=day(-1)), ()),
    ],
)
def test_a_drug_nobody_knows_or_takes_any_more_hides_nothing_of_the_others(
    earlier: DrugCourse, told: tuple[tuple[str, str], ...]
) -> None:
    found = follow_up([earlier, taking("lithium"), taking("valproate")], (), day(0))
    alone = follow_up([taking("lithium"), taking("valproate")], (), day(0))
    assert {one.applied.drug for one in found.due} == {"lithium", "valproate"}
    assert (found.due, found.not_checked) == (alone.due, told)


WEEKLY = next(rule for rule in current_pack().entries(ScheduleRule) if rule.id == "schedule.clozapine.anc")


@pytest.mark.parametrize(
    ("recheck", "window"),
    [(None, (12, 14)), (6, (13, 13)), (7, (12, 14)), (8, (12, 14)), (30, (12, 14))],
)
def test_a_result_brings_the_next_one_forward_and_never_puts_it_off(
    recheck: int | None, window: tuple[int, int]
) -> None:
    found = next_window(WEEKLY, Taking(START, (), day(8)), [day(7)], recheck)
    assert found == Window(day(window[0]), day(window[1]), day(7))


@pytest.mark.parametrize(("results", "due"), [([], 0), ([0], 28), ([28], None)])
def test_a_fixed_day_may_be_that_of_the_start(results: list[int], due: int | None) -> None:
    fixed = replace_fields(WEEKLY, timing=Timing.FIXED_DAYS, baseline_days=None, at_days=(0, 28), early_days=0)
    found = next_window(fixed, Taking(START, (), day(30)), [day(on) for on in results])
    assert (found.due_on if found else None) == (None if due is None else day(due))


def test_a_test_asked_for_by_symptoms_is_due_at_once_and_not_before() -> None:
    one = of(asked(taking("risperidone"), 0, prolactin_symptoms=True), "antipsychotic.prolactin")
    assert one is not None
    assert (one.opens_on, one.due_on) == (day(0), day(0))


def test_what_is_asked_at_each_contact_names_its_measure() -> None:
    one = of(asked(taking("lithium"), 10), "lithium.drug-review")
    assert one is not None
    assert (one.measure, one.status, one.opens_on, one.due_on, one.last_on, one.only_if) == (
        "drug-review", Status.EACH_CONTACT, None, None, None, "",
    )  # fmt: skip


def test_the_other_valproate_schedule_is_quarterly_for_a_year() -> None:
    for last, due in ((0, 91), (364, 455), (365, 730)):
        found = asked(taking("valproate"), last, result("6690-2", last), sets="isbd")
        assert due_day(found, "valproate.isbd-blood-count") == due


@pytest.mark.parametrize(
    ("known", "due", "only_if"),
    [({"childbearing": True}, True, ""), ({}, True, "childbearing"), ({"childbearing": False}, False, "")],
)
def test_a_fact_that_is_not_known_is_named_and_one_that_is_false_lifts_the_rule(
    known: dict[str, Any], due: bool, only_if: str
) -> None:
    one = of(asked(taking("valproate"), 0, **known), "valproate.pregnancy-test")
    assert (one is not None) is due
    assert one is None or one.only_if == only_if


@pytest.mark.parametrize("rule", ["blood-count", "liver-enzymes", "sodium"])
def test_carbamazepine_at_4_weeks_3_months_then_yearly(rule: str) -> None:
    code = {"blood-count": "6690-2", "liver-enzymes": "1920-8", "sodium": SODIUM}[rule]
    results: list[MeasuredResult] = []
    for expected in (0, 28, 91, 456, 821):
        assert due_day(asked(taking("carbamazepine"), 900, *results), f"carbamazepine.{rule}") == expected
        results.append(result(code, expected, 140))


def test_a_genetic_test_is_due_once_however_old_it_is() -> None:
    one = of(asked(taking("carbamazepine"), -5, at_risk_ancestry=True), "carbamazepine.hla-b-1502")
    assert one is not None
    assert (one.opens_on, one.due_on, one.last_on, one.status) == (day(-30), day(0), None, Status.DUE)
    done = asked(taking("carbamazepine"), 5, result("hla-b-1502", -3000), at_risk_ancestry=True)
    assert of(done, "carbamazepine.hla-b-1502") is None
    ahead = asked(taking("carbamazepine"), -5, result("hla-b-1502", -4), at_risk_ancestry=True)
    assert of(ahead, "carbamazepine.hla-b-1502") is not None


@pytest.mark.parametrize("drug", ["methylphenidate", "lisdexamfetamine", "atomoxetine"])
@pytest.mark.parametrize(("rule", "code"), [("blood-pressure", "8480-6"), ("heart-rate", "8867-4")])
def test_stimulants(drug: str, rule: str, code: str) -> None:
    course = taking(drug, dose_changes=(day(14),))
    assert due_day(asked(course, 14), f"stimulant.{rule}") == 0
    one = of(asked(course, 22, result(code, 0, 70)), f"stimulant.{rule}-after-change")
    assert one is not None
    assert (one.opens_on, one.due_on) == (day(21), day(35))
    regular = of(asked(course, 22, result(code, 21, 70)), f"stimulant.{rule}")
    assert regular is not None
    assert (regular.opens_on, regular.due_on) == (day(112), day(203))
    assert of(asked(course, 22, result(code, 21, 70)), f"stimulant.{rule}-after-change") is None


@pytest.mark.parametrize(
    ("drug", "cardiac", "rule"),
    [
        ("ziprasidone", None, "antipsychotic.ecg"), ("ziprasidone", True, "antipsychotic.ecg"),
        ("olanzapine", True, "antipsychotic.ecg-cardiac-risk"), ("olanzapine", None, "antipsychotic.ecg-cardiac-risk"),
        ("olanzapine", False, None),
    ],
)  # fmt: skip
def test_an_ecg_before_some_antipsychotics_or_with_cardiac_risk(
    drug: str, cardiac: bool | None, rule: str | None
) -> None:
    facts: dict[str, Any] = {} if cardiac is None else {"cardiac_risk": cardiac}
    found = [one.applied.rule for one in asked(taking(drug), 0, **facts).due if ".ecg" in one.applied.rule]
    assert found == ([f"schedule.{rule}"] if rule else [])
    assert ".ecg" not in str(asked(taking(drug), 0, result(QTC, -90, 400), **facts).due)


def test_an_ecg_after_a_change_of_dose_but_not_for_the_start_alone() -> None:
    assert of(asked(taking("ziprasidone"), 3), "antipsychotic.ecg-after-change") is None
    changed = asked(taking("ziprasidone", dose_changes=(day(10),)), 10)
    assert due_day(changed, "antipsychotic.ecg-after-change") == 24


@pytest.mark.parametrize(
    ("risk", "rules"),
    [
        (True, {"aims-high-risk": ("", 182)}),
        (False, {"aims": ("", 365)}),
        (None, {"aims-high-risk": ("high-movement-risk", 182), "aims": ("", 365)}),
    ],
)
def test_movement_scales_go_by_risk(risk: bool | None, rules: dict[str, tuple[str, int]]) -> None:
    facts: dict[str, Any] = {} if risk is None else {"high_movement_risk": risk}
    found = asked(taking("haloperidol"), 10, result("aims", 0, 0), **facts)
    told = {one.applied.rule.split(".")[-1]: one for one in found.due if one.measure == "aims"}
    assert {name: (one.only_if, (one.due_on - START).days) for name, one in told.items() if one.due_on} == rules
    assert due_day(found, "antipsychotic.bars") == 28


@pytest.mark.parametrize(
    ("born", "today", "facts"),
    [
        (date(1960, 1, 20), date(2026, 1, 19), None),
        (date(1960, 1, 19), date(2026, 1, 19), None),
        (date(1959, 1, 20), date(2026, 1, 19), None),
        (date(1959, 1, 19), date(2026, 1, 19), "known"),
        (None, date(2026, 1, 19), "unknown"),
        (date(2027, 1, 1), date(2026, 1, 19), "unknown"),
    ],
)
def test_sodium_after_65(born: date | None, today: date, facts: str | None) -> None:
    # 66 is the first age over 65: who is born on 19 January 1960 is 66 on that day of 2026.
    found = follow_up([taking("sertraline")], (), today, Client(birth_date=born))
    one = of(found, "antidepressant.sodium")
    over = born is not None and born <= date(1960, 1, 19)
    expected = "known" if over else facts
    assert (None if one is None else "unknown" if one.only_if else "known") == expected


def test_sodium_with_a_diuretic_at_any_age() -> None:
    young = Client(birth_date=date(1990, 1, 1))
    with_diuretic = follow_up([taking("sertraline"), taking("hydrochlorothiazide")], (), START, young)
    one = of(with_diuretic, "antidepressant.sodium")
    assert one is not None
    assert (one.only_if, one.opens_on, one.due_on) == ("", day(14), day(28))
    assert of(follow_up([taking("sertraline")], (), START, young), "antidepressant.sodium") is None
    unknown_age = follow_up([taking("sertraline"), taking("furosemide")], (), START)
    assert of(unknown_age, "antidepressant.sodium") == one


@pytest.mark.parametrize(("age", "week"), [(17, False), (18, True), (25, True), (26, False)])
def test_the_first_review_of_an_antidepressant_comes_earlier_at_18_to_25(age: int, week: bool) -> None:
    found = follow_up([taking("sertraline")], (), day(1), Client(birth_date=date(2026 - age, 1, 6)))
    assert due_day(found, "antidepressant.review-2-weeks") == 14
    assert due_day(found, "antidepressant.review-1-week") == (7 if week else None)


def test_a_stopped_drug_asks_for_nothing_from_the_day_after_on() -> None:
    course = taking("lithium", stopped_on=day(50))
    assert asked(course, 50).due
    assert asked(course, 51).due == ()
    assert asked(course, 51, result(LITHIUM, 50, 2)).results == ()


def test_a_drug_that_is_not_known_is_told() -> None:
    assert asked(taking("xyzmab"), 0).not_checked == (("unknown-drug", "xyzmab"),)
    assert asked(taking("sertraline / xyzmab"), 0).not_checked == (("unknown-drug", "xyzmab"),)
    contradictory = DrugCourse(name="lithium", rxcui="36437", started_on=START)
    assert follow_up([contradictory], (), START).not_checked == (("contradictory-code", "lithium"),)
    assert follow_up([DrugCourse(rxcui="6448", started_on=START)], (), START).due


def test_the_most_urgent_stands_first() -> None:
    statuses = [one.status for one in asked(taking("lithium"), 6).due]
    assert statuses == sorted(statuses, key=list(Status).index)
    assert statuses[0] is Status.OVERDUE
    severities = [one.severity.rank for one in asked(CLOZAPINE, 0, result(ANC, 0, 1400)).results]
    assert severities == sorted(severities)


def test_a_later_start_of_a_drug_changes_its_dose() -> None:
    both = [taking("lithium", started_on=day(100), dose_changes=(day(120),)), taking("Lithobid")]
    assert due_day(follow_up(both, (), day(110)), "lithium.level-after-change") == 107
    assert due_day(follow_up(both, (), day(120)), "lithium.level-after-change") == 127
    same_day = [taking("ziprasidone"), taking("Geodon")]
    assert of(follow_up(same_day, (), day(5)), "antipsychotic.ecg-after-change") is None
    gaps = [taking("clozapine"), taking("Clozaril", gaps=(Gap(last_dose_on=day(5)),))]
    assert [one.days for one in follow_up(gaps, (), day(8)).gaps] == [3]


def test_a_drug_told_twice_counts_from_its_first_start() -> None:
    both = [taking("Depakote", started_on=day(100)), taking("valproic acid")]
    found = follow_up(both, [result("777-3", 0)], day(100))
    assert due_day(found, "valproate.blood-count") == 182
    assert len([one for one in found.due if one.applied.rule == "schedule.valproate.blood-count"]) == 1


DRUGS = st.sampled_from(
    [
        "clozapine",
        "lithium",
        "valproate",
        "lamotrigine",
        "olanzapine",
        "ziprasidone",
        "sertraline",
        "hydrochlorothiazide",
        "xyzmab",
        "methadone",
    ]
)
NEAR = st.dates(date(2025, 6, 1), date(2027, 6, 1))
RESULTS = st.builds(
    MeasuredResult,
    code=st.sampled_from([ANC, LITHIUM, WEIGHT, QTC, "bars", "strange"]),
    on=NEAR,
    value=st.none() | st.decimals(),
    unit=st.none() | st.sampled_from(["/uL", "mmol/L", "kg", "ms", "mg"]),
)
COURSES = st.builds(
    DrugCourse,
    name=DRUGS,
    started_on=NEAR,
    stopped_on=st.none() | NEAR,
    dose_changes=st.lists(NEAR, max_size=2).map(tuple),
    gaps=st.lists(st.builds(Gap, last_dose_on=NEAR, resumed_on=st.none() | NEAR), max_size=2).map(tuple),
)
CLIENTS = st.builds(
    Client, birth_date=st.none() | st.dates(), facts=st.dictionaries(st.sampled_from(sorted(FACTS)), st.booleans())
)


@given(st.lists(COURSES, max_size=3), st.lists(RESULTS, max_size=4), NEAR, CLIENTS, st.randoms())
def test_the_order_of_lists_does_not_matter(
    courses: list[DrugCourse], results: list[MeasuredResult], as_of: date, client: Client, random: Any
) -> None:
    first = follow_up(courses, results, as_of, client)
    mixed = [replace(one, dose_changes=one.dose_changes[::-1], gaps=one.gaps[::-1]) for one in courses]
    assert first == follow_up(random.sample(mixed, len(mixed)), random.sample(results, len(results)), as_of, client)


@given(
    st.builds(DrugCourse, name=st.none() | st.text(), rxcui=st.none() | st.text(), started_on=st.dates())
    | st.builds(
        DrugCourse,
        name=DRUGS,
        started_on=st.dates(),
        stopped_on=st.none() | st.dates(),
        dose_changes=st.tuples(st.dates()),
        gaps=st.tuples(st.builds(Gap, last_dose_on=st.dates(), resumed_on=st.none() | st.dates())),
    ),
    st.builds(
        MeasuredResult,
        code=st.sampled_from([ANC, LITHIUM, WEIGHT, QTC]),
        on=st.dates(),
        value=st.none() | st.decimals(),
        unit=st.none() | st.text() | st.sampled_from(["/uL", "kg", "ms"]),
    ),
    st.dates(),
)
def test_no_course_result_or_day_makes_it_raise(course: DrugCourse, one: MeasuredResult, as_of: date) -> None:
    found = follow_up([course], [one], as_of, sets=schedule_sets())
    assert found.knowledge == current_pack().reference


@given(NEAR, NEAR)
def test_a_later_result_never_makes_anything_due_earlier(first: date, last: date) -> None:
    earlier, later = sorted((first, last))
    for drug, code in (("olanzapine", WEIGHT), ("clozapine", ANC)):
        course = taking(drug, started_on=date(2025, 6, 1))
        one = follow_up([course], [MeasuredResult(code=code, on=earlier)], date(2027, 6, 1)).due
        other = follow_up([course], [MeasuredResult(code=code, on=later)], date(2027, 6, 1)).due
        days = {due.applied.rule: due.due_on for due in one}
        assert all((due.due_on or date.min) >= (days[due.applied.rule] or date.min) for due in other)


def test_every_rule_of_schedule_and_result_names_an_action_and_fires_for_its_drugs() -> None:
    pack = current_pack()
    rules: list[ScheduleRule | ResultRule] = [*pack.entries(ScheduleRule), *pack.entries(ResultRule)]
    for rule in rules:
        assert rule.action.endswith(".")
        assert any(pack.members[name] for name in rule.drugs)
    assert len({measure.name for measure in pack.entries(Measure)}) == len(pack.entries(Measure))


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("measures.yaml", "name: egfr", "name: anc", "a measure is given twice"),
        ("schedules.yaml", "measure: thyroid", "measure: thyro", "schedule.lithium.thyroid: thyro is not a measure"),
        (
            "schedules.yaml",
            "only_if: childbearing",
            "only_if: fertile",
            "schedule.valproate.pregnancy-test: turns on a fact that is none",
        ),
        (
            "schedules.yaml",
            "unless: high-movement-risk",
            "unless: risk",
            "schedule.antipsychotic.aims: turns on a fact that is none",
        ),
        (
            "schedules.yaml",
            "[{from_day: 0, every: 91}]",
            "[]",
            "schedule.lithium.level: a schedule since-last lacks its days",
        ),
        (
            "schedules.yaml",
            "[{from_day: 0, every: 91}]",
            "[{from_day: 1, every: 91}]",
            "schedule.lithium.level: a schedule since-last lacks its days",
        ),
        (
            "schedules.yaml",
            "[{from_day: 0, every: 91}]",
            "[{from_day: 0, every: 0}]",
            "schedule.lithium.level: an interval is at least one day",
        ),
        (
            "schedules.yaml",
            "then_every: 1826",
            "then_every: -1",
            "schedule.metabolic.ada-apa-2004.lipids: an interval is at least one day",
        ),
        (
            "schedules.yaml",
            "{from_day: 365, every: 30}",
            "{from_day: 182, every: 30}",
            "schedule.clozapine.anc: days must rise",
        ),
        ("schedules.yaml", "[28, 56, 84]", "[28, 84, 56]", "schedule.metabolic.ada-apa-2004.weight: days must rise"),
        (
            "schedules.yaml",
            "after_days: [5, 7]",
            "after_days: [8, 7]",
            "schedule.lithium.level-after-change: a schedule after-change lacks its days",
        ),
        (
            "schedules.yaml",
            "after_days: [5, 7]",
            "after_days: [0, 0]",
            "schedule.lithium.level-after-change: a schedule after-change lacks its days",
        ),
        (
            "schedules.yaml",
            "at_days: [28], early",
            "early",
            "schedule.antidepressant.sodium: a schedule fixed-days lacks its days",
        ),
        ("results.yaml", "measure: egfr", "measure: glomeruli", "result.lithium.egfr: glomeruli is not a measure"),
        ("results.yaml", "measure: egfr", "measure: thyroid", "result.lithium.egfr: thyroid has no unit to judge in"),
        ("results.yaml", "unless: benign", "unless: malign", "result.clozapine.start: turns on a fact that is none"),
        ("results.yaml", "rise: 60, ", "", "result.qtc.rise: has no bound"),
        (
            "titrations.yaml",
            "{from_day: 35, dose_mg: 200}",
            "{from_day: 28, dose_mg: 200}",
            "titration.lamotrigine: steps must rise from day 0",
        ),
        (
            "titrations.yaml",
            "{from_day: 0, dose_mg: 50}",
            "{from_day: 1, dose_mg: 50}",
            "titration.lamotrigine-inducer: steps must rise from day 0",
        ),
        (
            "titrations.yaml",
            "every_days: 2",
            "every_days: 0",
            "titration.lamotrigine-valproate: a step is a dose at least once in so many days",
        ),
        (
            "titrations.yaml",
            "dose_mg: 200}]",
            "dose_mg: 0}]",
            "titration.lamotrigine: a step is a dose at least once in so many days",
        ),
        (
            "gaps.yaml",
            "drugs: [prazosin, clonidine]",
            "drugs: [prazosin, clonidin]",
            "gap.alpha-blocker-restart: clonidin is neither drug nor class",
        ),
    ],
)
def test_follow_up_data_that_does_not_fit_is_refused(file: str, old: str, new: str, said: str) -> None:
    data = read_data()
    text = data[file].decode()
    assert old in text
    with pytest.raises(PackInvalid) as refused:
        load({**data, file: text.replace(old, new, 1).encode()})
    assert str(refused.value) == f"{file}: {said}"
