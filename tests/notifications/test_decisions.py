"""The guards of notifications' decisions, over all of its commands, and what becomes of a notice by which event."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from careloop.contracts.notifications import Channel
from careloop.contracts.terms import Role
from careloop.kernel.ids import PersonId
from services.notifications.domain import events
from services.notifications.domain.codes import CauseKind, FailureReason
from services.notifications.domain.decisions import DECISIONS as ASKED_FOR
from services.notifications.domain.decisions import OWN_DECISIONS
from services.notifications.domain.events import Event, NoticeDecided
from services.notifications.domain.notices import Notice, NoticeStatus
from services.notifications.domain.noting import DecideAgain, note_resolution, note_strike, note_team, note_time_zone
from services.notifications.domain.screenings import Reconsider, note_screening
from services.notifications.domain.state import DECIDER
from tests.support.controls import notifications as control
from tests.support.controls.moments import NOON, event, fact
from tests.support.controls.notifications import DR_LIND, DR_OSEI, MAYA, NOTICE, RULES, SOON, TEAM, TOM
from tests.support.specification import given

DECISIONS = {command.__name__: decide for command, decide in {**ASKED_FOR, **OWN_DECISIONS}.items()}
TICK = timedelta(microseconds=1)
OPEN: tuple[Event, ...] = (*TEAM, control.DECIDED)
ANSWERED: tuple[Event, ...] = (*OPEN, control.RESOLUTION, control.RESOLVED)
DECIDE_AGAIN = DecideAgain(strike=control.RESOLUTION_STRUCK, rules=RULES, now=SOON)
ESCALATE = control.clock_of(0)

WILLING: dict[str, tuple[Any, tuple[Event, ...]]] = {
    "DecideNotice": (control.DECIDE, TEAM),
    "DecideAgain": (DECIDE_AGAIN, ANSWERED),
    "Reconsider": (
        Reconsider(cause=control.EARLIER, rules=RULES, now=SOON),
        (*TEAM, control.EARLIER_NOTICE),
    ),
    "BeginAttempt": (control.BEGIN, OPEN),
    "EndAttempt": (control.END_SENT, (*OPEN, control.ATTEMPTED)),
    "Escalate": (ESCALATE, OPEN),
    "HandOver": (control.HAND_OVER, (*TEAM, control.ZOE_CAME, control.FOR_ZOE, control.ZOE_LEFT)),
    "PageAgain": (control.PAGE_AGAIN, (*TEAM, control.RISK_NOTICE, control.RISK_TAKEN_ON)),
    "AcknowledgeNotice": (control.ACKNOWLEDGE, OPEN),
    "MarkEnteredInError": (control.MARK, OPEN),
}
"""Each command, and what must have happened before it is taken."""

NOTES: list[tuple[Any, Any]] = [
    (note_team, control.PRESCRIBER),
    (note_team, control.PRESCRIBER_RELEASED),
    (note_strike, control.CAUSE_STRUCK),
    (note_resolution, control.RESOLUTION),
    (note_screening, control.SCREENING),
    (note_time_zone, control.TIME_ZONE),
]
ABOUT_A_NOTICE: dict[str, str] = {
    "BeginAttempt": "",
    "EndAttempt": "",
    "Escalate": "",
    "AcknowledgeNotice": "notice_id",
    "MarkEnteredInError": "fact_id",
}
"""Commands that name a notice: what asks for it is refused by this field, what is only due comes to nothing."""


def test_the_tables_name_every_command() -> None:
    assert set(DECISIONS) == set(WILLING)
    assert set(ABOUT_A_NOTICE) == set(WILLING) - {"DecideNotice", "DecideAgain", "Reconsider", "HandOver", "PageAgain"}


@pytest.mark.parametrize("name", WILLING)
def test_a_command_that_was_done_is_not_done_again(name: str) -> None:
    command, history = WILLING[name]
    done = given(DECIDER, *history).when(DECISIONS[name], command).decided
    assert done
    strike = (control.RESOLUTION_STRUCK,) if name == "DecideAgain" else ()
    given(DECIDER, *history, *strike, *done).when(DECISIONS[name], command).then_nothing()


@pytest.mark.parametrize(("decide", "fact_"), NOTES, ids=lambda one: getattr(one, "__name__", type(one).__name__))
def test_a_note_is_made_once_by_its_evidence(decide: Any, fact_: Any) -> None:
    given(DECIDER, fact_).when(decide, fact_).then_nothing()
    another = replace(fact_, evidence=event("another"))
    given(DECIDER, fact_).when(decide, another).then(another)


@pytest.mark.parametrize(("noted", "fact_"), [(noted, fact_) for _, noted in NOTES for _, fact_ in NOTES])
def test_what_was_noted_as_one_thing_is_not_noted_as_another(noted: Any, fact_: Any) -> None:
    (decide,) = {decide for decide, one in NOTES if type(one) is type(fact_)}
    given(DECIDER, noted).when(decide, replace(fact_, evidence=noted.evidence)).then_nothing()


@pytest.mark.parametrize("name", ABOUT_A_NOTICE)
def test_of_a_notice_that_is_not_there_nothing_is_decided(name: str) -> None:
    command, history = WILLING[name]
    elsewhere = replace(command, **{"fact_id" if name == "MarkEnteredInError" else "notice": fact("elsewhere")})
    when = given(DECIDER, *history).when(DECISIONS[name], elsewhere)
    if ABOUT_A_NOTICE[name]:
        assert when.then_refused("notice-not-known").field == ABOUT_A_NOTICE[name]
    else:
        when.then_nothing()


WITHDRAWN = replace(control.WITHDRAWN, reason="cause-entered-in-error")
SUPPRESSED = replace(control.DECIDED, suppressed="old-news", acknowledge_by=None)
NOT_OPEN: dict[NoticeStatus, tuple[Event, ...]] = {
    NoticeStatus.ACKNOWLEDGED: (*OPEN, control.ACKNOWLEDGED),
    NoticeStatus.RESOLVED: (*OPEN, control.RESOLVED),
    NoticeStatus.WITHDRAWN: (*OPEN, WITHDRAWN),
    NoticeStatus.ENTERED_IN_ERROR: (*OPEN, control.MARKED),
    NoticeStatus.SUPPRESSED: (*TEAM, SUPPRESSED),
}


def notice_of(*history: Event) -> Notice:
    return DECIDER.fold(history).notices[NOTICE]


def test_every_status_but_open_is_in_the_table() -> None:
    assert set(NOT_OPEN) == set(NoticeStatus) - {NoticeStatus.OPEN}


@pytest.mark.parametrize("status", NoticeStatus)
def test_a_notice_is_what_its_last_event_made_it(status: NoticeStatus) -> None:
    notice = notice_of(*NOT_OPEN.get(status, OPEN))
    assert notice.status is status
    assert notice.is_open is (status is NoticeStatus.OPEN)
    assert notice.is_resolved is (status is NoticeStatus.RESOLVED)
    assert notice.notified == (() if status is NoticeStatus.SUPPRESSED else (DR_OSEI,))
    assert notice.acknowledged_by == (DR_OSEI if status is NoticeStatus.ACKNOWLEDGED else "")


@pytest.mark.parametrize("status", NOT_OPEN)
def test_only_an_open_notice_is_told_and_escalated(status: NoticeStatus) -> None:
    for name in ("BeginAttempt", "Escalate"):
        given(DECIDER, *NOT_OPEN[status]).when(DECISIONS[name], WILLING[name][0]).then_nothing()


@pytest.mark.parametrize("status", NOT_OPEN)
def test_a_notice_that_is_not_open_is_not_taken_on(status: NoticeStatus) -> None:
    when = given(DECIDER, *NOT_OPEN[status]).when(DECISIONS["AcknowledgeNotice"], control.ACKNOWLEDGE)
    if status is NoticeStatus.ACKNOWLEDGED:
        when.then_nothing()
    else:
        when.then_refused(f"notice-{status}")


@pytest.mark.parametrize("status", NOT_OPEN)
def test_a_notice_of_any_status_can_be_marked_but_once(status: NoticeStatus) -> None:
    when = given(DECIDER, *NOT_OPEN[status]).when(DECISIONS["MarkEnteredInError"], control.MARK)
    if status is NoticeStatus.ENTERED_IN_ERROR:
        when.then_nothing()
    else:
        when.then(control.MARKED)


@pytest.mark.parametrize("status", NOT_OPEN)
def test_strikes_and_answers_leave_a_notice_that_is_not_open_as_it_is(status: NoticeStatus) -> None:
    given(DECIDER, *NOT_OPEN[status]).when(note_strike, control.CAUSE_STRUCK).then(control.CAUSE_STRUCK)
    given(DECIDER, *NOT_OPEN[status]).when(note_resolution, control.RESOLUTION).then(control.RESOLUTION)


@pytest.mark.parametrize("status", NOT_OPEN)
def test_an_attempt_under_way_is_ended_whatever_became_of_the_notice(status: NoticeStatus) -> None:
    history = (*NOT_OPEN[status], control.ATTEMPTED)
    given(DECIDER, *history).when(DECISIONS["EndAttempt"], control.END_SENT).then(control.SENT)


SECOND = control.cause(CauseKind.SIDE_EFFECT_SAME_DAY, event_id=event("second"))


def second_notice(cause_fact: Any = control.SAME_DAY.fact_id) -> NoticeDecided:
    return replace(
        control.DECIDED, fact_id=fact("second notice"), cause=SECOND.event_id, cause_fact=cause_fact, occurred_at=SOON
    )


def test_strikes_and_answers_end_every_open_notice_of_their_fact_and_no_other() -> None:
    other = replace(second_notice(fact("another rash")), fact_id=fact("third notice"), cause=event("third"))
    history = (*OPEN, second_notice(), other)
    given(DECIDER, *history).when(note_strike, control.CAUSE_STRUCK).then(
        control.CAUSE_STRUCK, control.WITHDRAWN, replace(control.WITHDRAWN, notice=fact("second notice"))
    )
    given(DECIDER, *history).when(note_resolution, control.RESOLUTION).then(
        control.RESOLUTION, control.RESOLVED, replace(control.RESOLVED, notice=fact("second notice"))
    )


def test_a_withdrawal_happened_when_what_caused_it_did() -> None:
    earlier = NOON - timedelta(hours=2)
    strike = replace(control.CAUSE_STRUCK, occurred_at=earlier)
    given(DECIDER, *OPEN).when(note_strike, strike).then(strike, replace(control.WITHDRAWN, occurred_at=earlier))


def test_the_same_fact_told_by_another_event_is_another_cause() -> None:
    again = replace(control.DECIDE, cause=SECOND)
    (notice, _entry) = given(DECIDER, *OPEN).when(DECISIONS["DecideNotice"], again).decided
    assert isinstance(notice, NoticeDecided)
    assert (notice.cause, notice.fact_id != NOTICE) == (event("second"), True)


def test_only_a_strike_of_the_cause_itself_suppresses_it() -> None:
    unrelated = replace(control.CAUSE_STRUCK, fact_id=fact("another"))
    given(DECIDER, *TEAM, unrelated).when(DECISIONS["DecideNotice"], control.DECIDE).then(
        control.DECIDED, control.in_inbox(DR_OSEI)
    )
    struck = given(DECIDER, *TEAM, control.CAUSE_STRUCK).when(DECISIONS["DecideNotice"], control.DECIDE)
    struck.then(replace(control.DECIDED, suppressed="cause-entered-in-error", acknowledge_by=None))


def test_a_resolution_that_came_before_its_cause_does_not_keep_it_from_being_told() -> None:
    given(DECIDER, *TEAM, control.RESOLUTION).when(DECISIONS["DecideNotice"], control.DECIDE).then(
        control.DECIDED, control.in_inbox(DR_OSEI)
    )


def test_what_is_decided_again_says_what_the_last_answered_notice_said() -> None:
    named = replace(
        control.DECIDED, kind=CauseKind.SIDE_EFFECT_EMERGENCY, named=TOM, detail="rash, worse", cause_type="care.x.Y.v1"
    )
    history = (*TEAM, named, control.RESOLUTION, control.RESOLVED)
    notice, *entries = given(DECIDER, *history).when(DECISIONS["DecideAgain"], replace(DECIDE_AGAIN, now=NOON)).decided
    assert isinstance(notice, NoticeDecided)
    assert (notice.kind, notice.named, notice.detail, notice.cause_type) == (
        CauseKind.SIDE_EFFECT_EMERGENCY,
        TOM,
        "rash, worse",
        "care.x.Y.v1",
    )
    assert (notice.cause, notice.cause_fact, notice.suppressed) == (
        control.RESOLUTION_STRUCK.evidence,
        control.SAME_DAY.fact_id,
        "",
    )
    assert (notice.cause_recorded_at, notice.occurred_at, notice.acknowledge_by) == (
        NOON,
        NOON,
        NOON + RULES.stat_window,
    )
    assert [entry.person for entry in entries] == [DR_OSEI, MAYA]  # type: ignore[union-attr]


def test_of_two_answered_notices_the_later_is_decided_again() -> None:
    later = replace(second_notice(), detail="rash, still there")
    history = (*ANSWERED, later, replace(control.RESOLVED, notice=later.fact_id))
    notice = given(DECIDER, *history).when(DECISIONS["DecideAgain"], DECIDE_AGAIN).decided[0]
    assert isinstance(notice, NoticeDecided)
    assert notice.detail == "rash, still there"


@pytest.mark.parametrize(
    "history",
    [
        OPEN,
        (*OPEN, control.RESOLUTION),
        (*OPEN, control.RESOLUTION, WITHDRAWN),
        (*OPEN, control.RESOLUTION, control.MARKED),
        (*OPEN, replace(control.RESOLUTION, side_effect=fact("another")), control.RESOLVED),
        (*ANSWERED, control.RESOLUTION_STRUCK),
    ],
)
def test_nothing_is_decided_again_that_this_resolution_did_not_answer(history: tuple[Event, ...]) -> None:
    given(DECIDER, *history).when(DECISIONS["DecideAgain"], DECIDE_AGAIN).then_nothing()


WHO: list[tuple[str, bool, tuple[Event, ...]]] = [
    (DR_OSEI, True, ()),
    (MAYA, True, ()),
    ("on-call", True, ()),
    (TOM, False, ()),
    (DR_LIND, False, ()),
    (DR_LIND, True, (control.OTHER_PRESCRIBER,)),
    (DR_LIND, True, (control.member(DR_LIND, Role.CARE_MANAGER),)),
    (DR_LIND, False, (control.member(DR_LIND, Role.PHARMACIST),)),
    (DR_LIND, False, (replace(control.OTHER_PRESCRIBER, effective_from=SOON + TICK),)),
    (DR_LIND, True, (replace(control.OTHER_PRESCRIBER, effective_from=SOON),)),
    (TOM, True, (control.escalated(1, TOM),)),
    (DR_OSEI, True, (control.PRESCRIBER_RELEASED,)),
]


@pytest.mark.parametrize(("person", "may", "more"), WHO)
def test_who_was_or_will_be_told_or_is_in_charge_may_take_a_notice_on(
    person: str, may: bool, more: tuple[Event, ...]
) -> None:
    when = given(DECIDER, *OPEN, *more).when(
        DECISIONS["AcknowledgeNotice"], replace(control.ACKNOWLEDGE, actor=PersonId(person))
    )
    if may:
        when.then(replace(control.ACKNOWLEDGED, acknowledged_by=person))
    else:
        assert when.then_refused("not-an-addressee").field == "notice_id"


@pytest.mark.parametrize("step", [-1, 1, 2])
def test_only_the_clock_of_the_step_as_it_stands_counts(step: int) -> None:
    late = NOON + timedelta(days=3)
    given(DECIDER, *OPEN).when(DECISIONS["Escalate"], replace(ESCALATE, step=step, now=late)).then_nothing()
    unreachable = replace(ESCALATE, step=step, now=late, unreachable=True)
    given(DECIDER, *OPEN).when(DECISIONS["Escalate"], unreachable).then_nothing()


@pytest.mark.parametrize("unreachable", [False, True])
def test_what_nobody_must_acknowledge_is_never_escalated(unreachable: bool) -> None:
    for_information = replace(control.DECIDED, kind=CauseKind.MESSAGE_POSTED, acknowledge_by=None)
    command = replace(ESCALATE, unreachable=unreachable, now=NOON + timedelta(days=3))
    given(DECIDER, *TEAM, for_information).when(DECISIONS["Escalate"], command).then_nothing()


@pytest.mark.parametrize(
    ("now", "escalates"),
    [(control.ACKNOWLEDGE_BY - TICK, False), (control.ACKNOWLEDGE_BY, True), (control.ACKNOWLEDGE_BY + TICK, True)],
)
def test_a_clock_runs_out_at_its_very_moment(now: datetime, escalates: bool) -> None:
    when = given(DECIDER, *OPEN).when(DECISIONS["Escalate"], replace(ESCALATE, now=now))
    assert bool(when.decided) is escalates


def test_the_clock_of_an_escalation_replaces_the_one_before() -> None:
    history = (*OPEN, control.escalated(1, MAYA))
    early = replace(control.clock_of(1), now=NOON + 2 * RULES.urgent_window - TICK)
    given(DECIDER, *history).when(DECISIONS["Escalate"], early).then_nothing()
    assert given(DECIDER, *history).when(DECISIONS["Escalate"], control.clock_of(1)).decided


@pytest.mark.parametrize(
    ("kind", "window"),
    [
        (CauseKind.RISK_HIGH, RULES.stat_window),
        (CauseKind.RISK_MODERATE, RULES.urgent_window),
        (CauseKind.RISK_LOW, RULES.routine_window),
        (CauseKind.SIDE_EFFECT_EMERGENCY, RULES.stat_window),
        (CauseKind.SIDE_EFFECT_SAME_DAY, RULES.urgent_window),
        (CauseKind.SIDE_EFFECT_WITHIN_72_HOURS, RULES.routine_window),
    ],
)
def test_the_next_people_have_the_window_of_the_notices_own_priority(kind: CauseKind, window: timedelta) -> None:
    now = NOON + timedelta(days=2)
    history = (*TEAM, replace(control.DECIDED, kind=kind))
    escalated, *entries = given(DECIDER, *history).when(DECISIONS["Escalate"], replace(ESCALATE, now=now)).decided
    assert isinstance(escalated, events.NoticeEscalated)
    assert (escalated.step, escalated.acknowledge_by, escalated.channels) == (1, now + window, control.BOTH)
    assert [(entry.person, entry.step, entry.occurred_at) for entry in entries] == [  # type: ignore[union-attr]
        (person, 1, now) for person in escalated.persons
    ]


def test_the_on_call_person_is_paged_again_only_by_a_clock_and_not_without_end() -> None:
    told: list[Event] = [*OPEN, control.escalated(1, MAYA), control.escalated(2, "on-call")]
    told += [control.escalated(step, "on-call") for step in range(3, 2 + RULES.repages)]
    step = 1 + RULES.repages
    (again, _entry) = given(DECIDER, *told).when(DECISIONS["Escalate"], control.clock_of(step)).decided
    assert isinstance(again, events.NoticeEscalated)
    assert (again.persons, again.acknowledge_by) == (("on-call",), None)
    given(DECIDER, *told).when(DECISIONS["Escalate"], control.clock_of(step, unreachable=True)).then_nothing()


@pytest.mark.parametrize("reason", FailureReason)
@pytest.mark.parametrize("number", [1, RULES.attempts - 1, RULES.attempts, RULES.attempts + 1])
@pytest.mark.parametrize("hopeless", [False, True])
def test_a_failure_says_which_attempt_failed_why_and_when_it_is_tried_again(
    reason: FailureReason, number: int, hopeless: bool
) -> None:
    attempt = replace(control.FIRST_ATTEMPT, number=number)
    command = replace(control.END_SENT, attempt=attempt, failure=reason, hopeless=hopeless)
    final = hopeless or number >= RULES.attempts
    history = (*OPEN, replace(control.ATTEMPTED, attempt=number))
    given(DECIDER, *history).when(DECISIONS["EndAttempt"], command).then(
        replace(
            control.FAILED,
            attempt=number,
            reason=reason,
            final=final,
            retry_at=None if final else SOON + RULES.retry_after(number),
        )
    )


@pytest.mark.parametrize("other", [{"person": MAYA}, {"channel": Channel.INBOX}, {"step": 1}, {"number": 2}])
def test_attempts_that_differ_in_anything_are_different(other: dict[str, Any]) -> None:
    history = (*OPEN, control.ATTEMPTED)
    attempt = replace(control.FIRST_ATTEMPT, **other)
    (begun,) = given(DECIDER, *history).when(DECISIONS["BeginAttempt"], replace(control.BEGIN, attempt=attempt)).decided
    assert isinstance(begun, events.DeliveryAttempted)
    assert (begun.person, begun.channel, begun.step, begun.attempt) == (
        attempt.person,
        attempt.channel,
        attempt.step,
        attempt.number,
    )
    given(DECIDER, *history).when(DECISIONS["EndAttempt"], replace(control.END_SENT, attempt=attempt)).then_nothing()


def test_each_person_and_step_of_a_notice_has_a_message_id_of_its_own() -> None:
    def begun(**changes: Any) -> str:
        command = replace(control.BEGIN, attempt=replace(control.FIRST_ATTEMPT, **changes))
        (attempted,) = given(DECIDER, *OPEN).when(DECISIONS["BeginAttempt"], command).decided
        assert isinstance(attempted, events.DeliveryAttempted)
        return attempted.message_id

    assert begun() == begun(number=2) == begun(channel=Channel.INBOX)
    assert len({begun(), begun(person=MAYA), begun(step=1)}) == 3


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 15), (2, 30), (3, 60), (4, 120), (5, 240), (6, 300), (31, 300), (10_000, 300)]
)
def test_the_wait_doubles_up_to_the_longest(attempt: int, seconds: int) -> None:
    assert RULES.retry_after(attempt) == timedelta(seconds=seconds)


def test_the_wait_is_bounded_also_where_the_longest_is_very_long() -> None:
    patient_rules = replace(RULES, first_retry=TICK, longest_retry=timedelta(days=365))
    assert patient_rules.retry_after(31) == TICK * 2**30
    assert patient_rules.retry_after(32) == TICK * 2**30
