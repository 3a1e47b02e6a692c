"""Generated patients are the same every time, and every resource of theirs is accounted for."""

from pathlib import Path

import pytest

from careloop.cli.commands.generate import EXPECTED, GenerationFailed, Population, digest_of, generated
from tests.support.histories.taken_in import taken_in

TWO = Population(patients=2, seed=11)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generated(tmp_path_factory.mktemp("home"), TWO)


def test_the_same_seed_makes_the_same_patients(bundles: Path) -> None:
    assert digest_of(bundles) == EXPECTED[TWO]


def test_they_are_made_once(bundles: Path) -> None:
    made = {file: file.stat().st_mtime_ns for file in bundles.iterdir()}
    assert generated(bundles.parents[1], TWO) == bundles
    assert {file: file.stat().st_mtime_ns for file in bundles.iterdir()} == made


def test_every_resource_is_mapped_or_counted(bundles: Path) -> None:
    for file in bundles.glob("*.json"):
        (facts,), tally = taken_in(file.read_bytes())
        assert tally.read > 100
        assert {why for _, why in tally.not_used} <= {
            "resource-type-not-used",
            "not-a-scale",
            "scale-not-supported",
        }
        assert {why for _, why in tally.not_understood} <= {"non-integer-score"}
        kinds = {type(request).__name__ for request in facts.requests}
        assert kinds >= {"EnrollPatientRequest", "RecordHistoryRequest", "RecordScaleTotalRequest"}
        assert "RecordListGapsRequest" not in kinds


def test_bundles_that_were_changed_are_not_used(bundles: Path) -> None:
    (bundles / "added.json").write_text("{}")
    try:
        with pytest.raises(GenerationFailed, match="was changed"):
            generated(bundles.parents[1], TWO)
    finally:
        (bundles / "added.json").unlink()


def test_the_pack_knows_every_medicine_of_theirs(bundles: Path) -> None:
    _, tally = taken_in(*(file.read_bytes() for file in bundles.glob("*.json")))
    assert tally.medicines["resolved"] > 0
    assert (set(tally.medicines), tally.unresolved.total()) == ({"resolved"}, 0)
