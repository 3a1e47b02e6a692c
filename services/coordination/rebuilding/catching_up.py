"""The next entries of the journal, folded into the idle slot."""

from collections.abc import Sequence

import asyncpg

from careloop.kernel.ids import PatientId
from services.coordination.domain.view.bulk_fold import add_all
from services.coordination.domain.view.sections import SECTIONS, Section
from services.coordination.rebuilding.history import SectionKey, SourceHistory, histories, of_source
from services.coordination.rebuilding.slots import IdleSection, IdleSlot, SlotSection, slot_section


async def catch_up(connection: asyncpg.Connection, idle: IdleSlot, rows: Sequence[asyncpg.Record]) -> set[PatientId]:
    """Fold these entries into the slot; answers whom they are about."""
    found = histories(rows)
    stored = await idle.stored(connection, {patient_id for patient_id, _ in found})
    sections = [await _grown(connection, key, history, stored.get(key)) for key, history in found.items()]
    await idle.put(connection, sections)
    return {section.patient_id for section in sections}


async def _grown(
    connection: asyncpg.Connection, key: SectionKey, history: SourceHistory, stored: IdleSection | None
) -> SlotSection:
    return slot_section(key, add_all(await _before(connection, key, stored), history.facts), history)


async def _before(connection: asyncpg.Connection, key: SectionKey, stored: IdleSection | None) -> Section:
    """The section as it is stored; one of another fold is folded again."""
    section: Section = SECTIONS[key[1]]()
    if stored is None:
        return section
    if stored.section is not None:
        return stored.section
    history = await of_source(connection, key, stored.journal_position)
    return add_all(section, history[key].facts)
