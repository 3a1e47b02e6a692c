"""What many faults came to, counted from raw tables and topics."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tests.support.checker.ledger import (
    by_service,
    causes_with_two_notices,
    journal,
    overtaking,
    published_in_stores,
    records,
    tables,
    times_stored,
)
from tests.support.processes.running import System


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """`missed`: acknowledged and not stored, or stored and not on its topic or in the journal. `twice`: stored or
    journaled more than once, or a cause with two notices. `reordered`: came before what it follows, on the topic or in
    the journal. `duplicates` are records that are on the topic again, which is allowed."""

    acknowledged: int
    events: int
    duplicates: int
    missed: int
    twice: int
    reordered: int

    def __str__(self) -> str:
        return "  ".join(f"{name} {count:,}" for name, count in asdict(self).items())

    @property
    def is_clean(self) -> bool:
        return not (self.missed or self.twice or self.reordered)


async def tally(system: System, acknowledged: Sequence[str]) -> Tally:
    """The count as it is now."""
    stores, journaled, seen = await published_in_stores(system), await journal(system), await records(system)
    stored = Counter(await times_stored(system, acknowledged))
    missed, twice = sum(not times for times in stored.values()), sum(times > 1 for times in stored.values())
    for service, of_service in by_service(seen).items():
        there = {(one.position, one.event_id) for one in of_service}
        missed += len(set(stores[service]) - there) + len(set(stores[service]) - set(journaled[service]))
        twice += len(journaled[service]) - len({event for _position, event in journaled[service]})
    return Tally(
        acknowledged=len(acknowledged),
        events=sum(len(events) for events in stores.values()),
        duplicates=len(seen) - len({(one.place, one.position) for one in seen}),
        missed=missed,
        twice=twice + len(await causes_with_two_notices(system)),
        reordered=len(overtaking(seen)) + await _reordered_in_journal(system),
    )


async def _reordered_in_journal(system: System) -> int:
    """How often a patient's events of one source lie in the journal in another order than in its log."""
    async with tables(system, "coordination") as connection:
        count: int = await connection.fetchval(
            """select count(*) from (
                 select source_position - lag(source_position) over (partition by patient_id, source order by position)
                   as step from journal) steps where step <= 0"""
        )
    return count
