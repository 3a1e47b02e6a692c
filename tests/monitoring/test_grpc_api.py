"""Monitoring over gRPC: what is given arrives as given, what is not given stays unknown, and bad input is named."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from care.common.v1 import common_pb2
from care.monitoring.v1 import monitoring_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.chassis.commands.writes import Writes
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.chassis.events.partitioner import partition_of
from careloop.contracts.monitoring import DoseStatus, ReporterKind, SideEffectOutcome
from careloop.contracts.policy import MONITORING
from careloop.contracts.terms import Medicine, Reporter, Role, Triage, TriageLevel
from careloop.kernel.errors import AlreadyRecorded, InvalidInput, NotKnown, RuleViolated
from careloop.kernel.ids import FactId, derived_id
from services.monitoring.domain import events
from services.monitoring.domain.decisions import DECISIONS
from services.monitoring.domain.events import TOPICS, Event
from services.monitoring.domain.state import DECIDER, Watch
from services.monitoring.grpc_api import MonitoringApi
from tests.support.controls import monitoring as m
from tests.support.controls.moments import CLIENT, NOON, PATIENT, YESTERDAY, fact
from tests.support.speaking import CONTEXT, Desk, speak_as, stamp
from tests.support.whole import unsaid

PARTITIONS = 6
TEXT = str(PATIENT)
TWO_DAYS_AGO = NOON - timedelta(days=2)


@dataclass
class Ward:
    """Monitoring's API in memory, and what it stored."""

    desk: Desk[Watch, Event]
    api: MonitoringApi

    async def call(self, request: Any) -> Any:
        """The RPC that is named as its request is."""
        method: Callable[[Any, Any], Awaitable[Any]] = getattr(self.api, type(request).__name__.removesuffix("Request"))
        return await method(request, CONTEXT)

    async def reported(self) -> str:
        """The id of a side effect that a client reported."""
        return str(
            (await self.call(report(request_id="nausea", symptom="nausea", occurred_at=stamp(YESTERDAY)))).fact_id
        )


@pytest.fixture
def ward() -> Ward:
    speak_as(CLIENT, Role.CLIENT, patient=PATIENT)
    desk: Desk[Watch, Event] = Desk("monitoring", TOPICS, DECIDER)
    return Ward(desk, MonitoringApi(Writes(desk.streams, DECISIONS), PARTITIONS, on_call_phone="555-0142"))


def fact_of(request_id: str) -> FactId:
    return FactId(derived_id("monitoring", "fact", PATIENT, request_id))


def report(**changes: Any) -> pb.ReportSideEffectRequest:
    return pb.ReportSideEffectRequest(**{"request_id": "r", "patient_id": TEXT, "symptom": "rash"} | changes)


def resolve(**changes: Any) -> pb.ResolveSideEffectRequest:
    usual: dict[str, Any] = {
        "request_id": "r",
        "patient_id": TEXT,
        "side_effect_id": str(fact("nausea")),
        "outcome": "resolved",
        "action_taken": "taken with food",
    }
    return pb.ResolveSideEffectRequest(**usual | changes)


def answer(**changes: Any) -> pb.AnswerScaleRequest:
    usual: dict[str, Any] = {
        "request_id": "r",
        "patient_id": TEXT,
        "instrument": "phq-9",
        "items": [2, 1, 3, 0, 1, 2, 1, 0, 0],
    }
    return pb.AnswerScaleRequest(**usual | changes)


def dose(**changes: Any) -> pb.RecordDoseRequest:
    usual: dict[str, Any] = {
        "request_id": "r",
        "patient_id": TEXT,
        "medicine": common_pb2.Medicine(name="sertraline"),
        "status": pb.DOSE_STATUS_TAKEN,
    }
    return pb.RecordDoseRequest(**usual | changes)


def strike(**changes: Any) -> pb.MarkEnteredInErrorRequest:
    usual: dict[str, Any] = {"request_id": "r", "patient_id": TEXT, "fact_id": str(fact("nausea")), "reason": "typo"}
    return pb.MarkEnteredInErrorRequest(**usual | changes)


