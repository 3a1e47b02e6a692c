"""A risk is open until a clinician has learned how the client is."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from careloop.chassis.log.protocol import Unit
from careloop.contracts.monitoring import RiskContactOutcome, RiskContactRecorded, RiskEnded
from careloop.contracts.terms import EnteredInError, Reporter, RiskRaised
from careloop.kernel.ids import FactId
from services.monitoring.consumers import following
from services.monitoring.domain.decisions import DECISIONS
from services.monitoring.domain.events import TOPICS, Event
from services.monitoring.domain.noted import RiskNoted
from services.monitoring.domain.state import DECIDER, Watch
from tests.support.controls import assessment as published
from tests.support.controls import monitoring as m
from tests.support.controls.moments import NOON, YESTERDAY, fact
from tests.support.noting import received
from tests.support.speaking import Desk
from tests.support.specification import given

ANSWER, CONTACT, STRIKE = (DECISIONS[type(one)] for one in (m.ANSWER_PHQ_9, m.CONTACT, m.STRIKE_NAUSEA))
SAFE = replace(m.CONTACT, risk=None, outcome=RiskContactOutcome.REACHED_SAFE, where="", next="", by_when=None)
TRIED = replace(SAFE, outcome=RiskContactOutcome.COULD_NOT_REACH)
HIGH, HISTORY, ZEROS = (1, 1, 1, 1, 0, 0, 0), (0, 0, None, None, None, 1, 0), (0, 0, None, None, None, 0, None)
HOUR = timedelta(hours=1)


def screened(name: str, items: tuple[int | None, ...], at: datetime = NOON, by: Reporter = Reporter.CLIENT) -> Any:
    source = "client" if by is Reporter.CLIENT else "psychiatrist"
    return replace(
        m.ANSWER_PHQ_9,
        fact_id=fact(name),
        instrument="c-ssrs",
        items=items,
        reporter=by,
        source=source,
        occurred_at=at,
        now=max(at, NOON),
    )


def after(*commands: Any) -> tuple[Event, ...]:
    history: tuple[Event, ...] = ()
    for command in commands:
        history += tuple(given(DECIDER, *history).when(DECISIONS[type(command)], command).decided)
    return history


def open_risks(*history: Event) -> list[FactId]:
    watch = DECIDER.fold(history)
    return [risk.fact_id for risk in watch.risks.open_at(NOON + timedelta(days=9), watch.struck)]


def test_a_risk_says_who_recorded_the_answers() -> None:
    for by in (Reporter.CLIENT, Reporter.CLINICIAN):
        (risk,) = [it for it in after(screened("high", HIGH, by=by)) if isinstance(it, RiskRaised)]
        assert risk.reporter is by


@pytest.mark.parametrize("outcome", RiskContactOutcome)
def test_a_contact_ends_every_open_risk_unless_the_client_was_not_reached(outcome: RiskContactOutcome) -> None:
    history = after(screened("high", HIGH, YESTERDAY), replace(m.ANSWER_PHQ_9, items=(0,) * 8 + (2,)))
    assert len(open_risks(*history)) == 2
    asked = replace(SAFE, outcome=outcome, where="County General")
    (contact,) = given(DECIDER, *history).when(CONTACT, asked).decided
    assert isinstance(contact, RiskContactRecorded)
    assert list(contact.risks) == open_risks(*history)
    assert bool(open_risks(*history, contact)) is (outcome is RiskContactOutcome.COULD_NOT_REACH)


def test_a_code_of_a_later_build_ends_nothing() -> None:
    assert not RiskContactOutcome("reached-by-pigeon").closes


def test_a_risk_that_came_after_the_contact_is_not_ended_by_it() -> None:
    history = after(screened("high", HIGH, NOON - HOUR))
    earlier = replace(SAFE, occurred_at=NOON - 2 * HOUR)
    given(DECIDER, *history).when(CONTACT, earlier).then_refused("no-open-risk")


def test_a_risk_of_assessment_is_named_and_one_not_heard_of_yet_is_flagged() -> None:
    noted = replace(m.RISK_NOTED, occurred_at=YESTERDAY)
    (contact,) = given(DECIDER, noted).when(CONTACT, SAFE).decided
    assert isinstance(contact, RiskContactRecorded)
    assert (contact.risks, contact.flags or ()) == ((noted.fact_id,), ())
    (contact,) = given(DECIDER, noted).when(CONTACT, replace(SAFE, risk=fact("elsewhere"))).decided
    assert isinstance(contact, RiskContactRecorded)
    assert (contact.risks, contact.flags) == ((fact("elsewhere"), noted.fact_id), ("not-known-yet",))


@pytest.mark.parametrize(
    ("changes", "slug", "field"),
    [
        ({"outcome": RiskContactOutcome.TRANSPORTED}, "where-required", "where"),
        ({"by_when": NOON - HOUR}, "before-the-contact", "by_when"),
        ({"risk": fact("struck")}, "fact-not-known", "risk_id"),
    ],
)
def test_what_is_not_whole_is_refused_by_its_field(changes: dict[str, Any], slug: str, field: str) -> None:
    struck = replace(m.LIST_STRUCK, fact_id=fact("struck"))
    refused = given(DECIDER, m.RISK, struck).when(CONTACT, replace(SAFE, **changes)).then_refused(slug)
    assert refused.field == field


def test_without_any_open_risk_one_must_be_named() -> None:
    given(DECIDER).when(CONTACT, SAFE).then_refused("no-open-risk")
    assert given(DECIDER).when(CONTACT, replace(SAFE, risk=m.RISK.fact_id)).decided


def test_zeros_that_the_client_answers_end_nothing_and_a_clinicians_do() -> None:
    high = screened("high", HIGH, NOON - HOUR)
    assert open_risks(*after(high, screened("zeros", ZEROS)))
    history = after(high, screened("asked", ZEROS, by=Reporter.CLINICIAN))
    assert not open_risks(*history)
    (end,) = [it for it in history if isinstance(it, RiskEnded)]
    assert (end.screening, end.occurred_at) == (fact("asked"), NOON)


def test_a_clinicians_screen_with_a_blank_or_before_the_risk_ends_nothing() -> None:
    high = screened("high", HIGH, NOON - HOUR)
    assert open_risks(*after(high, screened("asked", (0, None, None, None, None, 0, None), by=Reporter.CLINICIAN)))
    assert open_risks(*after(high, screened("asked", ZEROS, NOON - 2 * HOUR, by=Reporter.CLINICIAN)))


def test_a_clinicians_high_screen_ends_the_risk_before_and_raises_its_own() -> None:
    history = after(screened("high", HIGH, NOON - HOUR), screened("asked", HIGH, by=Reporter.CLINICIAN))
    raised = [it.fact_id for it in history if isinstance(it, RiskRaised)]
    assert open_risks(*history) == raised[1:]


def test_a_struck_screening_ended_nothing() -> None:
    history = after(screened("high", HIGH, NOON - HOUR), screened("asked", ZEROS, by=Reporter.CLINICIAN))
    strike = replace(m.STRIKE_NAUSEA, fact_id=fact("asked"))
    struck = given(DECIDER, *history).when(STRIKE, strike).decided
    assert len(struck) == 2
    assert open_risks(*history, *struck)


def test_of_two_screenings_that_ended_a_risk_the_one_that_stands_ends_it_still() -> None:
    history = after(
        screened("high", HIGH, NOON - 2 * HOUR),
        screened("asked", ZEROS, NOON - HOUR, by=Reporter.CLINICIAN),
        screened("asked again", ZEROS, by=Reporter.CLINICIAN),
    )
    struck = given(DECIDER, *history).when(STRIKE, replace(m.STRIKE_NAUSEA, fact_id=fact("asked"))).decided
    assert not open_risks(*history, *struck)


def test_a_struck_contact_ended_nothing() -> None:
    history = after(screened("high", HIGH, NOON - HOUR), SAFE)
    struck = given(DECIDER, *history).when(STRIKE, replace(m.STRIKE_NAUSEA, fact_id=SAFE.fact_id)).decided
    assert open_risks(*history, *struck)


def test_earlier_behaviour_alone_is_raised_once_and_not_after_every_screen() -> None:
    first = after(screened("first", HISTORY))
    (risk,) = [it for it in first if isinstance(it, RiskRaised)]
    assert (risk.reason, risk.level) == ("c-ssrs-history", "moderate")
    history = after(screened("first", HISTORY), SAFE, screened("second", HISTORY, NOON + HOUR))
    assert len([it for it in history if isinstance(it, RiskRaised)]) == 1


@pytest.mark.parametrize(
    "now", [(0, 0, None, None, None, 1, 1), (1, 1, 1, 0, 0, 1, 0), (0, 0, None, None, None, 1, None)]
)
def test_whatever_is_said_of_now_beside_it_is_no_history(now: tuple[int | None, ...]) -> None:
    history = after(screened("first", HISTORY), screened("second", now, NOON + HOUR))
    second = [it for it in history if isinstance(it, RiskRaised)][1]
    assert second.reason != "c-ssrs-history"


async def followed(*heard: Any, before: tuple[Event, ...] = ()) -> list[Event]:
    """What monitoring stores of what assessment published, one record after the other, the last one twice."""
    desk: Desk[Watch, Event] = Desk("monitoring", TOPICS, DECIDER)
    await desk.note(*before)
    for number, one in enumerate((*heard, heard[-1])):
        name = f"{min(number, len(heard) - 1)}"
        consumer, _results = following(desk.streams)
        effects = await consumer.handle([received(f"care.assessment.{type(one).__name__}.v1", one, name)])
        await desk.store.commit(Unit(writes=effects.writes))
    return list(await desk.stored())[len(before) :]


ASKED = replace(published.SCREENER, fact_id=fact("asked"), reporter=Reporter.CLINICIAN, band="none", occurred_at=NOON)


async def test_what_a_clinician_asked_in_assessment_ends_a_risk_that_was_raised_here_once() -> None:
    history = after(screened("high", HIGH, NOON - HOUR))
    stored = await followed(ASKED, before=history)
    assert [type(one).__name__ for one in stored] == ["ScreeningNoted", "RiskEnded"]
    struck = EnteredInError(fact_id=ASKED.fact_id, reason="typo", marked_by="dr", occurred_at=NOON)
    stored = await followed(ASKED, struck, before=history)
    assert [type(one).__name__ for one in stored] == ["ScreeningNoted", "RiskEnded", "StrikeNoted", "EnteredInError"]
    assert open_risks(*history, *stored)


async def test_a_risk_of_assessment_is_followed_and_ended_by_a_screening_here() -> None:
    raised = replace(published.RISK, occurred_at=NOON - HOUR)
    asked = after(screened("asked", ZEROS, by=Reporter.CLINICIAN))
    stored = await followed(raised, before=asked)
    assert [type(one) for one in stored] == [RiskNoted, RiskEnded]


@pytest.mark.parametrize(
    "other", [{"reporter": Reporter.UNKNOWN}, {"flags": ("safety-item-missing",)}, {"instrument": "phq-9"}]
)
async def test_what_no_clinician_asked_in_full_is_not_noted(other: dict[str, Any]) -> None:
    stored = await followed(replace(ASKED, **other))
    assert stored == []
