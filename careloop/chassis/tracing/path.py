"""The steps of a fact's path: the call that brings it, and its append, publication and application.

The spans of append and publication are named after the event, so whoever reads the event knows which they are.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from hashlib import blake2b
from typing import Protocol
from uuid import UUID

from careloop.chassis.tracing.spans import (
    NOTHING,
    Kind,
    Span,
    SpanId,
    current,
    export,
    is_on,
    is_sampled,
    new_span,
    now,
    recording,
    set_current,
)

TRACEPARENT = "traceparent"
FAILURES = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
"""The statuses that are the server's failure, not its answer to what the caller did."""


class PublishedFact(Protocol):
    """What is read here of a published event's envelope."""

    @property
    def event_id(self) -> UUID: ...
    @property
    def type(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def position(self) -> int: ...
    @property
    def correlation_id(self) -> UUID: ...


class StoredFact(Protocol):
    """What is read here of an event that is about to be stored."""

    @property
    def event_id(self) -> UUID: ...
    @property
    def topic(self) -> str: ...


def _named_after(event_id: UUID, step: bytes) -> int:
    return int.from_bytes(blake2b(event_id.bytes, digest_size=8, person=step).digest()) or 1


def _append_of(event_id: UUID) -> int:
    return _named_after(event_id, b"append")


def _publication_of(event_id: UUID) -> int:
    return _named_after(event_id, b"publish")


def begin_call(method: str, trace: UUID, caller: SpanId | None) -> Span:
    """The span of a call whose answer is being made in this task."""
    same = caller is not None and caller.trace == trace
    name = method.lstrip("/")
    span = Span(
        id=SpanId(trace, new_span()),
        name=name,
        kind=Kind.SERVER,
        parent=caller.span if same and caller else None,
        link=None if same else caller,
        attributes={"rpc.system.name": "grpc", "rpc.method": name},
        started=now(),
    )
    set_current(span.id)
    return span


def end_call(span: Span, code: str) -> None:
    """The call is answered with this status."""
    span.say(rpc__response__status_code=code)
    if code in FAILURES:
        span.say(error__type=code)
    span.ended = now()
    export(span)


class Appending:
    """Around the commit of events: a span for each that was stored, below the work that stored it."""

    def __init__(self) -> None:
        self._started = now()

    def stored(self, fact: StoredFact, trace: UUID, cause: UUID | None, position: int) -> None:
        """The event stands in the log."""
        self._end(fact, trace, cause, _append_of(fact.event_id), {"careloop.position": position})

    def failed(self, fact: StoredFact, trace: UUID, cause: UUID | None, failure: BaseException) -> None:
        """It does not; what is stored at another try has the span that is named after the event."""
        self._end(fact, trace, cause, new_span(), {"error.type": type(failure).__name__})

    def _end(
        self, fact: StoredFact, trace: UUID, cause: UUID | None, span: int, attributes: dict[str, str | int]
    ) -> None:
        around = current(cause) or current()
        export(
            Span(
                id=SpanId(trace, span),
                name=f"append {fact.topic}",
                kind=Kind.INTERNAL,
                parent=around.span if around is not None and around.trace == trace else None,
                attributes=attributes,
                started=self._started,
                ended=now(),
            )
        )


def traceparent(fact: PublishedFact) -> bytes:
    """Of the record that publishes this event: the same bytes whenever it is sent."""
    of = SpanId(fact.correlation_id, _publication_of(fact.event_id))
    return of.traceparent(sampled=is_sampled(of.trace)).encode()


class Publication:
    """Records on their way to the broker: a span for each, which ends when the broker has it."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._started = now()

    def ended(self, facts: Iterable[PublishedFact], failure: BaseException | None) -> None:
        """The broker has them, or not."""
        ended = now()
        for fact in facts:
            span = Span(
                id=SpanId(fact.correlation_id, _publication_of(fact.event_id)),
                name=f"publish {fact.type}",
                kind=Kind.PRODUCER,
                parent=_append_of(fact.event_id),
                attributes={
                    "messaging.system": "kafka",
                    "messaging.operation.type": "send",
                    "messaging.destination.name": self._topic,
                    "careloop.position": fact.position,
                },
                started=self._started,
                ended=ended,
            )
            if failure is not None:
                span.say(error__type=type(failure).__name__)
            export(span)


def applying(consumer: str, facts: Sequence[PublishedFact]) -> AbstractContextManager[None]:
    """Around the unit in which a consumer takes these up: a span for each, below its publication."""
    if not is_on():
        return NOTHING
    started = now()
    return recording({fact.event_id: _application(consumer, fact, started) for fact in facts})


def _application(consumer: str, fact: PublishedFact, started: int) -> Span:
    return Span(
        id=SpanId(fact.correlation_id, new_span()),
        name=f"apply {fact.type}",
        kind=Kind.CONSUMER,
        parent=_publication_of(fact.event_id),
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "careloop.consumer": consumer,
            "careloop.source": fact.source,
            "careloop.position": fact.position,
        },
        started=started,
    )
