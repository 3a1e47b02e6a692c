"""What a span may say, which traces are collected, and what a process does that collects none."""

import subprocess
import sys
from collections.abc import Iterator
from contextvars import copy_context
from uuid import UUID, uuid4

import pytest

from careloop.chassis.tracing.path import begin_call, end_call
from careloop.chassis.tracing.spans import (
    Kind,
    Span,
    SpanId,
    current,
    export,
    export_to,
    is_sampled,
    listed,
    read_traceparent,
    recording,
    within,
)

TRACE = UUID("0af76519-16cd-43dd-8448-eb211c80319c")


@pytest.fixture
def collected() -> Iterator[list[Span]]:
    spans: list[Span] = []
    export_to(spans.append)
    yield spans
    export_to(None)


def span(**attributes: object) -> Span:
    return Span(id=SpanId(TRACE, 1), name="apply", kind=Kind.INTERNAL, attributes=dict(attributes), started=1)


def test_a_span_says_what_is_on_the_list() -> None:
    said = {"careloop.position": 7, "rpc.method": "care.x.v1.X/Y", "careloop.consumer": "coordination.care-view"}
    assert listed(said) == said


@pytest.mark.parametrize(
    "said",
    [
        {"patient_id": "x"},
        {"careloop.source": "Robin Example"},
        {"careloop.source": "0af76519-16cd-43dd-8448-eb211c80319c"},
        {"careloop.source": "a" * 101},
        {"careloop.source": ["monitoring"]},
        {"error.type": ValueError("Robin")},
        {"rpc.method": "a/b/c"},
    ],
)
def test_nothing_else_leaves_the_process(collected: list[Span], said: dict[str, object]) -> None:
    export(span(**said))
    assert collected[0].attributes == {}


def test_a_callers_span_is_read_as_the_w3c_writes_it() -> None:
    text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    caller = read_traceparent(text)
    assert caller == SpanId(TRACE, 0xB7AD6B7169203331)
    assert caller.traceparent(sampled=True) == text
    assert read_traceparent(text.replace("00-", "cc-", 1) + "-later") == caller


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "Robin",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
    ],
)
def test_what_is_no_callers_span_is_none(text: str | None) -> None:
    assert read_traceparent(text) is None


@pytest.mark.parametrize(("ratio", "least", "most"), [(0.0, 0, 0), (0.1, 50, 160), (0.5, 400, 600), (1.0, 1000, 1000)])
def test_a_part_of_all_traces_is_collected_whole(ratio: float, least: int, most: int) -> None:
    traces = [uuid4() for _ in range(1000)]
    try:
        export_to(lambda _span: None, ratio)
        chosen = [trace for trace in traces if is_sampled(trace)]
        assert least <= len(chosen) <= most
        assert chosen == [trace for trace in traces if is_sampled(trace)]
    finally:
        export_to(None)


def test_work_inside_has_the_span_around_it_as_its_parent(collected: list[Span]) -> None:
    first, second = uuid4(), uuid4()
    other = Span(id=SpanId(TRACE, 2), name="x", kind=Kind.CONSUMER, attributes={}, started=1)
    around: dict[UUID | None, Span] = {first: span(), second: other}
    with recording(around):
        assert current() is None
        assert current(second) == SpanId(TRACE, 2)
        with within("project"):
            pass
    assert [(one.name, one.parent) for one in collected] == [
        ("project", 1),
        ("project", 2),
        ("apply", None),
        ("x", None),
    ]
    assert current() is None


def test_what_failed_says_with_which_kind_of_failure(collected: list[Span]) -> None:
    with pytest.raises(KeyError), recording({None: span()}):
        raise KeyError("Robin")
    assert collected[0].attributes == {"error.type": "KeyError"}


@pytest.mark.parametrize(("code", "failed"), [("OK", False), ("PERMISSION_DENIED", False), ("UNAVAILABLE", True)])
def test_a_refusal_is_an_answer_and_a_failure_is_none(collected: list[Span], code: str, failed: bool) -> None:
    of_the_call = copy_context().run(begin_call, "/care.x.v1.X/Y", TRACE, None)
    end_call(of_the_call, code)
    assert collected[0].attributes["rpc.response.status_code"] == code
    assert ("error.type" in collected[0].attributes) is failed


def test_a_process_that_collects_no_traces_makes_none_and_imports_nothing_for_them() -> None:
    assert current() is None
    with within("project"):
        assert current() is None
    program = "import sys, services.prescribing.__main__; sys.exit('opentelemetry.sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
