"""Waiting for one's own writes, saying how fresh a view is, and hearing of changes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.events.partitioner import partition_of
from careloop.kernel.errors import NotKnown, Unavailable
from careloop.kernel.ids import PatientId
from services.coordination.evidence import CONSUMER
from tests.coordination.running import PARTITIONS, Coordination, coordination
from tests.coordination.telling import all_of
from tests.support.controls import coordination as control
from tests.support.controls.moments import NOON, PATIENT, fact
from tests.support.stack import PostgresDatabase

OTHER = PatientId(fact("another patient"))
LONG = 10.0


@pytest.fixture
async def care(postgres: PostgresDatabase) -> AsyncIterator[Coordination]:
    async with coordination(postgres) as running:
        yield running


def token(position: int, source: str = "monitoring") -> ConsistencyToken:
    return ConsistencyToken(
        service=source, partition=partition_of(PATIENT, PARTITIONS), position=position, patient_id=PATIENT
    )


async def test_a_read_waits_until_it_includes_what_the_token_names(care: Coordination) -> None:
    await care.tell("monitoring", control.RASH)
    reading = asyncio.create_task(care.care_views.get(PATIENT, [token(2)], NOON, LONG))
    _, waiting = await asyncio.wait([reading], timeout=0.2)
    assert waiting, "the view was answered without what the token names"
    started = asyncio.get_running_loop().time()
    await care.tell("monitoring", control.NAUSEA)
    shown = all_of(await reading)
    assert [one.symptom for one in shown.open_side_effects] == ["rash", "nausea"]
    # Woken by the unit itself, not by looking again after a second.
    assert asyncio.get_running_loop().time() - started < 0.8


async def test_a_token_of_what_is_there_already_waits_for_nothing(care: Coordination) -> None:
    await care.tell("monitoring", control.RASH, control.NAUSEA)
    assert all_of(await care.care_views.get(PATIENT, [token(1), token(2)], NOON, 0)).open_side_effects


async def test_what_does_not_come_in_time_is_said_to_be_not_yet_visible(care: Coordination) -> None:
    await care.tell("monitoring", control.RASH)
    with pytest.raises(Unavailable) as refusal:
        await care.care_views.get(PATIENT, [token(2)], NOON, 0.2)
    assert refusal.value.slug == "not-yet-visible"


async def park(care: Coordination) -> None:
    await care.store.connections.fetch(
        """insert into parked (consumer, source, patient_id, position, event_id, type, headers, value, reason)
           values ($1, 'monitoring', $2, 2, gen_random_uuid(), 't', '{}', '', 'ValueError')""",
        CONSUMER,
        PATIENT,
    )


async def test_where_the_patient_is_held_the_answer_comes_at_once_and_says_so(care: Coordination) -> None:
    await care.tell("monitoring", control.RASH)
    await park(care)
    async with asyncio.timeout(LONG / 2):
        shown = await care.care_views.get(PATIENT, [token(2)], NOON, LONG)
    held = {one.source for one in shown.freshness if one.held}
    assert held == {"monitoring"}
    assert all(one.stale for one in shown.freshness if one.held)


async def test_a_patient_parked_while_somebody_waits_ends_the_wait(care: Coordination) -> None:
    await care.tell("monitoring", control.RASH)
    reading = asyncio.create_task(care.care_views.get(PATIENT, [token(2)], NOON, LONG))
    await asyncio.wait([reading], timeout=0.1)
    await park(care)
    async with asyncio.timeout(LONG / 2):
        assert any(one.held for one in (await reading).freshness)


async def test_a_position_passed_without_effect_is_not_waited_for(care: Coordination) -> None:
    """Records that an operator gave up never reach the view."""
    await care.tell("monitoring", control.RASH)
    await care.tell("monitoring", control.NAUSEA)
    passed = replace(token(2), service="notifications", position=1)
    with pytest.raises(Unavailable):
        await care.care_views.get(PATIENT, [passed], NOON, 0.1)
    await care.store.connections.fetch(
        "insert into consumed_positions (consumer, source, partition, position) values ($1, 'notifications', $2, 1)",
        CONSUMER,
        passed.partition,
    )
    assert all_of(await care.care_views.get(PATIENT, [passed], NOON, LONG)).open_side_effects


async def test_a_source_is_as_fresh_as_its_heads_and_what_was_consumed_say(care: Coordination) -> None:
    await care.tell("monitoring", control.RASH)
    await care.tell("assessment", control.ENROLLED)
    await care.tell("prescribing", control.ISSUED)
    care.heads.told = {
        "monitoring": (1, NOON - timedelta(seconds=2)),
        "assessment": (1, NOON - timedelta(seconds=31)),
        "prescribing": (2, NOON),
    }
    shown = {one.source: one for one in (await care.care_views.get(PATIENT, (), NOON, 0)).freshness}
    assert list(shown) == ["assessment", "prescribing", "monitoring", "notifications", "coordination"]
    assert (shown["monitoring"].fresh_as_of, shown["monitoring"].stale) == (NOON - timedelta(seconds=2), False)
    assert shown["assessment"].stale
    # Its head is past what was consumed, and of the others nothing was ever told.
    assert (shown["prescribing"].fresh_as_of, shown["prescribing"].stale) == (None, True)
    assert shown["notifications"].stale


async def test_a_watcher_sees_the_view_and_every_change_to_it(care: Coordination) -> None:
    await care.tell("monitoring", control.RASH)
    watching = care.care_views.watch(PATIENT, lambda: NOON, LONG)
    assert len(all_of(await anext(watching)).open_side_effects) == 1
    change = asyncio.ensure_future(anext(watching))
    await care.tell("assessment", control.ENROLLED, patient_id=OTHER)
    await care.tell("monitoring", control.NAUSEA)
    async with asyncio.timeout(LONG / 2):
        assert len(all_of(await change).open_side_effects) == 2
    await watching.aclose()  # type: ignore[attr-defined]


async def test_a_watch_ends_at_its_deadline(care: Coordination) -> None:
    await care.tell("monitoring", control.RASH)
    async with asyncio.timeout(LONG / 2):
        seen = [served async for served in care.care_views.watch(PATIENT, lambda: NOON, 0.2)]
    assert len(seen) == 1


async def test_nobody_watches_a_patient_of_whom_nothing_is_known(care: Coordination) -> None:
    with pytest.raises(NotKnown):
        await anext(care.care_views.watch(PATIENT, lambda: NOON, LONG))


async def test_a_unit_of_very_many_patients_wakes_everyone(care: Coordination) -> None:
    await care.tell("monitoring", control.RASH)
    reading = asyncio.create_task(care.care_views.get(PATIENT, [token(2)], NOON, LONG))
    await asyncio.wait([reading], timeout=0.1)
    others = [PatientId(fact(f"patient {number}")) for number in range(250)]
    batch = [care.next("monitoring", control.NAUSEA)]
    batch += [care.next("monitoring", control.DOSE, other) for other in others]
    started = asyncio.get_running_loop().time()
    await care.apply(batch)
    assert len(all_of(await reading).open_side_effects) == 2
    assert asyncio.get_running_loop().time() - started < 0.9
