"""Run-out, early refills, payers' tables, limits at suicide risk, and controlled substances by date."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.kernel.errors import InvalidInput
from careloop.knowledge.chart import SuicideRisk
from careloop.knowledge.supply.adherence import Fill
from careloop.knowledge.supply.rules import (
    EarlyFill,
    RunOut,
    by_telehealth,
    earliest_fill_dates,
    early_fills,
    next_refill,
    payers,
    quantity_limit,
    refill,
    run_out,
)
from tests.support.refusals import refused_field

START = date(2026, 1, 5)
PAYERS = "payer must be one of: commercial, medicaid, strict-pbm, part-d."


def day(number: int) -> date:
    return START + timedelta(days=number)


def fill(on: int, days: int = 30) -> Fill:
    return Fill(drug="sertraline", on=day(on), days_supply=days)


def test_supply_runs_out_on_its_last_day_and_reminds_a_week_and_three_days_before() -> None:
    assert run_out([fill(0)]) == RunOut(run_out_on=day(29), remind_on=(day(22), day(26)))


def test_what_was_left_is_carried_over() -> None:
    told = run_out([fill(25), fill(0)])
    assert told is not None
    assert told.run_out_on == day(59)
    assert run_out([]) is None
    assert run_out([fill(0, 0)]) is None


def test_early_fills_add_up() -> None:
    assert early_fills([fill(45), fill(0), fill(25), fill(60, 0)]) == (
        EarlyFill(fill=fill(25), days_in_hand=5),
        EarlyFill(fill=fill(45), days_in_hand=15),
    )
    assert early_fills([fill(0), fill(30), fill(61)]) == ()
    assert early_fills([fill(0), fill(29)]) == (EarlyFill(fill=fill(29), days_in_hand=1),)


@pytest.mark.parametrize(
    ("payer", "schedule", "days", "earliest", "rule"),
    [
        ("commercial", None, 30, 23, "refill.commercial"),
        ("commercial", None, 90, 68, "refill.commercial"),
        ("commercial", None, 4, 3, "refill.commercial"),
        ("medicaid", None, 30, 24, "refill.medicaid"),
        ("strict-pbm", None, 30, 27, "refill.strict-pbm"),
        ("part-d", None, 30, 28, "refill.part-d"),
        ("part-d", None, 1, 0, "refill.part-d"),
        ("commercial", "IV", 30, 28, "refill.controlled"),
        ("strict-pbm", "II", 10, 9, "refill.strict-pbm"),
        ("commercial", "none", 30, 23, "refill.commercial"),
    ],
)
def test_a_refill_is_too_soon_the_day_before_and_not_on_the_day(
    payer: str, schedule: str | None, days: int, earliest: int, rule: str
) -> None:
    last = fill(0, days)
    for on in (earliest - 1, earliest, earliest + 1):
        told = refill(last, payer, day(on), schedule)
        assert (told.permitted, told.rule, told.earliest_on) == (on >= earliest, rule, day(earliest))
        assert (told.basis, told.reviewed, told.version) == ("S", False, 1)
        assert told.source
        assert told.action


def test_the_payers_of_the_table() -> None:
    assert payers() == ("commercial", "medicaid", "strict-pbm", "part-d")


@pytest.mark.parametrize(
    ("last", "payer", "on", "slug", "field", "sentence"),
    [
        (fill(0), "", START, "unknown-payer", "payer", PAYERS),
        (fill(0), "nobody", START, "unknown-payer", "payer", PAYERS),
        (fill(0, 0), "part-d", START, "out-of-range", "days_supply", "days_supply must be from 1 to 1000."),
        (fill(0, 1001), "part-d", START, "out-of-range", "days_supply", "days_supply must be from 1 to 1000."),
        (fill(0), "part-d", date(1999, 12, 31), "no-rule", "on", "on lies before every rule of this payer."),
    ],
)
def test_what_has_no_answer_is_refused_by_its_field(
    last: Fill, payer: str, on: date, slug: str, field: str, sentence: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        refill(last, payer, on)
    assert (refused.value.slug, refused.value.field, refused.value.sentence) == (slug, field, sentence)


def test_the_widest_supply_is_answered() -> None:
    assert refill(fill(0, 1000), "part-d", START).earliest_on == day(998)
    assert refill(fill(0, 1), "part-d", date(2000, 1, 1)).permitted is False


@pytest.mark.parametrize(
    ("drug", "risk", "limit"),
    [
        ("lithium", SuicideRisk.MODERATE, 14),
        ("lithium", SuicideRisk.HIGH, 14),
        ("lithium", SuicideRisk.LOW, None),
        ("lithium", SuicideRisk.NONE, None),
        ("amitriptyline", SuicideRisk.HIGH, 14),
        ("clonazepam", SuicideRisk.HIGH, 14),
        ("oxycodone", SuicideRisk.HIGH, 14),
        ("sertraline", SuicideRisk.HIGH, None),
    ],
)
def test_at_suicide_risk_little_is_handed_out_of_what_is_dangerous(
    drug: str, risk: SuicideRisk, limit: int | None
) -> None:
    told = quantity_limit(drug, risk, START)
    assert (told.max_days if told else None) == limit
    assert told is None or told.permitted is False
    assert told is None or told.action == "At most 14 days at a time; dispense weekly."


def test_an_unknown_risk_is_a_question_and_old_days_have_no_rule() -> None:
    told = quantity_limit("lithium", SuicideRisk.UNKNOWN, START)
    assert told is not None
    assert (told.permitted, told.max_days, told.rule) == (None, 14, "supply.suicide-risk")
    assert quantity_limit("sertraline", SuicideRisk.UNKNOWN, START) is None
    assert quantity_limit("lithium", SuicideRisk.HIGH, date(1999, 12, 31)) is None


@pytest.mark.parametrize(
    ("schedule", "used", "on", "permitted"),
    [
        ("II", 0, date(2026, 1, 5), False),
        ("III", 0, date(2026, 1, 5), True),
        ("III", 4, date(2026, 1, 5), True),
        ("IV", 5, date(2026, 1, 5), False),
        ("IV", 0, date(2026, 7, 5), True),
        ("IV", 0, date(2026, 7, 6), False),
        ("IV", 0, date(2026, 1, 4), False),
        ("V", 99, date(2030, 1, 1), True),
    ],
)
def test_refills_of_controlled_substances(schedule: str, used: int, on: date, permitted: bool) -> None:
    told = next_refill(schedule, START, used, on)
    assert told is not None
    assert told.permitted is permitted
    assert told.source.startswith("21 CFR 1306")
    assert told.action


def test_a_drug_in_no_schedule_has_no_such_rule_and_nor_have_old_days() -> None:
    assert next_refill("", START, 0, START) is None
    assert next_refill("II", START, 0, date(2007, 12, 18)) is None
    assert next_refill("II", START, 0, date(2007, 12, 19)) is not None


@pytest.mark.parametrize(
    ("written", "last"),
    [
        (date(2026, 8, 31), date(2027, 2, 28)),
        (date(2027, 8, 31), date(2028, 2, 29)),
        (date(2026, 6, 30), date(2026, 12, 30)),
        (date(2026, 7, 1), date(2027, 1, 1)),
        (date(2026, 12, 31), date(2027, 6, 30)),
    ],
)
def test_six_months_end_on_the_same_day_or_the_last_of_a_shorter_month(written: date, last: date) -> None:
    on_day, after = (next_refill("IV", written, 0, last + timedelta(days=more)) for more in (0, 1))
    assert on_day is not None
    assert after is not None
    assert (on_day.permitted, after.permitted) == (True, False)


def test_the_end_of_the_calendar_is_far_enough() -> None:
    told = next_refill("IV", date.max, 0, date.max)
    assert told is not None
    assert told.permitted is True


def test_a_series_of_schedule_ii_prescriptions_is_filled_one_after_the_other() -> None:
    assert earliest_fill_dates("II", START, 30, 3) == (day(0), day(30), day(60))
    assert earliest_fill_dates("II", START, 1, 1) == (day(0),)


TOO_LONG = ("out-of-range", "count", "count times days_each must be at most 90 days (21 CFR 1306.12).")
NO_DAYS = ("out-of-range", "days_each", "days_each and count must be at least 1.")
NO_SERIES = ("no-series", "schedule", "schedule has no series of prescriptions; use refills.")


@pytest.mark.parametrize(
    ("schedule", "days", "count", "refusal"),
    [
        ("II", 30, 4, TOO_LONG),
        ("II", 91, 1, TOO_LONG),
        ("II", 0, 1, NO_DAYS),
        ("II", 1, 0, NO_DAYS),
        ("IV", 30, 1, NO_SERIES),
        ("", 30, 1, NO_SERIES),
    ],
)
def test_a_series_that_may_not_be_is_refused(
    schedule: str, days: int, count: int, refusal: tuple[str, str, str]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        earliest_fill_dates(schedule, START, days, count)
    assert (refused.value.slug, refused.value.field, refused.value.sentence) == refusal


LAST_DAY, AFTER = date(2026, 12, 31), date(2027, 1, 1)


@pytest.mark.parametrize(
    ("on", "seen", "exception", "permitted", "rule"),
    [
        (date(2026, 11, 24), None, False, True, "telehealth.flexibilities"),
        (LAST_DAY, False, False, True, "telehealth.flexibilities"),
        (AFTER, False, False, False, "telehealth.in-person"),
        (AFTER, None, False, None, "telehealth.in-person"),
        (AFTER, True, False, True, "telehealth.in-person"),
        (AFTER, False, True, True, "telehealth.in-person"),
        (AFTER, None, True, True, "telehealth.in-person"),
    ],
)
def test_the_flexibilities_end_with_2026(
    on: date, seen: bool | None, exception: bool, permitted: bool | None, rule: str
) -> None:
    for drug in ("methylphenidate", "clonazepam", "pregabalin"):
        told = by_telehealth(drug, on, seen_in_person=seen, exception=exception)
        assert told is not None
        assert (told.permitted, told.rule) == (permitted, rule)


@pytest.mark.parametrize(
    ("first_on", "last_day"),
    [
        (date(2027, 1, 1), date(2027, 6, 30)), (date(2027, 3, 1), date(2027, 8, 31)),
        (date(2027, 8, 31), date(2028, 2, 28)), (date(2027, 8, 29), date(2028, 2, 28)),
        (date(2027, 8, 30), date(2028, 2, 28)), (date(2028, 2, 29), date(2028, 8, 28)),
    ],
)  # fmt: skip
def test_six_calendar_months_of_buprenorphine_need_no_visit_in_person(first_on: date, last_day: date) -> None:
    for through, permitted in ((last_day, True), (last_day + timedelta(days=1), False)):
        told = by_telehealth(
            "buprenorphine", AFTER, seen_in_person=False, first_on=first_on, through=through, indicated=True
        )
        assert told is not None
        assert told.permitted is permitted
        assert told.rule == ("telehealth.buprenorphine" if permitted else told.rule)


@pytest.mark.parametrize(
    ("on", "indicated", "through", "permitted", "rule"),
    [
        (AFTER, True, AFTER, True, "telehealth.buprenorphine"),
        (AFTER, True, None, None, "telehealth.buprenorphine"),
        (AFTER, None, AFTER, None, "telehealth.buprenorphine"),
        (AFTER, False, AFTER, False, "telehealth.buprenorphine"),
        (LAST_DAY, False, None, True, "telehealth.flexibilities"),
        (date(2025, 12, 30), True, date(2025, 12, 30), True, "telehealth.flexibilities"),
        (date(2025, 12, 31), True, date(2025, 12, 31), True, "telehealth.buprenorphine"),
    ],
)
def test_they_are_for_opioid_use_disorder_alone(
    on: date, indicated: bool | None, through: date | None, permitted: bool | None, rule: str
) -> None:
    told = by_telehealth("buprenorphine", on, seen_in_person=False, through=through, indicated=indicated)
    assert told is not None
    assert (told.permitted, told.rule) == (permitted, rule)


def test_what_is_not_controlled_has_no_such_rule() -> None:
    assert by_telehealth("sertraline", AFTER, seen_in_person=None) is None
    assert by_telehealth("xyzmab", AFTER, seen_in_person=None) is None
    assert by_telehealth("clonazepam", date(2020, 3, 30), seen_in_person=None) is None


@given(
    st.builds(Fill, drug=st.text(), on=st.dates(), days_supply=st.integers()),
    st.text() | st.sampled_from(payers()),
    st.dates(),
    st.none() | st.text(),
)
def test_nothing_but_the_documented_refusal_comes_of_any_refill(
    last: Fill, payer: str, on: date, schedule: str | None
) -> None:
    assert refused_field(lambda: refill(last, payer, on, schedule)) in {None, "payer", "days_supply", "on"}


@given(st.sampled_from(["II", "III", "IV", "V", ""]), st.dates(), st.integers(), st.dates(), st.integers())
def test_nothing_but_the_documented_refusal_comes_of_any_prescription(
    schedule: str, written: date, used: int, on: date, count: int
) -> None:
    next_refill(schedule, written, used, on)
    by_telehealth("buprenorphine", on, seen_in_person=None, first_on=written, through=on, indicated=True)
    fields = {None, "days_each", "count", "schedule"}
    assert refused_field(lambda: earliest_fill_dates(schedule, written, used, count)) in fields
