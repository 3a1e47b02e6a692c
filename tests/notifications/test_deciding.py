"""Who must hear what by when."""

from dataclasses import replace
from datetime import timedelta

import pytest

from careloop.contracts.notifications import Channel, Priority
from services.notifications.domain.causes import TABLE
from services.notifications.domain.codes import CauseKind
from services.notifications.domain.deciding import DecideNotice, decide_notice
from services.notifications.domain.events import Event, NoticeDecided
from services.notifications.domain.noted import StrikeNoted
from services.notifications.domain.noting import DecideAgain, decide_again, note_resolution, note_strike, note_team
from services.notifications.domain.state import DECIDER
from tests.support.controls import notifications as control
from tests.support.controls.moments import NOON, event, fact
from tests.support.controls.notifications import DR_LIND, DR_OSEI, MAYA, RULES, SOON, TEAM, TOM
from tests.support.specification import given

EVERYBODY = (*TEAM, control.OTHER_PRESCRIBER)


def decided(kind: CauseKind, *history: Event, **changes: object) -> NoticeDecided:
    command = DecideNotice(cause=control.cause(kind, **changes), rules=RULES, now=SOON)
    notices = [
        one for one in given(DECIDER, *history).when(decide_notice, command).decided if type(one) is NoticeDecided
    ]
    assert len(notices) == 1
    return notices[0]


def steps(notice: NoticeDecided) -> list[list[str]]:
    last = max(it.step for it in notice.addressees)
    return [[it.person for it in notice.addressees if it.step == step] for step in range(last + 1)]


def test_a_same_day_side_effect_goes_to_the_prescriber_with_a_clock() -> None:
    given(DECIDER, *TEAM).when(decide_notice, control.DECIDE).then(control.DECIDED, control.in_inbox(DR_OSEI))


@pytest.mark.parametrize(
    ("kind", "priority", "expected"),
    [
        (CauseKind.RISK_HIGH, Priority.STAT, [[DR_OSEI, MAYA], [TOM], [DR_LIND], ["on-call"]]),
        (CauseKind.RISK_MODERATE, Priority.URGENT, [[DR_OSEI], [MAYA], [TOM, DR_LIND], ["on-call"]]),
        (CauseKind.RISK_LOW, Priority.ROUTINE, [[DR_OSEI], [MAYA], ["on-call"]]),
        (CauseKind.SIDE_EFFECT_EMERGENCY, Priority.STAT, [[DR_OSEI, MAYA], [DR_LIND, TOM], ["on-call"]]),
        (CauseKind.SIDE_EFFECT_SAME_DAY, Priority.URGENT, [[DR_OSEI], [MAYA], [DR_LIND], ["on-call"]]),
        (CauseKind.SIDE_EFFECT_WITHIN_72_HOURS, Priority.ROUTINE, [[DR_OSEI], [MAYA], ["on-call"]]),
    ],
)
def test_who_must_acknowledge_in_which_order(kind: CauseKind, priority: Priority, expected: list[list[str]]) -> None:
    notice = decided(kind, *EVERYBODY)
    assert (notice.priority, steps(notice)) == (priority, expected)
    assert {it.channels for it in notice.addressees} == {(Channel.INBOX, Channel.EMAIL)}
    assert notice.acknowledge_by == NOON + RULES.window(priority)


@pytest.mark.parametrize(
    ("kind", "named", "expected"),
    [
        (CauseKind.SIDE_EFFECT_NEXT_VISIT, "", [DR_OSEI]),
        (CauseKind.PRESCRIPTION_DECLINED, DR_LIND, [DR_LIND]),
        (CauseKind.PRESCRIPTION_ISSUED, "", [TOM, MAYA]),
        (CauseKind.DOSE_CHANGED, "", [TOM, MAYA]),
        (CauseKind.PRESCRIPTION_DISCONTINUED, "", [TOM, MAYA]),
        (CauseKind.ASSESSMENT_COMPLETED, "", [DR_OSEI, DR_LIND, MAYA, TOM]),
        (CauseKind.MESSAGE_POSTED, TOM, [TOM]),
    ],
)
def test_what_is_only_for_information_lies_in_the_inbox_without_a_clock(
    kind: CauseKind, named: str, expected: list[str]
) -> None:
    notice = decided(kind, *EVERYBODY, named=named)
    assert (notice.priority, steps(notice), notice.acknowledge_by) == (Priority.ROUTINE, [expected], None)
    assert {it.channels for it in notice.addressees} == {(Channel.INBOX,)}


def test_the_table_names_every_kind_of_cause() -> None:
    assert set(TABLE) == set(CauseKind)


