"""What holds for every chart: always an answer, whatever the order of lists, and with more drugs never fewer alerts."""

from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.knowledge.chart import Chart, Medication, OrderedMedicine
from careloop.knowledge.findings import Check, Screening, ScreeningOutcome
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.screening.screen import screen
from tests.support.knowledge import KNOWN, asked

NAMES = st.sampled_from([*current_pack().drugs, "xyzmab", "Suboxone", "buprenorphine / xyzmab"])
DAYS = st.dates(date(2026, 9, 1), date(2026, 12, 31))
MEDICATIONS = st.builds(
    Medication,
    name=NAMES,
    rxcui=st.sampled_from([None, "36437", "0"]),
    daily_dose_mg=st.none() | st.decimals(0, 100, places=1),
    stopped_on=st.none() | DAYS,
)
ORDERS = st.builds(OrderedMedicine, name=NAMES, daily_dose_mg=st.none() | st.decimals(0, 500, places=1), starts_on=DAYS)

HANGING_ON_THE_LIST = {
    *(rule.id for rule in current_pack().labs if rule.starting),
    *(rule.id for rule in current_pack().doses if rule.when and (rule.when.starting or rule.when.without_drugs)),
}
"""Limits of a start, which the same drug on the list lifts, and those that an enzyme inducer raises."""
LOADS = {rule.id for rule in current_pack().loads}
"""Sums, whose alert names more drugs as they grow."""


def well_formed(answer: Screening) -> None:
    assert (answer.outcome is ScreeningOutcome.ALERTS) == bool(answer.alerts)
    assert (answer.outcome is ScreeningOutcome.CLEAR) == (not answer.alerts and not answer.not_checked)
    missed = {gap.check for gap in answer.not_checked}
    assert missed | set(answer.checked) == set(Check)
    assert list(answer.checked) == [kind for kind in Check if kind in answer.checked]


@settings(max_examples=150, deadline=None)
@given(st.from_type(Chart), st.from_type(OrderedMedicine), st.dates())
def test_any_typed_chart_and_order_get_an_answer(chart: Chart, order: OrderedMedicine, as_of: date) -> None:
    well_formed(screen(chart, order, as_of))


@settings(max_examples=150, deadline=None)
@given(st.from_type(Chart), NAMES, st.none() | st.decimals(), st.dates())
def test_any_chart_and_an_order_of_a_drug_get_an_answer(chart: Chart, name: str, dose: object, as_of: date) -> None:
    well_formed(screen(chart, OrderedMedicine(name=name, daily_dose_mg=dose), as_of))  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(ORDERS, st.lists(MEDICATIONS, max_size=5), st.randoms())
def test_the_order_of_the_lists_does_not_matter(
    order: OrderedMedicine, listed: list[Medication], random: object
) -> None:
    shuffled = listed.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    charts = [replace(KNOWN, medications=tuple(medications)) for medications in (listed, shuffled)]
    first, second = (screen(chart, order, date(2026, 11, 23)) for chart in charts)
    assert first == second


@settings(max_examples=200, deadline=None)
@given(ORDERS, st.lists(MEDICATIONS, max_size=4), MEDICATIONS)
def test_one_drug_more_never_takes_an_alert_away(
    order: OrderedMedicine, listed: list[Medication], more: Medication
) -> None:
    before = screen(replace(KNOWN, medications=tuple(listed)), order, date(2026, 11, 23))
    after = screen(replace(KNOWN, medications=(*listed, more)), order, date(2026, 11, 23))
    lasting = [alert for alert in before.alerts if alert.rule not in HANGING_ON_THE_LIST]
    assert {alert for alert in lasting if alert.rule not in LOADS} <= set(after.alerts)
    assert {alert.rule for alert in lasting} <= {alert.rule for alert in after.alerts}
    assert set(before.not_checked) <= set(after.not_checked)


def test_a_patient_about_whom_everything_is_known_and_nothing_speaks_against_it_is_clear() -> None:
    answer = asked("sertraline", mg=50)
    assert (answer.outcome, answer.alerts, answer.not_checked) == (ScreeningOutcome.CLEAR, (), ())
    assert answer.checked == tuple(Check)


def test_with_nothing_known_every_check_that_needs_the_chart_says_so() -> None:
    answer = asked("sertraline", Chart(), 50)
    assert answer.outcome is ScreeningOutcome.NOT_CHECKED
    assert set(answer.checked) == {Check.DOSE, Check.LAB, Check.SUPPLY, Check.CONTROLLED_SUBSTANCE}


def test_an_order_of_an_unknown_drug_claims_nothing() -> None:
    answer = asked("xyzmab")
    assert answer.checked == ()
    assert {(gap.check, gap.reason, gap.subject) for gap in answer.not_checked} == {
        (kind, "unknown-drug", "xyzmab") for kind in Check
    }


def test_an_order_whose_code_contradicts_its_name_claims_nothing() -> None:
    answer = asked("sertraline", rxcui="4493")
    assert (answer.checked, {gap.reason for gap in answer.not_checked}) == ((), {"contradictory-code"})


def test_an_order_known_by_an_unverified_code_alone_is_checked_and_doubted() -> None:
    answer = screen(KNOWN, OrderedMedicine(rxcui="6011", daily_dose_mg=None), date(2026, 11, 23))
    assert {gap.check for gap in answer.not_checked if gap.reason == "code-unverified"} == set(Check)
    assert Check.DRUG_DRUG in answer.checked
