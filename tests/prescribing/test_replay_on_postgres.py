"""`careloop replay-decisions --pack` with packs of earlier versions, on a log in a real PostgreSQL."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import md5
from pathlib import Path
from typing import Any
from uuid import uuid5

import asyncpg
import pytest

from careloop.chassis.log.postgres import PostgresEventStore
from careloop.kernel.ids import PatientId
from careloop.knowledge.chart import Condition
from careloop.knowledge.pack.pack import current_pack, load
from services.prescribing.domain import events
from services.prescribing.domain.past import as_decided, check_again
from tests.prescribing.serving import Log, Said, served
from tests.support.controls import prescribing as p
from tests.support.controls.moments import PATIENT, TODAY
from tests.support.histories.courses import decisions, issued, prescription
from tests.support.knowledge import released, written
from tests.support.stack import PostgresDatabase

pytestmark = pytest.mark.postgres

OLD = "1.1.0"


@dataclass(frozen=True)
class Case:
    """An order for somebody with this condition; the alerts that only the old pack raises, and only the one in use."""

    drug: str
    mg: str
    condition: Condition | None = None
    only_old: frozenset[str] = frozenset()
    only_new: frozenset[str] = frozenset()

    @property
    def patient(self) -> PatientId:
        return PatientId(uuid5(PATIENT, f"{self.drug} {self.condition}"))


CORPUS = (
    Case("amitriptyline", "75", Condition(text="myocardial infarction 1998"), frozenset({"condition.tca-heart"}),
         frozenset({"condition.tca-past-infarction"})),
    Case("propranolol", "40", Condition(icd10="I44.0"), frozenset({"condition.propranolol-bradycardia"}),
         frozenset({"condition.propranolol-block"})),
    Case("disulfiram", "250", Condition(text="heart failure"), frozenset({"condition.disulfiram"}),
         frozenset({"condition.disulfiram-heart", "no-indication"})),
    Case("citalopram", "20", Condition(text="QT prolongation"), frozenset({"condition.citalopram-long-qt"}),
         frozenset({"condition.qt-high-risk-long-qt"})),
    Case("methylphenidate", "18", Condition(text="stable angina"), frozenset({"condition.stimulant-cardiovascular"}),
         frozenset({"condition.stimulant-heart"})),
    Case("sertraline", "50"),
    Case("lithium carbonate", "600"),
    Case("zelvoritine", "20"),
)  # fmt: skip


@pytest.fixture
async def log(postgres: PostgresDatabase) -> AsyncIterator[Log]:
    async with PostgresEventStore.open(postgres.dsn("prescribing"), "prescribing") as store:
        yield Log(store)


def course(case: Case) -> list[events.Event]:
    """What was noted of the patient, and what came of the order by the pack in use."""
    told = () if case.condition is None else (case.condition,)
    facts = [replace(fact, conditions=told) if fact is p.HISTORY else fact for fact in p.ASSESSED]
    return issued(*facts, order=prescription(case.drug, case.mg))


def decided_by(version: str, stream: list[events.Event]) -> list[events.Event]:
    """The same stream, had this version of the pack decided."""
    (decided,) = decisions(stream)
    answer = check_again(as_decided(decided, stream, TODAY), load(released(version)))
    return [*stream[:-1], replace(decided, capsule=replace(decided.capsule, screening=answer))]


async def contents(postgres: PostgresDatabase) -> Mapping[str, str]:
    """A digest of every table of prescribing."""
    admin = await asyncpg.connect(postgres.admin_dsn)
    try:
        tables = await admin.fetch("select tablename from pg_tables where schemaname = 'prescribing'")
        rows = "select md5(coalesce(string_agg(t::text, ' ' order by t::text), '')) from prescribing.{} t"
        return {name: await admin.fetchval(rows.format(name)) for (name,) in tables}
    finally:
        await admin.close()


def rules(alerts: Sequence[Mapping[str, Any]]) -> set[str]:
    return {alert["rule"] for alert in alerts}


async def replayed(log: Log, *folder: Path) -> tuple[Said, list[Any]]:
    """As people read it, and every order of it as a program does."""
    pack = [word for place in folder for word in ("--pack", str(place))]
    async with served(log) as console:
        text = await console.run("replay-decisions", *pack, role="analyst")
        lines = await console.run("replay-decisions", *pack, "--json", role="analyst")
    assert text.code == lines.code
    return text, [json.loads(line) for line in lines.out.splitlines()]


async def test_an_earlier_pack_lists_what_it_would_alert_and_what_it_would_not(
    log: Log, postgres: PostgresDatabase, tmp_path: Path
) -> None:
    for case in CORPUS:
        await log.tell(case.patient, course(case))
    before = await contents(postgres)
    text, orders = await replayed(log, written(released(OLD), tmp_path / "old"))
    assert text.code == 0
    assert [one["patient_id"] for one in orders] == [str(case.patient) for case in CORPUS]
    for case, one in zip(CORPUS, orders, strict=True):
        assert rules(one["answer"]["now_alerts"]) == case.only_old
        assert rules(one["answer"]["no_longer_alerts"]) == case.only_new
        assert (one["then"]["digest"], one["now"]["version"]) == (current_pack().digest, OLD)
    assert "8 orders: 3 answered the same, 5 would now alert, 5 would no longer alert." in text.err
    said = text.out.splitlines()
    place = said.index(f"{said[0][:10]} {CORPUS[0].patient} amitriptyline: declined")
    assert said[place + 1].startswith("  + contraindicated condition.tca-heart version 1: ")
    assert said[place + 2].startswith("  - high condition.tca-past-infarction version 1: ")
    assert "sertraline" not in text.out
    assert await contents(postgres) == before


async def test_the_pack_in_use_answers_all_of_them_as_it_did(log: Log, postgres: PostgresDatabase) -> None:
    for case in CORPUS:
        await log.tell(case.patient, course(case))
    before = await contents(postgres)
    text, orders = await replayed(log)
    assert (text.code, text.out, len(orders)) == (0, "", len(CORPUS))
    assert "8 orders: 8 answered the same" in text.err
    assert await contents(postgres) == before
    assert before["events"] != md5(b"").hexdigest()


@pytest.mark.parametrize("version", ["1.0.0", OLD])
async def test_what_an_earlier_pack_decided_it_answers_again_and_the_one_in_use_otherwise(
    log: Log, tmp_path: Path, version: str
) -> None:
    for case in CORPUS:
        await log.tell(case.patient, decided_by(version, course(case)))
    text, orders = await replayed(log, written(released(version), tmp_path / "old"))
    assert (text.code, text.out, len(orders)) == (0, "", len(CORPUS))
    assert all(one["then"] == one["now"] and one["then"]["version"] == version for one in orders)
    text, orders = await replayed(log)
    assert text.code == 0
    assert rules(orders[0]["answer"]["now_alerts"]) == {"condition.tca-past-infarction"}
    assert rules(orders[0]["answer"]["no_longer_alerts"]) == {"condition.tca-heart"}


async def test_an_order_that_its_own_earlier_pack_answers_otherwise_is_told_by_exit_code(
    log: Log, tmp_path: Path
) -> None:
    *facts, decided = decided_by(OLD, course(CORPUS[0]))
    assert isinstance(decided, events.Decided)
    silent = replace(decided.capsule.screening, alerts=())
    await log.tell(CORPUS[0].patient, [*facts, replace(decided, capsule=replace(decided.capsule, screening=silent))])
    old = written(released(OLD), tmp_path / "old")
    text, (order,) = await replayed(log, old)
    assert text.code == 3
    assert "1 were decided with this very pack and are answered otherwise." in text.err
    assert rules(order["answer"]["now_alerts"]) == {"condition.tca-heart"}
    assert (await replayed(log))[0].code == 0, "another pack may say otherwise"
    (old / "labs.yaml").unlink()
    async with served(log) as console:
        wrong = await console.run("replay-decisions", "--pack", str(old), role="analyst")
    assert (wrong.code, wrong.out) == (2, "")
    assert "labs.yaml" in wrong.err
