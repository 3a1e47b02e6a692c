"""After the end of an episode of care nothing is prescribed and no planned dose takes effect, until one begins."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from careloop.chassis.consuming.handler import Received
from careloop.chassis.log.protocol import DueRow, Unit
from careloop.contracts.assessment import EndReason
from careloop.contracts.prescribing import ConcernCause, DoseTookEffect
from careloop.contracts.terms import EnteredInError
from careloop.kernel.ids import FactId
from services.prescribing import due
from services.prescribing.consumers import EpisodesConsumer
from services.prescribing.domain.assessed import missing
from services.prescribing.domain.events import Event
from services.prescribing.domain.orders import IssuePrescription, issue
from services.prescribing.domain.standing_check import CheckCause
from services.prescribing.domain.state import DECIDER
from services.prescribing.domain.taking_effect import TakeEffect, dated_ahead, take_effect
from tests.prescribing.test_standing_check import PREGNANT, VALPROATE, check, raised
from tests.prescribing.test_taking_effect import AHEAD, DECIDED, MIDNIGHT, ZONE, Practice
from tests.support.controls import coordination as published
from tests.support.controls import prescribing as p
from tests.support.controls.episodes import begun_noted, closed, end_noted
from tests.support.controls.moments import LAST_WEEK, NOON, PATIENT, YESTERDAY, fact
from tests.support.noting import received
from tests.support.specification import given

DAY = timedelta(days=1)
END = end_noted("closed", NOON)
BACK = begun_noted("back", NOON + DAY)
BEGUN = replace(p.ISSUED, capsule=DECIDED)
STRUCK = replace(p.STRUCK, fact_id=END.fact_id)


def ordering(*since: Event) -> Any:
    assert isinstance(p.ISSUE_SERTRALINE, IssuePrescription)
    return given(DECIDER, *p.ASSESSED, *since).when(issue, p.ISSUE_SERTRALINE)


@pytest.mark.parametrize("reason", EndReason)
def test_nothing_is_prescribed_to_whom_the_programme_no_longer_cares_for(reason: EndReason) -> None:
    ordering(replace(END, reason=reason)).then_refused("episode-closed")


def test_who_is_enrolled_again_or_was_never_gone_is_prescribed_to() -> None:
    assert ordering(END, BACK).decided
    assert ordering(END, STRUCK).decided
    assert ordering(end_noted("long ago", LAST_WEEK - DAY), begun_noted("since", LAST_WEEK)).decided


def test_what_the_next_episode_lacks_is_what_was_not_asked_since() -> None:
    chart = DECIDER.fold((*p.ASSESSED, p.COMPLETED, end_noted("between", NOON), BACK))
    assert set(missing(chart)) == {"medications", "allergies", "suicide-risk-screen", "plan", "completion"}
    assert missing(DECIDER.fold((*p.ASSESSED, p.COMPLETED))) == ()


def test_no_planned_dose_takes_effect_after_the_end() -> None:
    (dose,) = dated_ahead(AHEAD)
    taking = TakeEffect(dose=dose, now=MIDNIGHT)
    given(DECIDER, ZONE, BEGUN, AHEAD, END).when(take_effect, taking).then_nothing()
    assert given(DECIDER, ZONE, BEGUN, AHEAD, END, STRUCK).when(take_effect, taking).decided


class Followed(Practice):
    """Prescribing as it hears of ends, too."""

    def __init__(self) -> None:
        super().__init__()
        self.due: list[DueRow] = []

    async def hear(self, *heard: Received) -> None:
        consumer = EpisodesConsumer("prescribing.episodes", self.streams, lambda: self.now, due.resumed)
        effects = await consumer.handle(heard)
        self.due += [row for write in effects.writes for row in write.due]
        await self.store.commit(Unit(writes=effects.writes))


def end() -> Received:
    return received("care.assessment.EpisodeClosed.v1", closed("closed", NOON), "closed")


def struck() -> Received:
    told = EnteredInError(fact_id=fact("closed"), reason="another client", marked_by="maya", occurred_at=NOON)
    return received("care.assessment.EnteredInError.v1", told, "struck")


def enrolled() -> Received:
    told = replace(published.ENROLLED, fact_id=fact("back"), time_zone="America/New_York", occurred_at=NOON + DAY)
    return received("care.assessment.PatientEnrolled.v1", told, "back")


@pytest.mark.parametrize("again", [struck(), enrolled()], ids=["struck", "enrolled again"])
async def test_a_dose_whose_day_came_meanwhile_takes_effect_once_an_episode_is_open_again(again: Received) -> None:
    practice = Followed()
    await practice.record(ZONE, BEGUN, AHEAD)
    await practice.hear(end())
    assert await practice.took(MIDNIGHT + DAY) == []
    await practice.hear(again)
    (took,) = await practice.took(MIDNIGHT + DAY)
    assert (took.change, took.daily_dose_mg, took.occurred_at) == (AHEAD.fact_id, Decimal(100), MIDNIGHT)
    await practice.hear(again, struck())
    assert await practice.took(MIDNIGHT + 2 * DAY) == [took]


async def test_a_dose_that_is_still_to_come_waits_for_its_day() -> None:
    practice = Followed()
    await practice.record(ZONE, BEGUN, AHEAD)
    await practice.hear(end(), struck())
    assert await practice.took(MIDNIGHT - timedelta(seconds=1)) == []
    assert [type(one) for one in await practice.took(MIDNIGHT)] == [DoseTookEffect]


async def test_who_was_never_away_is_left_alone_by_a_correction_or_a_strike() -> None:
    practice = Followed()
    await practice.record(ZONE, BEGUN, replace(AHEAD, occurred_at=YESTERDAY))
    practice.now = MIDNIGHT
    await practice.hear(enrolled(), struck())
    assert len(await practice.store.load(PATIENT)) == 4, "the enrolment is noted, and nothing else"


# What is taken is checked again when something new is known.


@pytest.mark.parametrize("reason", sorted(set(EndReason) - {EndReason.DECEASED}))
def test_a_new_fact_is_held_against_what_somebody_takes_who_was_handed_over(reason: EndReason) -> None:
    assert raised(VALPROATE, replace(END, reason=reason), PREGNANT, fact_id=PREGNANT.fact_id)


@pytest.mark.parametrize("cause", [ConcernCause.BIRTHDAY, ConcernCause.PACK])
def test_nothing_but_a_new_fact_raises_a_concern_after_the_end(cause: ConcernCause) -> None:
    assert check(VALPROATE, PREGNANT, END, fact_id=FactId(PATIENT), cause=cause) == []


@pytest.mark.parametrize("cause", list(ConcernCause))
def test_nothing_raises_a_concern_of_a_client_who_died(cause: ConcernCause) -> None:
    died = replace(END, reason=EndReason.DECEASED)
    assert check(VALPROATE, PREGNANT, died, fact_id=PREGNANT.fact_id, cause=cause) == []


@pytest.mark.parametrize(("back", "cause"), [(STRUCK, ConcernCause.STRIKE), (BACK, ConcernCause.FACT)])
def test_where_care_goes_on_what_came_to_be_in_the_meantime_is_raised(back: Event, cause: ConcernCause) -> None:
    history = (VALPROATE, replace(END, reason=EndReason.DECEASED), PREGNANT, back)
    assert raised(*history, fact_id=back.fact_id, cause=cause, now=NOON + 2 * DAY).concerns
    before = raised(VALPROATE, PREGNANT, fact_id=PREGNANT.fact_id)
    assert check(VALPROATE, PREGNANT, before, END, back, fact_id=back.fact_id, cause=cause, now=NOON + 2 * DAY) == []


async def test_a_client_who_comes_back_is_checked_once_and_who_was_never_away_is_not() -> None:
    practice = Followed()
    await practice.hear(enrolled())
    assert practice.due == []
    away = Followed()
    await away.hear(end(), enrolled())
    (row,) = away.due
    assert due.asked_check(row, NOON).because == CheckCause(cause=ConcernCause.FACT, fact=fact("back"))
