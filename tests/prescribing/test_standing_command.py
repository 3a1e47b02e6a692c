"""`careloop standing-check`: what a pack would raise of what all clients take, and what raises it."""

import json
from pathlib import Path
from uuid import UUID

import pytest

import careloop.knowledge
from tests.prescribing.serving import Log, served
from tests.prescribing.test_standing_check import PREGNANT, VALPROATE
from tests.support.controls import prescribing as p
from tests.support.controls.moments import PATIENT

OTHER = UUID(int=9)
DATA = Path(careloop.knowledge.__file__).parent / "data"


async def of_two() -> Log:
    """One who takes valproate and is pregnant, of which nobody ever heard, and one who takes nothing."""
    log = Log()
    await log.tell(PATIENT, (*p.ASSESSED, VALPROATE, PREGNANT))
    await log.tell(OTHER, p.ASSESSED)
    return log


@pytest.fixture
def other_pack(tmp_path: Path) -> Path:
    """As the pack in use, of another version, and without the rules on pregnancy."""
    for file in DATA.glob("*.yaml"):
        text = file.read_text()
        if file.name == "pregnancy.yaml":
            text = text.replace("[valproate]", "[phenobarbital]")
        (tmp_path / file.name).write_text(text)
    return tmp_path


async def test_it_says_what_the_pack_would_raise_and_writes_nothing() -> None:
    log = await of_two()
    before = await log.store.head()
    async with served(log) as console:
        said = await console.run("standing-check", role="analyst")
        as_json = await console.run("standing-check", "--json", role="analyst")
    assert said.code == 0, said.err
    first, *found = said.out.splitlines()
    assert first == str(PATIENT)
    assert any("valproate: contraindicated pregnancy.valproate" in line for line in found)
    assert "2 clients checked by" in said.err
    assert "Nothing was raised." in said.err
    (line,) = as_json.out.splitlines()
    assert json.loads(line)["concerns"][0]["alert"]["rule"] == "pregnancy.valproate"
    assert await log.store.head() == before


async def test_an_analyst_raises_nothing() -> None:
    log = await of_two()
    async with served(log) as console:
        refused = await console.run("standing-check", "--raise", role="analyst")
    assert (refused.code, "only-clinicians-raise" in refused.err) == (1, True)


async def test_raising_makes_one_check_due_for_each_client_and_once_for_the_pack() -> None:
    log = await of_two()
    async with served(log) as console:
        first = await console.run("standing-check", "--raise", role="pharmacist")
        again = await console.run("standing-check", "--raise", role="pharmacist")
    assert (first.code, again.code) == (0, 0), first.err
    assert "A check is due for 2 of them." in first.err
    assert "A check is due for 0 of them." in again.err


async def test_concerns_are_raised_by_the_pack_in_use_and_no_other(other_pack: Path) -> None:
    log = await of_two()
    async with served(log) as console:
        looked = await console.run("standing-check", "--pack", str(other_pack), role="analyst")
        refused = await console.run("standing-check", "--pack", str(other_pack), "--raise", role="pharmacist")
        wrong = await console.run("standing-check", "--pack", str(other_pack.parent), role="analyst")
    assert (looked.code, "pregnancy.valproate" in looked.out) == (0, False)
    assert (refused.code, "pack-not-in-use" in refused.err) == (1, True)
    assert wrong.code == 2
