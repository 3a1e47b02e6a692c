"""What the planner proposes is legal to a checker that knows nothing of it; what is planted in a plan it finds."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.knowledge.chart import Chart
from careloop.knowledge.dosing.checker.courses import course
from careloop.knowledge.dosing.plan import Segment
from careloop.knowledge.dosing.planner.asking import Plan
from careloop.knowledge.dosing.rules import step_rule, strength_rule, taper_rule
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.pack.shapes.dosing import Way
from careloop.knowledge.regimen.days import daily_mg
from careloop.knowledge.regimen.regimen import Regimen, mean_daily_mg
from tests.support.dose_plans import (
    FIRST,
    MONDAY,
    breaches,
    charted,
    judged,
    psychotropics,
    start_doses,
    switch,
    takes,
    taper,
    target_dose,
    titration,
)
from tests.support.regimens import regimens

PACK = current_pack()
DRUGS = psychotropics(PACK)
TAPERED = [
    drug
    for drug in DRUGS
    if (rule := taper_rule(PACK, drug, FIRST))
    and rule.way is not Way.NOT_OFFERED
    and strength_rule(PACK, drug, FIRST)
    and not (rule.stop_percent_of_adequate and PACK.drugs[drug].adequate_mg is None)
]
RAISED = [drug for drug in DRUGS if step_rule(PACK, drug, (), FIRST) and PACK.drugs[drug].adequate_mg]


def answered(plan: Plan) -> bool:
    """Exactly one of: a proposal, a constraint, something that nobody knows."""
    return [bool(plan.segments), bool(plan.impossible), bool(plan.not_known)].count(True) == 1


def test_most_of_the_tapers_and_titrations_are_known() -> None:
    assert len(DRUGS) > 120
    assert len(TAPERED) > 75
    assert len(RAISED) > 45


@pytest.mark.parametrize("drug", TAPERED)
def test_every_taper_ends_with_strengths_that_exist(drug: str) -> None:
    for dose in start_doses(PACK, drug):
        chart = charted(takes(drug, str(dose)))
        plan = taper(drug, chart)
        assert plan.segments[-1].to_on is not None
        assert judged(chart, plan.segments).legal is True


@pytest.mark.parametrize("drug", RAISED)
def test_every_usual_dose_is_reached_by_legal_steps(drug: str) -> None:
    plan = titration(drug, str(target_dose(PACK, drug)), charted())
    assert mean_daily_mg(plan.segments[-1].regimen.phases[0]) == target_dose(PACK, drug)
    assert judged(charted(), plan.segments).legal is True


@settings(max_examples=150)
@given(st.sampled_from(DRUGS), st.sampled_from(DRUGS), st.integers(0, 2))
def test_of_any_two_drugs_the_switch_is_legal_or_it_is_said_why_there_is_none(old: str, new: str, which: int) -> None:
    chart = charted(takes(old, str(start_doses(PACK, old)[which])))
    plan = switch(old, new, chart, str(target_dose(PACK, new)))
    assert answered(plan)
    assert not plan.segments or judged(chart, plan.segments).legal is True


CROSSED = [
    (old, new)
    for old in TAPERED
    for new in RAISED
    if switch(old, new, charted(takes(old, str(start_doses(PACK, old)[0]))), str(target_dose(PACK, new))).segments
]


@settings(max_examples=150)
@given(st.sampled_from(CROSSED), st.integers(0, 2), st.integers(0, 60))
def test_every_switch_that_is_known_is_legal_from_any_day_on(pair: tuple[str, str], which: int, later: int) -> None:
    old, new = pair
    chart = charted(takes(old, str(start_doses(PACK, old)[which])))
    plan = switch(old, new, chart, str(target_dose(PACK, new)), starts_on=MONDAY + timedelta(days=later))
    assert judged(chart, plan.segments).legal is True
    assert plan.earliest_on is not None
    assert plan.earliest_on >= MONDAY + timedelta(days=later)


def moved(plan: Sequence[Segment], number: int, days: int) -> list[Segment]:
    """One segment begins so many days earlier, and the one before it of the same drug ends so much earlier."""
    begins = plan[number].from_on - timedelta(days=days)
    found = list(plan)
    found[number] = replace(plan[number], from_on=begins)
    for place in range(number):
        ends = plan[place].to_on
        if plan[place].drug == plan[number].drug and ends is not None and ends >= begins:
            found[place] = replace(plan[place], to_on=begins - timedelta(days=1))
    return found


def of_dose(segment: Segment, mg: str) -> Segment:
    doses = segment.regimen.phases[0].doses[-1:]
    phase = replace(segment.regimen.phases[0], doses=(replace(doses[0], amount_mg=Decimal(mg)),))
    return replace(segment, regimen=Regimen(phases=(phase,)))


SERTRALINE = charted(takes("sertraline", 50, since=FIRST))
HIGHER = charted(takes("sertraline", 175, since=FIRST))
DIAZEPAM, OLANZAPINE = charted(takes("diazepam", 20)), charted(takes("olanzapine", 10))
MAOI = charted(takes("phenelzine", 30))


def up() -> tuple[Segment, ...]:
    return titration("sertraline", 150, SERTRALINE, on=FIRST).segments


def higher() -> tuple[Segment, ...]:
    return titration("sertraline", 200, HIGHER, on=FIRST).segments


def down() -> tuple[Segment, ...]:
    return taper("diazepam", DIAZEPAM).segments


def washed() -> tuple[Segment, ...]:
    return switch("phenelzine", "sertraline", MAOI).segments


def crossed() -> tuple[Segment, ...]:
    return switch("olanzapine", "risperidone", OLANZAPINE).segments


def climbed() -> tuple[Segment, ...]:
    return titration("lamotrigine", 200, charted()).segments


def never_ending() -> list[Segment]:
    plan = crossed()
    last = [one for one in plan if one.drug == "olanzapine"][-1]
    return [replace(one, to_on=None) if one is last else one for one in plan]


Planted = Callable[[], Sequence[Segment]]


@pytest.mark.parametrize(
    ("chart", "plan", "planted"),
    [
        (HIGHER, lambda: [of_dose(higher()[0], "225")], ("K1", "sertraline", "2026-12-08", 225, 200)),
        (SERTRALINE, lambda: moved(up(), 1, 1), ("K2", "sertraline", "2026-12-14", 6, 7)),
        (SERTRALINE, lambda: [of_dose(up()[-1], "150")], ("K2", "sertraline", "2026-12-15", 100, 50)),
        (charted(), lambda: moved(climbed(), 1, 1), ("K3", "lamotrigine", "2026-12-20", 50, 25)),
        (charted(), lambda: moved(climbed(), 3, 7), ("K3", "lamotrigine", "2027-01-04", 200, 100)),
        (DIAZEPAM, lambda: moved(down(), 1, 1), ("K4", "diazepam", "2026-12-20", 13, 14)),
        (DIAZEPAM, lambda: [of_dose(down()[0], "14"), *down()[1:]], ("K4", "diazepam", "2026-12-07", 30, 25)),
        (MAOI, lambda: moved(washed(), len(washed()) - 1, 1), ("K5", "sertraline", "2027-01-02", 13, 14)),
        (OLANZAPINE, never_ending, ("K7", "risperidone", "2026-12-07", None, None)),
        (SERTRALINE, lambda: [up()[0], of_dose(up()[1], "130")], ("K8", "sertraline", "2026-12-15", 130, 25)),
    ],
)
def test_one_planted_fault_is_found_with_its_day_and_figure(
    chart: Chart, plan: Planted, planted: tuple[object, ...]
) -> None:
    on = FIRST if chart in (SERTRALINE, HIGHER) else MONDAY
    found = judged(chart, plan(), on)
    assert planted in breaches(found)
    assert {one[0] for one in breaches(found)} == {planted[0]}


def test_a_taper_that_stops_before_its_end_is_found() -> None:
    assert judged(DIAZEPAM, down()[:-1]).legal is False


@pytest.mark.parametrize(
    ("chart", "plan"),
    [(SERTRALINE, up), (DIAZEPAM, down), (OLANZAPINE, crossed), (MAOI, washed), (charted(), climbed)],
)
def test_without_the_fault_there_is_no_alarm(chart: Chart, plan: Planted) -> None:
    assert breaches(judged(chart, plan(), FIRST if chart is SERTRALINE else MONDAY)) == []


@given(regimens(), st.lists(st.integers(1, 60), max_size=3))
def test_a_course_holds_on_every_day_what_the_regimens_say(drawn: Regimen, gaps: list[int]) -> None:
    """Day by day: the total of a level covers every day, and no day with doses is left out."""
    segments = [Segment(drug="sertraline", from_on=FIRST, regimen=drawn)]
    for number, days in enumerate(gaps):
        begins = FIRST + timedelta(days=90 * number + days)
        segments.append(Segment(drug="sertraline", from_on=begins, to_on=begins + timedelta(days=days), regimen=drawn))
    taken = course("sertraline", sorted(segments, key=lambda one: one.from_on), None)
    last: date | None = None
    for number in range(500):
        on = FIRST + timedelta(days=number)
        total = sum(daily_mg(one.regimen, one.from_on, on) for one in segments if one.to_on is None or on <= one.to_on)
        level = taken.level(on)
        assert total <= (level.total_mg if level else 0)
        last = on if total else last
    assert taken.last_dose_on is None or last is None or taken.last_dose_on >= last


@pytest.mark.parametrize("recorded", [(), None])
@pytest.mark.parametrize("drug", TAPERED)
def test_what_is_stated_to_be_taken_needs_no_entry_in_the_chart(drug: str, recorded: tuple[()] | None) -> None:
    dose = start_doses(PACK, drug)[1]
    chart = replace(charted(), medications=recorded)
    plan = taper(drug, chart, str(dose))
    check = judged(chart, plan.segments, running=(takes(drug, str(dose), since=None),))
    assert breaches(check) == []
    assert (check.legal is None) is (recorded is None)


def test_a_stated_dose_stands_above_what_the_chart_says() -> None:
    chart = charted(takes("lithium", 600), takes("ibuprofen", 600))
    plan = taper("lithium", chart, 900)
    assert breaches(judged(chart, plan.segments))
    check = judged(chart, plan.segments, running=(takes("lithium", 900, since=None),))
    assert breaches(check) == []
    assert "ddi.lithium-nsaid" in {one.rule for one in check.notes}
