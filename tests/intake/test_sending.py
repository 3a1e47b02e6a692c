"""An intake against the real assessment service behind its guard: what is sent, sent again, refused and reported."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from careloop.chassis.backoff import Backoff
from careloop.chassis.calls.auth import TokenVerifier
from careloop.chassis.calls.guard import Guard
from careloop.chassis.calls.server import GrpcServer
from careloop.chassis.commands.streams import Streams
from careloop.chassis.commands.writes import Writes
from careloop.chassis.events.codec import Codec
from careloop.chassis.events.publishing import Publishing, published_as
from careloop.chassis.log.memory import MemoryEventStore
from careloop.chassis.log.protocol import Unit, Written
from careloop.chassis.logs import set_up_logs
from careloop.cli.calling import intake_sending as sending
from careloop.cli.calling.client import Services
from careloop.cli.commands.intake import files_in, take_in
from careloop.cli.main import app
from careloop.cli.terminal.intake_report import IntakeReport
from careloop.contracts import assessment as contract
from careloop.contracts.policy import POLICY
from careloop.kernel.errors import Unavailable
from services.assessment.domain.decisions import DECISIONS
from services.assessment.domain.events import TOPICS, Event
from services.assessment.domain.state import DECIDER
from services.assessment.grpc_api import AssessmentApi
from tests.support.histories import fhir
from tests.support.services.signing import NOW, public_keys, token

REGISTRAR = {"sub": "careloop-intake", "role": "registrar"}


@pytest.fixture(autouse=True)
def _server_log() -> Iterator[None]:
    set_up_logs("assessment", StringIO())
    yield
    structlog.reset_defaults()


class LosesAnswers(MemoryEventStore):
    """Stores, then does not say so, for the first attempt of every command."""

    def __init__(self) -> None:
        super().__init__()
        self.told: set[str] = set()

    async def commit(self, unit: Unit) -> Sequence[Written]:
        written = await super().commit(unit)
        command_id = unit.writes[0].command_id
        if command_id not in self.told:
            self.told.add(command_id)
            raise Unavailable("store-unavailable", "The store gave no answer.")
        return written


@asynccontextmanager
async def assessment(store: MemoryEventStore, claims: dict[str, str] | None = None) -> AsyncIterator[Services]:
    """The service on a free port, and a client of it."""
    codec: Codec[Event] = Codec(TOPICS)
    topics = Publishing("assessment", codec, published_as(TOPICS, contract.TYPES), contract.TYPES).published_topics
    streams = Streams("assessment", store, codec, DECIDER, published=topics)
    api = AssessmentApi(Writes(streams, DECISIONS), 6)
    roles = {role for allowed in POLICY.values() for role in allowed}
    verifier = TokenVerifier(public_keys(), audience="assessment", roles=roles, clock=lambda: NOW)
    guard = Guard(verifier, POLICY, lambda: NOW, max_deadline_seconds=10)
    server = GrpcServer(guard, [api.add_to])
    port = await server.start("127.0.0.1", 0)
    try:
        async with Services({"assessment": f"127.0.0.1:{port}"}, lambda _: token(claims or REGISTRAR), 5) as known:
            yield known
    finally:
        await server.stop()


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    """A folder with two clients, and a file that is no bundle."""
    alma = [fhir.patient(), fhir.condition(), fhir.allergy(), fhir.medication(), fhir.total(), fhir.phq_9()]
    bo = fhir.patient(id="bo", identifier=[{"system": "urn:clinic", "value": "9"}], deceasedBoolean=False)
    (tmp_path / "a.json").write_bytes(fhir.bundle(*alma))
    (tmp_path / "b.json").write_bytes(fhir.bundle(bo, fhir.total(subject={"reference": "Patient/bo"}, value=3)))
    (tmp_path / "c.json").write_text("no bundle")
    return tmp_path


async def taken_in(folder: Path, known: Services) -> IntakeReport:
    return await take_in(files_in([folder]), known, "UTC", now=NOW)


async def test_everything_is_recorded_once_and_a_second_run_changes_nothing(bundles: Path) -> None:
    store = MemoryEventStore()
    async with assessment(store) as known:
        first = await taken_in(bundles, known)
        stored = (await store.head()).position
        second = await taken_in(bundles, known)
    assert (first.outcome.recorded, first.outcome.already_there, first.patients) == (8, 0, 2)
    assert (second.outcome.recorded, second.outcome.already_there) == (0, 8)
    assert (await store.head()).position == stored == 9, "eight facts, and the risk that a positive item 9 raises"
    assert first.bad_files == {str(bundles / "c.json"): "not a FHIR bundle"}
    assert not first.is_all_good


async def test_a_changed_resource_is_a_new_fact(bundles: Path) -> None:
    store = MemoryEventStore()
    async with assessment(store) as known:
        await taken_in(bundles, known)
        (bundles / "b.json").write_bytes(
            fhir.bundle(
                fhir.patient(id="bo", identifier=[{"system": "urn:clinic", "value": "9"}], deceasedBoolean=False),
                fhir.total(subject={"reference": "Patient/bo"}, value=4),
            )
        )
        again = await taken_in(bundles, known)
    assert (again.outcome.recorded, again.outcome.already_there) == (1, 7)


async def test_a_lost_answer_is_asked_for_again_and_recorded_once(
    bundles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PAUSES", Backoff(first=0.001, longest=0.1))
    store = LosesAnswers()
    async with assessment(store) as known:
        report = await taken_in(bundles, known)
    assert report.outcome.sent == report.outcome.already_there == 8
    assert (await store.head()).position == 9


async def test_what_another_caller_brought_in_is_already_there(bundles: Path) -> None:
    store = MemoryEventStore()
    async with assessment(store) as known:
        await taken_in(bundles, known)
    async with assessment(store, {"sub": "another", "role": "registrar"}) as known:
        report = await taken_in(bundles, known)
    assert report.outcome.already_there == report.outcome.sent == 8


async def test_refusals_are_counted_by_their_reason(bundles: Path) -> None:
    async with assessment(MemoryEventStore(), {"sub": "a", "role": "analyst"}) as known:
        report = await taken_in(bundles, known)
    assert report.outcome.refused.total() == 8
    assert {rpc for rpc, _ in report.outcome.refused} >= {"EnrollPatient", "RecordHistory"}
    assert len({reason for _, reason in report.outcome.refused}) == 1
    assert not report.is_all_good


async def test_where_nobody_answers_the_rest_is_not_sent(bundles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PAUSES", Backoff(first=0.001, longest=0.1))
    async with Services({"assessment": "127.0.0.1:1"}, lambda _: "token", 1) as known:
        report = await taken_in(bundles, known)
    assert (report.outcome.not_sent, report.outcome.sent) == (8, 0)
    assert not report.is_all_good


def invoked(*arguments: str, **environment: str) -> Any:
    return CliRunner().invoke(app, ["intake", *arguments], env={"NO_COLOR": "1", **environment})


async def test_the_report_is_json_on_standard_output_and_the_exit_code_says_whether_all_is_good(bundles: Path) -> None:
    async with assessment(MemoryEventStore()) as known:
        given = ("--address", f"assessment={known.addresses['assessment']}", "--json", "--token", token(REGISTRAR))
        with_bad_file = await asyncio.to_thread(invoked, str(bundles), *given)
        good = await asyncio.to_thread(invoked, str(bundles / "a.json"), *given)
    told = json.loads(with_bad_file.stdout)
    assert told["requests"] == {"recorded": 8, "already_there": 0, "refused": [], "not_sent": 0}
    assert told["resources"]["read"] == sum(told["resources"]["mapped"].values()) == 8
    assert (with_bad_file.exit_code, good.exit_code) == (1, 0)


async def test_a_person_reads_tables(bundles: Path) -> None:
    async with assessment(MemoryEventStore(), {"sub": "a", "role": "analyst"}) as known:
        given = (
            "--address",
            f"assessment={known.addresses['assessment']}",
            "--token",
            token({"sub": "a", "role": "analyst"}),
        )
        shown = await asyncio.to_thread(invoked, str(bundles), *given)
    assert "Refused by the assessment service" in shown.stdout
    assert "3 files, 1 of them bad; 2 patients." in shown.stdout
    assert "c.json (not a FHIR bundle)" in shown.stdout


@pytest.mark.parametrize(
    "arguments", [(), ("/no/such/file",), (__file__, "--time-zone", "Mars/Olympus"), (__file__, "--address", "x")]
)
def test_wrong_use_exits_2(arguments: tuple[str, ...]) -> None:
    assert invoked(*arguments, CARELOOP_TOKEN="t").exit_code == 2
