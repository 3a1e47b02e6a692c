"""Whatever this release reads anew, a past decision is judged with the pack of its time as it was then."""

import json
from pathlib import Path

import pytest

from careloop.knowledge.pack.pack import load
from tests.support.earlier_answers import answer_in_short
from tests.support.knowledge import released

ANSWERS: dict[str, list[str]] = json.loads((Path(__file__).parents[1] / "earlier_answers.json").read_text())
"""What the release of each version answered to the questions of these numbers."""


@pytest.mark.parametrize("version", ANSWERS)
def test_an_earlier_version_answers_questions_drawn_by_lot_as_its_release_did(version: str) -> None:
    pack = load(released(version))
    other = [seed for seed, answer in enumerate(ANSWERS[version]) if answer_in_short(pack, seed) != answer]
    assert other == []
