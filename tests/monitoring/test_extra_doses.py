"""A second dose within minutes is asked about; too much is an emergency, and what to do is said in the answer."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from care.common.v1 import common_pb2
from care.monitoring.v1 import monitoring_pb2 as pb
from msgspec import UNSET

from careloop.chassis.commands.writes import Writes
from careloop.contracts.monitoring import DoseRecorded, DoseStatus, EmergencyDeclared, EmergencyKind, ExtraDoseReported
from careloop.contracts.prescribing import TYPES
from careloop.contracts.terms import Medicine
from careloop.kernel.errors import InvalidInput, NeedsConfirmation
from careloop.kernel.ids import PersonId
from careloop.knowledge.urgency.extra_doses import NEVER_TWO, TOOK_TOO_MUCH
from services.monitoring.consumers import DOSES_NOTES
from services.monitoring.domain.decisions import DECISIONS
from services.monitoring.domain.doses import DoseSaid, RecordDose, SecondDose, record_dose
from services.monitoring.domain.entered_in_error import mark_entered_in_error
from services.monitoring.domain.events import TOPICS, Event
from services.monitoring.domain.noted import DailyDoseNoted
from services.monitoring.domain.state import DECIDER
from services.monitoring.domain.too_much import took_too_much
from services.monitoring.grpc_api import MonitoringApi
from tests.support.controls import coordination as published
from tests.support.controls import monitoring as m
from tests.support.controls.moments import CLIENT, NOON, PATIENT, fact
from tests.support.noting import noted
from tests.support.speaking import CONTEXT, Desk, speak_as
from tests.support.specification import given

LITHIUM, SERTRALINE = Medicine(name="lithium"), m.SERTRALINE
AT = NOON - timedelta(hours=30)
MINUTE, HOUR, TICK = timedelta(minutes=1), timedelta(hours=1), timedelta(microseconds=1)
OURS = replace(m.PRESCRIBED, medicine=LITHIUM)
DAILY = replace(m.DAILY_DOSE, daily_dose_mg=Decimal(900))
FIRST = replace(m.DOSE, fact_id=fact("first"), medicine=LITHIUM, occurred_at=AT)
SECOND = replace(m.RECORD_DOSE, fact_id=fact("second"), medicine=LITHIUM, occurred_at=AT + 3 * MINUTE)


def taking(command: RecordDose, *facts: Event) -> list[Any]:
    return given(DECIDER, m.TIME_ZONE, *facts).when(record_dose, command).decided


def asked(command: RecordDose, *facts: Event) -> NeedsConfirmation:
    with pytest.raises(NeedsConfirmation) as question:
        taking(command, *facts)
    return question.value


def of(mg: int, minutes: int, name: str = "more") -> RecordDose:
    at = AT + minutes * MINUTE
    return replace(SECOND, fact_id=fact(name), amount_mg=Decimal(mg), occurred_at=at, second_dose=SecondDose.YES)


# A second one within minutes.


def test_a_second_one_within_minutes_is_asked_about_by_the_clients_own_clock() -> None:
    question = asked(SECOND, FIRST)
    assert question.said == {
        "question": "Already noted at 01:00. Did you take a second one?",
        "already_noted": str(FIRST.fact_id),
    }


def test_yes_is_an_extra_dose_and_no_is_nothing_more() -> None:
    dose, *_ = taking(replace(SECOND, second_dose=SecondDose.YES), FIRST)
    assert (dose.status, dose.fact_id) == (DoseStatus.EXTRA, SECOND.fact_id)
    assert taking(replace(SECOND, second_dose=SecondDose.NO), FIRST) == []


def test_no_second_one_where_no_first_is_known_is_the_first() -> None:
    (dose,) = taking(replace(SECOND, second_dose=SecondDose.NO))
    assert dose.status is DoseStatus.TAKEN


@pytest.mark.parametrize(
    ("apart", "asks"),
    [
        (timedelta(0), True),
        (5 * MINUTE, True),
        (5 * MINUTE + TICK, False),
        (-5 * MINUTE, True),
        (-5 * MINUTE - TICK, False),
    ],
)
def test_within_minutes_is_five_before_or_after(apart: timedelta, asks: bool) -> None:
    command = replace(SECOND, occurred_at=AT + apart)
    if asks:
        assert asked(command, FIRST)
    else:
        assert [one.status for one in taking(command, FIRST)] == [DoseStatus.TAKEN]


@pytest.mark.parametrize(
    "other",
    [
        replace(SECOND, medicine=SERTRALINE),
        replace(SECOND, actor=PersonId("the nurse")),
        replace(SECOND, status=DoseSaid.SKIPPED, reason="felt sick"),
    ],
    ids=["another medicine", "another person", "a skipped one"],
)
def test_what_is_no_second_one_is_taken_without_a_question(other: RecordDose) -> None:
    assert taking(other, FIRST)


@pytest.mark.parametrize(
    "before",
    [replace(FIRST, status=DoseStatus.SKIPPED), m.EMERGENCY],
    ids=["one that was skipped", "none"],
)
def test_beside_what_was_not_taken_there_is_no_second_one(before: Event) -> None:
    assert taking(SECOND, before)
    assert taking(SECOND, FIRST, replace(m.NAUSEA_STRUCK, fact_id=FIRST.fact_id))


def test_the_same_medicine_is_known_by_its_ingredient() -> None:
    assert asked(replace(SECOND, medicine=Medicine(name="Lithium carbonate 300 MG Oral Capsule")), FIRST)


# An extra dose of what is dangerous in overdose.


def test_an_extra_dose_of_what_is_dangerous_in_overdose_is_for_today() -> None:
    dose, report = taking(replace(SECOND, second_dose=SecondDose.YES), FIRST)
    assert isinstance(report, ExtraDoseReported)
    assert (report.dose, report.drug, report.rule) == (dose.fact_id, "lithium", "overdose.lithium")
    assert report.due_at == SECOND.now + 12 * HOUR


def test_an_extra_dose_of_anything_else_is_recorded_and_no_more() -> None:
    command = replace(SECOND, medicine=SERTRALINE, second_dose=SecondDose.YES)
    assert [type(one) for one in taking(command, FIRST)] == [DoseRecorded]


def test_what_is_dangerous_only_beside_another_is_held_against_what_is_taken() -> None:
    gabapentin = replace(SECOND, medicine=Medicine(name="gabapentin"), second_dose=SecondDose.YES)
    oxycodone = replace(m.PRESCRIBED, fact_id=fact("oxycodone"), medicine=Medicine(name="oxycodone"))
    assert len(taking(gabapentin)) == 1
    assert [type(one) for one in taking(gabapentin, oxycodone)] == [DoseRecorded, ExtraDoseReported]


# Twice the daily dose.


@pytest.mark.parametrize(
    ("first", "second", "minutes", "emergency"),
    [
        (900, 900, 3, True),
        (900, 899, 3, False),
        (900, 900, 24 * 60 - 1, True),
        (900, 900, 24 * 60, False),
        (600, 600, 600, False),
    ],
)
def test_twice_the_daily_dose_within_24_hours_is_an_emergency(
    first: int, second: int, minutes: int, emergency: bool
) -> None:
    before = replace(FIRST, amount_mg=Decimal(first))
    found = [one for one in taking(of(second, minutes), OURS, DAILY, before) if isinstance(one, EmergencyDeclared)]
    assert bool(found) is emergency
    for one in found:
        assert one.kind is EmergencyKind.DOUBLE_DAILY_DOSE
        assert (one.total_mg, one.daily_dose_mg) == (Decimal(first + second), Decimal(900))


def test_one_dose_of_twice_the_day_is_an_emergency_as_well() -> None:
    command = replace(of(1800, 0), second_dose=None, prescription=OURS.fact_id)
    assert isinstance(taking(command, OURS, DAILY)[-1], EmergencyDeclared)


def test_a_dose_that_is_told_later_counts_in_the_day_it_was_taken() -> None:
    after = replace(FIRST, amount_mg=Decimal(900), occurred_at=AT + 20 * HOUR)
    assert isinstance(taking(of(900, 0), OURS, DAILY, after)[-1], EmergencyDeclared)


@pytest.mark.parametrize(
    "facts",
    [(OURS,), (DAILY,), (OURS, replace(DAILY, daily_dose_mg=None))],
    ids=["no daily dose noted", "no prescription", "a dose that was not stated"],
)
def test_where_the_daily_dose_is_not_known_nothing_is_said(facts: tuple[Event, ...]) -> None:
    assert not [one for one in taking(of(1800, 0), *facts) if isinstance(one, EmergencyDeclared)]


def test_amounts_that_nobody_said_do_not_count() -> None:
    command = replace(of(900, 3), amount_mg=None)
    assert not [one for one in taking(command, OURS, DAILY, FIRST) if isinstance(one, EmergencyDeclared)]


def test_the_daily_dose_is_that_of_the_day_and_a_cancelled_change_is_none() -> None:
    day = AT.date()
    more = replace(DAILY, fact_id=fact("more a day"), daily_dose_mg=Decimal(1200), effective_on=day)
    later = replace(more, effective_on=day + timedelta(days=1))
    cancel = replace(later, fact_id=fact("another change"), cancels=(more.fact_id,))

    def daily(*facts: Event) -> Decimal | None:
        return DECIDER.fold((OURS, *facts)).daily_dose_mg(OURS.fact_id, day)

    assert daily(DAILY) == 900
    assert daily(DAILY, more) == 1200
    assert daily(DAILY, later) == 900
    assert daily(DAILY, more, cancel) == 900
    assert daily() is None


@pytest.mark.parametrize("mg", ["0", "-1"])
def test_an_amount_is_above_nothing(mg: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        taking(replace(SECOND, amount_mg=Decimal(mg)))
    assert refused.value.field == "amount_mg"


async def test_the_daily_dose_is_noted_of_an_order_and_of_a_change() -> None:
    streams: Any = Desk("monitoring", TOPICS, DECIDER).streams
    names = {contract: name for name, contract in TYPES.items()}
    (ordered,) = await noted(DOSES_NOTES, streams, names[type(published.ISSUED)], published.ISSUED)
    (changed,) = await noted(DOSES_NOTES, streams, names[type(published.CHANGED)], published.CHANGED)
    assert isinstance(ordered, DailyDoseNoted)
    order, change = published.ISSUED.order, published.CHANGED
    assert (ordered.prescription, ordered.daily_dose_mg) == (published.ISSUED.fact_id, order.daily_dose_mg)
    assert (ordered.effective_on, ordered.cancels) == (order.starts_on, UNSET)
    assert (changed.prescription, changed.daily_dose_mg) == (change.prescription, change.to_daily_dose_mg)


# By the client's own word.


def test_who_took_too_much_presses_one_button() -> None:
    given(DECIDER).when(took_too_much, m.TAKE_TOO_MUCH).then(m.TOO_MUCH)


def test_with_a_dose_all_that_was_reported_for_it_is_struck() -> None:
    doses = taking(of(900, 3), OURS, DAILY, replace(FIRST, amount_mg=Decimal(900)))
    strike = replace(m.STRIKE_NAUSEA, fact_id=doses[0].fact_id)
    struck: list[Any] = given(DECIDER, *doses).when(mark_entered_in_error, strike).decided
    assert [one.fact_id for one in struck] == [one.fact_id for one in doses]
    assert len(doses) == 3


# Over the wire.


class Called:
    def __init__(self) -> None:
        self.desk: Desk[Any, Any] = Desk("monitoring", TOPICS, DECIDER)
        self.api = MonitoringApi(Writes(self.desk.streams, DECISIONS), 6)
        speak_as(CLIENT, "client", patient=PATIENT)

    async def dose(self, request_id: str, **said: Any) -> Any:
        request = pb.RecordDoseRequest(
            request_id=request_id,
            patient_id=str(PATIENT),
            medicine=common_pb2.Medicine(name="lithium"),
            status=pb.DOSE_STATUS_TAKEN,
            **said,
        )
        return await self.api.RecordDose(request, CONTEXT)


async def test_the_question_stores_nothing_and_the_answer_may_use_the_same_request() -> None:
    called = Called()
    first = await called.dose("one")
    question = await called.dose("two")
    assert (question.needs_confirmation, question.fact_id) == (True, "")
    assert question.already_noted == first.fact_id
    assert not question.HasField("receipt")
    assert len(await called.desk.stored()) == 1
    answered = await called.dose("two", second_dose="yes")
    assert (answered.needs_confirmation, answered.advice, answered.emergency) == (False, NEVER_TWO, False)
    repeated = await called.dose("two", second_dose="yes")
    assert repeated.fact_id == answered.fact_id
    denied = await called.dose("three", second_dose="no")
    assert (denied.fact_id, denied.advice) == ("", "")
    assert len(await called.desk.stored()) == 3


async def test_an_emergency_is_answered_with_whom_to_call() -> None:
    called = Called()
    await called.desk.note(OURS, DAILY)
    answer = await called.dose("one", amount_mg="1800")
    assert (answer.emergency, answer.advice) == (True, TOOK_TOO_MUCH)
    request = pb.TookTooMuchRequest(request_id="two", patient_id=str(PATIENT))
    said = await called.api.TookTooMuch(request, CONTEXT)
    assert said.advice == TOOK_TOO_MUCH
    for word in ("1-800-222-1222", "911", "988"):
        assert word in said.advice
