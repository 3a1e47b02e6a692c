"""A request's message read as a command: by the command's annotations alone."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest
from care.assessment.v1 import assessment_pb2 as assessment
from care.common.v1 import common_pb2
from care.monitoring.v1 import monitoring_pb2 as pb
from care.prescribing.v1 import prescribing_pb2 as prescribing
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.chassis.calls.call import Call, Caller
from careloop.chassis.calls.requests import DoesNotFit, Incoming, RequestReader
from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import FactId, PersonId
from careloop.kernel.reading import Absent, Actor, Else, Later, Length, Named, NewFact, Now, Past, Range, today

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
FACT = FactId(UUID(int=7))
CALL = Call(method="/x", caller=Caller(subject=PersonId("dr-a"), role="psychiatrist"), correlation_id=uuid4(), now=NOW)
INCOMING = Incoming(call=CALL, fact_id=FACT)


class Status(StrEnum):
    TAKEN = "taken"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drug:
    name: Annotated[str, Length(10)]
    rxcui: Annotated[str, Length(5)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    fact_id: NewFact
    medicine: Drug
    prescription: Annotated[FactId | None, Named("prescription_id")]
    status: Status
    reason: str = ""
    amount_mg: Decimal | None = None
    second_dose: str = ""
    actor: Actor
    occurred_at: Past
    now: Now
    evidence: Annotated[int, Later()] = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    instrument: str
    items: Annotated[tuple[int | None, ...], Absent(-1), Range(-1, 3)]
    source: Annotated[str, Else(lambda call: call.role)]
    occurred_at: Past


@dataclass(frozen=True, slots=True, kw_only=True)
class Medication:
    medicine: Drug
    daily_dose_mg: Decimal | None = None
    started_on: date | None = None
    stopped_on: date | None = None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Medications:
    medications: tuple[Medication, ...]
    none_taken: bool
    confirm_removal: bool = False
    occurred_at: Past


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    prescription: Annotated[FactId, Named("prescription_id")]
    daily_dose_mg: Decimal
    effective_on: Annotated[date, Else(today)]
    reason: str
    planned_doses: str = ""
    overrides: int
    occurred_at: Past


DOSES = RequestReader(Dose, pb.RecordDoseRequest)
SCALES = RequestReader(Scale, pb.AnswerScaleRequest)
LISTS = RequestReader(Medications, assessment.ReconcileMedicationsRequest)
CHANGES = RequestReader(
    Change, prescribing.ChangeDoseRequest, {"overrides": lambda message, _call: len(message.overrides)}
)
PRESCRIPTION = UUID(int=9)


def dose(**other: Any) -> pb.RecordDoseRequest:
    given: dict[str, Any] = {"medicine": common_pb2.Medicine(name=" lithium "), "status": pb.DOSE_STATUS_TAKEN}
    return pb.RecordDoseRequest(**given | other)


def stamp(moment: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(moment)
    return found


def refused(reader: RequestReader[Any], message: Any) -> tuple[str, str]:
    with pytest.raises(InvalidInput) as refusal:
        reader.read(message, INCOMING)
    assert refusal.value.field in refusal.value.sentence
    return refusal.value.slug, refusal.value.field


def test_what_is_required_is_read_and_what_is_left_out_is_unknown() -> None:
    assert DOSES.read(dose(), INCOMING) == Dose(
        fact_id=FACT,
        medicine=Drug(name="lithium"),
        prescription=None,
        status=Status.TAKEN,
        actor=PersonId("dr-a"),
        occurred_at=NOW,
        now=NOW,
    )


def test_everything_given_arrives_as_given() -> None:
    earlier = NOW - timedelta(days=2)
    message = dose(
        medicine=common_pb2.Medicine(name="lithium", rxcui="6448"),
        prescription_id=str(PRESCRIPTION),
        status=pb.DOSE_STATUS_SKIPPED,
        reason="nausea",
        occurred_at=stamp(earlier),
    )
    read = DOSES.read(message, INCOMING)
    assert (read.medicine.rxcui, read.prescription, read.status) == ("6448", PRESCRIPTION, Status.SKIPPED)
    assert (read.reason, read.occurred_at, read.now) == ("nausea", earlier, NOW)


@pytest.mark.parametrize(
    ("other", "slug", "field"),
    [
        ({"medicine": None}, "field-required", "medicine.name"),
        ({"medicine": common_pb2.Medicine(name="  ")}, "field-required", "medicine.name"),
        ({"medicine": common_pb2.Medicine(name="a" * 11)}, "text-too-long", "medicine.name"),
        ({"medicine": common_pb2.Medicine(name="a", rxcui="123456")}, "text-too-long", "medicine.rxcui"),
        ({"prescription_id": "9"}, "not-a-uuid", "prescription_id"),
        ({"status": 0}, "not-a-code", "status"),
        ({"status": 9}, "not-a-code", "status"),
        ({"reason": "a" * 2001}, "text-too-long", "reason"),
        ({"occurred_at": stamp(NOW + timedelta(seconds=1))}, "in-the-future", "occurred_at"),
        ({"occurred_at": stamp(datetime(1899, 12, 31, tzinfo=UTC))}, "time-too-early", "occurred_at"),
    ],
)
def test_what_is_not_as_it_must_be_is_refused_by_its_field(other: dict[str, Any], slug: str, field: str) -> None:
    assert refused(DOSES, dose(**other)) == (slug, field)


def test_the_end_of_a_length_belongs_to_it() -> None:
    message = dose(medicine=common_pb2.Medicine(name="a" * 10, rxcui="12345"), reason="b" * 2000)
    assert len(DOSES.read(message, INCOMING).reason) == 2000


def test_an_answer_may_be_missing() -> None:
    read = SCALES.read(pb.AnswerScaleRequest(instrument="phq-9", items=[0, -1, 3]), INCOMING)
    assert (read.items, read.source) == ((0, None, 3), "psychiatrist")
    given = SCALES.read(pb.AnswerScaleRequest(instrument="phq-9", source=" app "), INCOMING)
    assert (given.items, given.source) == ((), "app")


@pytest.mark.parametrize(("items", "place"), [([4], 0), ([0, 1, -2], 2)])
def test_an_element_is_refused_by_its_place(items: list[int], place: int) -> None:
    message = pb.AnswerScaleRequest(instrument="phq-9", items=items)
    assert refused(SCALES, message) == ("out-of-range", f"items[{place}]")


def medication(**other: Any) -> assessment.CurrentMedication:
    return assessment.CurrentMedication(medicine=common_pb2.Medicine(name="a"), source="client", **other)


def test_lists_of_messages_are_read_each_by_its_fields() -> None:
    given = medication(daily_dose_mg="0", started_on="2026-01-02", stopped_on="2026-03-04")
    read = LISTS.read(assessment.ReconcileMedicationsRequest(medications=[medication(), given]), INCOMING)
    unknown, whole = read.medications
    assert (unknown.daily_dose_mg, unknown.started_on, unknown.stopped_on) == (None, None, None)
    assert (whole.daily_dose_mg, whole.started_on, whole.stopped_on) == (
        Decimal(0),
        date(2026, 1, 2),
        date(2026, 3, 4),
    )
    assert read.none_taken is False


@pytest.mark.parametrize(
    ("other", "slug", "field"),
    [
        ({"daily_dose_mg": "-1"}, "not-an-amount", "medications[1].daily_dose_mg"),
        ({"started_on": "2026-02-30"}, "not-a-date", "medications[1].started_on"),
        ({"stopped_on": "1899-12-31"}, "date-too-early", "medications[1].stopped_on"),
    ],
)
def test_a_field_deep_in_a_list_is_named_by_its_whole_path(other: dict[str, str], slug: str, field: str) -> None:
    message = assessment.ReconcileMedicationsRequest(medications=[medication(), medication(**other)])
    assert refused(LISTS, message) == (slug, field)


def test_a_hook_reads_what_no_mark_can_say() -> None:
    message = prescribing.ChangeDoseRequest(
        prescription_id=str(PRESCRIPTION), daily_dose_mg="37.5", reason="r", overrides=[prescribing.Override()]
    )
    read = CHANGES.read(message, INCOMING)
    assert (read.daily_dose_mg, read.effective_on, read.overrides) == (Decimal("37.5"), NOW.date(), 1)
    assert refused(CHANGES, prescribing.ChangeDoseRequest(prescription_id=str(PRESCRIPTION))) == (
        "field-required",
        "daily_dose_mg",
    )


@dataclass(frozen=True, kw_only=True)
class Strike:
    fact_id: FactId
    reason: str


@dataclass(frozen=True, kw_only=True)
class Unread(Strike):
    marked_by: str


@dataclass(frozen=True, kw_only=True)
class Odd:
    fact_id: complex
    reason: str


@dataclass(frozen=True, kw_only=True)
class Bare:
    fact_id: FactId


@pytest.mark.parametrize(
    ("command", "hooks"),
    [
        (Unread, {}),  # the request does not say it
        (Bare, {}),  # nobody reads `reason`
        (Odd, {}),  # a type of no request
        (Strike, {"facts": lambda _message, _call: None}),  # a hook for no field
    ],
)
def test_a_command_that_does_not_fit_its_request_is_refused_at_import(command: type, hooks: dict[str, Any]) -> None:
    with pytest.raises(DoesNotFit):
        RequestReader(command, pb.MarkEnteredInErrorRequest, hooks)


def test_codes_must_be_those_of_the_message() -> None:
    class Other(StrEnum):
        TAKEN = "taken"
        SKIPPED = "skipped"
        LATE = "late"

    lacking = type("Lacking", (), {"__annotations__": {"status": Other}})
    with pytest.raises(DoesNotFit):
        RequestReader(dataclass(frozen=True)(lacking), pb.RecordDoseRequest)


def test_reading_leaves_the_message_as_it_is() -> None:
    message = dose(reason=" because ")
    before = message.SerializeToString(deterministic=True)
    first = DOSES.read(message, INCOMING)
    assert replace(first) == DOSES.read(message, INCOMING)
    assert message.SerializeToString(deterministic=True) == before
