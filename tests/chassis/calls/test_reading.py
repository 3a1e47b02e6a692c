"""Fields of a request: at both sides of every bound, told apart from what is not given, and refused by their names."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import partial
from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from careloop.chassis.calls import reading as fields
from careloop.contracts.prescribing import StatusReason
from careloop.kernel.errors import InvalidInput

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SOME_ID = "0f1e2d3c-4b5a-4968-8776-655443322110"
TICK = timedelta(microseconds=1)


class Route(StrEnum):
    ORAL = "oral"
    NASAL = "nasal"


def refusal(read: Callable[[], object]) -> tuple[str, str]:
    """The slug and the field; the sentence names the field too, and ends as a sentence does."""
    with pytest.raises(InvalidInput) as refused:
        read()
    assert refused.value.field in refused.value.sentence
    assert refused.value.sentence.endswith(".")
    return refused.value.slug, refused.value.field


def stamp(moment: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(moment)
    return made


def test_a_text_comes_without_the_space_around_it() -> None:
    assert fields.text("  at night \n", "note") == "at night"
    assert fields.optional_text("  at night \n", "note") == "at night"


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_a_required_text_that_is_blank_is_refused_and_an_optional_one_is_empty(blank: str) -> None:
    assert refusal(lambda: fields.text(blank, "note")) == ("field-required", "note")
    assert fields.optional_text(blank, "note") == ""


def test_a_text_is_as_long_as_its_limit_and_no_longer() -> None:
    assert fields.text("x" * 7, "note", longest=7) == fields.optional_text("x" * 7, "note", longest=7) == "x" * 7
    assert refusal(lambda: fields.text("x" * 8, "note", longest=7)) == ("text-too-long", "note")
    assert refusal(lambda: fields.optional_text("x" * 8, "note", longest=7)) == ("text-too-long", "note")


def test_a_text_has_two_thousand_characters_unless_told_otherwise() -> None:
    assert len(fields.text("x" * 2000, "note")) == len(fields.optional_text("x" * 2000, "note")) == 2000
    assert refusal(lambda: fields.text("x" * 2001, "note")) == ("text-too-long", "note")
    assert refusal(lambda: fields.optional_text("x" * 2001, "note")) == ("text-too-long", "note")


def test_the_space_around_a_required_text_does_not_count() -> None:
    assert fields.text(" " * 50 + "short", "note", longest=5) == "short"


def test_the_sentence_about_an_overlong_text_says_how_long_it_may_be() -> None:
    with pytest.raises(InvalidInput, match="text-too-long") as refused:
        fields.text("x" * 8, "note", longest=7)
    assert refused.value.sentence == "note has at most 7 characters."


def test_ids_are_uuids() -> None:
    assert fields.uuid(SOME_ID, "rule") == fields.patient_id(SOME_ID) == fields.fact_id(SOME_ID) == UUID(SOME_ID)


@pytest.mark.parametrize("other", ["", "7", SOME_ID[:-1], SOME_ID + "0"])
def test_what_is_no_uuid_is_refused_by_the_name_of_its_field(other: str) -> None:
    assert refusal(lambda: fields.uuid(other, "rule")) == ("not-a-uuid", "rule")
    assert refusal(lambda: fields.patient_id(other)) == ("not-a-uuid", "patient_id")
    assert refusal(lambda: fields.patient_id(other, "member")) == ("not-a-uuid", "member")
    assert refusal(lambda: fields.fact_id(other)) == ("not-a-uuid", "fact_id")
    assert refusal(lambda: fields.fact_id(other, "struck")) == ("not-a-uuid", "struck")


def test_a_day_is_read_from_1900_on() -> None:
    assert fields.day("1900-01-01", "starts_on") == date(1900, 1, 1)
    assert fields.optional_day("2026-11-23", "starts_on") == date(2026, 11, 23)
    assert refusal(lambda: fields.day("1899-12-31", "starts_on")) == ("date-too-early", "starts_on")
    assert refusal(lambda: fields.optional_day("1899-12-31", "starts_on")) == ("date-too-early", "starts_on")


def test_a_day_that_is_not_given_is_refused_where_it_is_required_and_unknown_elsewhere() -> None:
    assert refusal(lambda: fields.day("", "starts_on")) == ("field-required", "starts_on")
    assert fields.optional_day("", "starts_on") is None


@pytest.mark.parametrize("other", ["2026-02-29", "23.11.2026", "2026-11-23T09:30:00Z", "yesterday"])
def test_what_is_no_day_of_a_calendar_is_refused(other: str) -> None:
    assert refusal(lambda: fields.day(other, "starts_on")) == ("not-a-date", "starts_on")
    assert refusal(lambda: fields.optional_day(other, "starts_on")) == ("not-a-date", "starts_on")


@pytest.mark.parametrize("text", ["0", "0.000001", "37.5", "999999", "999999.999999", "1E+3"])
def test_an_amount_is_the_decimal_as_it_was_written(text: str) -> None:
    assert fields.amount(text, "dose") == fields.optional_amount(text, "dose") == Decimal(text)


def test_an_amount_of_zero_is_told_apart_from_one_that_is_not_given() -> None:
    assert fields.optional_amount("0", "dose") == 0
    assert fields.optional_amount("", "dose") is None
    assert refusal(lambda: fields.amount("", "dose")) == ("field-required", "dose")


@pytest.mark.parametrize(
    "other",
    [
        "-0.000001", "-1", "1000000", "1000000.0", "0.0000001", "NaN", "sNaN", "Infinity", "-Infinity",
        "1_000", "\N{ARABIC-INDIC DIGIT SEVEN}", "ten", "1,5",
    ],
)  # fmt: skip
def test_an_amount_out_of_its_bounds_or_of_another_writing_is_refused(other: str) -> None:
    assert refusal(lambda: fields.amount(other, "dose")) == ("not-an-amount", "dose")
    assert refusal(lambda: fields.optional_amount(other, "dose")) == ("not-an-amount", "dose")


@pytest.mark.parametrize("value", [1, 2, 7])
def test_a_whole_number_may_be_either_of_its_bounds(value: int) -> None:
    assert fields.whole(value, "days", least=1, most=7) == value


@pytest.mark.parametrize("value", [-1, 0, 8])
def test_a_whole_number_beyond_its_bounds_is_refused_with_them(value: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        fields.whole(value, "days", least=1, most=7)
    assert (refused.value.slug, refused.value.field) == ("out-of-range", "days")
    assert refused.value.sentence == "days must be from 1 to 7."


def test_a_code_is_one_of_its_list() -> None:
    assert [fields.coded(code, Route, "route") for code in ("oral", "nasal")] == [Route.ORAL, Route.NASAL]


@pytest.mark.parametrize("other", ["", "ORAL", "rectal"])
def test_another_code_is_refused_with_the_list(other: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        fields.coded(other, Route, "route")
    assert (refused.value.slug, refused.value.field) == ("not-a-code", "route")
    assert refused.value.sentence == "route must be one of: oral, nasal."


def test_a_caller_names_a_code_that_this_build_knows() -> None:
    """Records of later builds may bring others; a request that does is refused, and nobody answers by it."""
    assert fields.coded("labint", StatusReason, "status_reason") is StatusReason.LAB_INTERFERENCE
    with pytest.raises(InvalidInput) as refused:
        fields.coded("cost", StatusReason, "status_reason")
    assert refused.value.sentence.startswith("status_reason must be one of: inefficacy, altchoice, clarif, ")


def test_a_moment_is_the_one_that_was_given() -> None:
    earlier = NOW - timedelta(hours=3)
    assert fields.moment(stamp(earlier), given=True, now=NOW) == earlier


def test_a_moment_that_was_not_given_is_now_and_not_the_first_of_1970() -> None:
    assert fields.moment(Timestamp(), given=False, now=NOW) == NOW
    assert fields.moment(Timestamp(), given=True, now=NOW) == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_moment_may_be_this_very_one_and_no_later() -> None:
    assert fields.moment(stamp(NOW), given=True, now=NOW) == NOW
    late = stamp(NOW + TICK)
    assert refusal(lambda: fields.moment(late, given=True, now=NOW)) == ("in-the-future", "occurred_at")
    assert refusal(lambda: fields.moment(late, given=True, now=NOW, field="seen_at")) == ("in-the-future", "seen_at")


def test_a_moment_lies_in_1900_or_later() -> None:
    assert fields.moment(stamp(fields.EARLIEST), given=True, now=NOW) == datetime(1900, 1, 1, tzinfo=UTC)
    early = stamp(fields.EARLIEST - TICK)
    assert refusal(lambda: fields.moment(early, given=True, now=NOW)) == ("time-too-early", "occurred_at")


def test_a_moment_that_no_calendar_knows_is_refused() -> None:
    for unknown in (Timestamp(seconds=2**60), Timestamp(seconds=-(2**60))):
        assert refusal(partial(fields.moment, unknown, given=True, now=NOW)) == ("not-a-time", "occurred_at")


def test_a_moment_as_a_field_is_the_same_and_none_leaves_it_unset() -> None:
    made = fields.timestamp(NOW)
    assert made is not None
    assert made.ToDatetime(tzinfo=UTC) == NOW
    assert fields.timestamp(None) is None
