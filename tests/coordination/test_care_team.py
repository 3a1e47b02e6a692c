"""Who belongs to a care team, and who may write to whom."""

from dataclasses import fields, replace
from datetime import UTC, timedelta

from hypothesis import given as for_any
from hypothesis import settings
from hypothesis import strategies as st

from careloop.chassis.events.codec import Codec
from careloop.chassis.events.publishing import Publishing, published_as
from careloop.contracts import coordination as contract
from careloop.contracts.coordination import CLIENT
from services.coordination.domain.care_team import assign, release
from services.coordination.domain.codes import TeamRole
from services.coordination.domain.entered_in_error import mark_entered_in_error
from services.coordination.domain.events import TOPICS, Event
from services.coordination.domain.messages import post
from services.coordination.domain.state import DECIDER
from tests.support.controls import coordination as control
from tests.support.controls.moments import LAST_WEEK, NOON, PRESCRIBER, fact
from tests.support.specification import given


def test_a_person_is_assigned_to_a_role() -> None:
    given(DECIDER).when(assign, control.ASSIGN).then(control.ASSIGNED)


def test_a_role_is_not_given_twice_to_one_person() -> None:
    again = replace(control.ASSIGN, fact_id=fact("again"))
    given(DECIDER, control.ASSIGNED).when(assign, again).then_refused("already-in-role")


def test_one_person_may_have_two_roles() -> None:
    second = replace(control.ASSIGN, fact_id=fact("second"), role=TeamRole.CARE_MANAGER)
    assert len(given(DECIDER, control.ASSIGNED).when(assign, second).decided) == 1


def test_after_a_release_the_role_can_be_given_again() -> None:
    later = replace(control.ASSIGN, fact_id=fact("later"), effective_from=NOON + timedelta(days=1))
    assert len(given(DECIDER, control.ASSIGNED, control.RELEASED).when(assign, later).decided) == 1


def test_a_person_is_released_from_a_role() -> None:
    given(DECIDER, control.ASSIGNED).when(release, control.RELEASE).then(control.RELEASED)


def test_only_who_has_a_role_is_released() -> None:
    given(DECIDER).when(release, control.RELEASE).then_refused("not-in-role")


def test_a_role_does_not_end_before_it_began() -> None:
    early = replace(control.RELEASE, effective_from=LAST_WEEK - timedelta(days=1))
    refusal = given(DECIDER, control.ASSIGNED).when(release, early).then_refused("released-before-assigned")
    assert refusal.field == "effective_from"


def test_a_member_writes_to_another() -> None:
    team = (control.ASSIGNED, control.PRESCRIBER_ASSIGNED)
    given(DECIDER, *team).when(post, control.POST).then(control.POSTED)


def test_a_message_does_not_go_where_nobody_reads_it() -> None:
    given(DECIDER, control.ASSIGNED).when(post, control.POST).then_refused("recipient-not-in-team")


def test_who_left_the_team_writes_no_more() -> None:
    team = (control.ASSIGNED, control.PRESCRIBER_ASSIGNED, control.RELEASED)
    given(DECIDER, *team).when(post, control.POST).then_refused("sender-not-in-team")


def test_who_leaves_later_may_still_write() -> None:
    leaves = replace(control.RELEASED, effective_from=NOON + timedelta(minutes=1))
    team = (control.ASSIGNED, control.PRESCRIBER_ASSIGNED, leaves)
    given(DECIDER, *team).when(post, control.POST).then(control.POSTED)


def test_the_client_writes_to_the_team_and_the_team_to_the_client() -> None:
    from_client = replace(control.POST, actor=CLIENT)
    to_client = replace(control.POST, recipient=CLIENT, actor=PRESCRIBER)
    team = given(DECIDER, control.PRESCRIBER_ASSIGNED)
    team.when(post, from_client).then(replace(control.POSTED, sender=CLIENT, triage=control.READ_TODAY))
    team.when(post, to_client).then(replace(control.POSTED, sender=PRESCRIBER, recipient=CLIENT))


def test_nobody_writes_to_themselves() -> None:
    mine = replace(control.POST, recipient=control.THERAPIST)
    given(DECIDER, control.ASSIGNED).when(post, mine).then_refused("message-to-oneself")


def test_a_fact_is_struck_once() -> None:
    held = given(DECIDER, control.POSTED)
    held.when(mark_entered_in_error, control.STRIKE).then(control.STRUCK)
    given(DECIDER, control.POSTED, control.STRUCK).when(mark_entered_in_error, control.STRIKE).then_nothing()


def test_a_fact_of_nobody_is_not_struck() -> None:
    given(DECIDER).when(mark_entered_in_error, control.STRIKE).then_refused("fact-not-known")


def test_a_struck_release_leaves_the_person_in_the_team() -> None:
    wrong = replace(control.STRUCK, fact_id=control.RELEASED.fact_id)
    team = DECIDER.fold((control.ASSIGNED, control.RELEASED, wrong))
    assert team.has_member(control.THERAPIST, NOON + timedelta(days=1))


MOMENTS = st.datetimes(timezones=st.just(UTC))


def any_of(cls: type[Event]) -> st.SearchStrategy[Event]:
    return st.builds(cls, **{f.name: MOMENTS for f in fields(cls) if f.name in ("occurred_at", "effective_from")})


@settings(max_examples=60, deadline=None)
@for_any(st.lists(st.one_of([any_of(cls) for cls in TOPICS.values()]) | st.sampled_from(control.EXAMPLES)))
def test_evolve_takes_any_history(history: list[Event]) -> None:
    team = DECIDER.fold(history)
    standing = [event for event in history if event.fact_id not in team.struck]
    assert team.changes.held(NOON, team.struck) == DECIDER.fold(standing).changes.held(NOON, frozenset())


def test_everything_stored_is_published() -> None:
    publishing = Publishing("coordination", Codec(TOPICS), published_as(TOPICS, contract.TYPES), contract.TYPES)
    assert publishing.published_topics == set(TOPICS)


def test_a_message_about_a_fact_of_this_service_names_one_that_stands() -> None:
    team = (control.ASSIGNED, control.PRESCRIBER_ASSIGNED, control.POSTED)
    about_it = replace(control.POST, fact_id=fact("answer"), about=control.POSTED.fact_id)
    (answer,) = given(DECIDER, *team).when(post, about_it).decided
    assert not answer.flags  # type: ignore[union-attr]
    refusal = given(DECIDER, *team, control.STRUCK).when(post, about_it).then_refused("fact-not-known")
    assert refusal.field == "about"


def test_a_message_about_what_nobody_has_heard_of_is_flagged() -> None:
    team = (control.ASSIGNED, control.PRESCRIBER_ASSIGNED)
    (message,) = given(DECIDER, *team).when(post, replace(control.POST, known=frozenset())).decided
    assert message.flags == ("not-known-yet",)  # type: ignore[union-attr]
