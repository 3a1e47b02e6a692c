"""A state folder of the build before: this build serves it, notes its old facts, and gives it the clocks it has now."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from careloop.chassis.clock import clock_of
from careloop.chassis.commands.seeding import Seeding
from careloop.chassis.commands.streams import Streams
from careloop.chassis.log.postgres import PostgresEventStore
from services.prescribing import due
from services.prescribing.__main__ import ROOMS
from tests.support.checker.ledger import tables
from tests.support.earlier_state.laid_out import StackOfEarlier, patients
from tests.support.knowledge import released, written
from tests.support.processes.console import careloop
from tests.support.processes.running import System, coordination, notifications
from tests.support.processes.starting import started_system
from tests.support.waiting import until

pytestmark = pytest.mark.system

PATIENTS = patients()
PACK_OF_THEN = "1.2.0"


@pytest.fixture(scope="module")
def earlier_system() -> Iterator[System]:
    """One of its own: five services of this build on what another build stored and published."""
    with started_system(stack_of=StackOfEarlier) as system:
        system.clock = clock_of(system.stack.home)
        yield system


@pytest.fixture
async def earlier(earlier_system: System) -> AsyncIterator[System]:
    async with earlier_system.open() as opened:
        yield opened


async def view_of(system: System, who: str) -> Any:
    """The care view of one of them."""
    request = coordination.GetCareViewRequest(patient_id=PATIENTS[who])
    return (await system.person("care-manager", "cm").surely("coordination", request)).view


async def stored(system: System, service: str, who: str) -> list[str]:
    """The kinds of events that the service has of one of them, in order."""
    async with tables(system, service) as database:
        rows = await database.fetch(
            "select topic from events where originator_id = $1 order by originator_version", UUID(PATIENTS[who])
        )
    return [row["topic"].split(".")[1] for row in rows]


async def count(system: System, query: str) -> int:
    """What a query of prescribing's tables counts."""
    async with tables(system, "prescribing") as database:
        return int(await database.fetchval(query))


async def test_every_client_of_the_build_before_is_served(earlier: System) -> None:
    for who in PATIENTS:
        view = await view_of(earlier, who)
        assert (view.identity.name, len(view.team)) == ("Robin Example", 3)
    assert [one.icd10 for one in (await view_of(earlier, "assessed")).diagnoses] == ["F33.1"]
    (declined,) = (await view_of(earlier, "declined")).declined_orders
    assert declined.reasons[0] == "contraindicated"


@pytest.mark.parametrize(
    ("service", "who", "notes"),
    [
        ("prescribing", "assessed", {"TimeZoneNoted", "CompletionNoted", "ConditionStatusNoted"}),
        ("prescribing", "assessed", {"AssessmentPartNoted", "DiagnosisSeverityNoted"}),
        ("prescribing", "listed", {"ListCompared", "DiscrepancyFound"}),
        ("monitoring", "assessed", {"TimeZoneNoted"}),
        ("notifications", "assessed", {"TimeZoneNoted", "ScreeningNoted"}),
    ],
)
async def test_what_this_build_began_to_note_is_noted_of_old_facts_once(
    earlier: System, service: str, who: str, notes: set[str]
) -> None:
    async def noted() -> bool:
        return notes <= set(await stored(earlier, service, who))

    await until(noted)
    kinds = await stored(earlier, service, who)
    assert kinds.count("TimeZoneNoted") == 1


async def test_a_list_that_named_our_prescription_is_a_discrepancy_now(earlier: System) -> None:
    async def found() -> bool:
        return [one.kind for one in (await view_of(earlier, "listed")).discrepancies] == ["dose"]

    await until(found)


async def test_a_dose_that_was_dated_ahead_takes_effect_on_its_day_and_not_before(earlier: System) -> None:
    async def in_force() -> bool:
        (sertraline,) = (await view_of(earlier, "assessed")).medications.medications
        doses = [(change.to_daily_dose_mg, change.in_force) for change in sertraline.dose_changes]
        return (sertraline.daily_dose_mg, doses) == ("100", [("150", False), ("100", True)])

    await until(in_force)
    assert (await stored(earlier, "prescribing", "assessed")).count("DoseTookEffect") == 1
    assert await count(earlier, "select count(*) from due where kind = 'take-effect' and done_at is null") == 1


async def test_a_risk_that_was_suppressed_as_old_news_pages_the_team(earlier: System) -> None:
    risk = (await view_of(earlier, "late-risk")).risks[0]
    prescriber = earlier.person("psychiatrist", f"dr-{PATIENTS['late-risk'][:8]}")

    async def paged() -> list[Any]:
        inbox = await prescriber.surely("notifications", notifications.ListInboxRequest())
        return [one for one in inbox.notices if one.cause_fact_id == risk.fact_id]

    await until(paged)
    assert (await view_of(earlier, "late-risk")).urgency.level == "emergency-now"


async def test_every_decision_of_the_build_before_is_answered_the_same_again(earlier: System, tmp_path: Path) -> None:
    pack = written(released(PACK_OF_THEN), tmp_path / "pack")
    said = await careloop(earlier, "replay-decisions", "--pack", str(pack), "--json")
    orders = [json.loads(line) for line in said.splitlines()]
    assert {one["decision"] for one in orders} == {"issued", "declined", "dose-changed"}
    assert len(orders) >= 7
    assert all(one["then"]["digest"] == one["now"]["digest"] for one in orders)
    assert not any(any(one["answer"].values()) for one in orders)


async def test_clocks_that_are_seeded_again_are_stored_once(earlier: System) -> None:
    stack = earlier.stack
    rows = "select count(*) from due where kind = 'take-effect'"
    before = await count(earlier, rows)
    async with PostgresEventStore.open(stack.postgres_dsn("prescribing"), "prescribing") as store:
        codec = ROOMS.codec()
        publishing = ROOMS.publishing("prescribing", codec)
        streams = Streams(
            "prescribing", store, codec, ROOMS.decider, published=publishing.published_topics, due=ROOMS.due
        )
        await Seeding("another pass", streams, due.clocks).run(datetime.now(UTC))
    assert await count(earlier, rows) == before
