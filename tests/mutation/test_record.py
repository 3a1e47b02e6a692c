"""What is remembered of a run, and the page that is made of it."""

from pathlib import Path

from tests.mutation.changes import Change, changes
from tests.mutation.page import page, table
from tests.mutation.record import Record
from tests.mutation.rooms import HOUSES, room_of
from tests.mutation.trying import Outcome, Tried

FILE = "services/monitoring/domain/side_effects.py"
POSSIBLE = changes(FILE, "def graded(grade: int) -> bool:\n    return grade >= 3\n")


def tried(change: Change, outcome: Outcome) -> Tried:
    return Tried(change=change, outcome=outcome, diff="@@ -2 +2 @@\n-old | one\n+new", asked=1, left_out=0, seconds=1.0)


def taken(record: Record, *outcomes: Outcome) -> Record:
    record.take("services", 1, [tried(*pair) for pair in zip(POSSIBLE, outcomes, strict=True)], POSSIBLE)
    return record


def judged(root: Path, verdict: str) -> Record:
    """As a person does it: the verdict is written into the file."""
    file = root / "tests/mutation/record.json"
    file.write_text(file.read_text().replace('"verdict": ""', f'"verdict": "{verdict}"'))
    return Record.read(root)


def test_rooms_are_told_by_where_a_file_lies() -> None:
    assert room_of(FILE) == "monitoring/domain"
    assert room_of("services/monitoring/domain/clocks/due.py") == "monitoring/domain"
    assert room_of("services/prescribing/grpc_api/__init__.py") == "prescribing/edges"
    assert room_of("services/prescribing/evidence.py") == "prescribing/edges"
    assert room_of("careloop/chassis/log/postgres.py") == "chassis/log"
    assert room_of("careloop/chassis/backoff.py") == "chassis"
    assert room_of("careloop/knowledge/screening/checks/pairs.py") == "knowledge/screening"


def test_every_file_of_the_code_is_in_a_room_but_for_entry_points_and_wire_types() -> None:
    files = [file for house in HOUSES.values() for file in house.files(Path.cwd())]
    assert FILE in files
    assert not any(file.endswith(("__main__.py", "_pb2.py")) for file in files)
    assert all(room_of(file) for file in files)


def test_a_hanging_change_counts_as_noticed_and_one_that_nothing_reaches_does_not() -> None:
    score = taken(Record(), Outcome.TIMED_OUT, Outcome.NOT_REACHED).last["services"]
    assert "| monitoring/domain | 2 | 1 | 1 | 1 | 50.0% of 2 | 50.0% of 2 |" in table(score, score)


def test_a_verdict_stays_with_its_change_and_a_change_noticed_since_says_so(tmp_path: Path) -> None:
    (tmp_path / "tests/mutation").mkdir(parents=True)
    taken(Record(), Outcome.SURVIVED, Outcome.NOTICED).write(tmp_path)
    (equivalent,) = taken(judged(tmp_path, "equivalent: no grade is 3"), Outcome.SURVIVED, Outcome.NOTICED).survivors
    assert (equivalent.now, equivalent.verdict) == ("survived", "equivalent: no grade is 3")

    later = taken(taken(Record(), Outcome.SURVIVED, Outcome.NOTICED), Outcome.NOTICED, Outcome.NOTICED)
    assert [(one.now, one.verdict) for one in later.survivors] == [("noticed", "test added")]
    assert later.first["services"].rooms != later.last["services"].rooms


def test_a_change_of_code_that_is_gone_is_forgotten() -> None:
    record = taken(Record(), Outcome.SURVIVED, Outcome.SURVIVED)
    record.take("services", 1, [], POSSIBLE[:1])
    assert [one.name for one in record.survivors] == [POSSIBLE[0].name]


def test_the_page_shows_each_survivor_with_its_verdict() -> None:
    text = page(taken(Record(), Outcome.SURVIVED, Outcome.NOTICED))
    assert f"| `{FILE}:graded` | `-old \\| one`<br>`+new` | survived |  |" in text
    assert "2 of 2 possible changes, seed 1" in text
