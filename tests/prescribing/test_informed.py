"""How well prescribing was informed, and what could therefore not be checked."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import Gate, Unit
from careloop.contracts.prescribing import SourcePosition
from careloop.kernel.errors import Unavailable
from careloop.kernel.ids import PatientId
from careloop.knowledge.findings import Check, NotChecked, Reason, ScreeningOutcome
from services.prescribing.domain.events import Event
from services.prescribing.domain.screening import Freshness, gaps_in_evidence, safety_check
from services.prescribing.evidence import CONSUMER, CONSUMERS, ConsumedEvidence
from tests.support.charts import asking
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, PATIENT, fact

PARTITIONS = 6
PARTITION = partition_of(PATIENT, PARTITIONS)
OTHER_PARTITION = (PARTITION + 1) % PARTITIONS
MAX_AGE = timedelta(seconds=30)
MORE_THAN_ENOUGH = 30.0
"""Seconds that no test waits: what it waits for comes."""

ON_ASSESSMENT = (
    Check.DRUG_DRUG,
    Check.WASHOUT,
    Check.DRUG_CONDITION,
    Check.ALLERGY,
    Check.DUPLICATE_THERAPY,
    Check.PREGNANCY,
    Check.LAB,
    Check.PRIOR_TRIAL,
)
ON_MONITORING = (Check.DRUG_CONDITION, Check.PRIOR_TRIAL)


def stale(source: str, checks: Sequence[Check]) -> tuple[NotChecked, ...]:
    return tuple(NotChecked(check=check, reason="evidence-stale", subject=source) for check in checks)


NO_LIST = tuple(
    NotChecked(check=check, reason=Reason.MEDICATIONS_NOT_RECORDED)
    for check in (Check.DRUG_DRUG, Check.WASHOUT, Check.DUPLICATE_THERAPY)
)
NO_HISTORY = (
    NotChecked(check=Check.DRUG_CONDITION, reason=Reason.CONDITIONS_NOT_RECORDED),
    NotChecked(check=Check.PRIOR_TRIAL, reason=Reason.TRIALS_NOT_RECORDED),
)


def gaps(*facts: Event, behind: Sequence[str] = ()) -> tuple[NotChecked, ...]:
    return gaps_in_evidence(asking(facts), Freshness(positions=(), stale=frozenset(behind)))


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        ((), ()),
        (("assessment",), stale("assessment", ON_ASSESSMENT)),
        (("monitoring",), stale("monitoring", ON_MONITORING)),
        (
            ("monitoring", "assessment"),
            (*stale("assessment", ON_ASSESSMENT), *stale("monitoring", ON_MONITORING)),
        ),
        (("notifications",), ()),
    ],
)
def test_every_check_that_rests_on_a_source_that_is_behind_is_a_gap(
    behind: Sequence[str], expected: tuple[NotChecked, ...]
) -> None:
    assert gaps(*p.ASSESSED, behind=behind) == expected


def test_a_list_or_history_that_nobody_took_or_that_was_struck_is_a_gap() -> None:
    own = (p.PROFILE, p.ISSUED, p.DIAGNOSIS, replace(p.SEVERE_NAUSEA, ctcae_grade=2))
    assert gaps(*own) == (*NO_LIST, *NO_HISTORY)
    assert gaps(*own, p.HISTORY) == NO_LIST
    assert gaps(*own, p.NOTHING_TAKEN) == NO_HISTORY
    assert gaps(*own, p.NOTHING_TAKEN, p.HISTORY) == ()
    struck = [replace(p.PHENELZINE_STRUCK, fact_id=one.fact_id) for one in (p.NOTHING_TAKEN, p.HISTORY)]
    assert gaps(*own, p.NOTHING_TAKEN, p.HISTORY, struck[0]) == NO_LIST
    assert gaps(*own, p.NOTHING_TAKEN, p.HISTORY, struck[1]) == NO_HISTORY
    assert gaps(behind=("monitoring",)) == (*NO_LIST, *NO_HISTORY, *stale("monitoring", ON_MONITORING))


def test_the_gaps_stand_in_the_answer_once_each_and_in_its_headline() -> None:
    informed = safety_check(asking(p.ASSESSED), p.FRESH)
    assert (informed.outcome, informed.alerts, informed.not_checked) == (ScreeningOutcome.CLEAR, (), ())
    answer = safety_check(asking(one for one in p.ASSESSED if one is not p.NOTHING_TAKEN), p.STALE)
    assert answer.outcome == ScreeningOutcome.NOT_CHECKED
    assert set(answer.not_checked) >= {*NO_LIST, *stale("assessment", ON_ASSESSMENT)}
    assert len(answer.not_checked) == len(set(answer.not_checked))
    taking = safety_check(asking((*p.ASSESSED, p.POSITIVE_MDQ)), p.STALE)
    assert taking.outcome == ScreeningOutcome.ALERTS


class Parking(MemoryEventStore):
    """Of which records of this patient from these sources are parked."""

    parked: frozenset[str] = frozenset()

    async def parked_streams(self, consumer: str, stream_id: UUID) -> frozenset[str]:
        return self.parked if (consumer, stream_id) == (CONSUMER, PATIENT) else frozenset()


class Sources:
    """What the sources say of themselves: up to when all is known that lies up to a position."""

    def __init__(self) -> None:
        self.through: dict[tuple[str, int, int], datetime] = {}

    def fresh_as_of(self, source: str, partition: int, consumed_position: int) -> datetime | None:
        return self.through.get((source, partition, consumed_position))


class Informed:
    """Prescribing's evidence; both sources consumed up to a position and fresh unless a test says otherwise."""

    def __init__(self, *, patience: float = 0.0) -> None:
        self.store, self.sources = Parking(), Sources()
        self.held: set[tuple[str, int]] = set()
        self.evidence = ConsumedEvidence(
            self.store,
            self.sources,
            lambda source, partition: (source, partition) in self.held,
            partitions=PARTITIONS,
            max_age=MAX_AGE,
            patience_seconds=patience,
        )

    async def consume(
        self, source: str, position: int, *, last: int = 0, partition: int = PARTITION, consumer: str = ""
    ) -> None:
        """By every consumer that notes of the source, or by this one."""
        for name in [consumer] if consumer else [name for name, sources in CONSUMERS.items() if source in sources]:
            gate = Gate(consumer=name, source=source, partition=partition, last=last, position=position)
            await self.store.commit(Unit(gate=gate))

    async def freshness(self, *at_least: ConsistencyToken, patient: PatientId = PATIENT) -> Freshness:
        return await self.evidence.freshness(patient, at_least, NOON)


