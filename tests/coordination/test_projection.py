"""What the projector remembers between units never shows in what it stores."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from msgspec import structs

from careloop.chassis.events.codec import ENCODER
from careloop.chassis.events.partitioner import partition_of
from careloop.kernel.errors import Conflict
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.sections.monitoring import MonitoringSection
from services.coordination.projecting.projection import projection
from services.coordination.projecting.section_cache import SectionCache
from services.coordination.projecting.section_change import change
from services.coordination.reading.stored_section import sealed
from tests.coordination.running import PARTITIONS, Coordination, coordination
from tests.support.controls import coordination as control
from tests.support.controls.moments import PATIENT
from tests.support.stack import PostgresDatabase

MONITORING = "monitoring"


@pytest.fixture
async def care(postgres: PostgresDatabase) -> AsyncIterator[Coordination]:
    async with coordination(postgres) as running:
        yield running


async def section(care: Coordination) -> Any:
    stored = await care.views.of_patient(PATIENT)
    assert stored is not None
    return stored.sections.monitoring


async def test_a_section_is_read_once_and_folded_on_in_memory(
    care: Coordination, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    of_source = care.views.of_source

    async def counted(source: str, patients: Any) -> Any:
        asked.append(list(patients))
        return await of_source(source, patients)

    monkeypatch.setattr(care.views, "of_source", counted)
    for event in control.TOLD[MONITORING]:
        await care.tell(MONITORING, event)
    assert asked == [[PATIENT]]
    remembered = await section(care)
    care.consumer.forget(MONITORING, partition_of(PATIENT, PARTITIONS))
    assert len(control.TOLD[MONITORING]) > 3
    assert ENCODER.encode(remembered) == ENCODER.encode(await section(care))


async def test_what_was_folded_and_not_stored_is_not_folded_on(care: Coordination) -> None:
    """The inbox says so after every failure; the store would refuse it besides."""
    first, second = (care.next(MONITORING, event) for event in (control.RASH, control.NAUSEA))
    await care.consumer.handle([first])
    with pytest.raises(Conflict):
        await care.apply_statement((await care.consumer.handle([second])).statements[0])
    care.consumer.forget(MONITORING, partition_of(PATIENT, PARTITIONS))
    await care.apply([first, second])
    assert [kept.fact for kept in (await section(care)).reported] == [control.RASH, control.NAUSEA]


async def test_after_the_view_was_turned_sections_are_read_again(
    care: Coordination, postgres: PostgresDatabase
) -> None:
    """Also when it was turned and turned back meanwhile: the slot is the same, and may hold something else."""
    await care.tell(MONITORING, control.RASH)
    admin = await asyncpg.connect(postgres.admin_dsn)
    try:
        for _ in range(2):
            await admin.execute("update coordination.view_slots set active = 1 - active")
    finally:
        await admin.close()
    nausea = care.next(MONITORING, control.NAUSEA)
    effects = await care.consumer.handle([nausea])
    with pytest.raises(Conflict):
        await care.apply_statement(effects.statements[0])
    care.consumer.forget(MONITORING, partition_of(PATIENT, PARTITIONS))
    await care.apply([nausea])
    assert len((await section(care)).reported) == 2


async def test_the_caseload_is_ranked_only_where_it_may_have_changed(care: Coordination) -> None:
    dose = next(event for event in control.TOLD[MONITORING] if type(event).__name__ == "DoseRecorded")
    ranked = []
    for event in (dose, control.RASH, control.NAUSEA):
        told = care.next(MONITORING, event)
        ranked.append((await care.consumer.without_memory().handle([told])).statements[0].args[-4])
        await care.apply([told])
    again = care.next(MONITORING, dose)
    assert ranked == [[True], [True], [False]]  # of two side effects only the first one decides
    assert (await care.consumer.handle([again])).statements[0].args[-4] == [False]
    assert [entry.patient_id for entry in await care.views.caseload(None, 5)] == [PATIENT]


def test_memory_is_bounded_and_the_longest_unused_goes_first() -> None:
    remembered = SectionCache(most_bytes=300)
    for number in range(4):
        remembered.put(MONITORING, 0, {patient(number): sealed(MonitoringSection(), number + 1, 100)})
        remembered.get(MONITORING, 0, patient(0))
    known = [number for number in range(4) if remembered.get(MONITORING, 0, patient(number))]
    assert known == [0, 2, 3]
    remembered.forget(MONITORING, 1)
    assert remembered.get(MONITORING, 0, patient(0)) is not None
    remembered.forget(MONITORING, 0)
    assert [number for number in range(4) if remembered.get(MONITORING, 0, patient(number))] == []


def patient(number: int) -> PatientId:
    return PatientId(UUID(int=number + 1))


@pytest.mark.parametrize("how", ["twice in one unit", "not rising", "included already"])
async def test_the_journal_refuses_an_event_that_it_may_have(care: Coordination, how: str) -> None:
    """The consumer never asks for it; no index objects any more, so the call itself does."""
    await care.tell(MONITORING, control.RASH)
    told = care.next(MONITORING, control.NAUSEA)
    at = told.envelope.position
    positions = {"twice in one unit": [at, at], "not rising": [at + 1, at], "included already": [at - 1]}[how]
    events = [
        structs.replace(told, envelope=structs.replace(told.envelope, position=position)) for position in positions
    ]
    before = (await care.views.of_source(MONITORING, [PATIENT]))[PATIENT]
    sections = {PATIENT: change(before, [told])}
    turns = await care.views.turns()
    with pytest.raises(Conflict):
        await care.apply_statement(projection(events, sections, partition_of(PATIENT, PARTITIONS), turns))
    await care.apply_statement(projection([told], sections, partition_of(PATIENT, PARTITIONS), turns))


async def test_a_moment_is_found_in_the_journal_by_halving(care: Coordination, postgres: PostgresDatabase) -> None:
    for event in (*control.TOLD[MONITORING], *control.TOLD[MONITORING]):
        await care.tell(MONITORING, event)
    admin = await asyncpg.connect(postgres.admin_dsn)
    try:
        await admin.execute("set search_path = coordination")
        missed = await admin.fetch(
            """select moment from (
                select journal_time + off * interval '1 microsecond' as moment from journal, generate_series(-1, 1) off
                union all values ('-infinity'::timestamptz), ('infinity')) asked
            where journal_before(moment)
                <> (select coalesce(max(position), 0) from journal where journal_time < moment)"""
        )
        assert missed == []
        assert await admin.fetchval("select journal_before('infinity')") == 2 * len(control.TOLD[MONITORING])
    finally:
        await admin.close()
