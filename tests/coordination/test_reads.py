"""What coordination's reads ask of the use cases and what they answer, field by field, without a database."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from care.common.v1 import common_pb2
from care.coordination.v1 import coordination_pb2 as pb

from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.events.partitioner import partition_of
from careloop.chassis.log.memory import MemoryEventStore
from careloop.kernel.errors import InvalidInput, NotKnown, Unavailable
from careloop.kernel.ids import PatientId
from services.coordination.application import CareViews, Served
from services.coordination.domain.view.caseload import CaseloadEntry, Headline
from services.coordination.domain.view.section_fold import FOLD_VERSION
from services.coordination.domain.view.sections import SECTIONS, Sections
from services.coordination.domain.view.urgency import Urgency
from services.coordination.evidence import CONSUMER, Evidence, SourceFreshness, ViewChanges
from services.coordination.grpc_api import CoordinationApi
from services.coordination.reading.caseload import END_OF_TIME, CaseloadPlace
from services.coordination.reading.frames import Extent, Frame
from services.coordination.reading.journal import JournalEntry, JournalHead, Wanted
from services.coordination.reading.replay import Replay
from services.coordination.reading.stamp import Stamp, StampedSections
from services.coordination.rebuilding.comparison import Comparison
from services.coordination.rebuilding.lines import Line, Refused, parse
from services.coordination.rebuilding.terms import Mode, Phase, Progress, RebuildOutcome, RebuildRequest
from tests.coordination.telling import NO_WRITES, Told, all_of, folded, received, told, view
from tests.support.controls import coordination as control
from tests.support.controls.coordination import struck, week
from tests.support.controls.moments import LAST_WEEK, NOON, PATIENT, YESTERDAY, fact
from tests.support.speaking import speak_as, stamp

PARTITIONS = 6
TEXT = str(PATIENT)
PARTITION = partition_of(PATIENT, PARTITIONS)
TICK = timedelta(microseconds=1)
LONGEST = 5
NEXT_WEEK = NOON + timedelta(days=7)
STAMP = Stamp(journal_position=7, known_at=YESTERDAY, fold_version=3)
FRESH = (
    SourceFreshness(source="assessment", fresh_as_of=YESTERDAY, stale=False, held=False),
    SourceFreshness(source="monitoring", fresh_as_of=None, stale=True, held=True),
)
SERVED = Served(patient_id=PATIENT, sections=folded([("monitoring", control.RASH)]), stamp=STAMP, freshness=FRESH)


def entry(
    position: int, source: str = "monitoring", one: Any = control.RASH, number: int | None = None
) -> JournalEntry:
    """The fact as the journal has it; `number` is the fact's among those of its source."""
    had = received(source, one, number or position)
    return JournalEntry(
        position=position,
        journal_time=NOON + timedelta(seconds=position),
        patient_id=PATIENT,
        source=source,
        source_position=position + 100,
        partition=PARTITION,
        type=had.envelope.type,
        event_id=had.envelope.event_id,
        occurred_at=one.occurred_at,
        recorded_at=had.envelope.recorded_at,
        actor="someone",
        correlation_id=UUID(int=1),
        causation_id=UUID(int=2),
        value=had.value,
    )


@dataclass
class KnownViews:
    """The use cases' port, as a test fills it; `asked` has every question."""

    served: Sequence[Served] = (SERVED,)
    caseload: Sequence[CaseloadEntry] = ()
    asked: list[Any] = field(default_factory=list)

    async def get(self, *asked: Any) -> Served:
        self.asked.append(asked)
        return self.served[0]

    async def get_as_known(self, patient_id: PatientId, **asked: Any) -> Served:
        self.asked.append((patient_id, asked))
        return replace(self.served[0], freshness=())

    async def list_caseload(self, after: CaseloadPlace | None, limit: int) -> Sequence[CaseloadEntry]:
        self.asked.append((after, limit))
        return self.caseload[:limit]

    async def watch(self, patient_id: PatientId, clock: Any, seconds: float) -> AsyncIterator[Served]:
        self.asked.append((patient_id, clock(), seconds))
        for one in self.served:
            yield one

    async def read_journal(self, wanted: Wanted) -> AsyncIterator[Sequence[JournalEntry]]:
        self.asked.append(wanted)
        yield [entry(1), entry(2)]
        yield [entry(3)]