async def informed(**told: Any) -> Informed:
    here = Informed(**told)
    for source, position in (("assessment", 7), ("monitoring", 4)):
        await here.consume(source, position)
        here.sources.through[source, PARTITION, position] = NOON - MAX_AGE
    return here


def token(service: str, position: int, partition: int = PARTITION) -> ConsistencyToken:
    return ConsistencyToken(service=service, partition=partition, position=position, patient_id=PATIENT)


async def test_how_far_each_source_was_read_stands_in_the_order_of_their_names() -> None:
    here = await informed()
    assert await here.freshness() == Freshness(
        positions=(
            SourcePosition(source="assessment", partition=PARTITION, position=7, fresh_as_of=NOON - MAX_AGE),
            SourcePosition(source="monitoring", partition=PARTITION, position=4, fresh_as_of=NOON - MAX_AGE),
        ),
        stale=frozenset(),
    )


async def test_of_a_source_never_read_the_position_is_0_and_nothing_is_fresh() -> None:
    assert await Informed().freshness() == Freshness(
        positions=(
            SourcePosition(source="assessment", partition=PARTITION, position=0, fresh_as_of=None),
            SourcePosition(source="monitoring", partition=PARTITION, position=0, fresh_as_of=None),
        ),
        stale=frozenset({"assessment", "monitoring"}),
    )


@pytest.mark.parametrize("source", ["assessment", "monitoring"])
async def test_a_source_is_stale_by_itself_when_its_word_is_too_old(source: str) -> None:
    here = await informed()
    position = {"assessment": 7, "monitoring": 4}[source]
    here.sources.through[source, PARTITION, position] -= timedelta(microseconds=1)
    assert (await here.freshness()).stale == {source}


@pytest.mark.parametrize("source", ["assessment", "monitoring"])
async def test_a_source_of_which_records_of_the_patient_are_parked_is_stale(source: str) -> None:
    here = await informed()
    here.store.parked = frozenset({source})
    assert (await here.freshness()).stale == {source}
    here.store.parked = frozenset({"notifications"})
    assert (await here.freshness()).stale == frozenset()