@pytest.mark.parametrize("kind", CauseKind)
def test_a_patient_without_a_team_has_the_on_call_person(kind: CauseKind) -> None:
    nobody_else = "client" if kind in (CauseKind.MESSAGE_TO_CLIENT, CauseKind.STEP_CONFIRMED) else "on-call"
    assert steps(decided(kind, named="nobody-known")) == [[nobody_else]]


def test_whoever_is_on_call_takes_the_seat_of_a_missing_prescriber() -> None:
    notice = decided(CauseKind.RISK_HIGH, control.CARE_MANAGER, control.THERAPIST)
    assert steps(notice) == [[MAYA, "on-call"], [TOM]]


def test_a_message_to_somebody_outside_the_team_reaches_its_care_manager() -> None:
    assert steps(decided(CauseKind.MESSAGE_POSTED, *TEAM, named="who-left")) == [[MAYA]]


def test_a_released_prescriber_hears_nothing_more() -> None:
    assert DR_OSEI not in str(decided(CauseKind.SIDE_EFFECT_SAME_DAY, *EVERYBODY, control.PRESCRIBER_RELEASED))


def test_a_member_whose_time_has_not_come_hears_nothing_yet() -> None:
    later = replace(control.THERAPIST, effective_from=SOON + timedelta(microseconds=1))
    assert steps(decided(CauseKind.PRESCRIPTION_ISSUED, control.CARE_MANAGER, later)) == [[MAYA]]
    now = replace(later, effective_from=SOON)
    assert steps(decided(CauseKind.PRESCRIPTION_ISSUED, control.CARE_MANAGER, now)) == [[MAYA, TOM][::-1]]


def test_a_struck_assignment_counts_for_nothing() -> None:
    struck = replace(control.CAUSE_STRUCK, fact_id=control.PRESCRIBER.fact_id)
    assert steps(decided(CauseKind.SIDE_EFFECT_NEXT_VISIT, *TEAM, struck)) == [[MAYA]]


def test_the_clock_starts_when_the_cause_was_recorded_however_late_it_is_decided() -> None:
    command = replace(control.DECIDE, now=NOON + timedelta(hours=5))
    notice = given(DECIDER, *TEAM).when(decide_notice, command).decided[0]
    assert notice == replace(control.DECIDED, occurred_at=command.now)


@pytest.mark.parametrize("minutes", [1, 119, 120, 121])
def test_the_earlier_of_window_and_due_time_ends_the_clock(minutes: int) -> None:
    due_at = NOON + timedelta(minutes=minutes)
    notice = decided(CauseKind.SIDE_EFFECT_SAME_DAY, *TEAM, due_at=due_at)
    assert notice.acknowledge_by == min(due_at, NOON + RULES.urgent_window)


INFORMING = frozenset(
    {
        CauseKind.SIDE_EFFECT_NEXT_VISIT,
        CauseKind.PRESCRIPTION_ISSUED,
        CauseKind.DOSE_CHANGED,
        CauseKind.PRESCRIPTION_DISCONTINUED,
        CauseKind.ASSESSMENT_COMPLETED,
        CauseKind.PLAN_CHANGED,
        CauseKind.PLAN_SIGNED,
        CauseKind.STEP_HELD,
        CauseKind.STEP_CHANGED,
        CauseKind.PLAN_ENDED,
    }
)
"""What asks nothing of anybody; a message and a declined order wait for the person whom they name, and an order that
went ahead against an alert for a pharmacist."""


@pytest.mark.parametrize("kind", sorted(INFORMING))
@pytest.mark.parametrize(
    ("late", "suppressed"),
    [
        (RULES.old_news_after - timedelta(microseconds=1), ""),
        (RULES.old_news_after, ""),
        (RULES.old_news_after + timedelta(microseconds=1), "old-news"),
    ],
)
def test_what_is_only_for_information_and_a_day_late_lies_in_no_inbox(
    kind: CauseKind, late: timedelta, suppressed: str
) -> None:
    cause = control.cause(kind, occurred_at=NOON - late)
    told = given(DECIDER, *TEAM).when(decide_notice, DecideNotice(cause=cause, rules=RULES, now=SOON)).decided
    assert isinstance(told[0], NoticeDecided)
    assert told[0].suppressed == suppressed
    assert (len(told) == 1) == bool(suppressed)


@pytest.mark.parametrize("kind", sorted(set(CauseKind) - INFORMING))
@pytest.mark.parametrize("late", [timedelta(hours=25), timedelta(days=400)])
def test_what_asks_something_of_a_person_is_never_too_old(kind: CauseKind, late: timedelta) -> None:
    on_time = decided(kind, *TEAM, named=TOM)
    assert decided(kind, *TEAM, named=TOM, occurred_at=NOON - late) == replace(on_time, cause_occurred_at=NOON - late)
    assert on_time.suppressed == ""