async def test_a_report_with_everything_arrives_as_it_was_given(ward: Ward) -> None:
    speak_as("dr-osei", Role.PSYCHIATRIST)
    answered = await ward.call(
        report(
            symptom=" trouble sleeping ",
            own_words=" awake until four ",
            ctcae_grade=3,
            fibser_frequency=4,
            fibser_intensity=5,
            fibser_burden=2,
            suspected_medicine=common_pb2.Medicine(name="bupropion", rxcui="42347"),
            occurred_at=stamp(YESTERDAY),
        )
    )
    (stored,) = await ward.desk.stored()
    assert isinstance(stored, events.SideEffectReported)
    assert set(unsaid(stored)) == {"triage.red_flags"}
    assert stored == events.SideEffectReported(
        fact_id=fact_of("r"),
        symptom="trouble sleeping",
        own_words="awake until four",
        ctcae_grade=3,
        fibser_frequency=4,
        fibser_intensity=5,
        fibser_burden=2,
        suspected_medicine=Medicine(name="bupropion", rxcui="42347"),
        reporter=ReporterKind.CLINICIAN,
        reported_by="dr-osei",
        triage=Triage(
            level=TriageLevel.SAME_DAY,
            rule="triage.ctcae-3",
            rule_version=1,
            red_flags=(),
            due_at=NOON + timedelta(hours=12),
        ),
        occurred_at=YESTERDAY,
    )
    assert answered.fact_id == str(fact_of("r"))


async def test_what_a_report_does_not_say_is_unknown(ward: Ward) -> None:
    await ward.call(report())
    (stored,) = await ward.desk.stored()
    assert isinstance(stored, events.SideEffectReported)
    assert stored == events.SideEffectReported(
        fact_id=fact_of("r"),
        symptom="rash",
        own_words="",
        ctcae_grade=None,
        fibser_frequency=None,
        fibser_intensity=None,
        fibser_burden=None,
        suspected_medicine=None,
        reporter=ReporterKind.CLIENT,
        reported_by=CLIENT,
        triage=stored.triage,
        occurred_at=NOON,
    )


async def test_an_answer_of_nought_is_an_answer(ward: Ward) -> None:
    await ward.call(report(fibser_frequency=0, fibser_intensity=0, fibser_burden=0))
    (stored,) = await ward.desk.stored()
    assert isinstance(stored, events.SideEffectReported)
    assert (stored.fibser_frequency, stored.fibser_intensity, stored.fibser_burden) == (0, 0, 0)
    with pytest.raises(InvalidInput) as refused:
        await ward.call(report(request_id="another", ctcae_grade=0))
    assert refused.value.field == "ctcae_grade"


async def test_a_suspected_medicine_may_have_only_a_name(ward: Ward) -> None:
    await ward.call(report(suspected_medicine=common_pb2.Medicine(name="bupropion")))
    (stored,) = await ward.desk.stored()
    assert isinstance(stored, events.SideEffectReported)
    assert stored.suspected_medicine == Medicine(name="bupropion", rxcui="")


@pytest.mark.parametrize("role", sorted(MONITORING["/care.monitoring.v1.MonitoringService/ReportSideEffect"]))
async def test_a_report_is_the_clients_own_only_when_the_client_makes_it(ward: Ward, role: Role) -> None:
    speak_as("somebody", role)
    await ward.call(report())
    (stored,) = await ward.desk.stored()
    assert isinstance(stored, events.SideEffectReported)
    expected = ReporterKind.CLIENT if role == "client" else ReporterKind.CLINICIAN
    assert (stored.reporter, stored.reported_by) == (expected, "somebody")


async def test_a_report_is_answered_with_its_triage(ward: Ward) -> None:
    await ward.desk.note(m.LISTED)
    triage = (await ward.call(report(occurred_at=stamp(YESTERDAY)))).triage
    assert (triage.level, triage.rule, triage.rule_version) == (
        "emergency-now",
        "triage.red-flag.aromatic-anticonvulsant-rash",
        3,
    )
    assert list(triage.red_flags) == ["aromatic-anticonvulsant-rash"]
    assert triage.due_at == stamp(NOON + timedelta(minutes=15))
    waits = (await ward.call(report(request_id="mild", symptom="dry mouth"))).triage
    assert (waits.level, waits.HasField("due_at")) == ("next-visit", False)


