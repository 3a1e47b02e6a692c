"""Plans as they are proposed: the days and doses of titrations, tapers and switches, and why there is none."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from careloop.knowledge.chart import Condition, Genotype
from careloop.knowledge.dosing.plan import OnHand, Segment
from careloop.knowledge.dosing.planner.asking import Forbidden, Plan
from careloop.knowledge.regimen.regimen import Phase
from tests.support.dose_plans import (
    FIRST,
    KNOWN,
    LONG_AGO,
    charted,
    day,
    doses,
    judged,
    switch,
    tablets,
    takes,
    taper,
    titration,
)
from tests.support.knowledge import of


def said(why: Forbidden) -> tuple[str, str, float | None, float | None, str]:
    found, allowed = (None if mg is None else float(mg) for mg in (why.found, why.allowed))
    return why.constraint, why.rule, found, allowed, why.unit


def every_fortnight(first: str, *levels: float) -> list[tuple[str, float]]:
    begins = date.fromisoformat(first).toordinal()
    return [(date.fromordinal(begins + 14 * number).isoformat(), mg) for number, mg in enumerate(levels)]


def test_sertraline_rises_by_fifty_every_fortnight() -> None:
    chart = charted(takes("sertraline", 50, since=FIRST))
    plan = titration("sertraline", 150, chart, on=FIRST, every_days=14)
    assert doses(plan) == [("2026-12-15", 100), ("2026-12-29", 150)]
    assert (plan.segments[0].to_on, plan.segments[1].to_on) == (date(2026, 12, 28), None)
    assert plan.earliest_on == date(2026, 12, 15)
    assert judged(chart, plan.segments, FIRST).legal is True


def test_diazepam_falls_by_a_tenth_and_below_ten_by_what_can_be_made() -> None:
    chart = charted(takes("diazepam", 20))
    plan = taper("diazepam", chart, on_hand=(tablets("diazepam", 1),))
    assert doses(plan) == every_fortnight("2026-12-07", *range(18, 0, -1))
    assert plan.segments[-1].from_on == date(2027, 8, 2)
    assert plan.explanation[-1].from_on == date(2027, 8, 16)
    assert len(plan.explanation) == 19
    check = judged(chart, plan.segments, on_hand=(tablets("diazepam", 1),))
    assert (check.legal, check.to_answer) == (True, ())


def test_what_cannot_be_made_smaller_is_said_beside_the_step() -> None:
    plan = taper("diazepam", charted(takes("diazepam", 9)), on_hand=(tablets("diazepam", 1),))
    assert doses(plan)[0] == ("2026-12-07", 8)
    assert plan.explanation[0].why == (
        "From 9 mg, 11 % lower. A smaller step cannot be made. "
        "Reassess the plan at least every three months; beside an opioid offer naloxone."
    )


@pytest.mark.parametrize(
    ("halves", "levels"), [(True, [50, 25, 12.5]), (False, [50, 25])], ids=["halved", "whole tablets"]
)
def test_sertraline_halves_until_it_may_stop(halves: bool, levels: list[float]) -> None:
    chart = charted(takes("sertraline", 100))
    hand = (tablets("sertraline", 25, splittable=halves),)
    plan = taper("sertraline", chart, pace_percent=Decimal(50), on_hand=hand)
    assert doses(plan) == every_fortnight("2026-12-07", *levels)
    assert plan.explanation[-1].from_on == date.fromisoformat("2027-01-18" if halves else "2027-01-04")
    assert ("cannot be made smaller" in plan.explanation[-1].why) is not halves
    assert judged(chart, plan.segments, on_hand=hand).legal is True


def test_an_antidepressant_falls_by_a_quarter_at_its_adequate_dose() -> None:
    hand = (tablets("sertraline", 25, splittable=True),)
    plan = taper("sertraline", charted(takes("sertraline", 50)), on_hand=hand)
    assert doses(plan) == every_fortnight("2026-12-07", 37.5, 25, 12.5)
    above = taper("sertraline", charted(takes("sertraline", 75)), on_hand=hand)
    assert doses(above)[0] == ("2026-12-07", 37.5)


@pytest.mark.parametrize(
    ("drug", "mg", "levels", "ends"),
    [
        ("venlafaxine", 150, [("2026-12-07", 75), ("2026-12-21", 37.5)], "2027-01-04"),
        ("fluoxetine", 60, [("2026-12-07", 40), ("2026-12-21", 20)], "2027-01-04"),
        ("fluoxetine", 20, [("2026-12-06", 20)], "2026-12-07"),
        ("lithium", 900, [("2026-12-07", 675), ("2027-01-04", 450), ("2027-02-01", 225)], "2027-03-01"),
        ("risperidone", 4, [("2026-12-07", 3), ("2027-01-04", 2), ("2027-02-01", 1)], "2027-03-01"),
        ("vilazodone", 40, [("2026-12-07", 20), ("2026-12-11", 10)], "2026-12-14"),
        ("vortioxetine", 20, [("2026-12-07", 10)], "2026-12-14"),
        ("gabapentin", 1200, [("2026-12-07", 900), ("2026-12-10", 600), ("2026-12-13", 300)], "2026-12-16"),
        ("gabapentin", 200, [("2026-12-07", 100)], "2026-12-14"),
        ("propranolol", 80, [("2026-12-07", 60), ("2026-12-12", 40), ("2026-12-17", 20)], "2026-12-22"),
        ("carbamazepine", 800, [("2026-12-07", 600), ("2026-12-14", 400), ("2026-12-21", 200)], "2026-12-28"),
        ("clonidine", 0.3, [("2026-12-07", 0.2), ("2026-12-14", 0.1)], "2026-12-21"),
        ("guanfacine", 3, [("2026-12-07", 2), ("2026-12-14", 1)], "2026-12-21"),
        ("phenelzine", 60, [("2026-12-07", 45), ("2026-12-21", 30), ("2027-01-04", 15)], "2027-01-18"),
        ("bupropion", 300, [("2026-12-06", 300)], "2026-12-07"),
    ],
)
def test_each_drug_falls_by_its_own_rule(drug: str, mg: float, levels: list[tuple[str, float]], ends: str) -> None:
    chart = charted(takes(drug, mg))
    plan = taper(drug, chart)
    assert doses(plan) == levels
    assert plan.explanation[-1].from_on.isoformat() == ends
    assert judged(chart, plan.segments).legal is True


def test_a_pace_within_the_cap_is_followed_and_one_beyond_it_names_the_constraint() -> None:
    chart = charted(takes("diazepam", 20))
    quarter = taper("diazepam", chart, pace_percent=Decimal(25))
    assert doses(quarter)[:2] == [("2026-12-07", 15), ("2026-12-21", 11.5)]
    faster = taper("diazepam", chart, pace_percent=Decimal(26))
    (why,) = faster.impossible
    assert said(why) == ("K4", "taper.benzodiazepine", 26, 25, "percent")
    (sooner,) = taper("diazepam", chart, every_days=13).impossible
    assert said(sooner) == ("K4", "taper.benzodiazepine", 13, 14, "days")
    assert taper("diazepam", chart, every_days=28).segments[1].from_on == date(2027, 1, 4)


@pytest.mark.parametrize(
    ("ask", "reason", "subject"),
    [
        (lambda: taper("baclofen", charted(takes("baclofen", 30))), "taper-unknown", "baclofen"),
        (lambda: taper("milnacipran", charted(takes("milnacipran", 100))), "taper-unknown", "milnacipran"),
        (lambda: taper("buprenorphine", charted(takes("buprenorphine", 8))), "taper-not-offered", "buprenorphine"),
        (lambda: taper("xyzmab", charted()), "unknown-drug", "xyzmab"),
        (lambda: taper("olanzapine and fluoxetine", charted()), "unknown-drug", "olanzapine and fluoxetine"),
        (lambda: taper("sertraline", charted()), "dose-missing", "sertraline"),
        (lambda: taper("sertraline", charted(takes("sertraline", None))), "dose-missing", "sertraline"),
        (lambda: taper("levetiracetam", charted(takes("levetiracetam", 1000))), "strength-unknown", "levetiracetam"),
        (lambda: titration("modafinil", 200, charted()), "step-unknown", "modafinil"),
        (lambda: titration("lorazepam", None, charted()), "dose-missing", "lorazepam"),
        (lambda: switch("diazepam", "lorazepam", charted(takes("diazepam", 10)), 2), "switch-unknown",
         "diazepam -> lorazepam"),
        (lambda: switch("sertraline", "sertraline", charted(takes("sertraline", 50))), "switch-unknown",
         "sertraline -> sertraline"),
    ],
)  # fmt: skip
def test_what_nobody_knows_is_said_and_never_guessed(ask: Callable[[], Plan], reason: str, subject: str) -> None:
    plan = ask()
    (why,) = plan.not_known
    assert (why.reason, why.subject) == (reason, subject)
    assert why.message.endswith(".")
    assert (plan.segments, plan.impossible) == ((), ())


def test_fluoxetine_is_followed_by_clomipramine_after_three_weeks() -> None:
    chart = charted(takes("fluoxetine", 20, until=day("12-07")))
    plan = switch("fluoxetine", "clomipramine", chart)
    assert plan.earliest_on == date(2026, 12, 28)
    assert doses(plan)[0] == ("2026-12-28", 25)
    assert judged(chart, plan.segments).legal is True


def test_fluoxetine_is_followed_by_a_monoamine_oxidase_inhibitor_after_five_weeks() -> None:
    chart = charted(takes("fluoxetine", 20, until=day("11-30")))
    plan = switch("fluoxetine", "phenelzine", chart)
    assert plan.earliest_on == date(2027, 1, 4)
    assert plan.explanation[0].rule == "washout.fluoxetine-maoi"
    assert judged(chart, plan.segments).legal is True


def test_sertraline_gives_way_to_venlafaxine_three_days_after_its_last_dose() -> None:
    chart = charted(takes("sertraline", 100))
    plan = switch("sertraline", "venlafaxine", chart)
    assert doses(plan, "sertraline") == [("2026-12-07", 50), ("2026-12-21", 25)]
    assert plan.segments[1].to_on == date(2027, 1, 3)
    assert doses(plan, "venlafaxine") == [("2027-01-06", 37.5), ("2027-01-13", 75)]
    assert plan.earliest_on == date(2027, 1, 6)
    assert judged(chart, plan.segments).legal is True


def test_antipsychotics_cross_within_four_weeks() -> None:
    chart = charted(takes("olanzapine", 20))
    plan = switch("olanzapine", "aripiprazole", chart)
    assert doses(plan, "olanzapine") == [("2026-12-07", 15), ("2026-12-14", 10), ("2026-12-21", 5)]
    assert doses(plan, "aripiprazole") == [("2026-12-07", 5), ("2026-12-21", 10)]
    assert judged(chart, plan.segments).legal is True


def test_a_crossing_begins_late_enough_for_four_weeks_of_both() -> None:
    chart = charted(takes("mirtazapine", 45))
    plan = switch("mirtazapine", "sertraline", chart)
    assert doses(plan, "mirtazapine") == every_fortnight("2026-12-07", 22.5, 15, 7.5)
    assert doses(plan, "sertraline") == [("2026-12-21", 50)]
    check = judged(chart, plan.segments)
    assert (check.legal, [one.constraint for one in check.violations]) == (True, [])


def test_two_drugs_of_one_kind_never_add_up_to_more_than_one_full_dose() -> None:
    chart = charted(takes("haloperidol", 20))
    plan = switch("haloperidol", "quetiapine", chart, 400)
    assert judged(chart, plan.segments).legal is True
    together = next(one for one in plan.segments if one.drug == "quetiapine").from_on
    assert together > date(2026, 12, 7)


def test_tricyclics_after_paroxetine_rise_at_half_the_speed_for_a_fortnight() -> None:
    chart = charted(takes("paroxetine", 20))
    plan = switch("paroxetine", "nortriptyline", chart)
    first, second, third = doses(plan, "nortriptyline")
    assert [mg for _, mg in (first, second, third)] == [25, 50, 75]
    days = [date.fromisoformat(on).toordinal() for on, _ in (first, second, third)]
    assert (days[1] - days[0], days[2] - days[1]) == (14, 7)
    assert judged(chart, plan.segments).to_answer == ()


def test_tricyclics_after_fluoxetine_rise_by_half_steps_for_five_weeks() -> None:
    chart = charted(takes("fluoxetine", 20, until=day("12-07")))
    plan = switch("fluoxetine", "amitriptyline", chart)
    assert doses(plan)[:3] == [("2026-12-14", 25), ("2026-12-21", 35), ("2026-12-28", 45)]
    check = judged(chart, plan.segments)
    assert (check.legal, [one.constraint for one in check.to_answer if one.constraint == "K2"]) == (True, [])


def test_lamotrigine_beside_valproate_keeps_the_fixed_way_up() -> None:
    chart = charted(takes("valproate", 1000))
    plan = titration("lamotrigine", 100, chart, on=FIRST)
    assert [one.regimen.phases[0].every_days for one in plan.segments] == [2, None, None, None]
    assert [(one.from_on.isoformat(), one.to_on and one.to_on.isoformat()) for one in plan.segments] == [
        ("2026-12-01", "2026-12-14"), ("2026-12-15", "2026-12-28"), ("2026-12-29", "2027-01-04"), ("2027-01-05", None),
    ]  # fmt: skip
    assert [float(phase_of(one).doses[0].amount_mg) for one in plan.segments] == [25, 25, 50, 100]
    assert judged(chart, plan.segments, FIRST).legal is True
    (why,) = titration("lamotrigine", 75, chart, on=FIRST).impossible
    assert said(why) == ("K3", "titration.lamotrigine-valproate", 75, 100, "mg")


def phase_of(segment: Segment) -> Phase:
    return segment.regimen.phases[0]


def test_a_titration_under_way_goes_on_from_its_own_beginning() -> None:
    chart = charted(takes("lamotrigine", 25, since=FIRST))
    plan = titration("lamotrigine", 100, chart, on=day("12-10"))
    assert doses(plan) == [("2026-12-15", 50), ("2026-12-29", 100)]
    assert judged(chart, plan.segments, day("12-10")).legal is True


def test_a_target_above_the_limit_of_this_patient_names_it() -> None:
    poor = of(KNOWN, genotypes=(Genotype(gene="CYP2C19", phenotype="poor"),))
    (why,) = titration("citalopram", 40, charted(chart=poor)).impossible
    assert said(why) == ("K1", "dose.citalopram-cyp2c19-poor", 40, 20, "mg")


def test_what_is_contraindicated_is_not_planned() -> None:
    seizures = of(KNOWN, conditions=(Condition(text="seizure disorder"),))
    (why,) = titration("bupropion", 300, charted(chart=seizures)).impossible
    assert (why.constraint, why.rule) == ("K6", "condition.bupropion-seizure")
    (meets,) = switch("sertraline", "venlafaxine", charted(takes("sertraline", 50), takes("phenelzine", 45))).impossible
    assert (meets.constraint, meets.rule) == ("K6", "ddi.maoi-serotonergic")


@pytest.mark.parametrize(
    ("name", "target", "hand", "constraint"),
    [
        ("sertraline", 60, (), "K8"),
        ("sertraline", 200, (tablets("sertraline", 200),), "K8"),
        ("lumateperone", 84, (), "K2"),
        ("lumateperone", 52.5, (), "K2"),
    ],
)
def test_a_target_that_cannot_be_reached_names_the_constraint(
    name: str, target: float, hand: tuple[OnHand, ...], constraint: str
) -> None:
    (why,) = titration(name, target, charted(), on_hand=hand).impossible
    assert why.constraint == constraint


def test_a_step_up_sooner_than_the_rule_is_not_planned() -> None:
    (why,) = titration("sertraline", 150, charted(takes("sertraline", 50)), every_days=6).impossible
    assert said(why) == ("K2", "step.sertraline", 6, 7, "days")
    (down,) = titration("sertraline", 50, charted(takes("sertraline", 50))).impossible
    assert said(down) == ("K2", "", 50, 50, "mg")


def test_atomoxetine_beside_an_inhibitor_waits_four_weeks() -> None:
    alone = titration("atomoxetine", 80, charted())
    beside = titration("atomoxetine", 80, charted(takes("paroxetine", 20)))
    assert [first for first, _ in doses(alone)] == ["2026-12-07", "2026-12-14"]
    assert [first for first, _ in doses(beside)] == ["2026-12-07", "2027-01-04"]


def test_clozapine_rises_by_larger_steps_from_a_later_dose_on() -> None:
    levels = doses(titration("clozapine", 600, charted()))
    assert levels[:3] == [("2026-12-07", 12.5), ("2026-12-08", 37.5), ("2026-12-09", 62.5)]
    before, at, after = (next(n for n, (_, mg) in enumerate(levels) if mg >= most) for most in (450, 462, 562))
    assert [levels[number][1] for number in (before, at, after)] == [462.5, 462.5, 562.5]
    days = [date.fromisoformat(levels[number][0]) for number in (at, after)]
    assert (days[1] - days[0]).days == 3


def test_every_step_says_what_why_and_by_which_rule() -> None:
    plan = switch("sertraline", "venlafaxine", charted(takes("sertraline", 100)))
    assert [(one.from_on.isoformat(), one.what) for one in plan.explanation] == [
        ("2026-12-07", "sertraline 50 mg a day"),
        ("2026-12-21", "sertraline 25 mg a day"),
        ("2027-01-04", "sertraline stops"),
        ("2027-01-06", "venlafaxine begins 3 days after the last dose of sertraline (2027-01-03)"),
        ("2027-01-06", "venlafaxine 37.5 mg a day"),
        ("2027-01-13", "venlafaxine 75 mg a day"),
    ]
    assert {(one.rule, one.basis, one.reviewed) for one in plan.explanation} == {
        ("taper.antidepressant", "V", False), ("switch.ssri-reuptake", "V", False), ("step.venlafaxine", "M", False),
    }  # fmt: skip
    assert all(one.source and one.why for one in plan.explanation)


def test_a_client_who_sets_the_pace_is_named_beside_each_step_down() -> None:
    plan = taper("sertraline", charted(takes("sertraline", 50)), client_sets_pace=True)
    assert all("The client says when." in one.why for one in plan.explanation)


def test_steps_ask_for_what_their_rule_wants_first() -> None:
    lithium = titration("lithium", 1200, charted(takes("lithium", 600, since=LONG_AGO)))
    assert [one.asks for one in lithium.segments] == [("lithium-level",), ("lithium-level",)]
    falls = taper("lorazepam", charted(takes("lorazepam", 1)))
    assert falls.segments[0].asks[-1] == falls.segments[1].asks[0] == "withdrawal-symptoms"
    assert "withdrawal-seizure" in falls.segments[0].asks


def test_a_dose_is_spread_over_the_times_of_the_drug() -> None:
    plan = taper("lithium", charted(takes("lithium", 900)))
    spread = [[(one.at, float(one.amount_mg)) for one in phase_of(segment).doses] for segment in plan.segments]
    assert spread == [
        [("morning", 300), ("bedtime", 375)],
        [("morning", 225), ("bedtime", 225)],
        [("bedtime", 225)],
    ]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: titration("sertraline", 60, charted()), "The target cannot be made of the strengths there are."),
        (lambda: titration("sertraline", 200, charted(), on_hand=(tablets("sertraline", 200),)),
         "The first dose cannot be made of the strengths there are."),
        (lambda: titration("lumateperone", 84, charted()),
         "There is no step to the target that the rule allows and that can be made."),
        (lambda: titration("sertraline", 150, charted(takes("sertraline", 50)), every_days=6),
         "A step up comes no sooner than this after the step before."),
        (lambda: titration("sertraline", 50, charted(takes("sertraline", 50))),
         "The target is not above the dose of today."),
        (lambda: titration("lamotrigine", 75, charted()), "The fixed way up has 25, 50, 100, 200 mg."),
        (lambda: titration("sertraline", 250, charted()), "The dose is above the highest that is allowed here."),
        (lambda: taper("diazepam", charted(takes("diazepam", 20)), every_days=13),
         "A step down comes no sooner than this after the step before."),
        (lambda: taper("diazepam", charted(takes("diazepam", 20)), pace_percent=Decimal(26)),
         "A step down is no larger than this."),
    ],
)  # fmt: skip
def test_what_forbids_a_plan_is_said_in_a_sentence_with_its_drug(ask: Callable[[], Plan], message: str) -> None:
    (why,) = ask().impossible
    assert why.message == message
    assert why.drug in {"sertraline", "lumateperone", "lamotrigine", "diazepam"}
    assert why.unit in {"mg", "days", "percent"}


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: taper("baclofen", charted()), "No taper of this drug is known: the prescriber writes the schedule."),
        (lambda: taper("milnacipran", charted()),
         "The adequate dose is not known, so neither is the dose it may stop from."),
        (lambda: taper("methadone", charted()), "A taper of a benzodiazepine is no reason to stop it."),
        (lambda: taper("xyzmab", charted()), "No one drug of the pack is meant."),
        (lambda: taper("sertraline", charted()), "The dose of today is not known: give from.daily_dose_mg."),
        (lambda: taper("levetiracetam", charted(takes("levetiracetam", 500))),
         "It is not known what strengths there are: give strengths_mg."),
        (lambda: titration("modafinil", 200, charted()), "How this drug is begun and raised is not known."),
        (lambda: titration("lorazepam", None, charted()), "No usual dose is known: give to.target_daily_mg."),
        (lambda: switch("diazepam", "lorazepam", charted(takes("diazepam", 5)), 1),
         "No strategy for this pair is known: the prescriber writes the schedule."),
    ],
)  # fmt: skip
def test_what_nobody_knows_is_said_in_a_sentence_with_the_mend(ask: Callable[[], Plan], message: str) -> None:
    (why,) = ask().not_known
    assert why.message == message