@dataclass
class KnownFrames:
    frame: Frame
    asked: list[Extent] = field(default_factory=list)

    async def read(self, extent: Extent) -> AsyncIterator[Frame]:
        self.asked.append(extent)
        yield self.frame


@dataclass
class KnownRebuilds:
    told: Sequence[Progress | RebuildOutcome] = ()
    asked: list[RebuildRequest] = field(default_factory=list)

    async def run(self, asked: RebuildRequest) -> AsyncIterator[Progress | RebuildOutcome]:
        self.asked.append(asked)
        for one in self.told:
            yield one


@dataclass
class Waiting:
    """How long a caller still waits; None for ever."""

    seconds: float | None = 60

    def time_remaining(self) -> float | None:
        return self.seconds


def context(seconds: float | None = 60) -> Any:
    return cast(Any, Waiting(seconds))


FRAME = Frame(after=1, through=4, entries=2, journaled=3, rows=b"x" * ((1 << 20) + 5))


@dataclass
class Desk:
    views: KnownViews = field(default_factory=KnownViews)
    frames: KnownFrames = field(default_factory=lambda: KnownFrames(FRAME))
    rebuilds: KnownRebuilds = field(default_factory=KnownRebuilds)

    @property
    def api(self) -> CoordinationApi:
        return CoordinationApi(
            NO_WRITES,
            cast(Any, self.views),
            cast(Any, self.frames),
            cast(Any, self.rebuilds),
            partitions=PARTITIONS,
            clock=lambda: LAST_WEEK,
            longest_wait_seconds=LONGEST,
        )


@pytest.fixture
def desk() -> Desk:
    speak_as("dr-osei", "psychiatrist")
    return Desk()


def token(position: int, source: str = "monitoring", patient: PatientId = PATIENT) -> ConsistencyToken:
    return ConsistencyToken(service=source, partition=PARTITION, position=position, patient_id=patient)


@pytest.mark.parametrize(
    ("remaining", "wait"), [(60, LONGEST - 0.15), (5, LONGEST - 0.15), (3, 2.85), (0.15, 0), (0.1, 0), (None, 0)]
)
async def test_a_view_is_waited_for_as_long_as_the_caller_does_but_no_longer_than_is_set(
    desk: Desk, remaining: float | None, wait: float
) -> None:
    await desk.api.GetCareView(pb.GetCareViewRequest(patient_id=TEXT), context(remaining))
    ((patient, tokens, now, seconds),) = desk.views.asked
    assert (patient, tokens, now) == (PATIENT, [], NOON)
    assert seconds == pytest.approx(wait)


@pytest.mark.parametrize("source", SECTIONS)
async def test_a_view_waits_for_what_the_tokens_of_any_source_name(desk: Desk, source: str) -> None:
    wanted = [token(3, source), token(9)]
    request = pb.GetCareViewRequest(patient_id=TEXT, at_least=[one.encode() for one in wanted])
    await desk.api.GetCareView(request, context())
    assert desk.views.asked[0][1] == wanted


@pytest.mark.parametrize("wrong", [token(1, "visits"), token(1, patient=PatientId(fact("another")))])
async def test_a_token_that_this_view_cannot_wait_for_is_refused(desk: Desk, wrong: ConsistencyToken) -> None:
    request = pb.GetCareViewRequest(patient_id=TEXT, at_least=[token(1).encode(), wrong.encode()])
    with pytest.raises(InvalidInput) as refused:
        await desk.api.GetCareView(request, context())
    assert (refused.value.field, desk.views.asked) == ("at_least[1]", [])


FRESHNESS = [
    common_pb2.Freshness(source="assessment", fresh_as_of=stamp(YESTERDAY), stale=False, held=False),
    common_pb2.Freshness(source="monitoring", stale=True, held=True),
]
STAMPED = pb.Stamp(journal_position=7, known_at=stamp(YESTERDAY), fold_version=3)


async def test_a_view_is_answered_with_its_stamp_and_how_fresh_each_source_is(desk: Desk) -> None:
    answer = await desk.api.GetCareView(pb.GetCareViewRequest(patient_id=TEXT), context())
    assert answer.stamp == STAMPED
    assert list(answer.freshness) == FRESHNESS
    assert [one.fact_id for one in answer.view.open_side_effects] == [str(control.RASH.fact_id)]


