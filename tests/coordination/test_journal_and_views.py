"""The journal, the stored sections and the replay, on a real PostgreSQL."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from msgspec import structs

from careloop.chassis.consuming.handler import Unknown
from careloop.chassis.events.codec import ENCODER
from careloop.chassis.events.stored_form import StoredByNewer
from careloop.contracts.terms import TriageLevel
from careloop.kernel.errors import Conflict, InvalidInput, NotKnown
from careloop.kernel.ids import PatientId
from services.coordination.application import Served
from services.coordination.domain.view.asked import Asked
from services.coordination.domain.view.care_view import compose
from services.coordination.grpc_api.answers import care_view
from services.coordination.reading.caseload import CaseloadPlace
from services.coordination.reading.journal import JournalEntry, Wanted
from services.coordination.reading.stored_section import LEAST_TAIL
from tests.coordination.running import Coordination, coordination
from tests.coordination.telling import all_of, folded, told
from tests.support.controls import coordination as control
from tests.support.controls.coordination import struck, week
from tests.support.controls.moments import NOON, PATIENT, fact
from tests.support.stack import PostgresDatabase


@pytest.fixture
async def care(postgres: PostgresDatabase) -> AsyncIterator[Coordination]:
    async with coordination(postgres) as running:
        yield running


def patient(number: int) -> PatientId:
    return PatientId(UUID(int=number + 1))


async def journaled(care: Coordination, wanted: Wanted | None = None) -> list[JournalEntry]:
    return [entry async for page in care.care_views.read_journal(wanted or Wanted()) for entry in page]


async def served(care: Coordination, patient_id: PatientId = PATIENT) -> Served:
    return await care.care_views.get(patient_id, (), NOON, 0)


def as_bytes(view: Served) -> bytes:
    return care_view(all_of(view)).SerializeToString(deterministic=True)


async def test_the_view_is_the_fold_of_what_was_told(care: Coordination) -> None:
    for source, events in control.TOLD.items():
        await care.tell(source, *events)
    shown = await served(care)
    assert ENCODER.encode(all_of(shown)) == ENCODER.encode(compose(PATIENT, folded(told())))
    entries = await journaled(care)
    assert [entry.position for entry in entries] == list(range(1, len(told()) + 1))
    times = [entry.journal_time for entry in entries]
    assert times == sorted(set(times))
    assert (shown.stamp.journal_position, shown.stamp.known_at) == (entries[-1].position, times[-1])


async def test_a_view_as_known_is_the_view_that_was_served_byte_for_byte(care: Coordination) -> None:
    """Random batches of all sources, some about earlier days; every view served on the way is asked for again."""
    for seed in range(6):
        chance, who = random.Random(seed), patient(seed)
        waiting = {source: list(events) for source, events in control.TOLD.items()}
        kept: list[tuple[Served, bytes]] = []
        while any(waiting.values()):
            source = chance.choice([name for name, events in waiting.items() if events])
            size = chance.randint(1, 3)
            batch, waiting[source] = waiting[source][:size], waiting[source][size:]
            await care.tell(source, *batch, patient_id=who)
            await care.tell(source, *batch[:1], patient_id=patient(100 + seed))
            now = await served(care, who)
            kept.append((now, as_bytes(now)))
        for then, bytes_then in kept:
            again = await care.care_views.get_as_known(who, valid_at=None, known_at=then.stamp.known_at, now=NOON)
            assert as_bytes(again) == bytes_then
            assert again.stamp == then.stamp
        for (earlier, bytes_earlier), (later, _) in itertools.pairwise(kept):
            between = later.stamp.known_at - timedelta(microseconds=1)
            again = await care.care_views.get_as_known(who, valid_at=None, known_at=between, now=NOON)
            if again.stamp == earlier.stamp:
                assert as_bytes(again) == bytes_earlier


async def test_what_was_struck_is_gone_now_and_still_seen_as_known_before(care: Coordination) -> None:
    await care.tell("assessment", control.NO_ALLERGIES, control.ALLERGIC)
    before = await served(care)
    await care.tell("assessment", struck(control.ALLERGIC))
    assert all_of(await served(care)).allergies.asked is Asked.NONE_KNOWN
    then = await care.care_views.get_as_known(PATIENT, valid_at=None, known_at=before.stamp.known_at, now=NOON)
    assert all_of(then).allergies.asked is Asked.LISTED
    # Struck facts were never true, so they are gone at every valid time.
    was = await care.care_views.get_as_known(PATIENT, valid_at=week(2), known_at=None, now=NOON)
    assert all_of(was).allergies.asked is Asked.NONE_KNOWN


async def test_valid_time_leaves_out_what_had_not_happened_yet(care: Coordination) -> None:
    await care.tell("monitoring", control.LATEST, control.RASH, control.MIDWAY)
    at_week_7 = all_of(await care.care_views.get_as_known(PATIENT, valid_at=week(7), known_at=None, now=NOON))
    assert [trend.last.total for trend in at_week_7.scale_trends] == [control.MIDWAY.total]
    assert at_week_7.open_side_effects == ()


async def test_a_moment_that_has_not_come_cannot_be_asked_for(care: Coordination) -> None:
    await care.tell("assessment", control.ENROLLED)
    stamp = (await served(care)).stamp
    later = stamp.known_at + timedelta(hours=1)
    with pytest.raises(InvalidInput) as refusal:
        await care.care_views.get_as_known(PATIENT, valid_at=None, known_at=later, now=NOON)
    assert (refusal.value.slug, refusal.value.field) == ("in-the-future", "known_at")
    # The journal's own time may run ahead of this process's clock.
    slow_clock = stamp.known_at - timedelta(hours=1)
    again = await care.care_views.get_as_known(PATIENT, valid_at=None, known_at=stamp.known_at, now=slow_clock)
    assert again.stamp == stamp


async def test_nothing_known_is_said_so(care: Coordination) -> None:
    with pytest.raises(NotKnown):
        await served(care)
    await care.tell("assessment", control.ENROLLED)
    before = (await served(care)).stamp.known_at - timedelta(seconds=1)
    with pytest.raises(NotKnown):
        await care.care_views.get_as_known(PATIENT, valid_at=None, known_at=before, now=NOON)


async def test_the_same_events_again_change_nothing(care: Coordination) -> None:
    batch = [care.next("monitoring", event) for event in control.TOLD["monitoring"]]
    await care.apply(batch)
    before = as_bytes(await served(care))
    assert (await care.consumer.handle(batch)).statements == ()
    assert len(await journaled(care)) == len(batch)
    assert as_bytes(await served(care)) == before


async def test_a_fold_from_a_section_that_moved_on_is_a_conflict(care: Coordination) -> None:
    first, second = (care.next("monitoring", event) for event in (control.RASH, control.NAUSEA))
    from_nothing = await care.consumer.without_memory().handle([first])
    await care.apply([first])
    with pytest.raises(Conflict):
        await care.apply_statement(from_nothing.statements[0])
    await care.apply([second])
    assert len(all_of(await served(care)).open_side_effects) == 2


async def test_an_unknown_type_is_journaled_and_leaves_the_view_alone(care: Coordination) -> None:
    await care.tell("monitoring", control.RASH)
    before = await served(care)
    new = care.next("monitoring", control.NAUSEA)
    envelope = structs.replace(new.envelope, type="care.monitoring.VisitCompleted.v1")
    await care.apply([structs.replace(new, envelope=envelope, event=Unknown(), value=b'{"modality": "video"}')])
    after = await served(care)
    assert all_of(after) == all_of(before)
    assert after.stamp.journal_position == before.stamp.journal_position + 1
    last = (await journaled(care))[-1]
    assert (last.type, last.value) == ("care.monitoring.VisitCompleted.v1", b'{"modality": "video"}')
    again = await care.care_views.get_as_known(PATIENT, valid_at=None, known_at=after.stamp.known_at, now=NOON)
    assert as_bytes(again) == as_bytes(after)


async def test_a_section_of_another_fold_is_folded_again(care: Coordination, postgres: PostgresDatabase) -> None:
    await care.tell("monitoring", control.RASH, control.NAUSEA)
    before = await served(care)
    admin = await asyncpg.connect(postgres.admin_dsn)
    try:
        await admin.execute("update coordination.sections set fold_version = 0, state = 'of another shape'")
    finally:
        await admin.close()
    assert all_of(await served(care)) == all_of(before)
    await care.tell("monitoring", control.NAUSEA_RESOLVED)
    assert [one.symptom for one in all_of(await served(care)).closed_side_effects] == ["nausea"]


@pytest.mark.parametrize(
    ("in_place_of_the_level", "refusal"), [(b'"at-once"', StoredByNewer), (b"7", msgspec.DecodeError)]
)
async def test_what_a_newer_build_stored_is_told_apart_from_what_is_broken(
    care: Coordination, postgres: PostgresDatabase, in_place_of_the_level: bytes, refusal: type[Exception]
) -> None:
    told = care.next("monitoring", control.RASH)
    level = f'"{control.RASH.triage.level}"'.encode()
    assert level in told.value
    await care.apply([structs.replace(told, value=told.value.replace(level, in_place_of_the_level))])
    admin = await asyncpg.connect(postgres.admin_dsn)
    try:
        (state,) = await admin.fetchrow("select state from coordination.sections")
        await admin.execute("update coordination.sections set state = $1", state.replace(level, in_place_of_the_level))
        with pytest.raises(refusal):
            await served(care)
        await admin.execute("update coordination.sections set fold_version = 0")
        with pytest.raises(refusal):
            await served(care)
    finally:
        await admin.close()


async def test_units_of_five_sources_at_once_leave_one_gapless_journal_and_the_same_view(care: Coordination) -> None:
    async def tell_all(source: str) -> None:
        for event in control.TOLD[source]:
            await care.tell(source, event)

    await asyncio.gather(*(tell_all(source) for source in control.TOLD))
    assert [entry.position for entry in await journaled(care)] == list(range(1, len(told()) + 1))
    shown = all_of(await served(care))
    assert ENCODER.encode(shown) == ENCODER.encode(compose(PATIENT, folded(told())))
    (entry,) = await care.care_views.list_caseload(None, 10)
    assert entry.urgency == shown.urgency


async def test_the_journal_is_read_by_patient_type_position_and_time(care: Coordination) -> None:
    await care.tell("monitoring", control.RASH, control.DOSE)
    await care.tell("assessment", control.ENROLLED, patient_id=patient(1))
    every = await journaled(care)
    assert [entry.position for entry in await journaled(care, Wanted(patient_id=patient(1)))] == [3]
    assert [e.position for e in await journaled(care, Wanted(types=("care.monitoring.DoseRecorded.v1",)))] == [2]
    assert [entry.position for entry in await journaled(care, Wanted(after=1))] == [2, 3]
    assert [entry.position for entry in await journaled(care, Wanted(since=every[1].journal_time))] == [2, 3]
    assert await journaled(care, Wanted(after=3)) == []


async def test_a_long_journal_comes_in_pages_without_a_hole(care: Coordination) -> None:
    doses = [
        replace(control.DOSE, fact_id=fact(f"dose {n}"), occurred_at=week(0) + timedelta(minutes=n))
        for n in range(1203)
    ]
    await care.tell("monitoring", *doses)
    pages = [page async for page in care.care_views.read_journal(Wanted())]
    assert [len(page) for page in pages] == [500, 500, 203]
    assert [entry.position for page in pages for entry in page] == list(range(1, 1204))
    assert len(all_of(await served(care)).doses) == 100


async def test_the_journal_cannot_be_changed(care: Coordination, postgres: PostgresDatabase) -> None:
    await care.tell("monitoring", control.RASH)
    for statement in ("update journal set actor = 'x'", "delete from journal", "truncate journal"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await care.store.connections.fetch(statement)
    admin = await asyncpg.connect(postgres.admin_dsn)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await admin.execute("delete from coordination.journal")
    finally:
        await admin.close()


async def caseload(care: Coordination, size: int) -> list[PatientId]:
    """All pages, each asked for by the token of the one before."""
    found: list[PatientId] = []
    after: CaseloadPlace | None = None
    while page := await care.care_views.list_caseload(after, size):
        found += [entry.patient_id for entry in page]
        after = CaseloadPlace.parse(CaseloadPlace.of(page[-1]).encode())
    return found


async def test_the_caseload_has_the_most_urgent_first_on_every_page(care: Coordination) -> None:
    soon = control.side_effect("soon", TriageLevel.SAME_DAY, week(1))
    late = control.side_effect("late", TriageLevel.SAME_DAY, week(2))
    now = control.side_effect("now", TriageLevel.EMERGENCY_NOW, week(3))
    for number, facts in enumerate(((late,), (control.NAUSEA,), (soon, control.NAUSEA), (now,), (control.DOSE,))):
        await care.tell("monitoring", *facts, patient_id=patient(number))
    in_order = [patient(number) for number in (3, 2, 0, 1, 4)]
    for size in (1, 2, 5, 6):
        assert await caseload(care, size) == in_order


async def test_a_concern_answered_elsewhere_leaves_the_caseload(care: Coordination) -> None:
    await care.tell("monitoring", control.RISK)
    await care.tell("notifications", control.RISK_NOTICE)
    await care.tell("assessment", control.ENROLLED)
    (entry,) = await care.care_views.list_caseload(None, 10)
    assert (entry.urgency.reason, entry.urgency.fact_id) == ("suicide-risk", control.RISK.fact_id)
    assert (entry.headline.name, entry.headline.unacknowledged_notices) == ("Alma Reyes", 1)
    await care.tell("notifications", control.RISK_ACKNOWLEDGED)
    (entry,) = await care.care_views.list_caseload(None, 10)
    assert (entry.urgency.level, entry.urgency.due_at) == ("none", None)
    assert entry.urgency == all_of(await served(care)).urgency


@pytest.mark.parametrize("token", ["x", "e30=", "bm90IGpzb24="])
def test_a_page_token_of_nobody_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        CaseloadPlace.parse(token)
    assert refusal.value.field == "page_token"


def test_a_view_fills_its_message() -> None:
    message: Any = care_view(compose(PATIENT, folded(told())))
    assert message.patient_id == str(PATIENT)
    assert message.identity.birth_date == "1990-04-12"
    assert message.medications.medications[0].daily_dose_mg == "10"
    assert message.allergies.asked == Asked.LISTED
    assert message.scale_trends[0].change == -14
    assert message.open_side_effects[0].due_at.ToDatetime() == control.RASH.triage.due_at.replace(tzinfo=None)  # type: ignore[union-attr]


async def test_as_known_begins_with_a_stored_state_that_is_not_younger_than_the_moment(care: Coordination) -> None:
    """Doses enough for several states; at each moment the view is, byte for byte, the one that was served then."""
    seen: list[tuple[datetime, bytes]] = []
    for n in range(3 * LEAST_TAIL):
        dose = replace(control.DOSE, fact_id=fact(f"dose {n}"), occurred_at=NOON - timedelta(minutes=n * 7 % 50))
        await care.tell("monitoring", dose)
        if n % 10 == 0:
            shown = await served(care)
            seen.append((shown.stamp.known_at, as_bytes(shown)))
    for known_at, before in seen:
        later = await care.care_views.get_as_known(PATIENT, valid_at=None, known_at=known_at, now=NOON)
        assert as_bytes(later) == before
