"""A decision of an earlier build is taken again by the reading of then, however charts are read today."""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from careloop.chassis.events.codec import Codec
from careloop.kernel.errors import Unavailable
from careloop.knowledge.pack.pack import current_pack, load
from careloop.knowledge.screening.question import chart_of
from services.prescribing.domain import events
from services.prescribing.domain.past import as_decided, check_again, reasons_again
from services.prescribing.domain.readings.numbered import LATEST, READINGS, reading_of
from tests.support.controls import prescribing as p
from tests.support.controls.moments import TODAY
from tests.support.histories.courses import decisions, issued
from tests.support.knowledge import released

RECORDS = Path(__file__).parent / "records"
"""Streams as released builds stored them, one file for each reading."""
CODEC: Codec[events.Event] = Codec(events.TOPICS)


@dataclass(frozen=True)
class Kept:
    """A stream as it was stored, and what it shows."""

    name: str
    stream: Sequence[events.Event]


def kept(reading: int) -> Iterator[Kept]:
    for line in gzip.decompress((RECORDS / f"reading-{reading}.jsonl.gz").read_bytes()).splitlines():
        content: Any = msgspec.json.decode(line)
        stream = [CODEC.decode(topic, msgspec.json.encode(state)) for topic, state in content["events"]]
        yield Kept(content["name"], stream)


FIRST = list(kept(1))
OLD = "1.2.0"
PACK_OF_THEN = current_pack() if current_pack().title.version == OLD else load(released(OLD))


@pytest.mark.parametrize("record", FIRST, ids=lambda record: record.name)
def test_every_decision_of_an_earlier_build_is_answered_as_it_was(record: Kept) -> None:
    assert decisions(list(record.stream))
    for decided in decisions(list(record.stream)):
        past = as_decided(decided, record.stream, TODAY)
        assert past.reading.number == 1
        assert decided.capsule.screening.knowledge == PACK_OF_THEN.reference
        again = check_again(past, PACK_OF_THEN)
        assert again == decided.capsule.screening
        said = decided.reasons if isinstance(decided, events.PrescriptionDeclined) else ()
        assert reasons_again(past, again) == said


def test_the_records_hold_decisions_of_every_kind() -> None:
    taken = [decided for record in FIRST for decided in decisions(list(record.stream))]
    assert {type(decided) for decided in taken} == {
        events.PrescriptionIssued,
        events.PrescriptionDeclined,
        events.DoseChanged,
    }
    assert len(taken) > 100


def test_a_capsule_says_by_which_reading_it_was_decided() -> None:
    (decided,) = decisions(issued(*p.ASSESSED, order=p.SERTRALINE_50))
    assert decided.capsule.reading == LATEST.number == max(READINGS)
    assert b'"reading":2' in CODEC.encode(decided)[1]


def test_a_capsule_of_a_reading_that_this_build_does_not_have_is_left_to_a_newer_one() -> None:
    *facts, decided = issued(*p.ASSESSED, order=p.SERTRALINE_50)
    assert isinstance(decided, events.PrescriptionIssued)
    newer = replace(decided, capsule=replace(decided.capsule, reading=max(READINGS) + 1))
    with pytest.raises(Unavailable) as refused:
        as_decided(newer, [*facts, newer], TODAY)
    assert refused.value.slug == "stored-by-newer"


def test_each_reading_asks_its_own_question() -> None:
    """Otherwise the records would prove nothing: they hold charts that are read otherwise today."""
    differing = {
        record.name
        for record in FIRST
        for decided in decisions(list(record.stream))
        for past in [as_decided(decided, record.stream, TODAY)]
        if chart_of(LATEST.question(past.asking)) != chart_of(reading_of(1).question(past.asking))
    }
    assert differing >= READ_OTHERWISE


READ_OTHERWISE = frozenset({"stopped before it was started"})
"""Records whose chart says something else today."""