async def test_a_watch_shows_every_change_until_the_caller_leaves(desk: Desk) -> None:
    desk.views.served = (SERVED, replace(SERVED, stamp=replace(STAMP, journal_position=8)))
    request = pb.WatchCareViewRequest(patient_id=TEXT)
    answers = [one async for one in desk.api.WatchCareView(request, context(30))]
    assert [one.stamp.journal_position for one in answers] == [7, 8]
    assert list(answers[0].freshness) == FRESHNESS
    assert answers[0].view.open_side_effects
    assert desk.views.asked == [(PATIENT, LAST_WEEK, pytest.approx(29.85))]


@pytest.mark.parametrize(
    ("given", "valid_at", "known_at"),
    [
        ({}, None, None),
        ({"valid_at": stamp(LAST_WEEK)}, LAST_WEEK, None),
        ({"known_at": stamp(YESTERDAY)}, None, YESTERDAY),
        (
            {"valid_at": stamp(NOON + timedelta(days=9)), "known_at": stamp(LAST_WEEK)},
            NOON + timedelta(days=9),
            LAST_WEEK,
        ),
    ],
)
async def test_a_view_of_the_past_is_asked_for_by_either_time(
    desk: Desk, given: dict[str, Any], valid_at: datetime | None, known_at: datetime | None
) -> None:
    request = pb.GetCareViewAsKnownRequest(patient_id=TEXT, **given)
    answer = await desk.api.GetCareViewAsKnown(request, context())
    assert desk.views.asked == [(PATIENT, {"valid_at": valid_at, "known_at": known_at, "now": NOON})]
    assert answer.stamp == STAMPED
    assert answer.view.open_side_effects


def line(number: int, due_at: datetime | None = None) -> CaseloadEntry:
    urgency = Urgency(rank=1, level="same-day", reason="side-effect", fact_id=fact("rash"), due_at=due_at)
    headline = Headline(
        name="Alma Reyes",
        birth_date=date(1990, 4, 12),
        assessment_completed=True,
        open_side_effects=2,
        unacknowledged_notices=3,
    )
    return CaseloadEntry(patient_id=PatientId(UUID(int=number)), urgency=urgency, headline=headline)


async def test_a_line_of_the_caseload_says_all_of_it(desk: Desk) -> None:
    unknown = CaseloadEntry(
        patient_id=PatientId(UUID(int=9)), urgency=Urgency(rank=4, level="none"), headline=Headline()
    )
    desk.views.caseload = [line(1, YESTERDAY), unknown]
    answer = await desk.api.ListCaseload(pb.ListCaseloadRequest(), context())
    assert list(answer.entries) == [
        pb.CaseloadEntry(
            patient_id=str(UUID(int=1)),
            name="Alma Reyes",
            birth_date="1990-04-12",
            urgency=pb.Urgency(
                rank=1, level="same-day", reason="side-effect", fact_id=str(fact("rash")), due_at=stamp(YESTERDAY)
            ),
            open_side_effects=2,
            unacknowledged_notices=3,
            assessment_completed=True,
        ),
        pb.CaseloadEntry(patient_id=str(UUID(int=9)), urgency=pb.Urgency(rank=4, level="none")),
    ]


@pytest.mark.parametrize(("size", "limit"), [(0, 50), (1, 1), (200, 200)])
async def test_a_full_page_has_a_token_of_its_last_line_and_any_other_is_the_last(
    desk: Desk, size: int, limit: int
) -> None:
    desk.views.caseload = [line(number, None if number % 2 else YESTERDAY) for number in range(1, limit + 1)]
    full = await desk.api.ListCaseload(pb.ListCaseloadRequest(page_size=size), context())
    last = desk.views.caseload[-1]
    place = CaseloadPlace(rank=1, due_at=last.urgency.due_at or END_OF_TIME, patient_id=last.patient_id)
    assert CaseloadPlace.parse(full.next_page_token) == place
    desk.views.caseload = desk.views.caseload[:-1]
    rest = await desk.api.ListCaseload(
        pb.ListCaseloadRequest(page_size=size, page_token=full.next_page_token), context()
    )
    assert rest.next_page_token == ""
    assert desk.views.asked == [(None, limit), (place, limit)]


