"""What is said of one piece of work, and to whom. Until `export_to` names somebody, nothing is made and nothing costs.

A span says only what is on the list `ATTRIBUTES`, each a number or one word: no patient's data, no caller's text.
"""

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct

ATTRIBUTES = frozenset({
    "careloop.consumer", "careloop.partition", "careloop.position", "careloop.source", "error.type",
    "messaging.destination.name", "messaging.operation.type", "messaging.system",
    "rpc.method", "rpc.response.status_code", "rpc.system.name",
})  # fmt: skip
_WORD = re.compile(r"[A-Za-z][\w.-]*(/\w+)?")
_LONGEST_WORD = 100
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-", re.IGNORECASE)
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_RANDOM_BITS = 56
"""Of a trace id, those that are random in an UUID as well as by the W3C's rules."""


class Kind(StrEnum):
    SERVER = "server"
    PRODUCER = "producer"
    CONSUMER = "consumer"
    INTERNAL = "internal"


class SpanId(Struct, frozen=True, gc=False):
    """A span as others name it."""

    trace: UUID
    span: int

    def traceparent(self, *, sampled: bool) -> str:
        """As the W3C's header says it."""
        return f"00-{self.trace.hex}-{self.span:016x}-{int(sampled):02x}"


class Span(Struct, kw_only=True, gc=False):
    """One piece of work, from `started` to `ended`, in nanoseconds since 1970.

    `link` is the caller's span where that belongs to another trace.
    """

    id: SpanId
    name: str
    kind: Kind
    parent: int | None = None
    link: SpanId | None = None
    attributes: dict[str, Any]
    started: int
    ended: int = 0

    def say(self, **attributes: Any) -> None:
        """Names are written with `__` for a dot."""
        self.attributes |= {name.replace("__", "."): value for name, value in attributes.items()}


Export = Callable[[Span], None]
NOTHING: AbstractContextManager[None] = nullcontext()
_current: ContextVar[Mapping[UUID | None, SpanId]] = ContextVar("careloop_spans")


class _Exporting:
    """To whom spans of this process go, and which part of all traces: the same part in every process."""

    def __init__(self) -> None:
        self.export: Export | None = None
        self.ratio = 1.0


_TO = _Exporting()


def export_to(export: Export | None, ratio: float = 1.0) -> None:
    """From now on spans go there, of `ratio` of all traces; None ends it."""
    _TO.export, _TO.ratio = export, ratio


def is_on() -> bool:
    return _TO.export is not None


def is_sampled(trace: UUID) -> bool:
    """Whether this trace is among those that are exported; every process that has the same ratio says the same."""
    return (trace.int & ((1 << _RANDOM_BITS) - 1)) < _TO.ratio * (1 << _RANDOM_BITS)


def read_traceparent(text: str | None) -> SpanId | None:
    """The span that a W3C `traceparent` names; None for none and for what is none."""
    found = _TRACEPARENT.fullmatch(text or "")
    return SpanId(UUID(found[1]), int(found[2], 16)) if found else None


def new_span() -> int:
    return random.getrandbits(64) or 1


def now() -> int:
    return time.time_ns()


def export(span: Span) -> None:
    """Send it off, unless its trace is not sampled; what is not on the list is left out."""
    if _TO.export is not None and is_sampled(span.id.trace):
        span.attributes = listed(span.attributes)
        _TO.export(span)


def listed(attributes: Mapping[str, Any]) -> dict[str, str | int]:
    """Attributes of the list, each a number, or one short word that holds no id."""
    return {name: value for name, value in attributes.items() if name in ATTRIBUTES and _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, int):
        return True
    is_word = isinstance(value, str) and len(value) <= _LONGEST_WORD and _WORD.fullmatch(value)
    return bool(is_word) and not _UUID.search(value)


def current(cause: UUID | None = None) -> SpanId | None:
    """The span of the work that is done here: of several done together the one for the event `cause`."""
    spans = _current.get({})
    if len(spans) == 1 and cause is None:
        return next(iter(spans.values()))
    return spans.get(cause)


def set_current(span: SpanId) -> None:
    """From now on this task works on that span."""
    _current.set({None: span})


@contextmanager
def recording(spans: Mapping[UUID | None, Span]) -> Iterator[None]:
    """Around work done for all of these together: they are its children's parents, and end with it."""
    token = _current.set({cause: span.id for cause, span in spans.items()})
    try:
        yield
    except BaseException as failure:
        for span in spans.values():
            span.say(error__type=type(failure).__name__)
        raise
    finally:
        _current.reset(token)
        ended = now()
        for span in spans.values():
            span.ended = ended
            export(span)


def within(name: str) -> AbstractContextManager[None]:
    """Around a part of the work that is done here: a span below each of those that stand for it."""
    around = _current.get({}) if is_on() else {}
    if not around:
        return NOTHING
    started = now()
    return recording(
        {
            cause: Span(
                id=SpanId(one.trace, new_span()),
                name=name,
                kind=Kind.INTERNAL,
                parent=one.span,
                attributes={},
                started=started,
            )
            for cause, one in around.items()
        }
    )
