"""Folding the journal into the idle slot, shard by shard of the patients."""

from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

import asyncpg

from services.coordination.domain.view.bulk_fold import add_all
from services.coordination.domain.view.sections import SECTIONS
from services.coordination.rebuilding.history import by_patient, histories
from services.coordination.rebuilding.slots import IdleSlot, slot_section

EVENTS_PER_SHARD = 10_000
FEWEST_SHARDS, MOST_SHARDS = 1, 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The patients from `first` to `last`."""

    first: UUID
    last: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """How much was folded."""

    events: int = 0
    sections: int = 0

    def __add__(self, other: "Filled") -> "Filled":
        return Filled(events=self.events + other.events, sections=self.sections + other.sections)


def shards_for(events: int) -> list[Shard]:
    """All patients, in ranges of ids that hold some 10,000 events each where ids are random."""
    wanted = min(max(events // EVENTS_PER_SHARD, FEWEST_SHARDS), MOST_SHARDS)
    edges = [(n << 128) // wanted for n in range(wanted + 1)]
    return [Shard(first=UUID(int=low), last=UUID(int=high - 1)) for low, high in pairwise(edges)]


async def fill(connection: asyncpg.Connection, idle: IdleSlot, shard: Shard, through: int) -> Filled:
    """Fold all facts of the shard's patients up to `through` into the idle slot, which holds none of them yet."""
    filled = Filled()
    async for rows in by_patient(connection, shard.first, shard.last, through):
        found = histories(rows).items()
        sections = [slot_section(key, add_all(SECTIONS[key[1]](), history.facts), history) for key, history in found]
        await idle.copy_in(connection, sections)
        filled += Filled(events=len(rows), sections=len(sections))
    return filled
