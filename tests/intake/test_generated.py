"""Generated patients are the same every time, and every resource of theirs is accounted for."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from careloop.cli.commands.generate import EXPECTED, GenerationFailed, Population, digest_of, generated
from careloop.intake.mapping import map_bundle
from careloop.intake.reading import read_bundle
from careloop.intake.tally import Tally

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
        tally = Tally()
        (facts,) = map_bundle(
            read_bundle(file.read_bytes(), tally), tally, now=datetime(2026, 11, 23, tzinfo=UTC), time_zone="UTC"
        )
        assert tally.mapped.total() + tally.not_used.total() + tally.not_understood.total() == tally.read > 100
        assert {why for _, why in tally.not_used} <= {"resource-type-not-used", "not-a-scale", "scale-not-supported"}
        assert {why for _, why in tally.not_understood} <= {"non-integer-score"}
        kinds = {type(request).__name__ for request in facts.requests}
        assert kinds >= {"EnrollPatientRequest", "RecordHistoryRequest", "RecordScaleTotalRequest"}


def test_bundles_that_were_changed_are_not_used(bundles: Path) -> None:
    (bundles / "added.json").write_text("{}")
    try:
        with pytest.raises(GenerationFailed, match="was changed"):
            generated(bundles.parents[1], TWO)
    finally:
        (bundles / "added.json").unlink()


def test_the_pack_knows_every_medicine_of_theirs(bundles: Path) -> None:
    tally, now = Tally(), datetime(2026, 11, 23, tzinfo=UTC)
    for file in bundles.glob("*.json"):
        map_bundle(read_bundle(file.read_bytes(), tally), tally, now=now, time_zone="UTC")
    assert tally.medicines["resolved"] > 0
    assert (set(tally.medicines), tally.unresolved.total()) == ({"resolved"}, 0)