async def test_a_client_who_reports_an_emergency_reads_at_once_whom_to_call(ward: Ward) -> None:
    await ward.desk.note(m.DEPARTMENT)
    told = (await ward.call(report(symptom="me tom\u00e9 todas las pastillas"))).help
    said = " ".join(told.lines)
    assert told.language == "es"
    assert all(part in said for part in ("911", "988", "1-800-222-1222", "555-0142", "Mercy Hospital, 555-0199"))
    assert m.DEPARTMENT.occurred_at.strftime("%d/%m/%Y") in said


async def test_a_department_that_nobody_named_or_named_no_more_is_not_made_up(ward: Ward) -> None:
    moved = replace(m.DEPARTMENT, fact_id=fact("moved"), name="", phone="", occurred_at=NOON)
    for number, noted in enumerate((None, m.DEPARTMENT, moved)):
        if noted is not None:
            await ward.desk.note(noted)
        told = (await ward.call(report(request_id=str(number), symptom="chest pain"))).help
        assert ("Mercy Hospital" in " ".join(told.lines)) is (noted is m.DEPARTMENT)


async def test_why_a_dose_was_skipped_is_read_as_all_words_of_a_client(ward: Ward) -> None:
    skipped = {"status": pb.DOSE_STATUS_SKIPPED}
    answered = await ward.call(dose(reason="I want to die", **skipped))
    assert (answered.triage.level, answered.help.language) == ("emergency-now", "en")
    empty = await ward.call(dose(request_id="ran out", reason="ran out of pills 4 days ago", **skipped))
    assert (empty.triage.level, empty.HasField("help")) == ("same-day", False)
    strange = await ward.call(dose(request_id="strange", reason="flibbery", **skipped))
    assert (strange.triage.level, strange.triage.rule) == ("same-day", "triage.not-understood")
    assert not (await ward.call(dose(request_id="taken"))).HasField("triage")


async def test_a_client_whose_answers_raise_a_risk_reads_at_once_whom_to_call(ward: Ward) -> None:
    await ward.desk.note(m.DEPARTMENT)
    positive = await ward.call(answer(items=[2, 1, 3, 0, 1, 2, 1, 0, 1]))
    assert "988" in " ".join(positive.help.lines)
    calm = await ward.call(answer(request_id="calm"))
    assert not calm.HasField("help")
    speak_as("dr-osei", Role.PSYCHIATRIST)
    by_clinician = await ward.call(answer(request_id="clinician", items=[2, 1, 3, 0, 1, 2, 1, 0, 1]))
    assert not by_clinician.HasField("help")


async def test_a_clinician_is_not_told_whom_to_call(ward: Ward) -> None:
    speak_as("dr-osei", Role.PSYCHIATRIST)
    answered = await ward.call(report(symptom="chest pain"))
    assert (answered.triage.level, answered.HasField("help")) == ("emergency-now", False)


@pytest.mark.parametrize("outcome", SideEffectOutcome)
async def test_a_resolution_arrives_as_it_was_given(ward: Ward, outcome: SideEffectOutcome) -> None:
    nausea = await ward.reported()
    speak_as("dr-osei", Role.PSYCHIATRIST)
    answered = await ward.call(
        resolve(
            side_effect_id=nausea, outcome=str(outcome), action_taken=" given at night ", occurred_at=stamp(YESTERDAY)
        )
    )
    stored = (await ward.desk.stored())[-1]
    assert stored == events.SideEffectResolved(
        fact_id=fact_of("r"),
        side_effect=fact_of("nausea"),
        outcome=outcome,
        action_taken="given at night",
        resolved_by="dr-osei",
        occurred_at=YESTERDAY,
    )
    assert answered.fact_id == str(fact_of("r"))