@pytest.mark.parametrize("kind", CauseKind)
def test_what_an_importer_recorded_notifies_nobody_and_says_why(kind: CauseKind) -> None:
    notice = decided(kind, *TEAM, recorded_by="intake")
    assert (notice.suppressed, notice.acknowledge_by) == ("imported", None)


def test_a_cause_that_was_struck_before_is_recorded_and_nobody_is_paged() -> None:
    assert decided(CauseKind.SIDE_EFFECT_SAME_DAY, control.CAUSE_STRUCK).suppressed == "cause-entered-in-error"


def test_the_same_cause_again_is_decided_no_second_time() -> None:
    given(DECIDER, *TEAM, control.DECIDED).when(decide_notice, control.DECIDE).then_nothing()


def test_striking_the_cause_withdraws_the_open_notice() -> None:
    given(DECIDER, *TEAM, control.DECIDED).when(note_strike, control.CAUSE_STRUCK).then(
        control.CAUSE_STRUCK, control.WITHDRAWN
    )


def test_striking_the_cause_of_an_acknowledged_notice_is_only_noted() -> None:
    history = (*TEAM, control.DECIDED, control.ACKNOWLEDGED)
    given(DECIDER, *history).when(note_strike, control.CAUSE_STRUCK).then(control.CAUSE_STRUCK)


def test_striking_another_fact_leaves_the_notice_open() -> None:
    other = replace(control.CAUSE_STRUCK, fact_id=fact("another"))
    given(DECIDER, *TEAM, control.DECIDED).when(note_strike, other).then(other)


def test_a_clinicians_answer_to_the_side_effect_ends_its_open_notice() -> None:
    given(DECIDER, *TEAM, control.DECIDED).when(note_resolution, control.RESOLUTION).then(
        control.RESOLUTION, control.RESOLVED
    )


def test_the_answer_to_an_acknowledged_notice_is_only_noted() -> None:
    history = (*TEAM, control.DECIDED, control.ACKNOWLEDGED)
    given(DECIDER, *history).when(note_resolution, control.RESOLUTION).then(control.RESOLUTION)


def test_the_answer_to_another_side_effect_leaves_the_notice_open() -> None:
    other = replace(control.RESOLUTION, side_effect=fact("another"))
    given(DECIDER, *TEAM, control.DECIDED).when(note_resolution, other).then(other)


ANSWERED = (*TEAM, control.DECIDED, control.RESOLUTION, control.RESOLVED)


def test_an_answer_that_was_an_error_is_told_again_with_a_clock_from_now() -> None:
    command = DecideAgain(strike=control.RESOLUTION_STRUCK, rules=RULES, now=SOON)
    notice, entry = given(DECIDER, *ANSWERED).when(decide_again, command).decided
    assert isinstance(notice, NoticeDecided)
    assert (notice.cause, notice.cause_fact) == (control.RESOLUTION_STRUCK.evidence, control.SAME_DAY.fact_id)
    assert (notice.kind, notice.detail) == (control.DECIDED.kind, control.DECIDED.detail)
    assert notice.acknowledge_by == SOON + RULES.urgent_window
    assert (type(entry).__name__, notice.fact_id) != ("NoticeSent", control.NOTICE)
    given(DECIDER, *ANSWERED, control.RESOLUTION_STRUCK).when(decide_again, command).then_nothing()


@pytest.mark.parametrize(
    ("history", "strike"),
    [
        (ANSWERED, control.CAUSE_STRUCK),
        ((*TEAM, control.DECIDED, control.ACKNOWLEDGED, control.RESOLUTION), control.RESOLUTION_STRUCK),
    ],
)
def test_a_strike_that_opens_nothing_again_is_not_told(history: tuple[Event, ...], strike: StrikeNoted) -> None:
    command = DecideAgain(strike=strike, rules=RULES, now=SOON)
    given(DECIDER, *history).when(decide_again, command).then_nothing()


def test_a_fact_is_noted_once() -> None:
    given(DECIDER).when(note_team, control.PRESCRIBER).then(control.PRESCRIBER)
    given(DECIDER, control.PRESCRIBER).when(note_team, control.PRESCRIBER).then_nothing()
    given(DECIDER, control.CAUSE_STRUCK).when(note_strike, control.CAUSE_STRUCK).then_nothing()


def test_a_person_assigned_again_after_a_release_is_back() -> None:
    back = replace(
        control.PRESCRIBER, evidence=event("back"), fact_id=fact("back"), effective_from=NOON, occurred_at=NOON
    )
    history = (*TEAM, control.PRESCRIBER_RELEASED, back)
    assert steps(decided(CauseKind.SIDE_EFFECT_NEXT_VISIT, *history)) == [[DR_OSEI]]
