"""What is read back of stored sections and of the caseload, row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, cast
from uuid import UUID

from careloop.chassis.events.codec import ENCODER
from careloop.kernel.ids import PatientId
from services.coordination.domain.view.caseload import CaseloadEntry, Headline
from services.coordination.domain.view.section_fold import FOLD_VERSION
from services.coordination.domain.view.urgency import Urgency, leading
from services.coordination.reading.caseload import END_OF_TIME, CaseloadPlace
from services.coordination.reading.stamp import Stamp, StampedSections
from services.coordination.reading.stored_section import NO_TAIL, NOT_RANKED, as_stored, sealed
from services.coordination.reading.views import Views
from tests.coordination.telling import folded, received
from tests.support.controls import coordination as control
from tests.support.controls.moments import NOON, PATIENT, fact

Row = Mapping[str, Any]
SECTION = folded([("monitoring", control.RASH), ("monitoring", control.NAUSEA)]).monitoring
ENROLLED = folded([("assessment", control.ENROLLED)]).assessment


@dataclass
class Rows:
    """A database that answers each question, by a word of it, with these rows."""

    answers: dict[str, Sequence[Row]]
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    async def fetch(self, sql: str, *args: Any) -> Sequence[Row]:
        self.asked.append(args)
        return next(rows for word, rows in reversed(self.answers.items()) if f"from {word}" in sql)


def row(
    source: str,
    section: Any,
    position: int,
    journal_position: int,
    fold_version: int = FOLD_VERSION,
    state_position: int | None = None,
) -> Row:
    """A head and its state, which stands where the head does unless it says where it stands."""
    return {
        "patient_id": PATIENT,
        "source": source,
        "state": ENCODER.encode(section) if fold_version == FOLD_VERSION else b"of another shape",
        "state_position": journal_position if state_position is None else state_position,
        "source_position": position,
        "journal_position": journal_position,
        "journal_time": NOON + timedelta(seconds=journal_position),
        "fold_version": fold_version,
    }


def journaled(source: str, event: Any, position: int, n: int = 1) -> Row:
    """An entry of the tail of the n-th section that has one."""
    one = received(source, event, position)
    return {
        "n": n,
        "position": position,
        "journal_time": NOON,
        "patient_id": PATIENT,
        "source": source,
        "source_position": position,
        "partition": 0,
        "type": one.envelope.type,
        "event_id": one.envelope.event_id,
        "occurred_at": one.envelope.occurred_at,
        "recorded_at": one.envelope.recorded_at,
        "actor": "someone",
        "correlation_id": one.envelope.correlation_id,
        "causation_id": None,
        "value": one.value,
    }


def views(**answers: Sequence[Row]) -> tuple[Views, Rows]:
    rows = Rows(answers)
    return Views(cast(Any, rows)), rows


async def test_a_stored_section_is_read_with_its_position_its_ranking_and_its_size() -> None:
    read, rows = views(sections=[row("monitoring", SECTION, 8, 20)])
    found = (await read.of_source("monitoring", [PATIENT]))[PATIENT]
    assert replace(found, tail=NO_TAIL) == sealed(SECTION, 8, len(ENCODER.encode(SECTION)))
    assert found.whole == SECTION
    assert rows.asked == [("monitoring", [PATIENT])]


async def test_what_came_since_the_state_is_read_from_the_journal() -> None:
    state = folded([("monitoring", control.RASH)]).monitoring
    told = journaled("monitoring", control.NAUSEA, 2)
    read, rows = views(sections=[row("monitoring", state, 8, 20, state_position=7)], journal=[told])
    (found,) = (await read.of_source("monitoring", [PATIENT])).values()
    assert (found.state, found.whole, found.position) == (state, SECTION, 8)
    assert (found.tail.count, found.tail.size) == (1, len(told["value"]))
    assert (found.leading, found.is_of_this_fold) == (as_stored(leading(SECTION)), True)
    assert rows.asked[1] == ([PATIENT], ["monitoring"], [7], [20])
    (stored,) = [await views(sections=rows.answers["sections"], journal=[told])[0].of_patient(PATIENT)]
    assert stored is not None
    assert stored.sections.monitoring == SECTION


async def test_without_a_state_all_that_its_source_said_is_read() -> None:
    head = {**row("monitoring", None, 8, 20), "state": None, "state_position": None}
    entries = [journaled("monitoring", control.RASH, 1), journaled("monitoring", control.NAUSEA, 2)]
    read, rows = views(sections=[head], journal=entries)
    (found,) = (await read.of_source("monitoring", [PATIENT])).values()
    assert (found.whole, found.size, found.is_of_this_fold) == (SECTION, 0, True)
    assert rows.asked[1] == ([PATIENT], ["monitoring"], [0], [20])


JOURNAL = [
    journaled("monitoring", control.RASH, 1),
    journaled("monitoring", control.NAUSEA, 2),
]


async def test_a_section_of_another_fold_is_folded_from_its_own_sources_entries_and_its_ranking_is_not_known() -> None:
    old = row("monitoring", None, 8, 20, fold_version=FOLD_VERSION - 1)
    read, rows = views(sections=[old], journal=JOURNAL)
    (standing,) = (await read.of_source("monitoring", [PATIENT])).values()
    assert (standing.whole, standing.position, standing.leading) == (SECTION, 8, NOT_RANKED)
    assert not standing.is_of_this_fold
    assert rows.asked[1] == ([PATIENT], ["monitoring"], [0], [20])


async def test_a_view_is_of_all_sections_and_as_new_as_the_newest() -> None:
    newest = row("assessment", ENROLLED, 3, 21)
    read, _ = views(sections=[row("monitoring", SECTION, 8, 20), newest])
    stored = await read.of_patient(PATIENT)
    assert isinstance(stored, StampedSections)
    assert (stored.sections.monitoring, stored.sections.assessment) == (SECTION, ENROLLED)
    assert stored.stamp == Stamp(journal_position=21, known_at=NOON + timedelta(seconds=21), fold_version=FOLD_VERSION)
    nothing, _ = views(sections=[])
    assert await nothing.of_patient(PATIENT) is None


async def test_each_source_has_the_position_that_its_section_includes() -> None:
    read, _ = views(sections=[row("monitoring", SECTION, 8, 20), row("assessment", ENROLLED, 3, 21)])
    assert await read.positions(PATIENT) == {"monitoring": 8, "assessment": 3}


def line(rank: int, due_at: Any, reason: str, about: Any, *headlines: Headline) -> Row:
    texts = [ENCODER.encode(one).decode() for one in headlines] or None
    return {
        "patient_id": PATIENT,
        "rank": rank,
        "due_at": due_at,
        "reason": reason,
        "fact_id": about,
        "headlines": texts,
    }


async def test_a_line_of_the_caseload_says_how_urgent_it_is_and_joins_what_each_section_adds() -> None:
    told = (
        Headline(name="Alma Reyes", birth_date=date(1990, 4, 12), assessment_completed=True),
        Headline(),
        Headline(open_side_effects=2),
        Headline(unacknowledged_notices=3),
    )
    read, rows = views(caseload=[line(1, NOON, "side-effect", fact("rash"), *told), line(4, END_OF_TIME, "", None)])
    assert await read.caseload(None, 7) == [
        CaseloadEntry(
            patient_id=PATIENT,
            urgency=Urgency(rank=1, level="same-day", reason="side-effect", fact_id=fact("rash"), due_at=NOON),
            headline=Headline(
                name="Alma Reyes",
                birth_date=date(1990, 4, 12),
                assessment_completed=True,
                open_side_effects=2,
                unacknowledged_notices=3,
            ),
        ),
        CaseloadEntry(
            patient_id=PATIENT,
            urgency=Urgency(rank=4, level="none", reason="", fact_id=None, due_at=None),
            headline=Headline(),
        ),
    ]
    await read.caseload(CaseloadPlace(rank=2, due_at=NOON, patient_id=PATIENT), 1)
    first, next_one = rows.asked
    assert first[0] < 0
    assert first[3] == 7
    assert next_one == (2, NOON, PATIENT, 1)
    assert (first[1], first[2]) == (END_OF_TIME, PatientId(UUID(int=0)))