async def test_a_scale_arrives_as_it_was_answered(ward: Ward) -> None:
    speak_as("tom-therapist", Role.THERAPIST)
    answered = await ward.call(
        answer(
            instrument=" phq-9 ",
            items=[2, 1, 3, 0, 1, -1, 1, 0, 2],
            source=" interview ",
            occurred_at=stamp(TWO_DAYS_AGO),
        )
    )
    scored, risk = await ward.desk.stored()
    assert scored == events.ScaleScored(
        fact_id=fact_of("r"),
        instrument="phq-9",
        instrument_version=1,
        items=(2, 1, 3, 0, 1, None, 1, 0, 2),
        total=scored.total,  # type: ignore[union-attr]
        band=scored.band,  # type: ignore[union-attr]
        flags=scored.flags,  # type: ignore[union-attr,arg-type]
        missing=1,
        source="interview",
        scored_by="tom-therapist",
        occurred_at=TWO_DAYS_AGO,
        reporter=Reporter.CLINICIAN,
    )
    assert isinstance(scored, events.ScaleScored)
    assert isinstance(risk, events.RiskRaised)
    assert (answered.scale.fact_id, answered.scale.instrument) == (str(scored.fact_id), "phq-9")
    assert (answered.scale.total, answered.scale.band, answered.scale.missing) == (scored.total, scored.band, 1)
    assert tuple(answered.scale.flags) == scored.flags
    assert (answered.risk.fact_id, answered.risk.level, answered.risk.reason) == (
        str(risk.fact_id),
        "moderate",
        "phq-9-item-9",
    )
    assert answered.risk.due_at == stamp(NOON + timedelta(hours=24))


@pytest.mark.parametrize("role", sorted(MONITORING["/care.monitoring.v1.MonitoringService/AnswerScale"]))
async def test_a_scale_of_which_nobody_said_who_answered_it_is_the_callers(ward: Ward, role: Role) -> None:
    speak_as("somebody", role)
    answered = await ward.call(answer())
    (scored,) = await ward.desk.stored()
    assert isinstance(scored, events.ScaleScored)
    assert (scored.source, scored.scored_by, scored.occurred_at) == (role, "somebody", NOON)
    assert not answered.HasField("risk")


async def test_a_scale_without_a_total_is_answered_without_one(ward: Ward) -> None:
    answered = await ward.call(answer(items=[-1] * 9))
    (scored,) = await ward.desk.stored()
    assert isinstance(scored, events.ScaleScored)
    assert (scored.items, scored.total, scored.band) == ((None,) * 9, None, "")
    assert (answered.scale.HasField("total"), answered.scale.missing) == (False, 9)


@pytest.mark.parametrize(
    ("status", "stored_status"),
    [(pb.DOSE_STATUS_TAKEN, DoseStatus.TAKEN), (pb.DOSE_STATUS_SKIPPED, DoseStatus.SKIPPED)],
)
async def test_a_dose_with_everything_arrives_as_it_was_given(
    ward: Ward, status: pb.DoseStatus.ValueType, stored_status: DoseStatus
) -> None:
    answered = await ward.call(
        dose(
            medicine=common_pb2.Medicine(name=" sertraline ", rxcui="36437"),
            prescription_id=str(fact("prescription")),
            status=status,
            reason=" felt sick ",
            occurred_at=stamp(YESTERDAY),
        )
    )
    (stored,) = await ward.desk.stored()
    assert stored == events.DoseRecorded(
        fact_id=fact_of("r"),
        medicine=Medicine(name="sertraline", rxcui="36437"),
        prescription=fact("prescription"),
        status=stored_status,
        reason="felt sick",
        recorded_by=CLIENT,
        occurred_at=YESTERDAY,
        flags=("not-known-yet",),
        triage=m.WAITS,
    )
    assert set(unsaid(stored)) == {"triage.red_flags", "triage.due_at"}
    assert (answered.fact_id, list(answered.flags)) == (str(fact_of("r")), ["not-known-yet"])


async def test_what_a_dose_does_not_say_is_unknown(ward: Ward) -> None:
    await ward.call(dose())
    (stored,) = await ward.desk.stored()
    assert stored == events.DoseRecorded(
        fact_id=fact_of("r"),
        medicine=Medicine(name="sertraline", rxcui=""),
        prescription=None,
        status=DoseStatus.TAKEN,
        reason="",
        recorded_by=CLIENT,
        occurred_at=NOON,
    )


async def test_a_strike_names_the_fact_the_reason_and_who_made_it(ward: Ward) -> None:
    nausea = await ward.reported()
    speak_as("maya-manager", Role.CARE_MANAGER)
    await ward.call(strike(fact_id=nausea, reason=" another client's "))
    assert (await ward.desk.stored())[-1] == events.EnteredInError(
        fact_id=fact_of("nausea"), reason="another client's", marked_by="maya-manager", occurred_at=NOON
    )


def contact(**changes: Any) -> pb.RecordRiskContactRequest:
    said = {
        "request_id": "contact",
        "patient_id": str(PATIENT),
        "risk_id": str(fact("risk")),
        "outcome": "reached-safe",
    }
    return pb.RecordRiskContactRequest(**said | changes)


