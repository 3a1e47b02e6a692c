"""Spans on their way to an OpenTelemetry collector, over gRPC. Imported only where one is set.

What is not set here says OpenTelemetry's own environment (`OTEL_EXPORTER_OTLP_...`): headers, certificates, timeouts.
"""

from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from careloop.chassis.tracing.spans import Kind, Span, SpanId

EVERY_MILLISECONDS = 1_000
MOST_WAITING = 8_192
"""Spans that wait for the collector; beyond that they are dropped: no call and no event waits for one."""
_KINDS: Mapping[Kind, SpanKind] = {kind: SpanKind[kind.name] for kind in Kind}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class _GivenIds(IdGenerator):
    """The ids that a span has already."""

    def __init__(self) -> None:
        self.next = SpanId(trace=None, span=0)  # type: ignore[arg-type]  # set before the first use

    def generate_trace_id(self) -> int:
        return self.next.trace.int

    def generate_span_id(self) -> int:
        return self.next.span


class Collector:
    """Sends spans in the background. `resource` says whose they are, by OpenTelemetry's names."""

    def __init__(self, endpoint: str, resource: Mapping[str, str]) -> None:
        self._ids = _GivenIds()
        exporter = OTLPSpanExporter(endpoint=endpoint)
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, id_generator=self._ids, resource=Resource(dict(resource)), shutdown_on_exit=False
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter, max_queue_size=MOST_WAITING, schedule_delay_millis=EVERY_MILLISECONDS)
        )
        self._tracer = self._provider.get_tracer("careloop")

    def export(self, span: Span) -> None:
        """Hand over a span that has ended; does not wait."""
        self._ids.next = span.id
        parent = None if span.parent is None else SpanId(span.id.trace, span.parent)
        made = self._tracer.start_span(
            span.name,
            context=trace.set_span_in_context(_remote(parent)) if parent else Context(),
            kind=_KINDS[span.kind],
            attributes=span.attributes,
            links=[Link(_remote(span.link).get_span_context())] if span.link else None,
            start_time=span.started,
        )
        if "error.type" in span.attributes:
            made.set_status(Status(StatusCode.ERROR))
        made.end(span.ended)

    def close(self, seconds: float) -> None:
        """Send what waits, for at most so long."""
        self._provider.force_flush(int(seconds * 1000))
        self._provider.shutdown()


def _remote(span: SpanId) -> NonRecordingSpan:
    return NonRecordingSpan(SpanContext(span.trace.int, span.span, is_remote=True, trace_flags=_SAMPLED))
