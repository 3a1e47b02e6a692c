"""Orders that say day by day how a medicine is taken: the doses, what the check is asked, what is refused."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET

from careloop.contracts.prescribing import AsNeeded, DoseTookEffect, Order, Phase, Regimen, ScheduledDose, Weekday
from careloop.contracts.terms import Medicine
from careloop.knowledge import chart as known
from services.prescribing.domain import events
from services.prescribing.domain.dose_changes import change_dose
from services.prescribing.domain.orders import issue
from services.prescribing.domain.past import as_decided, check_again
from services.prescribing.domain.readings.numbered import LATEST
from services.prescribing.domain.readings.reading import Asking
from services.prescribing.domain.state import DECIDER
from services.prescribing.domain.taking_effect import TakeEffect, dated_ahead, doses_ahead, take_effect
from tests.support.controls import prescribing as p
from tests.support.controls.moments import TODAY
from tests.support.histories.courses import decisions, issued
from tests.support.specification import given

DAY = timedelta(days=1)


def dose(mg: str | int, at: str = "morning") -> ScheduledDose:
    return ScheduledDose(at=at, amount_mg=Decimal(mg))


def phase(*doses: ScheduledDose, days: int | None = None, **told: Any) -> Phase:
    return Phase(days=days, doses=doses, **told)


def needed(mg: str | int, most: int) -> AsNeeded:
    return AsNeeded(reason="anxiety", amount_mg=Decimal(mg), most_in_24_hours=most)


def order(name: str, *phases: Phase, mg: str | int | None = None, sig: str = "") -> Order:
    return Order(
        medicine=Medicine(name=name),
        daily_dose_mg=None if mg is None else Decimal(mg),
        sig=sig,
        days_supply=30,
        starts_on=TODAY,
        regimen=Regimen(phases=phases),
    )


def decided(ordered: Order, *facts: events.Event) -> Any:
    (event,) = given(DECIDER, *p.ASSESSED, *facts).when(issue, replace(p.ISSUE_SERTRALINE, order=ordered)).decided
    return event


TWICE = order("sertraline", phase(dose(25, "08:00"), dose(50, "20:00")))
STEROID = order("prednisone", phase(dose(40), days=5), phase(dose(20), days=5), phase(dose(10), days=5))


def test_the_daily_dose_and_the_words_come_from_the_regimen() -> None:
    event = decided(TWICE)
    assert isinstance(event, events.PrescriptionIssued)
    assert event.order == replace(TWICE, daily_dose_mg=Decimal(75), sig="25 mg at 08:00 and 50 mg at 20:00 every day.")
    said = decided(replace(TWICE, daily_dose_mg=Decimal(75), sig="as agreed"))
    assert said.order.sig == "as agreed"
    alternate = decided(order("citalopram", phase(dose(20), every_days=2)))
    assert alternate.order.daily_dose_mg == 10


@pytest.mark.parametrize(
    ("ordered", "slug", "field"),
    [
        (order("escitalopram", phase(dose(10), days=14), phase(dose(30))), "ascending-needs-plan",
         "order.regimen.phases"),
        (order("lamotrigine", phase(dose(25), days=14, every_days=2), phase(dose(25))), "ascending-needs-plan",
         "order.regimen.phases"),
        (order("sertraline", phase(dose(100), days=14), phase(dose(50))), "ascending-needs-plan",
         "order.regimen.phases"),
        (order("lamotrigine", phase(dose(100), days=14), phase(dose(50))), "ascending-needs-plan",
         "order.regimen.phases"),
        (order("sertraline", phase(dose(50)), mg=60), "dose-and-regimen-differ", "order.daily_dose_mg"),
        (order("sertraline"), "regimen-empty", "order.regimen.phases"),
        (order("lorazepam", phase(as_needed=needed(1, 0))), "as-needed-without-maximum",
         "order.regimen.phases[0].as_needed.most_in_24_hours"),
    ],
)  # fmt: skip
def test_what_is_no_regimen_of_an_order_is_refused(ordered: Order, slug: str, field: str) -> None:
    outcome = given(DECIDER, *p.ASSESSED).when(issue, replace(p.ISSUE_SERTRALINE, order=ordered))
    assert outcome.then_refused(slug).field == field


def test_a_maximum_does_not_hide_in_what_is_taken_as_needed() -> None:
    event = decided(order("escitalopram", phase(dose(10), as_needed=needed(10, 2))))
    assert isinstance(event, events.PrescriptionDeclined)
    assert event.reasons == ("high-alert-not-overridden",)
    (alert,) = (one for one in event.capsule.screening.alerts if one.rule == "dose.max-daily")
    assert "30 mg" in alert.message
    within = decided(order("escitalopram", phase(dose(10), as_needed=needed(5, 2))))
    assert isinstance(within, events.PrescriptionIssued)


def test_what_is_taken_as_needed_alone_has_no_daily_dose_and_is_checked_all_the_same() -> None:
    event = decided(order("hydroxyzine", phase(as_needed=needed(25, 4))))
    assert isinstance(event, events.PrescriptionIssued)
    assert event.order.daily_dose_mg is None
    chart = DECIDER.fold((event,))
    assert chart.daily_dose_mg(event, TODAY) is None
    assert chart.highest_dose_mg(event, TODAY) == 100
    said = replace(p.ISSUE_SERTRALINE, order=replace(event.order, daily_dose_mg=Decimal(100)))
    given(DECIDER, *p.ASSESSED).when(issue, said).then_refused("dose-and-regimen-differ")


def test_a_drug_that_no_steps_are_known_of_may_go_down_by_itself() -> None:
    event = decided(STEROID)
    assert isinstance(event, events.PrescriptionIssued)
    chart = DECIDER.fold((event,))
    days = (0, 4, 5, 9, 10, 14, 15)
    assert [chart.daily_dose_mg(event, TODAY + number * DAY) for number in days] == [40, 40, 20, 20, 10, 10, 0]
    assert [chart.highest_dose_mg(event, TODAY + number * DAY) for number in days] == [40, 40, 20, 20, 10, 10, 0]


def test_what_else_is_ordered_is_checked_beside_the_most_of_the_days_to_come() -> None:
    bedtime = order("lorazepam", phase(dose(1, "bedtime"), as_needed=needed("0.5", 3)))
    event = p.ISSUED
    chart = DECIDER.fold((replace(event, order=replace(bedtime, daily_dose_mg=Decimal(1))),))
    (taken,) = LATEST.patient_chart(Asking(chart=chart, order=p.SERTRALINE_50, as_of=TODAY)).medications or ()
    assert taken.daily_dose_mg == Decimal("2.5")


def test_a_regimen_that_is_over_was_taken_until_its_last_day() -> None:
    chart = DECIDER.fold((replace(p.ISSUED, order=STEROID),))

    def taken(day: date) -> known.Medication:
        (found,) = LATEST.patient_chart(Asking(chart=chart, order=p.SERTRALINE_50, as_of=day)).medications or ()
        return found

    assert taken(TODAY + 14 * DAY).stopped_on is None
    assert taken(TODAY + 15 * DAY).stopped_on == TODAY + 14 * DAY
    assert taken(TODAY + 15 * DAY).daily_dose_mg == 10


def effects(ordered: Order, *facts: events.Event) -> list[tuple[date, float]]:
    """What takes effect as the days come, each said once."""
    prescription = replace(p.ISSUED, order=ordered, capsule=replace(p.CAPSULE, as_of=TODAY))
    history: list[events.Event] = [p.TIME_ZONE, prescription, *facts]
    for ahead in dated_ahead(prescription):
        at = datetime.combine(ahead.effective_on + DAY, datetime.min.time(), tzinfo=UTC)
        for _ in ("once", "again"):
            history += given(DECIDER, *history).when(take_effect, TakeEffect(dose=ahead, now=at)).decided
    said = [one for one in history if isinstance(one, DoseTookEffect)]
    return [(one.effective_on, float(one.daily_dose_mg or 0)) for one in said]


def test_each_phase_takes_effect_on_its_first_day_and_the_last_one_ends() -> None:
    assert effects(STEROID) == [(TODAY + 5 * DAY, 20), (TODAY + 10 * DAY, 10), (TODAY + 15 * DAY, 0)]
    assert effects(TWICE) == []
    assert effects(replace(TWICE, starts_on=TODAY + DAY)) == [(TODAY + DAY, 75)]


def test_the_clocks_of_phases_are_those_that_nobody_said_yet() -> None:
    prescription = replace(p.ISSUED, order=STEROID, capsule=replace(p.CAPSULE, as_of=TODAY))
    ahead = doses_ahead(DECIDER.fold((prescription,)))
    assert [one.effective_on for one in ahead] == [TODAY + number * DAY for number in (5, 10, 15)]
    assert len({(one.prescription, one.effective_on) for one in ahead}) == 3


def test_a_dose_that_was_changed_goes_by_no_regimen_any_more() -> None:
    changed = replace(p.CHANGED, effective_on=TODAY + 7 * DAY, to_daily_dose_mg=Decimal(15))
    assert effects(STEROID, changed) == [(TODAY + 5 * DAY, 20)]
    begun = replace(p.BEGUN, order=replace(TWICE, daily_dose_mg=Decimal(75), starts_on=p.BEGUN.order.starts_on))
    (event,) = given(DECIDER, *p.ASSESSED, begun).when(change_dose, p.CHANGE_TO_100).decided
    assert isinstance(event, events.DoseChanged)
    assert event.from_daily_dose_mg == 75
    assert event.to_daily_dose_mg == 100


def test_a_past_decision_on_a_regimen_is_answered_as_it_was() -> None:
    stream = issued(*p.ASSESSED, order=order("escitalopram", phase(dose(10), as_needed=needed(10, 2))))
    (event,) = decisions(stream)
    past = as_decided(event, stream, TODAY)
    assert check_again(past) == event.capsule.screening
    assert past.reading.question(past.asking).order.daily_dose_mg == 30


def test_an_order_without_a_regimen_stays_as_it_is() -> None:
    event = decided(p.SERTRALINE_50)
    assert event.order == p.SERTRALINE_50
    assert event.order.regimen is UNSET


def test_a_weekly_dose_waits_for_its_day_of_the_week() -> None:
    event = decided(order("methotrexate", phase(dose(15), weekdays=(Weekday.MON,))))
    assert event.order.sig == "15 mg in the morning every Monday."
    assert event.order.daily_dose_mg == Decimal("2.142857")
    by_hand = order("methotrexate", phase(dose(15), weekdays=(Weekday.MON,)), mg="2.14")
    assert isinstance(decided(by_hand), events.PrescriptionIssued)


def test_the_daily_dose_of_a_regimen_is_written_as_people_write_it() -> None:
    assert str(decided(order("sertraline", phase(dose(100)))).order.daily_dose_mg) == "100"
