"""A birthday on which a rule begins to hold is a new fact: it is raised once, whenever the check is made."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from careloop.chassis.commands.seeding import Seeding
from careloop.chassis.commands.streams import Streams
from careloop.chassis.events.codec import Codec
from careloop.contracts.prescribing import ConcernCause
from careloop.kernel.ids import FactId
from services.prescribing import due
from services.prescribing.domain.events import TOPICS, Event
from services.prescribing.domain.state import DECIDER, PrescriptionChart
from tests.prescribing.test_standing_check import check, ours, raised, rules
from tests.prescribing.test_standing_rows import Practice
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, PATIENT, fact
from tests.support.histories.writes import request

OF_65 = datetime.combine(date(2027, 1, 15), time(0), tzinfo=UTC)
BORN = replace(p.PROFILE, fact_id=fact("born 1962"), birth_date=date(1962, 1, 15), occurred_at=NOON)
AMITRIPTYLINE = ours("amitriptyline", 50)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=9)], ids=["on the day", "nine days late"])
def test_what_a_rule_says_from_65_on_is_raised_on_that_birthday(late: timedelta) -> None:
    assert check(BORN, AMITRIPTYLINE, fact_id=BORN.fact_id, now=OF_65 - timedelta(days=1)) == []
    birthday = {"fact_id": FactId(PATIENT), "cause": ConcernCause.BIRTHDAY, "at": OF_65, "now": OF_65 + late}
    found = raised(BORN, AMITRIPTYLINE, **birthday)
    assert (rules(found), found.occurred_at) == ([("age.older-adult", "moderate")], OF_65)


def test_a_birthday_on_which_nothing_begins_to_hold_raises_nothing() -> None:
    of_66 = OF_65 + timedelta(days=366)
    assert check(BORN, AMITRIPTYLINE, fact_id=FactId(PATIENT), cause=ConcernCause.BIRTHDAY, at=of_66, now=of_66) == []


async def test_enrolment_brings_the_row_and_the_worker_raises_once() -> None:
    practice = await Practice().knows(*p.ASSESSED, BORN, AMITRIPTYLINE)
    assert await practice.raised() == []
    for moment in (OF_65 - timedelta(seconds=1), OF_65, OF_65 + timedelta(days=1)):
        practice.now = moment
        await practice.work()
        assert len(await practice.raised()) == (moment >= OF_65)
    (once,) = await practice.raised()
    assert once.cause is ConcernCause.BIRTHDAY


async def test_who_was_enrolled_before_there_were_such_rows_is_given_them_once() -> None:
    practice = Practice()
    before: Streams[PrescriptionChart, Event] = Streams(
        "prescribing", practice.store, Codec(TOPICS), DECIDER, published=frozenset()
    )
    await before.transact(PATIENT, request("before"), lambda _chart: (*p.ASSESSED, BORN, AMITRIPTYLINE))
    seeding = Seeding("birthdays", practice.streams, due.birthday_clocks)
    assert (await seeding.run(practice.now), await seeding.run(practice.now)) == (1, 0)
    practice.now = OF_65
    await practice.work()
    assert len(await practice.raised()) == 1
