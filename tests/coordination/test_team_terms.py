"""Who holds which role from when to when, and the guards of the care team's decisions over all of its commands."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from care.coordination.v1 import coordination_pb2 as pb

from careloop.contracts.coordination import CLIENT
from careloop.contracts.terms import Role
from services.coordination.domain import events
from services.coordination.domain.decisions import DECISIONS as EVERY_DECISION
from services.coordination.domain.events import Event
from services.coordination.domain.state import DECIDER
from services.coordination.domain.view.team import TeamMember
from tests.coordination.telling import view
from tests.support.controls import coordination as control
from tests.support.controls.moments import LAST_WEEK, NOON, PRESCRIBER, fact
from tests.support.specification import given
from tests.support.whole import unsaid

DECISIONS = {command.__name__: decide for command, decide in EVERY_DECISION.items()}
TICK, DAY = timedelta(microseconds=1), timedelta(days=1)
TEAM: tuple[Event, ...] = (control.ASSIGNED, control.PRESCRIBER_ASSIGNED)
WILLING: dict[str, tuple[Any, tuple[Event, ...], Event]] = {
    "AssignTeamMember": (control.ASSIGN, (), control.ASSIGNED),
    "ReleaseTeamMember": (control.RELEASE, TEAM, control.RELEASED),
    "PostMessage": (control.POST, TEAM, control.POSTED),
    "MarkEnteredInError": (control.STRIKE, (*TEAM, control.POSTED), control.STRUCK),
}
"""Each command, what must have happened before, and what it comes to."""


def test_the_table_names_every_command_and_every_write_that_can_be_asked_for() -> None:
    methods = {method.name for method in pb.DESCRIPTOR.services_by_name["CoordinationService"].methods}
    assert set(DECISIONS) == set(WILLING) <= methods
    reads = {"GetCareView", "GetCareViewAsKnown", "ListCaseload", "WatchCareView", "ReadJournal", "ReadJournalFrames"}
    assert methods - set(WILLING) == {*reads, "RebuildCareView"}


@pytest.mark.parametrize("name", WILLING)
def test_a_command_comes_to_a_fact_that_says_all_of_it(name: str) -> None:
    command, history, expected = WILLING[name]
    assert set(unsaid(expected)) <= {"flags"}
    given(DECIDER, *history).when(DECISIONS[name], command).then(expected)


@pytest.mark.parametrize("name", WILLING)
def test_a_fact_that_was_recorded_is_not_recorded_again_whatever_is_said_of_it(name: str) -> None:
    command, history, expected = WILLING[name]
    given(DECIDER, *history, expected).when(DECISIONS[name], command).then_nothing()


HELD: tuple[Any, ...] = (control.ASSIGNED, control.PRESCRIBER_ASSIGNED, control.RELEASED, control.POSTED)


@pytest.mark.parametrize("held", HELD, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("struck", [False, True])
@pytest.mark.parametrize("name", ["AssignTeamMember", "ReleaseTeamMember", "PostMessage"])
def test_the_id_of_any_fact_held_here_is_taken_struck_or_not(name: str, struck: bool, held: Any) -> None:
    history = (*HELD, *((replace(control.STRUCK, fact_id=held.fact_id),) if struck else ()))
    command = replace(WILLING[name][0], fact_id=held.fact_id)
    given(DECIDER, *history).when(DECISIONS[name], command).then_nothing()


@pytest.mark.parametrize("held", HELD, ids=lambda one: type(one).__name__)
def test_every_fact_held_here_is_struck_once(held: Any) -> None:
    strike = replace(control.STRIKE, fact_id=held.fact_id)
    mark = replace(control.STRUCK, fact_id=held.fact_id)
    given(DECIDER, *HELD).when(DECISIONS["MarkEnteredInError"], strike).then(mark)
    given(DECIDER, *HELD, mark).when(DECISIONS["MarkEnteredInError"], strike).then_nothing()
    others = tuple(one for one in HELD if one is not held)
    refusal = given(DECIDER, *others).when(DECISIONS["MarkEnteredInError"], strike).then_refused("fact-not-known")
    assert refusal.field == "fact_id"


def assigned(name: str, since: datetime) -> events.TeamMemberAssigned:
    return replace(control.ASSIGNED, fact_id=fact(name), effective_from=since)


def released(name: str, at: datetime) -> events.TeamMemberReleased:
    return replace(control.RELEASED, fact_id=fact(name), effective_from=at)


def strike(wrong: Any) -> events.EnteredInError:
    return replace(control.STRUCK, fact_id=wrong.fact_id)


CAME, WENT = assigned("came", LAST_WEEK), released("went", NOON)
HOLDS: list[tuple[str, tuple[Event, ...], datetime, bool]] = [
    ("before it began", (CAME,), LAST_WEEK - TICK, False),
    ("as it begins", (CAME,), LAST_WEEK, True),
    ("before it ends", (CAME, WENT), NOON - TICK, True),
    ("as it ends", (CAME, WENT), NOON, False),
    ("who is assigned again from a day before the release", (CAME, WENT, assigned("back", LAST_WEEK)), NOON, True),
    ("ended as it began", (CAME, released("at once", LAST_WEEK)), LAST_WEEK, False),
    ("a release of an earlier term", (CAME, released("before", LAST_WEEK - TICK)), NOON, True),
    ("in the first of two terms", (CAME, WENT, assigned("back", NOON + DAY)), NOON - TICK, True),
    ("between two terms", (CAME, WENT, assigned("back", NOON + DAY)), NOON + DAY - TICK, False),
    ("in the second term", (CAME, WENT, assigned("back", NOON + DAY)), NOON + DAY, True),
    (
        "after the second term",
        (CAME, WENT, assigned("back", NOON + DAY), released("gone", NOON + 2 * DAY)),
        NOON + 2 * DAY,
        False,
    ),
    ("the assignment was struck", (CAME, strike(CAME)), NOON, False),
    ("it was struck before it came", (strike(CAME), CAME), NOON, False),
    ("the release was struck", (CAME, WENT, strike(WENT)), NOON, True),
    ("the release was struck before it came", (CAME, strike(WENT), WENT), NOON, True),
    ("of two assignments one was struck", (CAME, assigned("again", NOON), strike(CAME)), NOON - TICK, False),
    ("somebody else was released", (CAME, replace(WENT, person=PRESCRIBER)), NOON, True),
    ("another role was released", (CAME, replace(WENT, role=Role.PHARMACIST)), NOON, True),
]


@pytest.mark.parametrize(("_said", "history", "at", "holds"), HOLDS)
def test_who_is_in_the_team_at_a_moment(_said: str, history: tuple[Event, ...], at: datetime, holds: bool) -> None:
    assert DECIDER.fold(history).has_member(control.THERAPIST, at) is holds


@pytest.mark.parametrize(("_said", "history", "at", "holds"), HOLDS)
def test_who_is_in_the_team_when_writing_may_write_and_be_written_to(
    _said: str, history: tuple[Event, ...], at: datetime, holds: bool
) -> None:
    by = replace(control.POST, actor=control.THERAPIST, recipient=CLIENT, occurred_at=at, now=at)
    to = replace(control.POST, actor=CLIENT, recipient=control.THERAPIST, occurred_at=at, now=at)
    for command, slug in ((by, "sender-not-in-team"), (to, "recipient-not-in-team")):
        when = given(DECIDER, *history).when(DECISIONS["PostMessage"], command)
        if holds:
            (posted,) = when.decided
            assert (posted.sender, posted.recipient) == (command.actor, command.recipient)  # type: ignore[union-attr]
        else:
            when.then_refused(slug)


def test_a_message_happened_in_the_past_and_is_allowed_by_the_team_of_now() -> None:
    left_meanwhile = (*TEAM, released("left", NOON))
    given(DECIDER, *left_meanwhile).when(DECISIONS["PostMessage"], control.POST).then_refused("sender-not-in-team")


def test_a_message_that_is_refused_says_which_end_it_is_about() -> None:
    refusal = given(DECIDER, control.ASSIGNED).when(DECISIONS["PostMessage"], control.POST)
    assert refusal.then_refused("recipient-not-in-team").field == "recipient"
    mine = replace(control.POST, recipient=control.POST.actor)
    refusal = given(DECIDER, *TEAM).when(DECISIONS["PostMessage"], mine)
    assert refusal.then_refused("message-to-oneself").field == "recipient"
    both_client = replace(control.POST, recipient=CLIENT, actor=CLIENT)
    given(DECIDER, *TEAM).when(DECISIONS["PostMessage"], both_client).then_refused("message-to-oneself")


def test_a_message_about_nothing_is_about_nothing() -> None:
    about_nothing = replace(control.POST, about=None, fact_id=control.POSTED_ABOUT_NOTHING.fact_id)
    given(DECIDER, *TEAM).when(DECISIONS["PostMessage"], about_nothing).then(control.POSTED_ABOUT_NOTHING)


ASSIGNABLE: list[tuple[str, tuple[Event, ...], bool]] = [
    ("nobody", (), True),
    ("already in the role", (CAME,), False),
    ("about to be in the role", (assigned("later", NOON + 9 * DAY),), False),
    ("released", (CAME, WENT), True),
    ("released later", (CAME, released("later", NOON + 9 * DAY)), True),
    ("back after a release", (CAME, WENT, assigned("back", NOON + DAY)), False),
    ("the assignment was struck", (CAME, strike(CAME)), True),
    ("the release was struck", (CAME, WENT, strike(WENT)), False),
    ("released before this term", (CAME, released("before", LAST_WEEK - TICK)), False),
    ("released as it began", (CAME, released("at once", LAST_WEEK)), True),
    ("in another role", (replace(CAME, role=Role.PHARMACIST),), True),
    ("somebody else", (replace(CAME, person=PRESCRIBER),), True),
]


@pytest.mark.parametrize(("_said", "history", "assignable"), ASSIGNABLE)
def test_a_role_is_given_to_who_does_not_have_it_and_taken_from_who_has(
    _said: str, history: tuple[Event, ...], assignable: bool
) -> None:
    assign = given(DECIDER, *history).when(DECISIONS["AssignTeamMember"], control.ASSIGN)
    release = given(DECIDER, *history).when(
        DECISIONS["ReleaseTeamMember"], replace(control.RELEASE, effective_from=NOON + 30 * DAY)
    )
    if assignable:
        assign.then(control.ASSIGNED)
        release.then_refused("not-in-role")
    else:
        assign.then_refused("already-in-role")
        release.then(replace(control.RELEASED, effective_from=NOON + 30 * DAY))


@pytest.mark.parametrize(("at", "refused"), [(LAST_WEEK - TICK, True), (LAST_WEEK, False), (LAST_WEEK + TICK, False)])
def test_a_role_ends_no_earlier_than_it_began(at: datetime, refused: bool) -> None:
    when = given(DECIDER, CAME).when(DECISIONS["ReleaseTeamMember"], replace(control.RELEASE, effective_from=at))
    if refused:
        assert when.then_refused("released-before-assigned").field == "effective_from"
    else:
        when.then(replace(control.RELEASED, effective_from=at))


def shown(*history: Event) -> list[tuple[datetime, datetime | None]]:
    """From when to when the view shows each term."""
    return [(member.effective_from, member.effective_until) for member in view(coordination=history).team]


BACK, GONE = assigned("back", NOON + DAY), released("gone", NOON + 2 * DAY)
AGAIN = assigned("again", LAST_WEEK + DAY)


@pytest.mark.parametrize(
    ("history", "terms"),
    [
        ((CAME,), [(LAST_WEEK, None)]),
        ((CAME, WENT), [(LAST_WEEK, NOON)]),
        ((CAME, WENT, AGAIN), [(LAST_WEEK, NOON), (LAST_WEEK + DAY, None)]),
        ((CAME, released("at once", LAST_WEEK)), [(LAST_WEEK, LAST_WEEK)]),
        ((CAME, released("before", LAST_WEEK - TICK)), [(LAST_WEEK, None)]),
        ((CAME, WENT, BACK), [(LAST_WEEK, NOON), (NOON + DAY, None)]),
        ((CAME, WENT, BACK, GONE), [(LAST_WEEK, NOON), (NOON + DAY, NOON + 2 * DAY)]),
        ((CAME, WENT, BACK, GONE, strike(GONE)), [(LAST_WEEK, NOON), (NOON + DAY, None)]),
        ((CAME, WENT, BACK, strike(CAME)), [(NOON + DAY, None)]),
        ((CAME, replace(WENT, person=PRESCRIBER)), [(LAST_WEEK, None)]),
        ((CAME, replace(WENT, role=Role.PHARMACIST)), [(LAST_WEEK, None)]),
    ],
)
def test_the_view_shows_each_term_with_its_own_end(
    history: tuple[Event, ...], terms: list[tuple[datetime, datetime | None]]
) -> None:
    assert shown(*history) == terms


def test_a_member_is_shown_with_every_field() -> None:
    (member,) = view(coordination=(CAME, WENT)).team
    assert unsaid(member) == []
    assert member == TeamMember(
        fact_id=fact("came"),
        person=control.THERAPIST,
        name="Mira Ivanov",
        role="therapist",
        email="ivanov@example.org",
        effective_from=LAST_WEEK,
        effective_until=NOON,
    )