TOO_MUCH = pb.TookTooMuchRequest(request_id="too-much", patient_id=str(PATIENT))
WRITES: list[Any] = [report(), resolve(), answer(), contact(), dose(), TOO_MUCH, strike()]


def test_the_writes_are_all_that_the_service_has() -> None:
    methods = pb.DESCRIPTOR.services_by_name["MonitoringService"].methods
    assert {type(request).__name__.removesuffix("Request") for request in WRITES} == {one.name for one in methods}
    assert set(MONITORING) == {f"/{one.containing_service.full_name}/{one.name}" for one in methods}


async def about_nausea(ward: Ward, request: Any) -> Any:
    """The same request, about a side effect that is there."""
    field = {pb.ResolveSideEffectRequest: "side_effect_id", pb.MarkEnteredInErrorRequest: "fact_id"}.get(type(request))
    if field is None:
        return request
    said = {given.name: value for given, value in request.ListFields()}
    return type(request)(**said | {field: await ward.reported()})


@pytest.mark.parametrize("request_", WRITES, ids=lambda one: type(one).__name__)
async def test_a_write_answers_a_token_of_its_own_position_and_a_repeat_the_same(ward: Ward, request_: Any) -> None:
    request = await about_nausea(ward, request_)
    first = await ward.call(request)
    stored = await ward.desk.stored()
    token = ConsistencyToken.parse(first.receipt.token)
    assert token == ConsistencyToken(
        service="monitoring",
        partition=partition_of(PATIENT, PARTITIONS),
        position=len(stored),
        patient_id=PATIENT,
    )
    again = await ward.call(request)
    assert (first.receipt.repeated, again.receipt.repeated) == (False, True)
    again.receipt.repeated = False
    assert again == first
    assert await ward.desk.stored() == stored


@pytest.mark.parametrize("request_", WRITES, ids=lambda one: type(one).__name__)
async def test_a_request_id_that_somebody_else_used_records_nothing_twice(ward: Ward, request_: Any) -> None:
    request = await about_nausea(ward, request_)
    await ward.call(request)
    speak_as("somebody-else", Role.PSYCHIATRIST)
    before = len(await ward.desk.stored())
    with suppress(AlreadyRecorded, RuleViolated):
        assert not (await ward.call(request)).receipt.repeated
    assert len(await ward.desk.stored()) == before


async def test_what_is_not_there_is_refused_by_its_field(ward: Ward) -> None:
    for request, field in ((resolve(), "side_effect_id"), (strike(), "fact_id")):
        with pytest.raises(NotKnown) as unknown:
            await ward.call(request)
        assert unknown.value.field == field
    nausea = await ward.reported()
    await ward.call(resolve(request_id="once", side_effect_id=nausea))
    with pytest.raises(RuleViolated):
        await ward.call(resolve(request_id="twice", side_effect_id=nausea))


