"""The journal in frames: what the store holds, filtered, and a hole in it found by whoever reads."""

import json
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from care.coordination.v1 import coordination_pb2 as pb
from msgspec import structs

from careloop.cli.calling.journal_frames import Frame, JournalHole, frames, lines
from services.coordination.grpc_api import journal as wire
from services.coordination.reading import frames as server
from services.coordination.reading.frames import Extent, JournalFrames
from services.coordination.reading.journal import JournalEntry, Wanted
from tests.coordination.rebuilding import alone, as_admin
from tests.coordination.running import Coordination, coordination
from tests.coordination.serving import Console, served
from tests.coordination.test_rebuild import PATIENTS, tell_everyone
from tests.support.controls import coordination as control
from tests.support.controls.moments import fact
from tests.support.stack import PostgresDatabase

REPORTED = "care.monitoring.SideEffectReported.v1"


@pytest.fixture
async def care(postgres: PostgresDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Coordination]:
    monkeypatch.setattr(server, "FRAME", 10)
    async with coordination(postgres) as running:
        await tell_everyone(running, PATIENTS[:2])
        yield running


async def replayed(care: Coordination, wanted: Extent | None = None) -> list[dict[str, Any]]:
    """Through the messages of the wire and the reader of the console, without a server."""
    wanted = wanted or Extent()
    filtered = bool(wanted.patient_id or wanted.types)
    read = frames(answers(care, wanted), filtered=filtered)
    return [json.loads(line) async for frame in read for line in lines(frame)]


async def answers(care: Coordination, wanted: Extent) -> AsyncIterator[pb.ReadJournalFramesResponse]:
    async with aclosing(JournalFrames(care.store.connections).read(wanted)) as read:
        async for frame in read:
            for piece in wire.pieces(frame):
                yield piece


async def entries(care: Coordination, wanted: Wanted | None = None) -> list[JournalEntry]:
    return [entry async for page in care.care_views.read_journal(wanted or Wanted()) for entry in page]


def positions(lines_: Iterable[dict[str, Any]]) -> list[int]:
    return [line["position"] for line in lines_]


async def test_a_line_says_what_the_entry_says(care: Coordination) -> None:
    told, read = await entries(care), await replayed(care)
    assert len(told) == len(read) > 50
    for entry, line in zip(told, read, strict=True):
        assert line.pop("key_id") is None
        for name in ("journal_time", "occurred_at", "recorded_at"):
            assert datetime.fromisoformat(line.pop(name)) == getattr(entry, name)
        assert line.pop("value") == json.loads(entry.value)
        shown = {name: getattr(entry, name) for name in line}
        plain = {k: v if v is None or isinstance(v, int) else str(v) for k, v in shown.items()}
        assert line == plain


async def test_what_is_wanted_is_read_by_position_time_patient_and_type(care: Coordination) -> None:
    told = await entries(care)
    every = [entry.position for entry in told]
    middle = told[20].journal_time
    assert positions(await replayed(care, Extent(after=15, through=35))) == every[15:35]
    assert positions(await replayed(care, Extent(since=middle))) == every[20:]
    assert positions(await replayed(care, Extent(until=middle))) == every[:20]
    assert positions(await replayed(care, Extent(since=middle, until=told[31].journal_time, after=25))) == every[25:31]
    assert positions(await replayed(care, Extent(after=10_000))) == []
    assert positions(await replayed(care, Extent(since=middle + timedelta(days=1)))) == []
    of_one = [entry.position for entry in told if entry.patient_id == PATIENTS[1]]
    assert positions(await replayed(care, Extent(patient_id=PATIENTS[1]))) == of_one
    assert len(of_one) > server.FRAME
    types = (REPORTED, "care.assessment.PatientEnrolled.v1")
    both = [entry.position for entry in told if entry.type in types]
    assert positions(await replayed(care, Extent(types=types))) == both
    one = [p for p in both if p in of_one]
    assert positions(await replayed(care, Extent(types=types, patient_id=PATIENTS[1]))) == one
    assert positions(await replayed(care, Extent(types=("o'hara', 'x",)))) == []


