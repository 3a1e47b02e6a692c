"""Who is in the care team at a moment, and who sits on which rung of a ladder."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from careloop.contracts.notifications import Priority
from careloop.contracts.terms import Role
from services.notifications.domain import noted
from services.notifications.domain.causes import Rule, Seat
from services.notifications.domain.events import Event
from services.notifications.domain.ladder import steps
from services.notifications.domain.state import DECIDER
from services.notifications.domain.team import Member
from tests.support.controls import notifications as control
from tests.support.controls.moments import LAST_WEEK, NOON, event, fact
from tests.support.controls.notifications import DR_LIND, DR_OSEI, MAYA, ON_CALL, TOM

TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)


def joined(since: datetime, name: str = "joined", *, person: str = TOM, role: Role = Role.THERAPIST) -> noted.TeamNoted:
    return replace(
        control.THERAPIST, evidence=event(name), fact_id=fact(name), person=person, role=role, effective_from=since
    )


def left(at: datetime, name: str = "left", *, person: str = TOM, role: Role = Role.THERAPIST) -> noted.ReleaseNoted:
    return replace(
        control.PRESCRIBER_RELEASED,
        evidence=event(name),
        fact_id=fact(name),
        person=person,
        role=role,
        effective_from=at,
    )


def strike(wrong: noted.TeamNoted | noted.ReleaseNoted) -> noted.StrikeNoted:
    return noted.StrikeNoted(evidence=event(f"strike {wrong.fact_id}"), fact_id=wrong.fact_id, occurred_at=NOON)


def members(*history: Event, at: datetime = NOON) -> list[tuple[str, Role, datetime]]:
    return [(one.person, one.role, one.since) for one in DECIDER.fold(history).members(at)]


TOM_SINCE_LAST_WEEK = [(TOM, Role.THERAPIST, LAST_WEEK)]


def test_a_member_belongs_to_the_team_from_the_very_moment_on() -> None:
    assert members(joined(NOON)) == [(TOM, Role.THERAPIST, NOON)]
    assert members(joined(NOON), at=NOON - TICK) == []


def test_a_release_counts_from_its_very_moment_on() -> None:
    history = (joined(LAST_WEEK), left(NOON))
    assert members(*history, at=NOON - TICK) == TOM_SINCE_LAST_WEEK
    assert members(*history, at=NOON) == []


@pytest.mark.parametrize(("ends", "gone"), [(-TICK, False), (TICK * 0, True), (TICK, True)])
def test_a_release_ends_what_began_no_later_than_it(ends: timedelta, gone: bool) -> None:
    assert members(joined(LAST_WEEK), left(LAST_WEEK + ends)) == ([] if gone else TOM_SINCE_LAST_WEEK)


def test_a_release_that_was_noted_first_does_not_end_what_was_noted_after_it() -> None:
    assert members(left(NOON), joined(LAST_WEEK)) == TOM_SINCE_LAST_WEEK


def test_a_release_is_of_one_person_in_one_role() -> None:
    assert members(joined(LAST_WEEK), left(NOON, person=MAYA)) == TOM_SINCE_LAST_WEEK
    assert members(joined(LAST_WEEK), left(NOON, role=Role.CARE_MANAGER)) == TOM_SINCE_LAST_WEEK
    both = (joined(LAST_WEEK), joined(LAST_WEEK + DAY, "second role", role=Role.CARE_MANAGER))
    assert members(*both, left(NOON)) == [(TOM, Role.CARE_MANAGER, LAST_WEEK + DAY)]


def test_who_is_noted_twice_is_as_old_as_the_first() -> None:
    history = (joined(LAST_WEEK), joined(LAST_WEEK + DAY, "again"))
    assert members(*history) == members(*reversed(history)) == TOM_SINCE_LAST_WEEK


def test_who_comes_back_is_as_old_as_the_return() -> None:
    history = (joined(LAST_WEEK), left(LAST_WEEK + DAY), joined(LAST_WEEK + 2 * DAY, "back"))
    assert members(*history) == [(TOM, Role.THERAPIST, LAST_WEEK + 2 * DAY)]
    assert members(*history, left(NOON, "left again")) == []


def test_struck_changes_of_the_team_count_for_nothing() -> None:
    came, went = joined(LAST_WEEK), left(NOON - DAY)
    assert members(came, went) == []
    assert members(came, went, strike(went)) == TOM_SINCE_LAST_WEEK
    assert members(came, strike(came)) == []
    assert members(strike(came), came) == []
    again = joined(LAST_WEEK + DAY, "again")
    assert members(came, again, strike(came)) == [(TOM, Role.THERAPIST, LAST_WEEK + DAY)]


def test_the_team_stands_in_the_order_in_which_it_took_effect_and_then_by_name() -> None:
    history = (
        joined(LAST_WEEK + DAY, "c", person="c"),
        joined(LAST_WEEK, "b", person="b"),
        joined(LAST_WEEK, "a", person="a"),
    )
    assert [person for person, _, _ in members(*history)] == ["a", "b", "c"]


def test_mail_goes_to_the_address_noted_last_that_was_not_struck() -> None:
    first = replace(joined(LAST_WEEK), email="old@example.org")
    second = replace(joined(LAST_WEEK, "moved"), email="new@example.org")
    of_another = replace(joined(LAST_WEEK, "maya", person=MAYA), email="maya@example.org")
    assert DECIDER.fold([first, second, of_another, left(NOON)]).email_of(TOM) == "new@example.org"
    assert DECIDER.fold([first, second, strike(second)]).email_of(TOM) == "old@example.org"
    assert DECIDER.fold([first, strike(first)]).email_of(TOM) == ""
    assert DECIDER.fold([of_another]).email_of(TOM) == ""


@pytest.mark.parametrize("role", Role)
def test_psychiatrists_and_nurse_practitioners_prescribe_and_nobody_else(role: Role) -> None:
    prescribes = role in (Role.PSYCHIATRIST, Role.PSYCHIATRIC_NURSE_PRACTITIONER)
    assert Member(person=TOM, role=role, since=NOON).prescribes is prescribes


EVERY_ROLE = [Member(person=f"{role} {n}", role=role, since=NOON) for role in Role for n in (1, 2)]
SEATED: dict[Seat, list[str]] = {
    Seat.PRESCRIBER: ["psychiatrist 1"],
    Seat.OTHER_PRESCRIBERS: ["psychiatrist 2", "psychiatric-nurse-practitioner 1", "psychiatric-nurse-practitioner 2"],
    Seat.CARE_MANAGER: ["care-manager 1", "care-manager 2"],
    Seat.THERAPIST: ["therapist 1", "therapist 2"],
    Seat.PHARMACIST: ["pharmacist 1", "pharmacist 2"],
    Seat.SUPERVISOR: ["psychiatrist 1", "psychiatrist 2"],
    Seat.WHOLE_TEAM: [member.person for member in EVERY_ROLE if member.role is not Role.CLIENT],
    Seat.NAMED: ["pharmacist 2"],
    Seat.CLIENT: ["client"],
}


def sits(person: str, role: Role) -> Member:
    return Member(person=person, role=role, since=NOON)


def ladder(
    *rungs: tuple[Seat, ...], acknowledged: bool, named: str = "", team: list[Member] | None = None
) -> list[list[str]]:
    rule = Rule(subject="s", priority=Priority.STAT, rungs=rungs, acknowledged=acknowledged)
    found = steps(rule, (named,), EVERY_ROLE if team is None else team, ON_CALL)
    return [[told.person for told in step] for step in found]


@pytest.mark.parametrize("seat", Seat)
def test_who_sits_in_each_seat(seat: Seat) -> None:
    assert ladder((seat,), acknowledged=False, named="pharmacist 2") == [SEATED[seat]]


def test_each_is_told_in_the_role_in_which_they_sit() -> None:
    rule = Rule(subject="s", priority=Priority.STAT, rungs=((Seat.PRESCRIBER, Seat.THERAPIST),))
    found = steps(rule, (), EVERY_ROLE, ON_CALL)
    assert [[told.role for told in step] for step in found] == [
        [Role.PSYCHIATRIST, Role.THERAPIST, Role.THERAPIST],
        [ON_CALL.role],
    ]


def test_nobody_stands_on_two_rungs_and_empty_rungs_are_left_out() -> None:
    twice = [
        sits(DR_OSEI, Role.PSYCHIATRIST),
        sits(DR_OSEI, Role.CARE_MANAGER),
    ]
    rungs = ((Seat.PRESCRIBER, Seat.CARE_MANAGER), (Seat.THERAPIST,), (Seat.CARE_MANAGER,))
    assert ladder(*rungs, acknowledged=True, team=twice) == [[DR_OSEI], ["on-call"]]


def test_an_on_call_person_who_is_in_the_team_is_told_in_the_teams_place_only() -> None:
    team = [
        sits("on-call", Role.PSYCHIATRIST),
        sits(MAYA, Role.CARE_MANAGER),
    ]
    assert ladder((Seat.PRESCRIBER,), (Seat.CARE_MANAGER,), acknowledged=True, team=team) == [["on-call"], [MAYA]]


def test_the_on_call_person_takes_a_missing_prescribers_seat_on_the_first_rung_only() -> None:
    manager = [sits(MAYA, Role.CARE_MANAGER)]
    assert ladder((Seat.PRESCRIBER,), (Seat.CARE_MANAGER,), acknowledged=True, team=manager) == [["on-call"], [MAYA]]
    assert ladder((Seat.CARE_MANAGER,), (Seat.PRESCRIBER,), acknowledged=True, team=manager) == [[MAYA], ["on-call"]]
    assert ladder((Seat.OTHER_PRESCRIBERS, Seat.CARE_MANAGER), acknowledged=True, team=manager) == [[MAYA], ["on-call"]]


def test_what_nobody_must_acknowledge_falls_to_the_care_manager_then_the_prescriber_then_the_on_call_person() -> None:
    manager, therapist = sits(MAYA, Role.CARE_MANAGER), sits(TOM, Role.THERAPIST)
    prescribers = [sits(one, Role.PSYCHIATRIST) for one in (DR_OSEI, DR_LIND)]

    def falls_to(*team: Member) -> list[list[str]]:
        return ladder((Seat.NAMED,), acknowledged=False, named="who-left", team=list(team))

    assert falls_to(*prescribers, manager, therapist) == [[MAYA]]
    assert falls_to(*prescribers, therapist) == [[DR_OSEI]]
    assert falls_to(therapist) == falls_to() == [["on-call"]]
