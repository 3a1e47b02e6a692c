"""The next entries of the journal, folded into the idle slot."""

from collections.abc import Sequence

import asyncpg

from careloop.kernel.ids import PatientId
from services.coordination.domain.view.bulk_fold import add_all
from services.coordination.domain.view.sections import SECTIONS
from services.coordination.rebuilding.history import histories
from services.coordination.rebuilding.slots import IdleSlot, slot_section


async def catch_up(connection: asyncpg.Connection, idle: IdleSlot, rows: Sequence[asyncpg.Record]) -> set[PatientId]:
    """Fold these entries into the slot; answers whom they are about."""
    found = histories(rows)
    stored = await idle.stored(connection, {patient_id for patient_id, _ in found})
    sections = [
        slot_section(key, add_all(stored.get(key) or SECTIONS[key[1]](), history.facts), history)
        for key, history in found.items()
    ]
    await idle.put(connection, sections)
    return {section.patient_id for section in sections}
