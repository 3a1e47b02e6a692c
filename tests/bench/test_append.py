"""A measurement that could not fail its check would prove nothing: a tiny one runs, and spoilt data is found."""

import json

import pytest

from bench.appending import Load, run_ours
from bench.checks import check_answers, check_log
from bench.harness import Bench, main
from bench.results import CheckFailed, Figure, Row, require
from bench.servers import Database, connected
from tests.support.stack import PostgresDatabase

TINY = Load(waiting=4, patients=8, seconds=0.2, warm_up=0.05)

SPOILT = {
    "an event is lost": "delete from assessment.events where notification_id = 2",
    "content is changed": "update assessment.events set state = '{}' where notification_id = 2",
    "a position is left out": "update assessment.events set notification_id = 1000000 where notification_id = "
    "(select max(notification_id) from assessment.events)",
    "two events of a patient change places": """
        update assessment.events e set notification_id = e.notification_id + 1000000
        where (originator_id, originator_version) = (
            select originator_id, 1 from assessment.events where originator_version = 2 limit 1)""",
    "a version is skipped": "update assessment.events set originator_version = 1000000 where notification_id = 2",
}


@pytest.fixture
async def appended(postgres: PostgresDatabase) -> tuple[Database, int]:
    """A database after a tiny run, and how many appends were acknowledged."""
    database = Database(postgres.admin_url, postgres.name)
    return database, check_answers("careloop", await run_ours(database, TINY))


async def test_an_honest_run_passes_its_checks(appended: tuple[Database, int]) -> None:
    database, acknowledged = appended
    assert acknowledged > 10
    await check_log(database, "careloop", acknowledged)


@pytest.mark.parametrize("sql", SPOILT.values(), ids=SPOILT.keys())
async def test_spoilt_data_gives_no_figure(appended: tuple[Database, int], sql: str) -> None:
    database, acknowledged = appended
    async with connected(database.dsn) as server:
        await server.execute("alter table assessment.events disable trigger events_are_never_changed")
        assert not (await server.execute(sql)).endswith(" 0")
    with pytest.raises(CheckFailed):
        await check_log(database, "careloop", acknowledged)


def test_an_append_that_ignores_versions_gives_no_figure() -> None:
    with pytest.raises(CheckFailed, match="stale"):
        check_answers("somebody", [{"acknowledged": 9, "refuses_stale": False}])


@pytest.mark.postgres
def test_a_module_prints_its_report_or_fails(capsys: pytest.CaptureFixture[str]) -> None:
    async def measure(bench: Bench) -> None:
        figure = Figure(name="append", who="careloop", unit="commands/s", runs=(3.0, 1.0, 2.0))
        bench.report.rows.append(Row(figure="append", ours=figure, target=2.0))

    async def fail(_bench: Bench) -> None:
        require(False, "something is missing")

    assert main("append", "Append", measure, ["--quick", "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ours"], told["rows"][0]["reached"]) == (2.0, True)
    assert told["settings"]["postgresql fsync"] == told["settings"]["postgresql synchronous_commit"] == "on"

    assert main("append", "Append", fail, ["--json", "-"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "something is missing" in captured.err
