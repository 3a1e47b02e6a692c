"""Imported risks stand until a clinician screened since, and what once counted as old news is looked at again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from careloop.contracts.terms import Reporter, Role
from services.notifications.domain.codes import CauseKind
from services.notifications.domain.deciding import DecideNotice, decide_notice
from services.notifications.domain.events import Event, NoticeDecided, NoticeSent, NoticeWithdrawn
from services.notifications.domain.noted import ScreeningNoted, StrikeNoted
from services.notifications.domain.noting import DecideAgain, decide_again, note_strike, note_team
from services.notifications.domain.screenings import (
    Reconsider,
    note_screening,
    of_importers,
    reconsider,
    screened_since,
)
from services.notifications.domain.state import DECIDER
from tests.support.controls import notifications as control
from tests.support.controls.moments import LAST_WEEK, NOON, event, fact
from tests.support.controls.notifications import DR_OSEI, RULES, SOON, TEAM, TOM
from tests.support.specification import given

TICK = timedelta(microseconds=1)
IMPORTED = control.cause(CauseKind.RISK_HIGH, occurred_at=LAST_WEEK, recorded_by="intake")
[NOTICE] = decide_notice(DecideNotice(cause=IMPORTED, rules=RULES, now=NOON), DECIDER.initial)
assert isinstance(NOTICE, NoticeDecided)
CLIENT = control.member("client-1", Role.CLIENT)
SCREENED = NoticeWithdrawn(notice=NOTICE.fact_id, reason="screened-since", occurred_at=SOON)


def screening(by: str = TOM, **changes: object) -> ScreeningNoted:
    return replace(control.SCREENING, screened_by=by, **changes)  # type: ignore[arg-type]


def test_a_clinicians_screening_ends_the_imported_risk_that_it_came_after() -> None:
    given(DECIDER, *TEAM, NOTICE).when(note_screening, screening()).then(screening(), SCREENED)


@pytest.mark.parametrize("by", ["client-1", "intake", "nobody-known"])
def test_the_screening_of_somebody_who_is_no_clinician_of_the_team_ends_nothing(by: str) -> None:
    given(DECIDER, *TEAM, CLIENT, NOTICE).when(note_screening, screening(by)).then(screening(by))


def test_a_clinician_who_never_was_in_the_team_ends_it_by_the_role_on_the_token() -> None:
    covering = screening("dr.covering", reporter=Reporter.CLINICIAN)
    given(DECIDER, *TEAM, NOTICE).when(note_screening, covering).then(covering, SCREENED)
    given(DECIDER, NOTICE).when(note_screening, covering).then(covering, SCREENED)


@pytest.mark.parametrize("reporter", [Reporter.CLIENT, Reporter.UNKNOWN, Reporter("of-a-later-build")])
def test_what_the_token_calls_no_clinician_ends_nothing_whoever_is_in_the_team(reporter: Reporter) -> None:
    noted = screening(reporter=reporter)
    given(DECIDER, *TEAM, NOTICE).when(note_screening, noted).then(noted)


def test_what_an_importer_recorded_was_asked_by_nobody_now() -> None:
    (importer,) = RULES.importers
    noted = of_importers(screening(importer, reporter=Reporter.CLINICIAN), RULES)
    given(DECIDER, *TEAM, NOTICE).when(note_screening, noted).then(replace(noted, reporter=Reporter.UNKNOWN))
    clinicians = screening(reporter=Reporter.CLINICIAN)
    assert of_importers(clinicians, RULES) == clinicians


@pytest.mark.parametrize(("after", "ends"), [(-TICK, False), (timedelta(0), False), (TICK, True)])
def test_only_a_screening_later_than_the_risk_speaks_for_itself(after: timedelta, ends: bool) -> None:
    noted = screening(occurred_at=LAST_WEEK + after)
    end = [replace(SCREENED, occurred_at=noted.occurred_at)] if ends else []
    given(DECIDER, *TEAM, NOTICE).when(note_screening, noted).then(noted, *end)


def test_who_screened_may_turn_out_to_be_a_clinician_later() -> None:
    (*others, therapist) = TEAM
    given(DECIDER, *others, NOTICE, screening()).when(note_team, therapist).then(
        therapist, replace(SCREENED, occurred_at=therapist.occurred_at)
    )


def test_a_risk_that_is_no_imported_one_is_answered_by_people_alone() -> None:
    paged = decide_notice(control.DECIDE, DECIDER.fold(TEAM))
    given(DECIDER, *TEAM, *paged).when(note_screening, screening()).then(screening())


def test_a_struck_imported_risk_stands_no_more() -> None:
    strike = StrikeNoted(evidence=event("strike"), fact_id=IMPORTED.fact_id, occurred_at=SOON)
    given(DECIDER, NOTICE).when(note_strike, strike).then(strike, replace(SCREENED, reason="cause-entered-in-error"))


STRIKE = StrikeNoted(evidence=event("strike"), fact_id=control.SCREENING.fact_id, occurred_at=SOON)
OTHER = screening(evidence=event("other"), fact_id=fact("other"))


@pytest.mark.parametrize(("others", "stands"), [((), True), ((OTHER,), False)])
def test_what_a_struck_screening_had_ended_stands_again(others: tuple[Event, ...], stands: bool) -> None:
    history = (*TEAM, NOTICE, screening(), SCREENED, *others)
    command = DecideAgain(strike=STRIKE, rules=RULES, now=SOON)
    again = given(DECIDER, *history).when(decide_again, command).decided
    assert [(it.suppressed, it.cause_fact) for it in again if isinstance(it, NoticeDecided)] == [
        ("imported", IMPORTED.fact_id)
    ] * stands
    standing = DECIDER.fold([*history, STRIKE, *again]).notices.values()
    assert any(notice.is_imported for notice in standing) is stands
    given(DECIDER, *history, STRIKE).when(decide_again, command).then_nothing()


OLD = replace(NOTICE, suppressed="old-news")
LATE = replace(IMPORTED, recorded_by="client-1")
RECONSIDER = Reconsider(cause=LATE, rules=RULES, now=SOON)


def test_a_late_emergency_that_an_earlier_build_suppressed_pages_with_a_clock_from_now() -> None:
    notice, *entries = given(DECIDER, *TEAM, OLD).when(reconsider, RECONSIDER).decided
    assert isinstance(notice, NoticeDecided)
    assert (notice.suppressed, notice.cause_fact) == ("", LATE.fact_id)
    assert (notice.acknowledge_by, notice.cause_occurred_at) == (SOON + RULES.stat_window, LAST_WEEK)
    assert [it.person for it in entries if isinstance(it, NoticeSent)] == [DR_OSEI, control.MAYA]
    given(DECIDER, *TEAM, OLD, notice).when(reconsider, RECONSIDER).then_nothing()


def test_what_an_importer_had_brought_in_is_called_imported_and_may_be_screened_already() -> None:
    command = replace(RECONSIDER, cause=IMPORTED)
    (notice,) = given(DECIDER, *TEAM, OLD).when(reconsider, command).decided
    assert isinstance(notice, NoticeDecided)
    assert notice.suppressed == "imported"
    _, end = given(DECIDER, *TEAM, OLD, screening()).when(reconsider, command).decided
    assert end == replace(SCREENED, notice=notice.fact_id)


def test_what_was_notified_answered_or_still_is_old_news_is_left_as_it_is() -> None:
    paged = replace(OLD, suppressed="")
    given(DECIDER, *TEAM, paged).when(reconsider, RECONSIDER).then_nothing()
    given(DECIDER, *TEAM).when(reconsider, RECONSIDER).then_nothing()
    answer = replace(control.RESOLUTION, side_effect=LATE.fact_id)
    given(DECIDER, *TEAM, OLD, answer).when(reconsider, RECONSIDER).then_nothing()
    informing = replace(LATE, kind=CauseKind.SIDE_EFFECT_NEXT_VISIT)
    given(DECIDER, *TEAM, OLD).when(reconsider, replace(RECONSIDER, cause=informing)).then_nothing()


def test_nothing_was_screened_of_a_client_of_whom_nothing_is_known() -> None:
    assert screened_since(DECIDER.initial, NOON) == []
