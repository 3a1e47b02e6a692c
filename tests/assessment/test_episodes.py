"""The end of an episode of care: who may close it, what must be settled before, and what the next one begins with."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec import UNSET

from careloop.contracts.assessment import CareHandedOver, EndReason, EpisodeClosed
from careloop.contracts.care_team import MembershipNoted
from careloop.contracts.terms import Reporter, RiskLevel, Role, TriageLevel
from careloop.kernel.errors import CareloopError, NotAllowed
from careloop.kernel.ids import PersonId
from services.assessment.domain.caring_contacts import AskForContact, contacts_after
from services.assessment.domain.completeness import Part, missing
from services.assessment.domain.decisions import DECISIONS, OWN_DECISIONS
from services.assessment.domain.episodes import CloseEpisode
from services.assessment.domain.events import Event
from services.assessment.domain.noted import ConcernsNoted
from services.assessment.domain.open_matters import last_risk
from services.assessment.domain.state import DECIDER
from services.assessment.due import CARING_CONTACT, due_rows
from tests.support.controls import assessment as a
from tests.support.controls.care_team import LEAVER
from tests.support.specification import given

DAY = timedelta(days=1)
COMPLETE = replace(a.CLOSE, reason=EndReason.COMPLETED, handed_to=None, letter_sent_on=None, attempts=())
BY_MANAGER = replace(
    COMPLETE, role=Role.CARE_MANAGER, actor=PersonId("maya-manager"), credential=None, agreed_by=a.PSYCHIATRIST
)
HIGH = replace(a.RISK_NOTED, level=RiskLevel.HIGH)
MODERATE = replace(a.RISK_NOTED, level=RiskLevel.MODERATE)
SAME_DAY = replace(a.EMERGENCY_NOTED, fact_id=a.fact("same day"), level=TriageLevel.SAME_DAY)
MEMBER = MembershipNoted(
    evidence=a.evidence("member"),
    fact_id=a.fact("member"),
    person=LEAVER,
    role=Role.THERAPIST,
    effective_from=a.MONDAY - DAY,
    occurred_at=a.MONDAY - DAY,
)
PRESCRIBER = replace(MEMBER, fact_id=a.fact("prescriber"), person=a.PSYCHIATRIST, role=Role.PSYCHIATRIST)
BACK = replace(a.ENROLL, fact_id=a.fact("back"), occurred_at=a.TUESDAY + timedelta(hours=1))
ENROLLED_AGAIN = replace(a.ENROLLED, fact_id=BACK.fact_id, occurred_at=BACK.occurred_at)


def closing(command: CloseEpisode, *facts: Event) -> Any:
    return given(DECIDER, a.ENROLLED, *facts).when(DECISIONS[CloseEpisode], command)


def end_of(command: CloseEpisode, *facts: Event) -> EpisodeClosed:
    (end,) = closing(command, *facts).decided
    assert isinstance(end, EpisodeClosed)
    return end


def struck(of: Any) -> Event:
    return replace(a.STRUCK, fact_id=of.fact_id)


def test_a_prescriber_closes_an_episode_in_which_nothing_is_open() -> None:
    end = end_of(COMPLETE)
    assert (end.reason, end.closed_by, end.last_risk) == (EndReason.COMPLETED, a.PSYCHIATRIST, RiskLevel.NONE)
    assert given(DECIDER, a.ENROLLED, end).state.ended == end


# Who may.


def test_the_care_manager_names_a_prescriber_of_the_team_who_agreed() -> None:
    assert end_of(BY_MANAGER, PRESCRIBER).agreed_by == a.PSYCHIATRIST
    for agreed_by, team in (("", [PRESCRIBER]), (LEAVER, [MEMBER, PRESCRIBER]), (a.PSYCHIATRIST, [])):
        refused = closing(replace(BY_MANAGER, agreed_by=agreed_by), *team).then_refused("agreement-required")
        assert refused.field == "agreed_by"


def test_a_registrar_records_a_death_and_no_other_end() -> None:
    registrar = replace(COMPLETE, role=Role.REGISTRAR, credential=None)
    assert isinstance(closing(registrar).then_refused("only-deceased"), NotAllowed)
    assert end_of(replace(registrar, reason=EndReason.DECEASED, reported_by="county")).reason is EndReason.DECEASED


# What must be settled.


@pytest.mark.parametrize(
    ("slug", "facts", "settled"),
    [
        ("emergency-open", [a.EMERGENCY_NOTED], a.RESOLVED),
        ("prescriptions-left-open", [a.PRESCRIBED], a.PRESCRIPTION_ENDED),
        ("concern-open", [SAME_DAY], replace(a.RESOLVED, side_effect=SAME_DAY.fact_id)),
        ("emergency-open", [a.DECLARED, a.EMERGENCY_NOTICE], a.ACKNOWLEDGED),
        ("concern-open", [a.CONCERNS_NOTED], a.CONCERN_CLOSED),
        ("risk-open", [MODERATE], a.SEEN_TO),
        ("risk-open", [HIGH], a.SEEN_TO),
    ],
)
def test_nothing_dangerous_is_left_open(slug: str, facts: list[Event], settled: Event) -> None:
    refused = closing(COMPLETE, *facts).then_refused(slug)
    about = facts[0].concerns[0] if isinstance(facts[0], ConcernsNoted) else facts[0].fact_id
    assert refused.details["facts"] == str(about)
    assert end_of(COMPLETE, *facts, settled)
    assert end_of(COMPLETE, *facts, struck(facts[0]))
    if settled is not a.ACKNOWLEDGED:
        closing(COMPLETE, *facts, settled, struck(settled)).then_refused(slug)


def test_a_contact_answers_the_risks_that_it_is_about_and_no_other() -> None:
    other = replace(HIGH, fact_id=a.fact("another risk"))
    refused = closing(COMPLETE, HIGH, other, a.SEEN_TO).then_refused("risk-open")
    assert refused.details["facts"] == str(other.fact_id)


def test_a_risk_of_this_service_is_open_as_well_until_somebody_saw_to_it() -> None:
    closing(COMPLETE, a.RISK).then_refused("risk-open")
    assert end_of(COMPLETE, a.RISK, replace(a.SEEN_TO, risks=(a.RISK.fact_id,)))


@pytest.mark.parametrize(
    ("by", "reporter", "counts"),
    [
        ("client-1", Reporter.CLIENT, False),
        (LEAVER, Reporter.UNKNOWN, False),
        ("somebody who was never in the team", Reporter.CLINICIAN, True),
        ("client-1", UNSET, False),
        (LEAVER, UNSET, True),
    ],
)
def test_what_a_clinician_screened_is_the_last_risk_and_not_what_the_client_answers(
    by: str, reporter: Any, counts: bool
) -> None:
    zeros = replace(a.SCREEN_NOTED, level=RiskLevel.NONE, scored_by=by, reporter=reporter)
    last = last_risk(given(DECIDER, a.ENROLLED, MEMBER, HIGH, zeros).state)
    assert last is (RiskLevel.NONE if counts else RiskLevel.HIGH)


def test_as_long_as_others_records_have_not_come_in_nobody_can_say_what_is_open() -> None:
    closing(replace(COMPLETE, informed=False)).then_refused("prescriptions-not-known")


def test_what_is_open_may_go_to_somebody_who_goes_on_but_no_emergency_and_no_risk() -> None:
    handed = replace(COMPLETE, reason=EndReason.TRANSFERRED, handed_to=a.HANDED_TO)
    assert end_of(handed, a.PRESCRIBED, SAME_DAY).handed_to == a.HANDED_TO
    closing(handed, a.EMERGENCY_NOTED).then_refused("emergency-open")
    closing(handed, HIGH).then_refused("risk-open")


@pytest.mark.parametrize(
    ("supply_until", "refused"),
    [(date(2026, 12, 1), False), (date(2026, 11, 30), True), (None, True)],
)
def test_medicines_last_seven_days_beyond_the_first_appointment(supply_until: date | None, refused: bool) -> None:
    to = replace(a.HANDED_TO, first_appointment_on=date(2026, 11, 24), supply_until=supply_until)
    handed = replace(COMPLETE, handed_to=to)
    assert end_of(handed), "without a prescription nobody asks"
    if refused:
        closing(handed, a.PRESCRIBED).then_refused("supply-too-short")
    else:
        assert end_of(handed, a.PRESCRIBED)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"who": ""}, "handed_to.who"),
        ({"accepted_by": ""}, "handed_to.accepted_by"),
        ({"first_appointment_on": date(2026, 11, 16)}, "handed_to.first_appointment_on"),
    ],
)
def test_a_hand_over_names_who_accepted_it_and_when_the_client_is_seen(changes: dict[str, Any], field: str) -> None:
    to: CareHandedOver = replace(a.HANDED_TO, **changes)
    with pytest.raises(CareloopError) as refused:
        end_of(replace(COMPLETE, handed_to=to))
    assert refused.value.field == field


def test_who_left_was_written_to_and_tried_three_times_on_two_channels() -> None:
    assert end_of(a.CLOSE).attempts == a.TRIED
    closing(replace(a.CLOSE, letter_sent_on=None)).then_refused("attempts-missing")
    closing(replace(a.CLOSE, attempts=a.TRIED[1:])).then_refused("attempts-missing")
    closing(replace(a.CLOSE, attempts=(*a.TRIED[:2], a.TRIED[0]))).then_refused("attempts-missing")
    closing(replace(a.CLOSE, letter_sent_on=a.NOW.date() + 2 * DAY)).then_refused("in-the-future")


def test_an_end_lies_between_the_enrolment_and_now() -> None:
    closing(replace(COMPLETE, on=a.NOW.date() + 2 * DAY)).then_refused("in-the-future")
    closing(replace(COMPLETE, occurred_at=a.MONDAY - timedelta(seconds=1))).then_refused("closed-before-enrolled")


def test_a_closed_episode_is_not_closed_again() -> None:
    closing(replace(COMPLETE, fact_id=a.fact("again")), a.CLOSED).then_refused("episode-closed")


# A death.


def test_a_death_is_taken_whatever_is_open_and_also_after_another_end() -> None:
    end = end_of(a.RECORD_DEATH, HIGH, a.EMERGENCY_NOTED, a.PRESCRIBED)
    assert (end.reason, end.confirm_by) == (EndReason.DECEASED, a.DIED.confirm_by)
    assert end_of(a.RECORD_DEATH, a.CLOSED)
    closing(replace(a.RECORD_DEATH, reported_by="")).then_refused("reported-by-required")
    closing(replace(a.RECORD_DEATH, fact_id=a.fact("once more")), a.DIED).then_refused("episode-closed")


@pytest.mark.parametrize(
    ("told", "by"),
    [
        (datetime(2026, 11, 17, 18, 0, tzinfo=UTC), datetime(2026, 11, 19, 6, 0, tzinfo=UTC)),
        (datetime(2026, 11, 20, 18, 0, tzinfo=UTC), datetime(2026, 11, 24, 6, 0, tzinfo=UTC)),
        (datetime(2026, 11, 22, 3, 0, tzinfo=UTC), datetime(2026, 11, 24, 6, 0, tzinfo=UTC)),
    ],
    ids=["a Tuesday", "a Friday", "a Saturday evening in Chicago"],
)
def test_a_death_is_to_be_confirmed_until_the_end_of_the_next_working_day(told: datetime, by: datetime) -> None:
    assert end_of(replace(a.RECORD_DEATH, occurred_at=told, now=told)).confirm_by == by


def test_somebody_else_confirms_a_death_once() -> None:
    confirming = given(DECIDER, a.ENROLLED, a.DIED)
    confirming.when(DECISIONS[type(a.CONFIRM)], a.CONFIRM).then(a.DEATH_CONFIRMED)
    again = replace(a.CONFIRM, fact_id=a.fact("another confirmation"))
    given(DECIDER, a.ENROLLED, a.DIED, a.DEATH_CONFIRMED).when(DECISIONS[type(again)], again).then_nothing()
    same = replace(a.CONFIRM, actor=PersonId(a.DIED.closed_by))
    confirming.when(DECISIONS[type(same)], same).then_refused("second-person-required")
    given(DECIDER, a.ENROLLED, a.CLOSED).when(DECISIONS[type(again)], again).then_refused("death-not-known")


def test_a_death_that_was_struck_leaves_the_episode_open_as_it_was() -> None:
    strike = replace(a.STRIKE, fact_id=a.DIED.fact_id)
    history = (a.ENROLLED, a.DIED, a.DEATH_CONFIRMED)
    struck_facts = given(DECIDER, *history).when(DECISIONS[type(strike)], strike).decided
    assert [one.fact_id for one in struck_facts] == [a.DIED.fact_id, a.DEATH_CONFIRMED.fact_id]
    assert given(DECIDER, *history, *struck_facts).state.ended is None


# The next episode.


def test_a_new_enrolment_begins_the_next_episode_be_it_with_the_same_content() -> None:
    enrolling = given(DECIDER, a.ENROLLED, a.CLOSED).when(DECISIONS[type(BACK)], BACK)
    enrolling.then(ENROLLED_AGAIN)
    assert given(DECIDER, a.ENROLLED, a.CLOSED, ENROLLED_AGAIN).state.ended is None


@pytest.mark.parametrize("at", [a.TUESDAY, a.MONDAY])
def test_the_next_episode_begins_after_the_end_of_the_one_before(at: datetime) -> None:
    early = replace(BACK, occurred_at=at)
    given(DECIDER, a.ENROLLED, a.CLOSED).when(DECISIONS[type(early)], early).then_refused("enrolled-before-end")


def test_who_is_recorded_as_deceased_is_not_enrolled() -> None:
    late = replace(BACK, occurred_at=a.NOW)
    given(DECIDER, a.ENROLLED, a.DIED).when(DECISIONS[type(late)], late).then_refused("recorded-deceased")


def test_the_next_episode_has_an_assessment_of_its_own_and_the_history_of_before() -> None:
    first = (*a.RECORDED, a.COMPLETED, a.CLOSED)
    assert given(DECIDER, *first).state.completion == a.COMPLETED
    state = given(DECIDER, *first, ENROLLED_AGAIN).state
    assert state.completion is None
    assert missing(state, a.NOW) == [Part.MEDICATIONS, Part.ALLERGIES, Part.SUICIDE_RISK_SCREEN, Part.PLAN]


# Contacts that outlive the episode.


@pytest.mark.parametrize(
    ("reason", "risk", "contacts"),
    [
        (EndReason.LEFT, RiskLevel.HIGH, 2),
        (EndReason.LEFT, RiskLevel.MODERATE, 2),
        (EndReason.LEFT, RiskLevel.LOW, 0),
        (EndReason.COMPLETED, RiskLevel.MODERATE, 0),
        (EndReason.DECEASED, RiskLevel.HIGH, 0),
    ],
)
def test_who_left_at_risk_is_asked_within_72_hours_and_at_seven_days(
    reason: EndReason, risk: RiskLevel, contacts: int
) -> None:
    end = replace(a.CLOSED, reason=reason, last_risk=risk)
    rows = list(due_rows(end, a.PATIENT))
    assert [row.kind for row in rows] == [CARING_CONTACT] * contacts
    due = [(one.begins - end.occurred_at, one.due_at - end.occurred_at) for one in contacts_after(end)]
    assert due == [(DAY, 3 * DAY), (6 * DAY, 7 * DAY)][:contacts]


def test_a_contact_is_asked_for_while_the_client_is_away_and_not_when_back_or_dead_or_never_gone() -> None:
    asking = AskForContact(contact=a.CONTACT)
    decide = OWN_DECISIONS[AskForContact]
    (due,) = given(DECIDER, a.ENROLLED, a.CLOSED).when(decide, asking).decided
    assert due == replace(a.CONTACT_DUE, fact_id=due.fact_id)
    for since in (ENROLLED_AGAIN, a.DIED, struck(a.CLOSED), due):
        given(DECIDER, a.ENROLLED, a.CLOSED, since).when(decide, asking).then_nothing()


def test_the_last_risk_is_what_was_raised_or_screened_last() -> None:
    def risk(*facts: Event) -> RiskLevel:
        return last_risk(given(DECIDER, a.ENROLLED, MEMBER, *facts).state)

    assert risk() is RiskLevel.NONE
    assert risk(HIGH) is RiskLevel.HIGH
    assert risk(HIGH, a.SCREEN_NOTED) is RiskLevel.LOW
    assert risk(replace(HIGH, occurred_at=a.NOW), a.SCREEN_NOTED) is RiskLevel.HIGH
