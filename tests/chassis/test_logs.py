"""The log says what is on its list, and nothing of what a patient, a caller or a library wrote."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import structlog

from careloop.chassis.logs import BROKER, Outage, place_of, set_up_logs

CANARY = "Jane Canary, 1990-01-01"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    BROKER.back()  # whatever other tests of this process found away
    stream = io.StringIO()
    set_up_logs("assessment", stream)
    yield stream
    structlog.reset_defaults()
    logging.basicConfig(force=True)


def last(lines: io.StringIO) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(lines.getvalue().splitlines()[-1])
    return line


def test_listed_fields_are_kept(lines: io.StringIO) -> None:
    correlation_id = uuid4()
    structlog.get_logger().info("call", method="/care.x.v1.X/Y", duration_ms=1.5, correlation_id=correlation_id)
    line = last(lines)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "call",
        "level": "info",
        "service": "assessment",
        "method": "/care.x.v1.X/Y",
        "duration_ms": 1.5,
        "correlation_id": str(correlation_id),
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"patient_name": CANARY},
        {"exc_info": ValueError(CANARY)},
        {"stack_info": True, "note": CANARY},
        {"reason": CANARY},
        {"role": [CANARY]},
        {"error_type": ValueError(CANARY)},
        {"event_text": CANARY},
    ],
)
def test_nothing_else_is(lines: io.StringIO, fields: dict[str, Any]) -> None:
    structlog.get_logger().error("call", **fields)
    assert "Canary" not in lines.getvalue()
    assert set(last(lines)) == {"event", "level", "service", "timestamp"}


def test_a_sentence_with_data_in_it_is_withheld(lines: io.StringIO) -> None:
    structlog.get_logger().info(f"admitted {CANARY}")
    assert last(lines)["event"] == "withheld"
    assert "Canary" not in lines.getvalue()


def test_bound_context_is_listed_too(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(patient=CANARY, role="operator"):
        structlog.get_logger().info("call")
    assert last(lines)["role"] == "operator"
    assert "Canary" not in lines.getvalue()


def test_a_librarys_line_keeps_its_template_only(lines: io.StringIO) -> None:
    logging.getLogger("aiokafka.consumer").warning("Heartbeat of %s failed", CANARY)
    line = last(lines)
    assert (line["event"], line["logger"]) == ("library", "aiokafka.consumer")
    assert line["template"] == "Heartbeat of %s failed"
    assert "Canary" not in lines.getvalue()


def test_a_librarys_finished_text_is_withheld(lines: io.StringIO) -> None:
    logging.getLogger("asyncio").error(f"Task failed: {CANARY}")
    assert "template" not in last(lines)
    assert "Canary" not in lines.getvalue()


def test_a_librarys_exception_keeps_its_type_only(lines: io.StringIO) -> None:
    try:
        raise KeyError(CANARY)
    except KeyError:
        logging.getLogger("grpc").exception("handler")
    assert last(lines)["error_type"] == "KeyError"
    assert "Canary" not in lines.getvalue()


async def test_a_lost_tasks_exception_does_not_leak(lines: io.StringIO) -> None:
    asyncio.get_running_loop().call_exception_handler({"message": CANARY, "exception": ValueError(CANARY)})
    assert last(lines)["error_type"] == "ValueError"
    assert "Canary" not in lines.getvalue()


@pytest.mark.parametrize("name", ["aiokafka.conn", "aiokafka.producer", "faststream", "asyncio", "grpc"])
def test_libraries_are_not_heard_below_warning(lines: io.StringIO, name: str) -> None:
    logging.getLogger(name).info("Request %s", CANARY)
    logging.getLogger(name).debug("Response %s", CANARY)
    assert lines.getvalue() == ""


def test_a_terminal_gets_words_instead_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    set_up_logs("assessment", terminal)
    structlog.get_logger().info("call", patient=CANARY, code="OK")
    structlog.reset_defaults()
    with pytest.raises(json.JSONDecodeError):
        json.loads(terminal.getvalue())
    assert "OK" in terminal.getvalue()
    assert "Canary" not in terminal.getvalue()


def test_the_place_of_an_error_is_its_innermost_frame() -> None:
    with pytest.raises(ValueError, match="Expecting") as raised:
        json.loads("{")
    assert place_of(raised.value).startswith("json.decoder:")
    assert place_of(ValueError()) == ""


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (7, 7),
        (1.5, 1.5),
        (True, True),
        ("word:a/b@c-d_e.f+1", "word:a/b@c-d_e.f+1"),
        ("x" * 200, "x" * 200),
        (datetime(2026, 11, 23, tzinfo=UTC), "2026-11-23T00:00:00+00:00"),
    ],
)
def test_a_field_is_a_number_a_moment_or_one_word(lines: io.StringIO, value: object, kept: object) -> None:
    structlog.get_logger().info("call", reason=value)
    assert last(lines)["reason"] == kept


@pytest.mark.parametrize("value", ["", "two words", "x" * 201, "line\nend", b"bytes", None, {"a": 1}, ("a",)])
def test_a_field_of_anything_else_is_dropped(lines: io.StringIO, value: object) -> None:
    structlog.get_logger().info("call", reason=value)
    assert "reason" not in last(lines)


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        ("a", "a"),
        ("a" * 61, "a" * 61),
        ("a" * 62, "withheld"),
        ("two-part words", "two-part words"),
        ("Capital", "withheld"),
        ("with 1", "withheld"),
        ("", "withheld"),
        ("words\n", "withheld"),
    ],
)
def test_an_event_is_a_few_plain_words(lines: io.StringIO, event: str, kept: str) -> None:
    structlog.get_logger().info(event)
    assert last(lines)["event"] == kept


def test_every_line_says_which_service_it_is_of_and_how_loud_it_is(lines: io.StringIO) -> None:
    structlog.get_logger().debug("call")
    assert lines.getvalue() == ""
    structlog.get_logger().warning("call", service="another")
    assert (last(lines)["service"], last(lines)["level"]) == ("another", "warning")


class Minutes:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def said(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_an_outage_of_five_minutes_is_six_lines_however_often_it_shows(lines: io.StringIO) -> None:
    clock = Minutes()
    outage = Outage("broker", clock)
    for _second in range(300):
        for _line in range(390):
            outage.away("KafkaConnectionError")
        clock.now += 1
    outage.back()
    outage.back()
    found = said(lines)
    assert [(one["event"], one["level"]) for one in found] == [("broker away", "warning")] * 5 + [
        ("broker back", "info")
    ]
    assert {one["since"] for one in found} == {"1970-01-12T13:46:40+00:00"}
    assert (found[-1]["count"], found[-1]["duration_ms"]) == (117_000, 300_000)
    outage.away("KafkaConnectionError")
    assert (last(lines)["event"], last(lines)["count"]) == ("broker away", 1)


def test_the_kafka_client_s_lines_of_an_outage_are_part_of_ours(lines: io.StringIO) -> None:
    BROKER.away("KafkaConnectionError")
    try:
        for _line in range(50):
            logging.getLogger("aiokafka.conn").error("Unable connect to %s", "node")
        assert [one["event"] for one in said(lines)] == ["broker away"]
    finally:
        BROKER.back()
    assert last(lines)["count"] == 51


def test_a_library_that_repeats_itself_is_heard_once_a_minute(lines: io.StringIO) -> None:
    for _line in range(50):
        logging.getLogger("aiokafka.consumer").error("Fetch of %s failed", CANARY)
    logging.getLogger("aiokafka.consumer").error("Heartbeat of %s failed", CANARY)
    found = said(lines)
    assert [(one["template"], one["level"]) for one in found] == [
        ("Fetch of %s failed", "warning"),
        ("Heartbeat of %s failed", "warning"),
    ]
    assert "Canary" not in lines.getvalue()


def test_an_error_of_another_library_stays_an_error(lines: io.StringIO) -> None:
    logging.getLogger("asyncio").error("Task %s failed", CANARY)
    assert last(lines)["level"] == "error"