AHEAD = stamp(NOON + timedelta(microseconds=1))
NO_DAY = Timestamp(seconds=-10_000_000_000)
BAD: list[tuple[Any, str, str]] = [
    *((type(one)(request_id="", patient_id=TEXT), "request_id", "request-id-required") for one in WRITES),
    *((type(one)(request_id="x" * 129, patient_id=TEXT), "request_id", "request-id-too-long") for one in WRITES),
    *((type(one)(request_id="r", patient_id="nobody"), "patient_id", "not-a-uuid") for one in WRITES),
    *((make(occurred_at=AHEAD), "occurred_at", "in-the-future") for make in (report, resolve, answer, dose)),
    *((make(occurred_at=NO_DAY), "occurred_at", "time-too-early") for make in (report, resolve, answer, dose)),
    (report(symptom=" "), "symptom", "field-required"),
    (report(symptom="x" * 501), "symptom", "text-too-long"),
    (report(own_words="x" * 2001), "own_words", "text-too-long"),
    (report(suspected_medicine=common_pb2.Medicine(rxcui="1")), "suspected_medicine.name", "field-required"),
    (report(suspected_medicine=common_pb2.Medicine(name="x" * 501)), "suspected_medicine.name", "text-too-long"),
    (
        report(suspected_medicine=common_pb2.Medicine(name="x", rxcui="1" * 21)),
        "suspected_medicine.rxcui",
        "text-too-long",
    ),
    (report(ctcae_grade=6), "ctcae_grade", "out-of-range"),
    (report(fibser_frequency=7), "fibser_frequency", "out-of-range"),
    (report(fibser_intensity=7), "fibser_intensity", "out-of-range"),
    (report(fibser_burden=-1), "fibser_burden", "out-of-range"),
    (resolve(side_effect_id=""), "side_effect_id", "not-a-uuid"),
    (resolve(outcome=""), "outcome", "not-a-code"),
    (resolve(outcome="fatal"), "outcome", "not-a-code"),
    (resolve(action_taken=" "), "action_taken", "field-required"),
    (answer(instrument=""), "instrument", "field-required"),
    (answer(instrument="x" * 51), "instrument", "text-too-long"),
    (answer(items=[2, 1, 3, 0, 1, 2, 1, 0, 4]), "items[8]", "out-of-range"),
    (answer(items=[2, 1, -2, 0, 1, 2, 1, 0, 0]), "items[2]", "out-of-range"),
    (answer(items=[0, 0]), "items", "wrong-count"),
    (answer(source="x" * 101), "source", "text-too-long"),
    (dose(medicine=common_pb2.Medicine()), "medicine.name", "field-required"),
    (dose(medicine=common_pb2.Medicine(name="x", rxcui="1" * 21)), "medicine.rxcui", "text-too-long"),
    (dose(prescription_id="x"), "prescription_id", "not-a-uuid"),
    (dose(status=pb.DOSE_STATUS_UNSPECIFIED), "status", "not-a-code"),
    (dose(status=9), "status", "not-a-code"),
    (dose(status=pb.DOSE_STATUS_SKIPPED), "reason", "reason-required"),
    (dose(reason="x" * 2001), "reason", "text-too-long"),
    (strike(fact_id=""), "fact_id", "not-a-uuid"),
    (strike(reason=""), "reason", "field-required"),
]


@pytest.mark.parametrize(("request_", "field", "slug"), BAD)
async def test_bad_input_is_refused_by_its_field_and_nothing_is_stored(
    ward: Ward, request_: Any, field: str, slug: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await ward.call(request_)
    assert (refused.value.field, refused.value.slug) == (field, slug)
    assert await ward.desk.stored() == []


async def test_the_longest_texts_are_taken(ward: Ward) -> None:
    named = common_pb2.Medicine(name="x" * 500, rxcui="1" * 20)
    await ward.call(report(request_id="r" * 128, symptom="x" * 500, own_words="y" * 2000, suspected_medicine=named))
    await ward.call(dose(medicine=named, reason="z" * 2000))
    speak_as("tom-therapist", Role.THERAPIST)
    await ward.call(answer(request_id="a", source="s" * 100))
    assert len(await ward.desk.stored()) == 3


async def test_a_clients_answers_are_the_clients_whatever_they_call_themselves(ward: Ward) -> None:
    with pytest.raises(InvalidInput) as refused:
        await ward.call(answer(source="clinician"))
    assert (refused.value.slug, refused.value.field) == ("not-your-source", "source")
    assert await ward.desk.stored() == []
    await ward.call(answer(source="client"))
    (scored, *_) = await ward.desk.stored()
    assert isinstance(scored, events.ScaleScored)
    assert (scored.source, scored.reporter) == ("client", Reporter.CLIENT)


RANGES = {"ctcae_grade": (1, 5), "fibser_frequency": (0, 6), "fibser_intensity": (0, 6), "fibser_burden": (0, 6)}


@pytest.mark.parametrize("answer", RANGES)
async def test_grades_and_answers_have_a_least_and_a_most(ward: Ward, answer: str) -> None:
    least, most = RANGES[answer]
    for outside in (least - 1, most + 1, -(2**31)):
        with pytest.raises(InvalidInput) as refused:
            await ward.call(report(**{answer: outside}))
        assert (refused.value.slug, refused.value.field) == ("out-of-range", answer)
        assert refused.value.sentence == f"{answer} must be from {least} to {most}."
    for end in (least, most):
        await ward.call(report(request_id=f"at {end}", **{answer: end}))
    assert [getattr(one, answer) for one in await ward.desk.stored()] == [least, most]