async def test_a_large_frame_comes_in_pieces(care: Coordination, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await replayed(care)
    monkeypatch.setattr(wire, "PIECE_BYTES", 700)
    assert len([piece async for piece in answers(care, Extent(through=10))]) > 3
    assert await replayed(care) == whole


async def test_a_line_is_one_line_whatever_a_value_holds(care: Coordination) -> None:
    envelope = care.next("monitoring", control.RASH, PATIENTS[3])
    await care.apply([structs.replace(envelope, value=b'{\r\n "note":\t"a\\nb",\n "n": 1}\n')])
    (read,) = await replayed(care, Extent(patient_id=PATIENTS[3]))
    assert read["value"] == {"note": "a\nb", "n": 1}


async def lost(postgres: PostgresDatabase, position: int) -> None:
    """What a wrong restore or a hand in the database may do."""
    await as_admin(postgres, "alter table journal disable trigger journal_is_never_changed")
    await as_admin(postgres, "delete from journal where position = $1", position)


@pytest.mark.parametrize("position", [1, 7, 10, 11, 20])
async def test_a_hole_is_found_by_the_reader(care: Coordination, postgres: PostgresDatabase, position: int) -> None:
    await lost(postgres, position)
    with pytest.raises(JournalHole) as hole:
        await replayed(care)
    assert position - server.FRAME <= hole.value.position < position
    assert f"after position {hole.value.position}" in str(hole.value)
    with pytest.raises(JournalHole):
        await replayed(care, Extent(types=(REPORTED,)))
    assert await replayed(care, Extent(after=position)) != []


def frame(rows: bytes = b"", **changes: Any) -> pb.ReadJournalFramesResponse:
    told = {"after": 0, "through": 0, "entries": 0, "journaled": 0} | changes
    return pb.ReadJournalFramesResponse(rows=rows, **told)


async def stream(*answered: pb.ReadJournalFramesResponse) -> AsyncIterator[pb.ReadJournalFramesResponse]:
    for one in answered:
        yield one


async def read(*answered: pb.ReadJournalFramesResponse, filtered: bool = False) -> list[Frame]:
    return [one async for one in frames(stream(*answered), filtered=filtered)]


async def test_frames_that_are_not_as_announced_are_refused(care: Coordination) -> None:
    first, second, *_ = [one async for one in answers(care, Extent())]
    assert len(await read(first, second)) == 2
    cut = first.rows[:-1]
    broken: list[list[pb.ReadJournalFramesResponse]] = [
        [second, first],
        [first, first],
        [frame(first.rows, after=0, through=10, entries=9, journaled=10)],
        [frame(first.rows, after=0, through=9, entries=10, journaled=9)],
        [frame(first.rows, after=1, through=11, entries=10, journaled=10)],
        [frame(cut, after=0, through=10, entries=10, journaled=10)],
        [frame(first.rows + b"\0", after=0, through=10, entries=10, journaled=10)],
        [frame(b"", after=0, through=10, entries=0, journaled=0)],
    ]
    for answered in broken:
        with pytest.raises(JournalHole):
            await read(*answered)
    with pytest.raises(JournalHole):
        await read(frame(b"", after=0, through=10, entries=0, journaled=9), filtered=True)
    assert await read(frame(b"", after=0, through=10, entries=0, journaled=10), filtered=True)


async def test_a_replay_holds_no_snapshot_and_no_lock(care: Coordination, postgres: PostgresDatabase) -> None:
    """Between two frames there is no open transaction, and what is written meanwhile is not waited for."""
    held = "select count(*) from pg_stat_activity where usename = 'coordination' and backend_xmin is not null"
    async with aclosing(JournalFrames(care.store.connections).read(Extent())) as reading:
        await anext(reading)
        await care.tell("monitoring", replace(control.DOSE, fact_id=fact("meanwhile")), patient_id=PATIENTS[0])
        await anext(reading)
        assert await as_admin(postgres, held) <= 1, "at most the frame that is read ahead"
        later = [one async for one in reading]
    assert await as_admin(postgres, held) == 0
    assert later[-1].through == 2 * sum(map(len, control.TOLD.values()))


@pytest.fixture
async def console(care: Coordination, postgres: PostgresDatabase) -> AsyncIterator[Console]:
    async with served(care, postgres) as running:
        yield running


async def test_the_command_prints_lines_counts_and_writes_files(
    care: Coordination, console: Console, tmp_path: Path
) -> None:
    told = [entry.position for entry in await entries(care)]
    said = await console.run("replay")
    assert said.code == 0
    assert positions(map(json.loads, said.out.splitlines())) == told
    counted = await console.run("replay", "--count", "--after", "30")
    assert (counted.code, counted.out) == (0, f"{len(told) - 30}\n")
    began = time.monotonic()
    spared = await console.run("replay", "--count", "--rate", "200")
    assert (spared.code, spared.out) == (0, f"{len(told)}\n")
    assert time.monotonic() - began >= len(told) / 200
    began = time.monotonic()
    await console.run("replay", "--count", "--rate", "1", "--deadline", "1")
    assert time.monotonic() - began < len(told), "the deadline ends the wait for the rate"
    out = tmp_path / "journal.jsonl"
    written = await console.run("replay", "--type", REPORTED, "--out", str(out))
    assert (written.code, written.out) == (0, "")
    assert {json.loads(line)["type"] for line in out.read_text().splitlines()} == {REPORTED}
    assert str(PATIENTS[0]) not in said.err + counted.err + written.err


async def test_the_command_ends_with_3_and_the_position_at_a_hole(postgres: PostgresDatabase, console: Console) -> None:
    await lost(postgres, 17)
    said = await console.run("replay", "--count")
    assert (said.code, said.out) == (3, "")
    assert "the journal has a hole after position 16" in said.err


async def test_only_an_analyst_replays_and_only_an_operator_rebuilds(console: Console) -> None:
    for words, role in ((("replay",), "operator"), (("rebuild",), "analyst")):
        said = await console.run(*words, role=role)
        assert said.code == 1
        assert "role-not-allowed" in said.err
        assert said.out == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("replay", "--after", "-1"), "--after"),
        (("replay", "--since", "yesterday"), "--since"),
        (("replay", "--rate", "0"), "--rate"),
        (("replay", "--patient", "nobody"), "--patient"),
        (("rebuild", "--roll-back", "--check"), "--roll-back"),
        (("rebuild", "--workers", "65"), "--workers"),
    ],
)
async def test_wrong_use_ends_with_2_and_a_sentence(console: Console, words: tuple[str, ...], sentence: str) -> None:
    said = await console.run(*words)
    assert said.code == 2
    assert sentence in said.err


async def test_the_rebuild_command_turns_checks_and_turns_back(
    care: Coordination, postgres: PostgresDatabase, console: Console
) -> None:
    nothing = await console.run("rebuild", "--roll-back", role="operator")
    assert nothing.code == 3
    assert "nothing-to-roll-back-to" in nothing.err
    done = await console.run("rebuild", "--json", role="operator")
    assert done.code == 0
    result = json.loads(done.out)
    assert (result["turned"], result["different"]) == (True, 0)
    assert result["live_checksum"] == result["rebuilt_checksum"]
    assert "fill: " in done.err
    back = await console.run("rebuild", "--roll-back", role="operator")
    assert back.code == 0
    assert "The view was turned" in back.out
    await as_admin(postgres, "update caseload set rank = 3 where slot = 0")
    differs = await console.run("rebuild", "--check", role="operator")
    assert differs.code == 4
    assert "The view is as it was" in differs.out


async def test_the_rebuild_command_says_that_another_one_runs(console: Console, postgres: PostgresDatabase) -> None:
    async with alone(postgres):
        said = await console.run("rebuild", role="operator")
    assert said.code == 3
    assert "Another rebuild" in said.err