@pytest.mark.parametrize("size", [-1, 201])
async def test_a_page_has_one_to_two_hundred_lines(desk: Desk, size: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        await desk.api.ListCaseload(pb.ListCaseloadRequest(page_size=size), context())
    assert (refused.value.field, desk.views.asked) == ("page_size", [])


@pytest.mark.parametrize(("rank", "known"), [(-1, False), (0, True), (4, True), (5, False)])
def test_a_place_in_the_caseload_has_a_rank_that_there_is(rank: int, known: bool) -> None:
    place = CaseloadPlace(rank=rank, due_at=NOON, patient_id=PATIENT)
    if known:
        assert CaseloadPlace.parse(place.encode()) == place
    else:
        with pytest.raises(InvalidInput) as refused:
            CaseloadPlace.parse(place.encode())
        assert refused.value.field == "page_token"


def test_no_token_is_the_first_page_and_a_moment_without_a_zone_is_no_place() -> None:
    assert CaseloadPlace.parse("") is None
    with pytest.raises(InvalidInput):
        CaseloadPlace.parse(CaseloadPlace(rank=1, due_at=NOON.replace(tzinfo=None), patient_id=PATIENT).encode())


async def test_the_journal_is_read_as_asked_and_each_entry_says_all_of_it(desk: Desk) -> None:
    request = pb.ReadJournalRequest(after=5, since=stamp(YESTERDAY), patient_id=TEXT, types=["a", "b"])
    pages = [one async for one in desk.api.ReadJournal(request, context())]
    assert desk.views.asked == [Wanted(after=5, since=YESTERDAY, patient_id=PATIENT, types=("a", "b"))]
    assert [[one.position for one in page.entries] for page in pages] == [[1, 2], [3]]
    known = entry(1)
    assert pages[0].entries[0] == pb.JournalEntry(
        position=1,
        journal_time=stamp(known.journal_time),
        patient_id=TEXT,
        source="monitoring",
        source_position=101,
        partition=PARTITION,
        type="care.monitoring.SideEffectReported.v1",
        event_id=str(known.event_id),
        occurred_at=stamp(known.occurred_at),
        recorded_at=stamp(known.recorded_at),
        actor="someone",
        correlation_id=str(UUID(int=1)),
        causation_id=str(UUID(int=2)),
        value=known.value,
    )


async def test_what_is_not_asked_of_the_journal_is_not_narrowed(desk: Desk) -> None:
    _ = [one async for one in desk.api.ReadJournal(pb.ReadJournalRequest(), context())]
    _ = [one async for one in desk.api.ReadJournalFrames(pb.ReadJournalFramesRequest(), context())]
    assert desk.views.asked == [Wanted(after=0, since=None, patient_id=None, types=())]
    assert desk.frames.asked == [Extent(after=0, through=0, since=None, until=None, patient_id=None, types=())]


async def test_frames_are_read_as_asked_and_come_in_pieces_that_say_what_follows(desk: Desk) -> None:
    request = pb.ReadJournalFramesRequest(
        after=1, through=9, since=stamp(LAST_WEEK), until=stamp(YESTERDAY), patient_id=TEXT, types=["a"]
    )
    pieces = [one async for one in desk.api.ReadJournalFrames(request, context())]
    assert desk.frames.asked == [
        Extent(after=1, through=9, since=LAST_WEEK, until=YESTERDAY, patient_id=PATIENT, types=("a",))
    ]
    assert [(len(one.rows), one.more) for one in pieces] == [(1 << 20, True), (5, False)]
    assert {(one.after, one.through, one.entries, one.journaled) for one in pieces} == {(1, 4, 2, 3)}


@pytest.mark.parametrize(("size", "pieces"), [(0, [0]), (1, [1]), (1 << 20, [1 << 20])])
async def test_a_frame_is_told_also_where_it_is_empty(desk: Desk, size: int, pieces: list[int]) -> None:
    desk.frames.frame = replace(FRAME, rows=b"x" * size)
    told_pieces = [one async for one in desk.api.ReadJournalFrames(pb.ReadJournalFramesRequest(), context())]
    assert [len(one.rows) for one in told_pieces] == pieces
    assert not told_pieces[-1].more


@pytest.mark.parametrize("types", [100, 101])
async def test_at_most_a_hundred_types_are_asked_for(desk: Desk, types: int) -> None:
    for method, request in (
        (desk.api.ReadJournal, pb.ReadJournalRequest(types=["a"] * types)),
        (desk.api.ReadJournalFrames, pb.ReadJournalFramesRequest(types=["a"] * types)),
    ):
        reading = method(cast(Any, request), context())
        if types <= 100:
            assert await anext(reading)
        else:
            with pytest.raises(InvalidInput) as refused:
                await anext(reading)
            assert refused.value.field == "types"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (pb.REBUILD_MODE_TURN, Mode.TURN),
        (pb.REBUILD_MODE_CHECK, Mode.CHECK),
        (pb.REBUILD_MODE_ROLL_BACK, Mode.ROLL_BACK),
    ],
)
@pytest.mark.parametrize(("workers", "accept"), [(0, False), (64, True)])
async def test_a_rebuild_is_run_as_asked(desk: Desk, mode: Any, expected: Mode, workers: int, accept: bool) -> None:
    request = pb.RebuildCareViewRequest(mode=mode, workers=workers, accept_differences=accept)
    assert [one async for one in desk.api.RebuildCareView(request, context())] == []
    assert desk.rebuilds.asked == [RebuildRequest(mode=expected, workers=workers, accept_differences=accept)]


