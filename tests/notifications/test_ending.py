"""The end of an episode of care: what was asked of the team ends with it, and nothing new goes out but emergencies."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from careloop.chassis.consuming.handler import Received
from careloop.contracts import coordination
from careloop.contracts.assessment import EndReason
from careloop.contracts.terms import EnteredInError, RiskLevel, RiskRaised
from services.notifications.domain.codes import CauseKind
from services.notifications.domain.events import NoticeDecided
from services.notifications.domain.notices import Notice, NoticeStatus
from tests.support.controls import assessment as a
from tests.support.controls import coordination as published
from tests.support.controls.episodes import closed
from tests.support.controls.moments import NOON, YESTERDAY, fact
from tests.support.controls.notifications import DR_OSEI, MAYA
from tests.support.services.notices import TEAM, Office, office_in_memory, received, resolved, side_effect

MONTH, HOUR = timedelta(days=30), timedelta(hours=1)


def end(reason: EndReason = EndReason.COMPLETED, *, at: Any = NOON, name: str = "closed") -> Received:
    told = replace(closed(name, at, reason), confirm_by=NOON + 30 * HOUR if reason is EndReason.DECEASED else None)
    return received(name, "care.assessment.EpisodeClosed.v1", told)


def enrolled(at: Any) -> Received:
    told = replace(published.ENROLLED, fact_id=fact(f"enrolled {at}"), occurred_at=at)
    return received(f"enrolled {at}", "care.assessment.PatientEnrolled.v1", told)


def struck(name: str) -> Received:
    told = EnteredInError(fact_id=fact(name), reason="another client", marked_by="maya", occurred_at=NOON)
    return received(f"struck {name}", "care.assessment.EnteredInError.v1", told)


def risk(at: Any = NOON) -> Received:
    told = RiskRaised(
        fact_id=fact("risk"),
        scale_fact_id=fact("scale"),
        level=RiskLevel.HIGH,
        reason="c-ssrs-high",
        rule="r",
        rule_version=1,
        due_at=NOON + HOUR,
        occurred_at=at,
    )
    return received("risk", "care.monitoring.RiskRaised.v1", told)


def message(sender: str, recipient: str) -> Received:
    told = coordination.MessagePosted(
        fact_id=fact("message"), sender=sender, recipient=recipient, about=None, text="hello", occurred_at=NOON
    )
    return received("message", "care.coordination.MessagePosted.v1", told)


def completion() -> Received:
    told = replace(published.COMPLETED, fact_id=fact("completion"), occurred_at=NOON)
    return received("completion", "care.assessment.AssessmentCompleted.v1", told)


async def office(*heard: Received) -> Office:
    made = office_in_memory()
    await made.hear(*TEAM, *heard)
    return made


async def notice_of(made: Office, cause: str) -> Notice:
    """The newest notice about the fact of this name."""
    board = await made.board()
    return [it for it in board.notices.values() if it.decided.cause_fact == fact(cause)][-1]


async def goes_out(made: Office) -> int:
    """How many messages are sent and people asked within a month from now."""
    before = len(made.mail.sent) + len(await made.escalations())
    made.clock.advance(MONTH)
    await made.work_until_idle()
    return len(made.mail.sent) + len(await made.escalations()) - before


@pytest.mark.parametrize("level", ["within-72-hours", "same-day"])
async def test_what_was_asked_of_the_team_ends_and_nothing_of_it_goes_out(level: str) -> None:
    made = await office(side_effect(level=level))
    await made.hear_of_episodes(end())
    notice = await notice_of(made, "rash")
    assert (notice.status, notice.reason) == (NoticeStatus.WITHDRAWN, "episode-closed")
    assert await goes_out(made) == 0


async def test_clocks_of_emergencies_never_end_by_closing() -> None:
    made = await office(side_effect(level="emergency-now"), risk())
    await made.hear_of_episodes(end())
    assert (await notice_of(made, "rash")).is_open
    assert (await notice_of(made, "risk")).is_open
    assert await goes_out(made) > 0


async def test_of_a_client_who_died_the_pages_stop_and_one_person_is_asked_to_see_to_it() -> None:
    made = await office(side_effect(level="emergency-now"), risk(YESTERDAY), message("maya-manager", "client"))
    await made.work_until_idle()
    await made.hear_of_episodes(end(EndReason.DECEASED))
    for cause in ("rash", "risk", "message"):
        notice = await notice_of(made, cause)
        assert (notice.status, notice.reason) == (NoticeStatus.WITHDRAWN, "client-deceased")
    death = await notice_of(made, "closed")
    assert (death.decided.kind, death.is_open) == (CauseKind.DEATH_RECORDED, True)
    assert (str(death.decided.priority), set(death.notified)) == ("routine", {DR_OSEI, MAYA})
    assert death.acknowledge_by == NOON + 24 * HOUR


async def test_a_confirmed_death_asks_for_nothing_more() -> None:
    made = await office()
    await made.hear_of_episodes(end(EndReason.DECEASED))
    told = replace(a.DEATH_CONFIRMED, closing=fact("closed"), occurred_at=NOON)
    await made.hear_of_episodes(received("confirmed", "care.assessment.DeathConfirmed.v1", told))
    assert not (await notice_of(made, "closed")).is_open
    assert await goes_out(made) == 0


@pytest.mark.parametrize(
    ("reason", "heard", "why"),
    [
        (EndReason.COMPLETED, completion(), "episode-closed"),
        (EndReason.COMPLETED, side_effect(level="within-72-hours"), ""),
        (EndReason.COMPLETED, side_effect(level="emergency-now"), ""),
        (EndReason.LEFT, message("client", MAYA), ""),
        (EndReason.COMPLETED, message(MAYA, "client"), ""),
        (EndReason.DECEASED, message(MAYA, "client"), "client-deceased"),
        (EndReason.DECEASED, message("client", MAYA), ""),
        (EndReason.DECEASED, message(DR_OSEI, MAYA), ""),
        (EndReason.DECEASED, completion(), "client-deceased"),
        (EndReason.DECEASED, side_effect(level="emergency-now"), "client-deceased"),
        (EndReason.DECEASED, risk(YESTERDAY), "client-deceased"),
        (EndReason.DECEASED, risk(NOON + HOUR), ""),
    ],
    ids=lambda value: getattr(value, "envelope", value) and str(getattr(value, "event", value))[:40],
)
async def test_what_is_heard_after_the_end(reason: EndReason, heard: Received, why: str) -> None:
    made = await office()
    await made.hear_of_episodes(end(reason))
    await made.hear(heard)
    decided = [it for it in await made.stored() if isinstance(it, NoticeDecided)][-1]
    assert decided.suppressed == why


async def test_an_end_that_was_a_mistake_gives_back_what_it_took() -> None:
    made = await office(side_effect())
    await made.work_until_idle()
    sent = len(made.mail.sent)
    await made.hear_of_episodes(end(EndReason.DECEASED))
    made.clock.advance(HOUR)
    await made.hear(struck("closed"))
    notice = await notice_of(made, "rash")
    assert (notice.is_open, notice.acknowledge_by) == (True, made.clock() + 2 * HOUR)
    assert not (await notice_of(made, "closed")).is_open, "nobody is asked about a death that was none"
    await made.work_until_idle()
    assert len(made.mail.sent) == sent + 1, "the prescriber hears of it again"
    again = len(await made.stored())
    await made.hear(struck("closed"))
    assert len(await made.stored()) == again


async def test_a_strike_that_comes_before_its_end_leaves_everything_as_it_is() -> None:
    made = await office(side_effect())
    await made.hear(struck("closed"))
    await made.hear_of_episodes(end())
    assert (await notice_of(made, "rash")).is_open


async def test_only_what_that_end_took_comes_back() -> None:
    made = await office(side_effect("first"), side_effect("second"))
    await made.hear(resolved("second"))
    await made.hear_of_episodes(end())
    await made.hear(struck("closed"))
    assert (await notice_of(made, "first")).is_open
    assert not (await notice_of(made, "second")).is_open


async def test_an_end_is_noted_once_and_of_a_client_who_is_back_nothing_is_taken() -> None:
    made = await office(side_effect())
    await made.hear_of_episodes(enrolled(NOON + HOUR))
    await made.hear_of_episodes(end())
    assert (await notice_of(made, "rash")).is_open
    stored = len(await made.stored())
    await made.hear_of_episodes(end())
    assert len(await made.stored()) == stored
    await made.hear(completion())
    assert [it for it in await made.stored() if isinstance(it, NoticeDecided)][-1].suppressed == ""


async def test_a_contact_with_who_left_is_asked_of_the_care_manager_until_somebody_takes_it_on() -> None:
    made = await office()
    await made.hear_of_episodes(end(EndReason.LEFT))
    told = replace(a.CONTACT_DUE, closing=fact("closed"), due_at=NOON + 48 * HOUR, occurred_at=NOON)
    await made.hear_of_episodes(received("contact", "care.assessment.CaringContactDue.v1", told))
    board = await made.board()
    (contact,) = [it for it in board.notices.values() if it.decided.kind is CauseKind.CARING_CONTACT]
    assert (contact.notified, contact.is_open, contact.decided.suppressed) == ((MAYA,), True, "")
    assert await goes_out(made) > 0
