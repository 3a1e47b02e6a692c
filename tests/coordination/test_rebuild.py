"""Rebuilds of the care view on a real PostgreSQL: while it is written and read, cut off, refused, and turned back."""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from careloop.chassis.events.codec import ENCODER
from careloop.kernel.errors import RuleViolated, Unavailable
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.dated_fact import EventContext
from services.coordination.domain.view.section_fold import KNOWN_TYPES, evolve
from services.coordination.domain.view.sections import SECTIONS
from services.coordination.reading.stored_section import LEAST_TAIL
from services.coordination.rebuilding import history, rebuild, shards, slots
from services.coordination.rebuilding.lines import parse
from services.coordination.rebuilding.process import Rebuilds
from services.coordination.rebuilding.terms import Mode, Phase, Progress, RebuildOutcome, RebuildRequest
from tests.coordination.rebuilding import (
    alone,
    as_admin,
    database,
    environment_of,
    in_processes,
    rebuilt,
    rolled_back,
)
from tests.coordination.running import Coordination, coordination
from tests.coordination.telling import all_of, told
from tests.support.controls import coordination as control
from tests.support.controls.moments import NOON, fact
from tests.support.stack import PostgresDatabase
from tests.support.waiting import until

PATIENTS = [PatientId(UUID(int=n * (2**128 // 40) + n)) for n in range(40)]


@pytest.fixture
async def care(postgres: PostgresDatabase) -> AsyncIterator[Coordination]:
    async with coordination(postgres) as running:
        yield running


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many pages, shards and rounds also for few events."""
    monkeypatch.setattr(history, "PAGE", 7)
    monkeypatch.setattr(shards, "EVENTS_PER_SHARD", 30)
    monkeypatch.setattr(rebuild, "NEAR", 30)


async def tell_everyone(care: Coordination, patients: list[PatientId], seed: int = 0) -> None:
    """Everything the five services told, of each patient, in units of a few events, all mixed."""
    chance = random.Random(seed)
    waiting = {(patient, source): list(events) for patient in patients for source, events in control.TOLD.items()}
    while waiting:
        (patient, source), events = chance.choice(list(waiting.items()))
        size = chance.randint(1, 5)
        await care.tell(source, *events[:size], patient_id=patient)
        del events[:size]
        if not events:
            del waiting[patient, source]


def many_doses() -> list[Any]:
    """So many that a state is stored."""
    return [replace(control.DOSE, fact_id=fact(f"one of many {n}")) for n in range(LEAST_TAIL)]


async def active(postgres: PostgresDatabase) -> int:
    return int(await as_admin(postgres, "select active from view_slots"))


async def folded_states(postgres: PostgresDatabase, slot: int) -> dict[tuple[UUID, str], bytes]:
    """Each section of a slot, state and tail as one, by queries of the test's own."""
    admin = await asyncpg.connect(postgres.admin_dsn)
    try:
        await admin.execute("set search_path = coordination")
        heads = await admin.fetch("select * from sections where slot = $1", slot)
        states = {
            (row["patient_id"], row["source"]): row
            for row in await admin.fetch("select * from section_states where slot = $1", slot)
        }
        found = {}
        for head in heads:
            key = head["patient_id"], head["source"]
            assert head["state"] == b""
            section: Any = SECTIONS[head["source"]]()
            after = 0
            if key in states:
                section, after = (
                    msgspec.json.decode(states[key]["state"], type=type(section)),
                    states[key]["journal_position"],
                )
            entries = await admin.fetch(
                """select * from journal where patient_id = $1 and source = $2 and position > $3 and position <= $4
                order by position""",
                *key,
                after,
                head["journal_position"],
            )
            for row in entries:
                context = EventContext(
                    event_id=row["event_id"],
                    occurred_at=row["occurred_at"],
                    recorded_at=row["recorded_at"],
                    actor=row["actor"],
                    position=row["source_position"],
                )
                section = evolve(section, context, msgspec.json.decode(row["value"], type=KNOWN_TYPES[row["type"]]))
            found[key] = ENCODER.encode(section)
        return found
    finally:
        await admin.close()


async def slots_are_equal(postgres: PostgresDatabase) -> bool:
    """Both slots: heads column by column, by a query of the test's own, and sections as they are folded."""
    difference = """select count(*) from (
        (select {columns} from {table} where slot = 0 except all select {columns} from {table} where slot = 1)
        union all
        (select {columns} from {table} where slot = 1 except all select {columns} from {table} where slot = 0)) d"""
    of_sections = (
        "patient_id, source, source_position, journal_position, journal_time, fold_version, concerns, headline"
    )
    of_caseload = "patient_id, rank, due_at, reason, fact_id"
    counts = [
        await as_admin(postgres, difference.format(table=table, columns=columns))
        for table, columns in (("sections", of_sections), ("caseload", of_caseload))
    ]
    return counts == [0, 0] and await folded_states(postgres, 0) == await folded_states(postgres, 1)


async def test_what_is_made_anew_is_what_was_there_row_by_row(care: Coordination, postgres: PostgresDatabase) -> None:
    await tell_everyone(care, PATIENTS[:12])
    outcome = await rebuilt(postgres)
    events = 12 * len(told())
    assert (outcome.turned, outcome.through, outcome.events, outcome.sections) == (True, events, events, 12 * 5)
    found = outcome.comparison
    assert (found.rows, found.different, found.refolded) == (12 * 6, 0, 0)
    assert found.live == found.idle != 0
    assert await active(postgres) == 1
    assert await slots_are_equal(postgres)


async def test_an_empty_journal_is_rebuilt_too(care: Coordination, postgres: PostgresDatabase) -> None:
    outcome = await rebuilt(postgres)
    assert (outcome.turned, outcome.through, outcome.comparison.rows) == (True, 0, 0)
    await care.tell("monitoring", control.RASH)
    assert (await rebuilt(postgres)).comparison.rows == 2


@asynccontextmanager
async def traffic(care: Coordination, patients: list[PatientId]) -> AsyncIterator[asyncio.Task[int]]:
    """Doses of these patients until the end of the block; the task answers how many."""
    stopping = asyncio.Event()

    async def go_on() -> int:
        number = 0
        while not stopping.is_set():
            number += 1
            dose = replace(
                control.DOSE, fact_id=fact(f"traffic {number}"), occurred_at=NOON + timedelta(seconds=number)
            )
            await care.tell("monitoring", dose, patient_id=patients[number % len(patients)])
        return number

    task = asyncio.create_task(go_on())
    try:
        yield task
    finally:
        stopping.set()
        await task


@asynccontextmanager
async def readers(care: Coordination, patient: PatientId, before: bytes) -> AsyncIterator[list[int]]:
    """Reads one patient, whom no traffic is about, all the time; each answer must be the same, and so the caseload."""
    stopping, reads = asyncio.Event(), [0]
    expected = {entry.patient_id: entry for entry in await care.care_views.list_caseload(None, 200)}

    async def go_on() -> None:
        while not stopping.is_set():
            served = await care.care_views.get(patient, (), NOON, 0)
            assert ENCODER.encode(all_of(served)) == before
            listed = {entry.patient_id: entry for entry in await care.care_views.list_caseload(None, 200)}
            assert listed.keys() == expected.keys()
            assert listed[patient] == expected[patient]
            reads[0] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(go_on())
        try:
            yield reads
        finally:
            stopping.set()


async def test_under_traffic_the_new_view_is_the_old_one_and_no_reader_sees_a_difference(
    care: Coordination, postgres: PostgresDatabase
) -> None:
    await tell_everyone(care, PATIENTS[:10])
    quiet, busy = PATIENTS[0], PATIENTS[1:10]
    before = ENCODER.encode(all_of(await care.care_views.get(quiet, (), NOON, 0)))
    async with readers(care, quiet, before) as reads, traffic(care, busy) as sent:
        for _ in range(3):
            slot, seen = await active(postgres), reads[0]
            outcome = await rebuilt(postgres)
            assert outcome.turned
            assert outcome.comparison.different == 0
            assert outcome.comparison.live == outcome.comparison.idle
            assert await active(postgres) == 1 - slot
            back = await rolled_back(postgres)
            assert back.turned
            assert back.through >= outcome.through
            assert await active(postgres) == slot
            assert reads[0] > seen
    assert sent.result() > 10
    check = await rebuilt(postgres, turn=False)
    assert (check.turned, check.comparison.different) == (False, 0)
    assert await slots_are_equal(postgres)


async def test_what_came_after_the_turn_is_there_after_turning_back(
    care: Coordination, postgres: PostgresDatabase
) -> None:
    await tell_everyone(care, PATIENTS[:3])
    await rebuilt(postgres)
    await care.tell("monitoring", *(control.DOSE,), patient_id=PATIENTS[5])
    await care.tell("assessment", control.ENROLLED, patient_id=PATIENTS[5])
    later = ENCODER.encode(all_of(await care.care_views.get(PATIENTS[5], (), NOON, 0)))
    await rolled_back(postgres)
    assert await active(postgres) == 0
    assert ENCODER.encode(all_of(await care.care_views.get(PATIENTS[5], (), NOON, 0))) == later
    assert await slots_are_equal(postgres)


async def test_a_view_that_went_wrong_is_turned_back_from(care: Coordination, postgres: PostgresDatabase) -> None:
    """Turning back is what one does about a wrong view; that the two differ is told, and keeps nobody from it."""
    await care.tell("assessment", control.ENROLLED)
    await rebuilt(postgres)
    await as_admin(postgres, "update section_states set state = state || ' ' where slot = 1 and source = 'assessment'")
    await care.tell("monitoring", control.RASH)
    outcome = await rolled_back(postgres)
    assert (outcome.turned, outcome.comparison.different) == (True, 1)
    assert await active(postgres) == 0


async def test_without_a_kept_slot_there_is_nothing_to_turn_back_to(
    care: Coordination, postgres: PostgresDatabase
) -> None:
    with pytest.raises(RuleViolated) as refusal:
        await rolled_back(postgres)
    assert refusal.value.slug == "nothing-to-roll-back-to"


@pytest.mark.parametrize(
    "damage",
    [
        "update section_states set state = state || ' ' where slot = 0 and source = 'monitoring'",
        "update section_states set answered = '{00000000-0000-4000-8000-000000000001}' where slot = 0",
        "update sections set answered = '{00000000-0000-4000-8000-000000000001}' where slot = 0",
        "update sections set concerns = '[]' where slot = 0 and source = 'monitoring'",
        "update sections set source_position = source_position - 1 where slot = 0 and source = 'monitoring'",
        "delete from sections where slot = 0 and source = 'monitoring'",
        "update caseload set rank = rank + 1 where slot = 0",
        "delete from caseload where slot = 0",
    ],
)
async def test_a_view_that_differs_is_not_turned_to_unless_that_is_accepted(
    care: Coordination, postgres: PostgresDatabase, damage: str
) -> None:
    await care.tell("monitoring", control.RASH, *many_doses(), control.NAUSEA)
    await as_admin(postgres, damage)
    outcome = await rebuilt(postgres)
    assert not outcome.turned
    assert outcome.comparison.different == 1
    assert await active(postgres) == 0
    outcome = await rebuilt(postgres, accept_differences=True)
    assert outcome.turned
    assert outcome.comparison.different == 1
    (entry,) = await care.care_views.list_caseload(None, 10)
    shown = all_of(await care.care_views.get(entry.patient_id, (), NOON, 0))
    assert entry.urgency == shown.urgency
    assert len(shown.open_side_effects) == 2


async def test_after_a_change_of_the_fold_the_rows_are_of_the_new_one(
    care: Coordination, postgres: PostgresDatabase
) -> None:
    await care.tell("monitoring", control.RASH)
    await as_admin(postgres, "update sections set fold_version = 0, concerns = '[]'")
    await as_admin(postgres, "update caseload set rank = 4, reason = '', fact_id = null, due_at = 'infinity'")
    outcome = await rebuilt(postgres)
    assert outcome.turned
    assert (outcome.comparison.refolded, outcome.comparison.different) == (1, 0)
    (entry,) = await care.care_views.list_caseload(None, 10)
    assert (entry.urgency.reason, entry.urgency.fact_id) == ("side-effect", control.RASH.fact_id)
    # Turning back to sections of the other fold, those that were told of since are folded again.
    await care.tell("monitoring", control.NAUSEA)
    await rolled_back(postgres)
    assert await active(postgres) == 0
    assert len(all_of(await care.care_views.get(entry.patient_id, (), NOON, 0)).open_side_effects) == 2


async def test_only_one_rebuild_runs_at_a_time(care: Coordination, postgres: PostgresDatabase) -> None:
    await care.tell("monitoring", control.RASH)
    async with alone(postgres):
        with pytest.raises(RuleViolated) as refusal:
            await rebuilt(postgres)
        assert refusal.value.slug == "rebuild-runs"
        with pytest.raises(RuleViolated):
            await in_processes(postgres)
    assert (await rebuilt(postgres)).turned


async def test_a_worker_of_an_earlier_rebuild_writes_nothing_any_more(
    care: Coordination, postgres: PostgresDatabase
) -> None:
    await care.tell("monitoring", control.RASH)
    connection = await database(postgres).connect("test")
    try:
        old = await slots.begin(connection)
        await slots.begin(connection)
        with pytest.raises(asyncpg.PostgresError) as refusal:
            await shards.fill(connection, old, shards.shards_for(1)[0], 1)
        assert refusal.value.sqlstate == "CLB01"
        assert await as_admin(postgres, "select count(*) from sections where slot = 1") == 0
    finally:
        await connection.close()


async def test_the_runtime_role_cannot_turn_or_empty_by_itself(care: Coordination, postgres: PostgresDatabase) -> None:
    await care.tell("monitoring", control.RASH)
    for statement in (
        "update view_slots set active = 1",
        "update idle_slot set rebuild = 9",
        "truncate sections_1",
        "truncate sections",
        "delete from sections where slot = 1",
        "select from sections_0",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await care.store.connections.fetch(statement)


async def test_a_slot_that_is_not_whole_is_not_turned_to(care: Coordination, postgres: PostgresDatabase) -> None:
    await care.tell("monitoring", control.RASH)
    connection = await database(postgres).connect("test")
    try:
        idle = await slots.begin(connection)
        await care.tell("monitoring", control.NAUSEA)
        with pytest.raises(asyncpg.PostgresError) as refusal:
            await idle.turn(connection, 1)
        assert refusal.value.sqlstate == "CLC01"
    finally:
        await connection.close()
    assert await active(postgres) == 0


async def test_processes_of_their_own_make_the_same_view(care: Coordination, postgres: PostgresDatabase) -> None:
    await tell_everyone(care, PATIENTS[:5])
    outcome = await in_processes(postgres)
    assert outcome.turned
    assert outcome.comparison.different == 0
    assert await slots_are_equal(postgres)
    assert (await in_processes(postgres, Mode.ROLL_BACK)).turned
    assert not (await in_processes(postgres, Mode.CHECK)).turned


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def told_phase(process: Process, phase: Phase) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        progress = parse(line).progress
        if progress is not None and progress.phase is phase:
            return
    raise AssertionError(f"it ended before {phase}")


async def killed_in(postgres: PostgresDatabase, phase: Phase) -> list[int]:
    """Starts a rebuild that cannot turn, kills it in this phase, and answers its worker processes."""
    admin = await asyncpg.connect(postgres.admin_dsn, server_settings={"search_path": "coordination"})
    try:
        async with admin.transaction():
            await admin.execute("lock table view_slots in share mode")
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "services.coordination.rebuilding", "turn", "2"),
                stdin=PIPE,
                stdout=PIPE,
                env=environment_of(postgres),
            )
            await told_phase(process, Phase.COMPARE if phase is Phase.TURN else phase)
            if phase is Phase.TURN:
                await until(lambda: waits_to_turn(postgres))
            workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            process.kill()
            await process.wait()
    finally:
        await admin.close()
    return [int(pid) for pid in workers]


async def waits_to_turn(postgres: PostgresDatabase) -> bool:
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like 'select turn_view%'"
    return bool(await as_admin(postgres, waiting))


@pytest.mark.parametrize("phase", [Phase.FILL, Phase.COMPARE, Phase.TURN])
async def test_killed_at_any_moment_it_leaves_the_view_as_it_was_and_can_be_started_again(
    care: Coordination, postgres: PostgresDatabase, phase: Phase
) -> None:
    await tell_everyone(care, PATIENTS[:6])
    view = ENCODER.encode(all_of(await care.care_views.get(PATIENTS[0], (), NOON, 0)))
    workers = await killed_in(postgres, phase)
    assert workers or phase is not Phase.FILL
    await until(lambda: none_of(workers))
    assert await active(postgres) == 0
    assert ENCODER.encode(all_of(await care.care_views.get(PATIENTS[0], (), NOON, 0))) == view
    await care.tell("monitoring", replace(control.DOSE, fact_id=fact("after")), patient_id=PATIENTS[1])
    with pytest.raises(RuleViolated) as refusal:
        await once_free(rolled_back, postgres)
    assert refusal.value.slug == "nothing-to-roll-back-to"
    outcome = await once_free(rebuilt, postgres)
    assert outcome.turned
    assert outcome.comparison.different == 0
    assert await slots_are_equal(postgres)


async def none_of(pids: list[int]) -> bool:
    return not any(map(alive, pids))


async def once_free(
    work: Callable[[PostgresDatabase], Awaitable[RebuildOutcome]], postgres: PostgresDatabase
) -> RebuildOutcome:
    """The server finds out within a second that a killed one's connection is gone."""
    give_up = asyncio.get_running_loop().time() + 20
    while True:
        try:
            return await work(postgres)
        except RuleViolated as refusal:
            if refusal.slug != "rebuild-runs" or asyncio.get_running_loop().time() > give_up:
                raise


NAMED = RebuildRequest(mode=Mode.TURN, workers=1, name="monday")


async def test_it_goes_on_when_its_watcher_leaves_who_finds_it_again_by_its_name(
    care: Coordination, postgres: PostgresDatabase
) -> None:
    await care.tell("monitoring", control.RASH)
    async with Rebuilds(environment_of(postgres)) as rebuilds:
        first = rebuilds.run(NAMED)
        assert isinstance(await anext(first), Progress)
        await first.aclose()
        steps = [step async for step in rebuilds.run(NAMED)]
        again = [step async for step in rebuilds.run(NAMED)]
    assert isinstance(steps[-1], RebuildOutcome)
    assert steps[-1].turned
    assert again == steps
    assert await active(postgres) == 1


async def test_another_is_refused_while_it_runs_and_stopping_it_leaves_the_view_as_it_is(
    care: Coordination, postgres: PostgresDatabase
) -> None:
    await care.tell("monitoring", control.RASH)
    async with Rebuilds(environment_of(postgres)) as rebuilds:
        first = rebuilds.run(NAMED)
        assert isinstance(await anext(first), Progress)
        with pytest.raises(RuleViolated) as refusal:
            await anext(rebuilds.run(RebuildRequest(mode=Mode.TURN, workers=1)))
        assert refusal.value.slug == "rebuild-runs"
        await rebuilds.stop()
        with pytest.raises(Unavailable):
            async for _ in first:
                pass
    assert await active(postgres) == 0
    assert (await once_free(rebuilt, postgres)).turned


async def test_a_long_reader_of_the_idle_slot_holds_up_the_rebuild_and_nobody_else(
    care: Coordination, postgres: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "TRIES", 5)
    await care.tell("monitoring", control.RASH)
    admin = await asyncpg.connect(postgres.admin_dsn, server_settings={"search_path": "coordination"})
    try:
        async with admin.transaction():
            await admin.fetch("select from sections where slot = 1")
            trying = asyncio.create_task(rebuilt(postgres))
            while not trying.done():
                async with asyncio.timeout(0.5):
                    await care.care_views.list_caseload(None, 10)
            with pytest.raises(RuleViolated) as refusal:
                await trying
            assert refusal.value.slug == "slot-in-use"
    finally:
        await admin.close()
    assert (await rebuilt(postgres)).turned


async def test_a_journal_that_outgrows_the_slot_is_not_chased_for_ever(
    care: Coordination, postgres: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "MOST_ROUNDS", 2)
    monkeypatch.setattr(rebuild, "NEAR", -1)
    await care.tell("monitoring", control.RASH)
    with pytest.raises(RuleViolated) as refusal:
        await rebuilt(postgres)
    assert refusal.value.slug == "cannot-catch-up"
    assert await active(postgres) == 0


async def test_a_process_that_fails_is_told_of_without_its_reason(
    postgres: PostgresDatabase, capfd: pytest.CaptureFixture[str]
) -> None:
    environment = environment_of(postgres) | {"CARELOOP_POSTGRES_DSN": postgres.dsn("coordination") + "_gone"}
    with pytest.raises(Unavailable) as failure:
        async for _ in Rebuilds(environment).run(RebuildRequest(mode=Mode.TURN)):
            pass
    assert failure.value.slug == "rebuild-failed"
    (line,) = capfd.readouterr().err.splitlines()
    assert '"event":"rebuild failed"' in line
    assert "_gone" not in line