async def test_a_rebuild_says_how_far_it_is_and_all_that_came_of_it(desk: Desk) -> None:
    compared = Comparison(rows=5, different=6, live=-1, idle=2**64 + 255, refolded=7)
    desk.rebuilds.told = (
        Progress(phase=Phase.CATCH_UP, done=3, of=9),
        RebuildOutcome(turned=True, through=11, events=12, sections=13, comparison=compared),
    )
    request = pb.RebuildCareViewRequest(mode=pb.REBUILD_MODE_CHECK)
    assert [one async for one in desk.api.RebuildCareView(request, context())] == [
        pb.RebuildCareViewResponse(progress=pb.RebuildProgress(phase="catch-up", done=3, of=9)),
        pb.RebuildCareViewResponse(
            outcome=pb.RebuildOutcome(
                turned=True,
                through=11,
                events=12,
                sections=13,
                compared=5,
                different=6,
                refolded=7,
                live_checksum="f" * 16,
                rebuilt_checksum="00000000000000ff",
            )
        ),
    ]


@pytest.mark.parametrize(
    ("request_", "slug", "name"),
    [
        (pb.RebuildCareViewRequest(), "field-required", "mode"),
        (pb.RebuildCareViewRequest(mode=pb.REBUILD_MODE_TURN, workers=-1), "out-of-range", "workers"),
        (pb.RebuildCareViewRequest(mode=pb.REBUILD_MODE_TURN, workers=65), "out-of-range", "workers"),
    ],
)
async def test_a_rebuild_that_cannot_be_is_refused(desk: Desk, request_: Any, slug: str, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await anext(desk.api.RebuildCareView(request_, context()))
    assert (refused.value.slug, refused.value.field, desk.rebuilds.asked) == (slug, name, [])


def test_a_rebuilds_lines_survive_the_way_to_who_started_it() -> None:
    outcome = RebuildOutcome(turned=False, through=1, events=2, sections=3, comparison=Comparison(rows=4))
    for line in (
        Line(progress=Progress(phase=Phase.FILL, done=1, of=2)),
        Line(outcome=outcome),
        Line(refused=Refused(slug="rebuild-running", sentence="Another one runs.")),
    ):
        content = line.encode()
        assert content.endswith(b"\n")
        assert parse(content) == line


def test_comparisons_of_several_ranges_add_up() -> None:
    one = Comparison(rows=1, different=2, live=0b0110, idle=0b0011, refolded=3)
    other = Comparison(rows=10, different=20, live=0b0101, idle=0b0001, refolded=30)
    assert one + other == Comparison(rows=11, different=22, live=0b0011, idle=0b0010, refolded=33)


@dataclass
class KnownSections:
    """The stored views, as a test fills them."""

    sections: Sections | None = None
    stamp: Stamp = STAMP
    at: dict[str, int] = field(default_factory=dict)

    async def of_patient(self, _patient_id: PatientId) -> StampedSections | None:
        return StampedSections(sections=self.sections, stamp=self.stamp) if self.sections else None

    async def positions(self, _patient_id: PatientId) -> dict[str, int]:
        return self.at


@dataclass
class Parking(MemoryEventStore):
    """A store that also says whose records are parked and how far was read."""

    parked: frozenset[str] = frozenset()
    read: dict[tuple[str, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        MemoryEventStore.__init__(self, lambda: NOON)

    async def parked_streams(self, consumer: str, stream_id: UUID) -> frozenset[str]:
        return self.parked if (consumer, stream_id) == (CONSUMER, PATIENT) else frozenset()

    async def consumed(self, consumer: str) -> dict[tuple[str, int], int]:
        return self.read if consumer == CONSUMER else {}


@dataclass
class KnownHeads:
    heads: dict[tuple[str, int], tuple[int, datetime]] = field(default_factory=dict)

    def fresh_as_of(self, source: str, partition: int, consumed_position: int) -> datetime | None:
        position, through = self.heads.get((source, partition), (0, None))
        return through if position <= consumed_position else None


@dataclass
class Known:
    """Everything that the care views stand on, in memory."""

    sections: KnownSections = field(default_factory=KnownSections)
    store: Parking = field(default_factory=Parking)
    heads: KnownHeads = field(default_factory=KnownHeads)
    held: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.changes = ViewChanges(cast(Any, None))
        self.evidence = Evidence(
            cast(Any, self.store),
            cast(Any, self.sections),
            self.heads,
            self.changes,
            holds=lambda source, partition: (source, partition) in self.held,
            partitions=PARTITIONS,
            max_age=timedelta(seconds=30),
        )
        self.views = CareViews(cast(Any, self.sections), cast(Any, None), cast(Any, None), self.evidence, self.changes)

    async def of(self, source: str, now: datetime = NOON) -> SourceFreshness:
        (found,) = (one for one in await self.evidence.freshness(PATIENT, now) if one.source == source)
        return found


async def test_every_source_is_stale_until_it_has_said_how_far_it_is() -> None:
    found = await Known().evidence.freshness(PATIENT, NOON)
    assert [one.source for one in found] == list(SECTIONS)
    assert {(one.fresh_as_of, one.stale, one.held) for one in found} == {(None, True, False)}


@pytest.mark.parametrize(
    ("ago", "stale"),
    [(timedelta(0), False), (timedelta(seconds=30), False), (timedelta(seconds=30) + TICK, True)],
)
async def test_a_source_is_fresh_for_as_long_as_is_set(ago: timedelta, stale: bool) -> None:
    known = Known()
    known.heads.heads = {("monitoring", PARTITION): (4, NOON - ago)}
    known.store.read = {("monitoring", PARTITION): 4}
    assert await known.of("monitoring") == SourceFreshness(
        source="monitoring", fresh_as_of=NOON - ago, stale=stale, held=False
    )
    assert (await known.of("assessment")).stale


async def test_only_what_was_read_of_this_patients_partition_and_source_counts() -> None:
    known = Known()
    known.heads.heads = {("monitoring", PARTITION): (4, NOON)}
    for read in (
        {("monitoring", PARTITION): 3},
        {("assessment", PARTITION): 4},
        {("monitoring", (PARTITION + 1) % PARTITIONS): 4},
        {},
    ):
        known.store.read = read
        assert (await known.of("monitoring")).stale


async def test_a_source_is_held_where_records_are_parked_or_held_back_and_then_it_is_stale() -> None:
    known = Known()
    known.heads.heads = {(source, PARTITION): (0, NOON) for source in SECTIONS}
    assert {(one.held, one.stale) for one in await known.evidence.freshness(PATIENT, NOON)} == {(False, False)}
    known.store.parked = frozenset({"prescribing"})
    known.held = {("monitoring", PARTITION), ("assessment", (PARTITION + 1) % PARTITIONS)}
    found = {one.source for one in await known.evidence.freshness(PATIENT, NOON) if one.held and one.stale}
    assert found == {"prescribing", "monitoring"}
    assert {one.source for one in await known.evidence.freshness(PATIENT, NOON) if one.stale} == found


SEEN: list[tuple[str, dict[str, Any], bool]] = [
    ("it is there", {"at": {"monitoring": 4, "assessment": 2}}, True),
    ("more is there", {"at": {"monitoring": 9, "assessment": 2}}, True),
    ("one is missing", {"at": {"monitoring": 3, "assessment": 2}}, False),
    ("nothing was told", {}, False),
    ("one source was never told", {"at": {"monitoring": 4}}, False),
    ("another source is further", {"at": {"monitoring": 3, "assessment": 9}}, False),
    ("the missing one is parked", {"at": {"assessment": 2}, "parked": {"monitoring"}}, True),
    ("another is parked", {"at": {"assessment": 2}, "parked": {"assessment"}}, False),
    ("the position was passed", {"at": {"assessment": 2}, "read": {("monitoring", PARTITION): 4}}, True),
    ("the position was not passed", {"at": {"assessment": 2}, "read": {("monitoring", PARTITION): 3}}, False),
    ("another partition passed it", {"at": {"assessment": 2}, "read": {("monitoring", PARTITION + 1): 4}}, False),
    ("one is parked and one is missing", {"parked": {"monitoring"}}, False),
]


@pytest.mark.parametrize(("_said", "stands", "seen"), SEEN)
async def test_a_view_includes_what_every_token_names_or_is_waited_for(
    _said: str, stands: dict[str, Any], seen: bool
) -> None:
    known = Known()
    known.sections.at = stands.get("at", {})
    known.store.parked = frozenset(stands.get("parked", ()))
    known.store.read = stands.get("read", {})
    tokens = [token(4), token(2, "assessment")]
    if seen:
        await known.evidence.wait_for(PATIENT, tokens, 0)
    else:
        with pytest.raises(Unavailable) as refused:
            await known.evidence.wait_for(PATIENT, tokens, 0)
        assert refused.value.slug == "not-yet-visible"


async def test_a_wait_ends_as_soon_as_the_view_changed() -> None:
    known = Known()
    waiting = asyncio.ensure_future(known.evidence.wait_for(PATIENT, [token(4)], 60))
    await asyncio.sleep(0)
    known.sections.at = {"monitoring": 4}
    known.changes._heard(cast(Any, None), 0, "", str(PATIENT))
    async with asyncio.timeout(0.9):
        await waiting


async def test_only_who_watches_a_patient_hears_of_them_and_all_of_what_names_nobody() -> None:
    changes = ViewChanges(cast(Any, None))
    other = PatientId(fact("another"))
    with changes.watching(PATIENT) as mine, changes.watching(PATIENT) as too, changes.watching(other) as theirs:
        changes._heard(cast(Any, None), 0, "", f"{other},{PatientId(fact('third'))}")
        assert (mine.is_set(), too.is_set(), theirs.is_set()) == (False, False, True)
        changes._heard(cast(Any, None), 0, "", "")
        assert mine.is_set()
        assert too.is_set()
    with changes.watching(PATIENT) as again:
        assert not again.is_set()
        changes._wake()
        assert again.is_set()


async def test_a_view_is_not_served_before_it_includes_the_tokens() -> None:
    known = Known()
    known.sections.sections = folded([("monitoring", control.RASH)])
    with pytest.raises(Unavailable):
        await known.views.get(PATIENT, [token(4)], NOON, 0)
    known.sections.at = {"monitoring": 4}
    served = await known.views.get(PATIENT, [token(4)], NOON, 0)
    assert (all_of(served), served.stamp) == (view(monitoring=(control.RASH,)), STAMP)
    assert [one.source for one in served.freshness] == list(SECTIONS)


async def test_of_whom_nothing_is_known_nothing_is_served() -> None:
    with pytest.raises(NotKnown) as refused:
        await Known().views.get(PATIENT, [], NOON, 0)
    assert (refused.value.slug, refused.value.field) == ("patient-not-known", "patient_id")


@dataclass
class KnownJournal:
    """The journal of one patient, as a test fills it."""

    entries: Sequence[JournalEntry] = ()
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    async def head(self, known_at: datetime | None = None) -> JournalHead | None:
        known = [one for one in self.entries if known_at is None or one.journal_time <= known_at]
        return JournalHead(position=known[-1].position, journal_time=known[-1].journal_time) if known else None

    async def fetch(self, sql: str, *args: Any) -> Sequence[Mapping[str, Any]]:
        """Of each source the last entry up to a position, or the entries between two, as the question has it."""
        if "section_states" in sql:
            patient_id, sources, through, fold = args
            self.asked.append((patient_id, through, fold))
            known = {one.source: one for one in self.entries if one.position <= through}
            return [self._head(known[source], fold) for source in sources if source in known]
        return [
            self._told(n, one)
            for n, (source, after, through) in enumerate(zip(*args[1:], strict=True), start=1)
            for one in self.entries
            if one.source == source and after < one.position <= through
        ]

    def _head(self, last: JournalEntry, fold: int) -> Mapping[str, Any]:
        head = {name: getattr(last, name) for name in ("patient_id", "source", "source_position", "journal_time")}
        return {**head, "journal_position": last.position, "fold_version": fold, "state": None, "state_position": None}

    def _told(self, n: int, one: JournalEntry) -> Mapping[str, Any]:
        return {"n": n, **{name: getattr(one, name) for name in TOLD}}


TOLD = ("position", "type", "event_id", "occurred_at", "recorded_at", "actor", "value")


def journal_of(*facts: Told) -> KnownJournal:
    numbers: Counter[str] = Counter()
    entries = []
    for position, (source, one) in enumerate(facts, start=1):
        numbers[source] += 1
        entries.append(entry(position, source, one, numbers[source]))
    return KnownJournal(entries)


async def test_a_replay_of_everything_is_the_fold_of_everything() -> None:
    journal = journal_of(*told())
    known = await Replay(cast(Any, journal), cast(Any, journal)).as_known(PATIENT)
    assert known is not None
    assert known.sections == folded(told())
    assert known.stamp == Stamp(journal_position=len(told()), known_at=journal.entries[-1].journal_time)
    assert journal.asked == [(PATIENT, len(told()), FOLD_VERSION)]


@pytest.mark.parametrize(("until", "known"), [(-TICK, 1), (timedelta(0), 2), (TICK, 2)])
async def test_a_replay_ends_with_what_was_known_at_its_moment(until: timedelta, known: int) -> None:
    journal = journal_of(("monitoring", control.RASH), ("monitoring", control.NAUSEA), ("monitoring", control.DOSE))
    at = journal.entries[1].journal_time + until
    found = await Replay(cast(Any, journal), cast(Any, journal)).as_known(PATIENT, known_at=at)
    assert found is not None
    assert len(found.sections.monitoring.reported) == known
    assert found.stamp.journal_position == known


@pytest.mark.parametrize(("offset", "shown"), [(-TICK, 0), (timedelta(0), 1), (TICK, 1)])
async def test_a_replay_shows_what_had_happened_by_its_moment(offset: timedelta, shown: int) -> None:
    journal = journal_of(("monitoring", control.RASH), ("assessment", control.ENROLLED))
    replay = Replay(cast(Any, journal), cast(Any, journal))
    found = await replay.as_known(PATIENT, valid_at=control.RASH.occurred_at + offset)
    assert found is not None
    assert len(found.sections.monitoring.reported) == shown
    assert found.stamp.journal_position == 2


async def test_a_strike_counts_at_every_moment_at_which_it_was_known() -> None:
    journal = journal_of(("monitoring", control.RASH), ("monitoring", struck(control.RASH, week(12))))
    replay = Replay(cast(Any, journal), cast(Any, journal))
    found = await replay.as_known(PATIENT, valid_at=week(9))
    assert found is not None
    assert found.sections.monitoring.reported == ()
    found = await replay.as_known(PATIENT, valid_at=week(9), known_at=journal.entries[0].journal_time)
    assert found is not None
    assert len(found.sections.monitoring.reported) == 1


async def test_where_nothing_was_known_there_is_nothing_to_replay() -> None:
    assert await Replay(cast(Any, KnownJournal()), cast(Any, KnownJournal())).as_known(PATIENT) is None
    journal = journal_of(("monitoring", control.RASH))
    assert await Replay(cast(Any, journal), cast(Any, journal)).as_known(PATIENT, known_at=NOON) is None


async def test_the_past_is_asked_for_up_to_now_or_as_far_as_the_journal_has_come() -> None:
    journal = journal_of(("monitoring", control.RASH))
    known = Known()
    known.sections.sections = folded([("monitoring", control.RASH)])
    replay = Replay(cast(Any, journal), cast(Any, journal))
    views = CareViews(cast(Any, known.sections), cast(Any, journal), replay, known.evidence, known.changes)
    written = journal.entries[0].journal_time

    async def at(known_at: datetime, now: datetime) -> Served:
        return await views.get_as_known(PATIENT, valid_at=None, known_at=known_at, now=now)

    served = await at(written, NOON)
    assert (all_of(served), served.freshness) == (view(monitoring=(control.RASH,)), ())
    assert served.stamp.journal_position == 1
    assert (await at(written + TICK, written + TICK)).stamp == served.stamp
    with pytest.raises(InvalidInput) as refused:
        await at(written + TICK, NOON)
    assert (refused.value.slug, refused.value.field) == ("in-the-future", "known_at")
    journal.entries = ()
    with pytest.raises(InvalidInput):
        await at(NOON + TICK, NOON)
    with pytest.raises(NotKnown):
        await at(NOON, NOON)
