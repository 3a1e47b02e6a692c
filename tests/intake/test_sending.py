"""An intake against the real assessment service behind its guard: what is sent, sent again, refused and reported."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog
from care.assessment.v1 import assessment_pb2 as pb
from care.assessment.v1.assessment_pb2_grpc import AssessmentServiceStub
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
from careloop.cli.calling.client import CallRefused, Services
from careloop.cli.calling.intake_sending import INTAKE
from careloop.cli.commands.intake import files_in, take_in
from careloop.cli.main import app
from careloop.cli.terminal.intake_report import IntakeReport
from careloop.contracts import assessment as contract
from careloop.contracts.policy import POLICY
from careloop.kernel.errors import Unavailable
from careloop.kernel.ids import derived_id
from services.assessment.domain.decisions import DECISIONS
from services.assessment.domain.events import TOPICS, Event
from services.assessment.domain.state import DECIDER
from services.assessment.grpc_api import AssessmentApi
from tests.support.histories import fhir
from tests.support.services.informed import all_known
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
    api = AssessmentApi(Writes(streams, DECISIONS), 6, episodes=all_known())
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
    assert first.bad_files == {str(bundles / "c.json"): "not JSON"}
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
    assert report.outcome.refused == {("GetAssessment", "role-not-allowed"): 2}
    assert report.outcome.not_sent == 8
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
    said = json.loads(with_bad_file.stdout)
    assert said["requests"] == {"recorded": 8, "already_there": 0, "refused": [], "not_sent": 0}
    assert said["resources"]["read"] == sum(said["resources"]["mapped"].values()) == 8
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
    assert "c.json (not JSON)" in shown.stdout


@pytest.mark.parametrize(
    "arguments", [(), ("/no/such/file",), (__file__, "--time-zone", "Mars/Olympus"), (__file__, "--address", "x")]
)
def test_wrong_use_exits_2(arguments: tuple[str, ...]) -> None:
    assert invoked(*arguments, CARELOOP_TOKEN="t").exit_code == 2


# Whose chart it is.

MR_TYPE = {"type": {"coding": [{"code": "MR"}]}}
SHARED = {"system": "urn:payer:subscriber", "value": "77", "type": {"coding": [{"code": "SN"}]}}


def numbered(value: str) -> dict[str, str]:
    return {"system": "urn:clinic", "value": value}


def alma(*identifiers: Any, **changes: Any) -> dict[str, Any]:
    return fhir.patient(identifier=list(identifiers), **changes)


def son(*identifiers: Any) -> dict[str, Any]:
    return fhir.patient(
        id="son", identifier=list(identifiers), name=[{"family": "Reyes", "given": ["Leo"]}], birthDate="2004-05-06"
    )


async def by_the_earlier_rule(known: Services, *patients: dict[str, Any]) -> list[str]:
    """Enrols as earlier builds did, by the first identifier with a system; the ids, or why one was refused."""
    stub, answers = AssessmentServiceStub(known.channel("assessment")), []
    for number, patient in enumerate(patients):
        first = patient["identifier"][0]
        patient_id = str(derived_id("intake", "patient", first["system"], first["value"]))
        name = re.sub(r"\d", "", " ".join([*patient["name"][-1]["given"], patient["name"][-1]["family"]]))
        request = pb.EnrollPatientRequest(
            request_id=f"{number}", patient_id=patient_id, name=name, birth_date=patient["birthDate"], sex="unknown"
        )
        try:
            await known.ask("assessment", stub.EnrollPatient, request, INTAKE)
        except CallRefused as refusal:
            answers.append(refusal.reason)
        else:
            answers.append(patient_id)
    return answers


async def charts(store: MemoryEventStore) -> dict[str, list[str]]:
    """What is recorded, by patient."""
    found: dict[str, list[str]] = {}
    for row in await store.after(0, 1000):
        found.setdefault(str(row.meta.stream_id), []).append(row.meta.topic.split(".")[1])
    return found


def folder_of(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        (folder / f"{name}.json").write_bytes(content)
    return folder


def reported(report: IntakeReport) -> set[str]:
    return {one.reason for one in report.attention}


async def test_who_was_taken_in_under_the_earlier_rule_is_found_and_enrolled_no_second_time(tmp_path: Path) -> None:
    store, patient = MemoryEventStore(), alma(numbered("4711"), {"system": "urn:mrn", "value": "9", **MR_TYPE})
    folder = folder_of(tmp_path, a=fhir.bundle(patient, fhir.allergy()))
    async with assessment(store) as known:
        (before,) = await by_the_earlier_rule(known, patient)
        first, second = await taken_in(folder, known), await taken_in(folder, known)
    assert set(await charts(store)) == {before}
    assert (first.is_all_good, second.outcome.recorded, second.outcome.already_there) == (True, 0, 2)


async def test_a_family_of_one_subscriber_number_is_told_apart_though_the_earlier_rule_had_them_in_one_chart(
    tmp_path: Path,
) -> None:
    store, family = MemoryEventStore(), (alma(SHARED, numbered("41")), son(SHARED, numbered("42")))
    of_son = fhir.allergy(patient={"reference": "Patient/son"})
    async with assessment(store) as known:
        mothers, refused = await by_the_earlier_rule(known, *family)
        report = await taken_in(folder_of(tmp_path, a=fhir.bundle(*family, of_son)), known)
    assert refused == "another-person"
    sons = str(derived_id("intake", "patient", "urn:clinic", "42"))
    found = await charts(store)
    assert set(found) == {mothers, sons}
    assert "AllergiesRecorded" not in found[mothers]
    assert found[sons] == ["PatientEnrolled", "AllergiesRecorded"]
    assert {(one.resource, one.reason, str(one.patient)) for one in report.attention} == {
        ("Patient", "chart-may-hold-facts-of-another-person", mothers)
    }


@pytest.mark.parametrize(
    "other", [{"birthDate": "1990-04-13"}, {"name": [{"family": "Reyes", "given": ["Ana"]}]}], ids=["born", "named"]
)
async def test_of_somebody_whose_number_is_anothers_nothing_is_sent(tmp_path: Path, other: dict[str, Any]) -> None:
    store = MemoryEventStore()
    async with assessment(store) as known:
        await taken_in(folder_of(tmp_path, a=fhir.bundle(alma(numbered("41")))), known)
        before = await charts(store)
        report = await taken_in(
            folder_of(tmp_path, a=fhir.bundle(alma(numbered("41"), **other), fhir.allergy())), known
        )
    assert await charts(store) == before
    assert (reported(report), report.outcome.not_sent, report.is_all_good) == ({"chart-of-another-person"}, 2, False)


async def test_two_people_of_one_number_in_two_files_are_neither_sent(tmp_path: Path) -> None:
    store, twin = MemoryEventStore(), [{"family": "Reyes", "given": ["Ana"]}]
    files = {
        "a": fhir.bundle(alma(numbered("41"))),
        "b": fhir.bundle(alma(numbered("41"), name=twin), fhir.allergy()),
        "c": fhir.bundle(son(numbered("42"))),
    }
    async with assessment(store) as known:
        report = await taken_in(folder_of(tmp_path, **files), known)
    assert list((await charts(store)).values()) == [["PatientEnrolled"]]
    assert [(one.reason, Path(one.origin.file).name) for one in report.attention] == [
        ("chart-of-another-person", "a.json"),
        ("chart-of-another-person", "b.json"),
    ]
    assert report.outcome.not_sent == 3


async def test_a_list_that_comes_in_pages_is_one_list(tmp_path: Path) -> None:
    """A search answers in bundles, each with the patient and a part of the allergies."""
    store, penicillin, latex = MemoryEventStore(), fhir.allergy(), fhir.allergy({"text": "latex"})
    pages = {
        "page-1": fhir.bundle(alma(numbered("41")), penicillin, fhir.phq_9()),
        "page-2": fhir.bundle(alma(numbered("41")), latex, fhir.allergy({"coding": []}), fhir.total("44261-6", 11)),
    }
    async with assessment(store) as known:
        report = await taken_in(folder_of(tmp_path, **pages), known)
        again = await taken_in(tmp_path, known)
    (facts,) = (await charts(store)).values()
    assert facts == [
        *("PatientEnrolled", "ListGapsRecorded", "AllergiesRecorded"),
        *("ScaleScored", "RiskRaised"),
    ]
    (recorded,) = [row for row in await store.after(0, 100) if row.meta.topic.split(".")[1] == "AllergiesRecorded"]
    assert (b"latex" in recorded.state, b"Penicillin" in recorded.state) == (True, True)
    assert (report.patients, again.outcome.recorded) == (1, 0)


async def test_two_charts_of_one_person_are_reported(tmp_path: Path) -> None:
    store = MemoryEventStore()
    async with assessment(store) as known:
        for number in ("41", "42"):
            await taken_in(folder_of(tmp_path, a=fhir.bundle(alma(numbered(number)))), known)
        report = await taken_in(folder_of(tmp_path, a=fhir.bundle(alma(numbered("41"), numbered("42")))), known)
    assert (len(await charts(store)), reported(report)) == (2, {"has-two-charts"})


async def test_after_a_refused_enrolment_nothing_of_that_patient_is_sent(tmp_path: Path) -> None:
    unborn = fhir.bundle(alma(numbered("41"), birthDate="2040-01-01"), fhir.allergy())
    other = fhir.bundle(alma(numbered("42"), birthDate="2040-01-01"))
    async with assessment(MemoryEventStore()) as known:
        report = await taken_in(folder_of(tmp_path, a=unborn, b=other), known)
    assert report.outcome.refused == {("EnrollPatient", "birth-after-enrolment"): 2}
    assert report.outcome.not_sent == 1
    assert [(one.resource, one.reason) for one in report.attention] == [("EnrollPatient", "refused")] * 2


async def test_a_refused_fact_is_reported_with_whose_it_is_and_the_others_are_sent(tmp_path: Path) -> None:
    store, ahead = MemoryEventStore(), fhir.allergy(recordedDate="2026-12-01")
    content = fhir.bundle(alma(numbered("41")), ahead, fhir.condition())
    async with assessment(store) as known:
        folder_of(tmp_path, a=content)
        report = await take_in(files_in([tmp_path]), known, "UTC", now=NOW + timedelta(days=30))
    ((patient, facts),) = (await charts(store)).items()
    assert facts == ["PatientEnrolled", "HistoryRecorded"]
    (refused,) = report.attention
    assert (refused.resource, refused.reason, str(refused.patient)) == ("RecordAllergies", "refused", patient)


# Lists that are not the whole.


async def test_a_gap_is_said_once_before_the_list_and_closed_when_all_is_understood(tmp_path: Path) -> None:
    store, broken = MemoryEventStore(), fhir.allergy({"coding": []})
    runs = [(fhir.allergy(), broken), (fhir.allergy(), broken), (fhir.allergy(),), (fhir.allergy(),)]
    async with assessment(store) as known:
        for resources in runs:
            await taken_in(folder_of(tmp_path, a=fhir.bundle(alma(numbered("41")), *resources)), known)
    (facts,) = (await charts(store)).values()
    assert facts == ["PatientEnrolled", "ListGapsRecorded", "AllergiesRecorded", "ListGapsRecorded"]


# What the report and the exit code say.


@pytest.mark.parametrize(
    ("resources", "exit_code"),
    [
        ([fhir.patient(), fhir.total(value=7.5)], 0),
        ([fhir.patient(active=False)], 0),
        ([fhir.patient(deceasedBoolean=True)], 0),
        ([fhir.patient(birthDate="1990")], 1),
        ([fhir.patient(), fhir.allergy(patient={"reference": "Patient/gone"})], 1),
        ([fhir.statement(taken="n")], 1),
        ([], 1),
    ],
    ids=["a score", "inactive", "dead", "partly born", "of nobody", "another release", "nothing"],
)
async def test_the_exit_code_says_whether_everybody_is_taken_in(
    tmp_path: Path, resources: list[dict[str, Any]], exit_code: int
) -> None:
    folder = folder_of(tmp_path, a=fhir.bundle(*resources))
    async with assessment(MemoryEventStore()) as known:
        given = ("--address", f"assessment={known.addresses['assessment']}", "--json", "--token", token(REGISTRAR))
        assert (await asyncio.to_thread(invoked, str(folder), *given)).exit_code == exit_code


async def test_a_folder_without_a_file_is_an_error(tmp_path: Path) -> None:
    async with assessment(MemoryEventStore()) as known:
        given = ("--address", f"assessment={known.addresses['assessment']}", "--token", token(REGISTRAR))
        assert (await asyncio.to_thread(invoked, str(tmp_path), *given)).exit_code == 1


async def test_what_a_person_must_look_at_is_reported_by_patient_and_place(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, a=fhir.bundle(alma(numbered("41")), fhir.allergy({"coding": []})))
    async with assessment(MemoryEventStore()) as known:
        given = ("--address", f"assessment={known.addresses['assessment']}", "--token", token(REGISTRAR))
        as_json = await asyncio.to_thread(invoked, str(folder), *given, "--json")
        as_tables = await asyncio.to_thread(invoked, str(folder), *given)
    patient = str(derived_id("intake", "patient", "urn:clinic", "41"))
    item = {"resource": "AllergyIntolerance", "reason": "substance-missing", "file": str(folder / "a.json"), "entry": 2}
    assert json.loads(as_json.stdout)["a_person_must_look_at"] == [{"patient_id": patient, "items": [item]}]
    assert "A person must look at" in as_tables.stdout


async def test_what_never_ends_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless.json")
    async with assessment(MemoryEventStore()) as known:
        report = await taken_in(tmp_path, known)
    assert list(report.bad_files.values()) == ["not a regular file"]
