"""What is due is done once, whatever dies on the way."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from careloop.chassis.log.protocol import EventStore, Unit
from careloop.kernel.errors import Unavailable
from careloop.kernel.events import CommandKind, Request
from services.notifications.domain.codes import FailureReason
from services.notifications.domain.events import NoticeFailed, NoticeSent
from services.notifications.domain.following_up import acknowledge
from services.notifications.sender import SendFailed
from tests.support.controls import notifications as control
from tests.support.controls.moments import PATIENT
from tests.support.controls.notifications import RULES
from tests.support.services.notices import TEAM, Crash, Office, office_in_memory, side_effect, struck

LEASE = timedelta(seconds=61)
PRESCRIBER = "dr-osei@example.org"
REFUSED = SendFailed(FailureReason.REFUSED, hopeless=True)
UNREACHABLE = SendFailed(FailureReason.UNREACHABLE)


@pytest.fixture
async def office() -> Office:
    office = office_in_memory()
    await office.hear(*TEAM, side_effect())
    return office


async def outcomes(office: Office) -> list[str]:
    """What became of the mail, in order."""
    ended = [one for one in await office.stored() if isinstance(one, NoticeSent | NoticeFailed)]
    mailed = [one for one in ended if one.channel == "email"]
    return [one.reason if isinstance(one, NoticeFailed) else "sent" for one in mailed]


async def test_mail_is_sent_once_and_says_nothing_of_the_patient(office: Office) -> None:
    await office.work_until_idle()
    (message,) = office.mail.sent
    assert message.to == PRESCRIBER
    (notice,) = (await office.board()).notices
    assert message.text == f"You have an urgent Careloop notice. Sign in to read it. Reference {notice}\n"
    assert await outcomes(office) == ["sent"]


async def test_the_attempt_is_stored_before_the_message_leaves(office: Office) -> None:
    office.mail.outcomes = [Crash()]
    with pytest.raises(Crash):
        await office.worker.work()
    (attempt,) = await office.attempts()
    assert attempt.message_id == office.mail.sent[0].message_id
    assert await outcomes(office) == []


async def test_a_crash_after_sending_shows_an_unknown_outcome_and_sends_again_under_the_same_id(
    office: Office,
) -> None:
    office.mail.outcomes = [Crash()]
    with pytest.raises(Crash):
        await office.worker.work()
    await office.work_until_idle()
    assert await outcomes(office) == []
    office.clock.advance(LEASE)
    await office.work_until_idle()
    assert await outcomes(office) == ["outcome-unknown"]
    office.clock.advance(RULES.first_retry)
    await office.work_until_idle()
    assert await outcomes(office) == ["outcome-unknown", "sent"]
    assert [one.attempt for one in await office.attempts()] == [1, 2]
    assert len({message.message_id for message in office.mail.sent}) == 1 < len(office.mail.sent)


class DyingStore:
    """A store whose process dies just before, or just after, the commit of a command of this name."""

    def __init__(self, store: EventStore, act: str, *, after: bool) -> None:
        self._store = store
        self._act = act
        self._after = after

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def commit(self, unit: Unit) -> object:
        dies = any(write.command_id.startswith(self._act) for write in unit.writes)
        if dies and not self._after:
            raise Crash
        outcome: object = await self._store.commit(unit)
        if dies:
            raise Crash
        return outcome


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("act", ["attempt:", "outcome:"])
async def test_wherever_the_process_dies_the_mail_arrives_and_no_attempt_is_silent(
    office: Office, act: str, after: bool
) -> None:
    dying = Office(DyingStore(office.store, act, after=after), office.clock, office.mail)  # type: ignore[arg-type]
    with pytest.raises(Crash):
        await dying.worker.work()
    for _ in range(3):
        office.clock.advance(LEASE)
        await office.work_until_idle()
    assert {message.to for message in office.mail.sent} == {PRESCRIBER}
    assert len({message.message_id for message in office.mail.sent}) == 1
    assert len(await outcomes(office)) == len(await office.attempts())
    assert (await outcomes(office))[-1] == "sent"
    assert len(office.mail.sent) == (2 if (act, after) == ("outcome:", False) else 1)


async def test_a_slow_worker_whose_lease_ended_changes_nothing_any_more(office: Office) -> None:
    (claim,) = await office.store.claim_due(frozenset({"send"}), office.clock(), 60, 10)
    slow = office.work()
    office.clock.advance(LEASE)
    await office.work_until_idle()
    await slow.send(claim)
    assert (len(office.mail.sent), await outcomes(office)) == (1, ["sent"])


async def test_a_failed_attempt_is_tried_again_after_a_while_and_not_before(office: Office) -> None:
    office.mail.outcomes = [UNREACHABLE]
    await office.work_until_idle()
    office.clock.advance(RULES.first_retry - timedelta(microseconds=1))
    assert await office.worker.work() == 0
    office.clock.advance(timedelta(microseconds=1))
    await office.work_until_idle()
    assert await outcomes(office) == ["unreachable", "sent"]


async def test_a_message_that_takes_too_long_counts_as_unknown(office: Office) -> None:
    class Silent:
        async def send(self, _message: object) -> None:
            await asyncio.Event().wait()

    office.worker = office.another_worker(Silent(), deadline=0.05)
    await office.work_until_idle()
    assert await outcomes(office) == ["outcome-unknown"]


async def test_attempts_are_bounded_and_the_last_failure_tells_the_next_person_at_once(office: Office) -> None:
    office.mail.outcomes = [UNREACHABLE] * RULES.attempts
    for _ in range(RULES.attempts):
        await office.work_until_idle()
        office.clock.advance(timedelta(seconds=60))
    assert await outcomes(office) == ["unreachable"] * RULES.attempts + ["sent"]
    assert await office.escalations() == [("maya-manager",)]
    assert office.mail.to("maya-manager@example.org")


async def test_a_hopeless_failure_tells_the_next_person_at_once_and_the_old_clock_does_no_more(
    office: Office,
) -> None:
    office.mail.outcomes = [REFUSED]
    await office.work_until_idle()
    assert await office.escalations() == [("maya-manager",)]
    office.clock.advance(RULES.urgent_window - timedelta(seconds=1))
    await office.work_until_idle()
    assert await office.escalations() == [("maya-manager",)]
    office.clock.advance(timedelta(seconds=1))
    await office.work_until_idle()
    assert await office.escalations() == [("maya-manager",), ("on-call",)]


async def test_the_ladder_is_climbed_clock_by_clock_to_its_end(office: Office) -> None:
    for _ in range(10):
        await office.work_until_idle()
        office.clock.advance(RULES.urgent_window)
    pages = [("maya-manager",), ("on-call",)] + [("on-call",)] * RULES.repages
    assert await office.escalations() == pages
    assert len(office.mail.to("on-call@example.org")) == 1 + RULES.repages
    assert len({message.message_id for message in office.mail.sent}) == len(office.mail.sent)


@pytest.mark.parametrize(("early", "pages"), [(timedelta(microseconds=1), 0), (timedelta(0), 1)])
async def test_the_clock_runs_out_to_the_microsecond(office: Office, early: timedelta, pages: int) -> None:
    office.clock.advance(RULES.urgent_window - early)
    await office.work_until_idle()
    assert len(await office.escalations()) == pages


async def test_an_acknowledged_notice_wakes_nobody(office: Office) -> None:
    await office.work_until_idle()
    (notice,) = (await office.board()).notices
    request = Request(
        kind=CommandKind.CALLER,
        request_id="r-1",
        actor=control.ACKNOWLEDGE.actor,
        digest=b"",
        correlation_id=notice,
        now=office.clock(),
    )
    command = replace(control.ACKNOWLEDGE, notice=notice)
    await office.streams.transact(PATIENT, request, lambda board: acknowledge(command, board))
    office.clock.advance(timedelta(days=3))
    await office.work_until_idle()
    assert (await office.escalations(), len(office.mail.sent)) == ([], 1)


async def test_a_notice_withdrawn_before_it_was_sent_is_never_sent(office: Office) -> None:
    await office.hear(struck())
    office.clock.advance(timedelta(days=3))
    await office.work_until_idle()
    assert (office.mail.sent, await office.escalations(), await office.attempts()) == ([], [], [])


async def test_everything_done_leaves_nothing_due(office: Office) -> None:
    await office.hear(struck())
    await office.work_until_idle()
    office.clock.advance(timedelta(days=30))
    await office.work_until_idle()
    assert await office.store.claim_due(frozenset({"send", "escalate"}), office.clock(), 1, 10) == []


async def test_somebody_without_an_address_is_shown_as_such() -> None:
    office = office_in_memory()
    without = structs.replace(TEAM[0], event=replace(TEAM[0].event, email=""))
    await office.hear(without, TEAM[1], side_effect())
    await office.work_until_idle()
    assert await outcomes(office) == ["no-address", "sent"]
    assert await office.escalations() == [("maya-manager",)]


async def test_two_workers_send_each_message_once(office: Office) -> None:
    await office.hear(side_effect("fall", level="emergency-now"))
    other = office.another_worker()
    while await office.worker.work() + await other.work():
        pass
    assert len(office.mail.sent) == 3
    assert len(await office.attempts()) == 3


class AwayOnce:
    """A store that does not answer the first time."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self.away = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def head(self) -> object:
        if self.away:
            self.away = False
            raise Unavailable("store-unavailable", "The store did not answer in time.")
        return await self._store.head()


async def test_the_worker_outlives_a_store_that_is_away_and_ends_when_asked(office: Office) -> None:
    patient_worker = Office(AwayOnce(office.store), office.clock, office.mail).worker  # type: ignore[arg-type]
    stopping = asyncio.Event()
    running = asyncio.create_task(patient_worker.run(stopping))
    async with asyncio.timeout(10):
        while not await outcomes(office):
            await asyncio.sleep(0.01)
    stopping.set()
    await asyncio.wait_for(running, 5)
    assert len(office.mail.sent) == 1


async def test_a_row_that_cannot_be_read_stops_no_other(office: Office) -> None:
    (claim,) = await office.store.claim_due(frozenset({"send"}), office.clock(), 60, 1)
    broken = structs.replace(claim, row=structs.replace(claim.row, detail=b"{}"))
    await office.worker._in_order([broken, claim])
    assert await outcomes(office) == ["sent"]
