"""Whether prescribing is well enough informed to decide."""

from datetime import datetime, timedelta

import pytest

from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import Gate, Unit
from careloop.chassis.relay.heads import HeadsView, PublishedHead
from careloop.kernel.errors import Unavailable
from services.prescribing.evidence import CONSUMERS, ConsumedEvidence
from tests.support.controls.moments import NOON, PATIENT

PARTITIONS = 6
PARTITION = partition_of(PATIENT, PARTITIONS)
MAX_AGE = timedelta(seconds=30)


class Informed:
    """Prescribing's evidence over a store in memory: what was consumed, and what the sources say of themselves."""

    def __init__(self, *, held: frozenset[str] = frozenset()) -> None:
        self.store = MemoryEventStore()
        self.heads = HeadsView()
        self.evidence = ConsumedEvidence(
            self.store,
            self.heads,
            lambda source, _partition: source in held,
            partitions=PARTITIONS,
            max_age=MAX_AGE,
            patience_seconds=0.05,
        )

    async def consumed(self, source: str, position: int) -> None:
        for consumer in (name for name, sources in CONSUMERS.items() if source in sources):
            gate = Gate(consumer=consumer, source=source, partition=PARTITION, last=0, position=position)
            await self.store.commit(Unit(gate=gate))

    def head(self, source: str, position: int, complete_through: datetime) -> None:
        self.heads.note(
            PublishedHead(service=source, partition=PARTITION, position=position, complete_through=complete_through)
        )

    async def stale(self) -> frozenset[str]:
        return (await self.evidence.freshness(PATIENT, [], NOON)).stale


async def both(informed: Informed, age: timedelta) -> None:
    for source in ("assessment", "monitoring"):
        await informed.consumed(source, 7)
        informed.head(source, 7, NOON - age)


async def test_a_source_that_never_spoke_is_stale() -> None:
    assert await Informed().stale() == {"assessment", "monitoring"}


@pytest.mark.parametrize(("seconds", "stale"), [(29, False), (30, False), (31, True)])
async def test_a_source_is_stale_once_its_word_is_older_than_allowed(seconds: int, stale: bool) -> None:
    informed = Informed()
    await both(informed, timedelta(seconds=seconds))
    assert bool(await informed.stale()) is stale


async def test_a_new_head_alone_makes_nothing_fresh_that_was_not_consumed() -> None:
    informed = Informed()
    await both(informed, timedelta(seconds=40))
    informed.head("assessment", 9, NOON)
    assert "assessment" in await informed.stale()


async def test_what_is_held_back_is_stale_however_new_its_head() -> None:
    informed = Informed(held=frozenset({"assessment"}))
    await both(informed, timedelta(0))
    assert await informed.stale() == {"assessment"}


async def test_it_waits_for_what_the_caller_has_seen_and_says_so_when_it_does_not_come() -> None:
    informed = Informed()
    await both(informed, timedelta(0))
    seen = ConsistencyToken(service="assessment", partition=PARTITION, position=7, patient_id=PATIENT)
    later = ConsistencyToken(service="assessment", partition=PARTITION, position=8, patient_id=PATIENT)
    own = ConsistencyToken(service="prescribing", partition=PARTITION, position=99, patient_id=PATIENT)
    await informed.evidence.freshness(PATIENT, [seen, own], NOON)
    with pytest.raises(Unavailable, match="evidence-not-yet-here"):
        await informed.evidence.freshness(PATIENT, [later], NOON)
