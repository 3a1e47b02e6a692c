"""What no request may hold: each limit at both sides, and the path of the field that is refused."""

from collections.abc import Callable
from functools import partial

import pytest
from care.operations.v1 import operations_pb2 as wire
from google.protobuf.message import Message

from careloop.chassis.calls.call import Call, Caller, required_request_id
from careloop.chassis.calls.message_checks import check_message, check_own_record, check_text
from careloop.kernel.errors import CareloopError, InvalidInput, NotAllowed
from careloop.kernel.ids import PatientId, PersonId
from tests.support.histories.log import NOON, patient

ANN, BEN = patient(1), patient(2)


def refusal(check: Callable[[], object], kind: type[CareloopError] = InvalidInput) -> tuple[str, str]:
    with pytest.raises(kind) as refused:
        check()
    return refused.value.slug, refused.value.field


def call_of(record: PatientId | None) -> Call:
    caller = Caller(subject=PersonId("carl"), role="client", patient=record)
    return Call(method="/m", caller=caller, correlation_id=ANN, now=NOON)


def test_a_request_id_has_1_to_128_characters() -> None:
    for request_id in ("r", "r" * 128):
        message = wire.RetryParkedRequest(request_id=request_id)
        check_message(message)
        assert required_request_id(message) == request_id
    for request_id, slug in (("", "required"), ("   ", "required"), ("r" * 129, "too-long")):
        message = wire.RetryParkedRequest(request_id=request_id)
        assert refusal(partial(check_message, message)) == (f"request-id-{slug}", "request_id")
        assert refusal(partial(required_request_id, message)) == (f"request-id-{slug}", "request_id")


def test_only_a_message_that_has_a_request_id_needs_one() -> None:
    check_message(wire.ListParkedRequest())
    assert refusal(lambda: check_message(wire.DropParkedRequest())) == ("request-id-required", "request_id")


@pytest.mark.parametrize("allowed", ["\t", "\n", "\r", " ", "~", "\x7f", "ß"])
def test_tabs_and_line_ends_are_text(allowed: str) -> None:
    check_text(f"a{allowed}b", "reason")


@pytest.mark.parametrize("number", [*range(1, 9), 0x0B, 0x0C, *range(0x0E, 0x20)])
def test_no_other_control_character_is(number: int) -> None:
    assert refusal(lambda: check_text(f"a{chr(number)}b", "reason")) == ("text-with-control-character", "reason")


def test_a_nul_is_told_apart_from_them() -> None:
    assert refusal(lambda: check_text("a\0b", "reason")) == ("text-with-nul", "reason")


def test_a_text_has_ten_thousand_characters_at_most() -> None:
    check_text("x" * 10_000, "reason")
    assert refusal(lambda: check_text("x" * 10_001, "reason")) == ("text-too-long", "reason")


def test_a_list_has_a_thousand_entries_at_most() -> None:
    check_message(wire.ListParkedResponse(parked=[wire.ParkedPatient()] * 1000))
    overlong = wire.ListParkedResponse(parked=[wire.ParkedPatient()] * 1001)
    assert refusal(lambda: check_message(overlong)) == ("list-too-long", "parked")


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (wire.ListParkedRequest(consumer="\0"), "consumer"),
        (wire.ListParkedResponse(parked=[wire.ParkedPatient(), wire.ParkedPatient(source="\0")]), "parked.source"),
        (wire.PublishedRecord(headers={"ce_id": b"1", "\0": b""}), "headers"),
        (wire.ReadPublishedResponse(records=[wire.PublishedRecord(headers={"\0": b""})]), "records.headers"),
        (wire.GetStatusResponse(consumers=[wire.ConsumerProgress(consumer="\0")]), "consumers.consumer"),
    ],
)
def test_every_text_is_looked_at_wherever_it_is(message: Message, path: str) -> None:
    assert refusal(lambda: check_message(message)) == ("text-with-nul", path)


def test_a_token_of_one_patient_reaches_that_patient() -> None:
    for named in (str(ANN), str(ANN).upper(), f" {ANN} "):
        check_own_record(wire.RetryParkedRequest(patient_id=named), call_of(ANN))


@pytest.mark.parametrize("message", [wire.RetryParkedRequest(patient_id=str(BEN)), wire.RetryParkedRequest()])
def test_a_token_of_one_patient_reaches_no_other(message: Message) -> None:
    assert refusal(lambda: check_own_record(message, call_of(ANN)), NotAllowed) == ("not-own-record", "patient_id")


def test_a_token_of_one_patient_reaches_nothing_that_names_none() -> None:
    message = wire.GetStatusRequest()
    assert refusal(lambda: check_own_record(message, call_of(ANN)), NotAllowed) == ("not-own-record", "patient_id")


def test_a_token_of_no_patient_is_not_bound_to_one() -> None:
    check_own_record(wire.RetryParkedRequest(patient_id=str(BEN)), call_of(None))
    check_own_record(wire.GetStatusRequest(), call_of(None))
