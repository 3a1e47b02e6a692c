"""A collector of traces within the test's process: it takes spans over OTLP, as any would, and keeps them."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as wire
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

SAMPLED = 1 / 64
"""Which part of the traces is collected: spans of every call would slow the tests that share the system."""


def sampled_trace() -> UUID:
    """The id of a trace that is collected: of its last 56 bits the first six are 0."""
    return UUID(int=uuid4().int & ~(0b111111 << 50))


@dataclass(frozen=True)
class CollectedSpan:
    """A span as it came; `service` is who sent it."""

    service: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    name: str
    attributes: Mapping[str, str]
    began: int
    ended: int

    @property
    def step(self) -> str:
        """What is done: `append`, `publish`, `apply`, `project`, or the method of a call."""
        return self.name.partition(" ")[0].rpartition("/")[2]


class Collector(TraceServiceServicer):
    def __init__(self) -> None:
        self.address = ""
        self.spans: list[CollectedSpan] = []
        self.resources: list[Mapping[str, str]] = []

    def Export(self, request: wire.ExportTraceServiceRequest, _context: grpc.ServicerContext) -> object:  # noqa: N802
        for of in request.resource_spans:
            resource = _texts(of.resource.attributes)
            self.resources.append(resource)
            for scope in of.scope_spans:
                self.spans += [_collected(resource["service.name"], span) for span in scope.spans]
        return wire.ExportTraceServiceResponse()

    def trace(self, trace_id: UUID) -> list[CollectedSpan]:
        return [span for span in self.spans if span.trace == trace_id.hex]


def _texts(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {one.key: one.value.string_value or str(one.value.int_value) for one in attributes}


def _collected(service: str, span: Span) -> CollectedSpan:
    return CollectedSpan(
        service=service,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple(link.span_id.hex() for link in span.links),
        name=span.name,
        attributes=_texts(span.attributes),
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
    )


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(1))
    add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]  # generated without types
    collector.address = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(None)