@pytest.mark.parametrize("source", ["assessment", "monitoring"])
async def test_a_source_of_which_the_patients_partition_is_held_back_is_stale(source: str) -> None:
    here = await informed()
    here.held = {(source, OTHER_PARTITION), ("notifications", PARTITION)}
    assert (await here.freshness()).stale == frozenset()
    here.held.add((source, PARTITION))
    assert (await here.freshness()).stale == {source}


async def test_a_source_is_known_no_further_than_every_consumer_of_it_has_read() -> None:
    here = await informed()
    await here.consume("assessment", 9, last=7, consumer=CONSUMER)
    here.sources.through["assessment", PARTITION, 9] = NOON
    assert (await here.freshness()).positions[0].position == 7
    with pytest.raises(Unavailable, match="evidence-not-yet-here"):
        await here.freshness(token("assessment", 9))


async def test_what_another_consumer_or_another_partition_read_says_nothing() -> None:
    here = Informed()
    await here.consume("assessment", 7, partition=OTHER_PARTITION)
    await here.consume("assessment", 9, consumer="prescribing.other")
    assert [one.position for one in (await here.freshness()).positions] == [0, 0]


@pytest.mark.parametrize(
    ("seen", "comes"),
    [
        ([], True),
        ([token("assessment", 6)], True),
        ([token("assessment", 7)], True),
        ([token("assessment", 8)], False),
        ([token("monitoring", 4)], True),
        ([token("monitoring", 5)], False),
        ([token("assessment", 7), token("monitoring", 5)], False),
        ([token("monitoring", 5), token("assessment", 7)], False),
        ([token("assessment", 1, OTHER_PARTITION)], False),
        ([token("prescribing", 99)], True),
    ],
)
async def test_what_the_caller_has_seen_is_waited_for(seen: list[ConsistencyToken], comes: bool) -> None:
    here = await informed(patience=MORE_THAN_ENOUGH if comes else 0.0)
    if comes:
        assert (await here.freshness(*seen)).stale == frozenset()
    else:
        with pytest.raises(Unavailable, match="evidence-not-yet-here"):
            await here.freshness(*seen)


async def test_the_answer_is_given_once_it_has_come_and_counts_it() -> None:
    here = await informed(patience=MORE_THAN_ENOUGH)
    asked = asyncio.create_task(here.freshness(token("assessment", 8)))
    await asyncio.sleep(0)
    assert not asked.done()
    here.sources.through["assessment", PARTITION, 8] = NOON
    await here.consume("assessment", 8, last=7)
    found = await asyncio.wait_for(asked, MORE_THAN_ENOUGH)
    assert found.stale == frozenset()
    assert (found.positions[0].position, found.positions[0].fresh_as_of) == (8, NOON)


@pytest.mark.parametrize(
    ("name", "checks"),
    [
        ("medications", (Check.DRUG_DRUG, Check.WASHOUT, Check.DUPLICATE_THERAPY)),
        ("allergies", (Check.ALLERGY,)),
        ("history", (Check.DRUG_CONDITION, Check.PRIOR_TRIAL)),
        ("a list of a later build", tuple(Check)),
    ],
)
def test_a_list_of_which_entries_could_not_be_read_is_a_gap_of_the_checks_that_read_it(
    name: str, checks: Sequence[Check]
) -> None:
    left_out = replace(p.ALLERGY_LEFT_OUT, list=name)
    incomplete = tuple(NotChecked(check=check, reason="list-incomplete", subject=name) for check in checks)
    assert gaps(*p.ASSESSED, left_out) == incomplete


def test_a_gap_ends_when_its_own_source_says_so_or_it_is_struck() -> None:
    left_out = replace(p.ALLERGY_LEFT_OUT, occurred_at=NOON - timedelta(days=2))
    whole = replace(left_out, fact_id=fact("whole"), left_out=0, occurred_at=NOON)
    of_another = replace(whole, source="another clinic")
    struck = replace(p.PHENELZINE_STRUCK, fact_id=left_out.fact_id)
    assert gaps(*p.ASSESSED, left_out, of_another) != ()
    assert gaps(*p.ASSESSED, whole, left_out) == gaps(*p.ASSESSED, left_out, whole) == ()
    assert gaps(*p.ASSESSED, left_out, struck) == ()
