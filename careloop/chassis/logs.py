"""The log: lines with fields from one list. Whatever is not on the list is dropped.

Libraries' own lines are reduced to where they came from and their template: their arguments may hold patients' data.
"""

import logging
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO
from uuid import UUID

import msgspec
import structlog

from careloop.chassis.tracing.spans import current

FIELDS = frozenset({
    "at", "broker", "code", "consumer", "correlation_id", "count", "duration_ms", "error_at", "error_id", "error_type",
    "grpc_port", "http_port", "kind", "lag_seconds", "level", "logger", "method", "parked", "partition", "position",
    "previous", "reason", "records", "role", "service", "signal", "since", "source", "span_id", "task", "template",
    "timestamp", "trace_id", "unsaid", "version", "waiting",
})  # fmt: skip
QUIET = {
    "aiokafka": logging.WARNING,
    "asyncio": logging.WARNING,
    "faststream": logging.WARNING,
    "grpc": logging.WARNING,
}

SAID_EVERY_SECONDS = 60.0

_EVENT = re.compile(r"[a-z][a-z -]{0,60}")
_TOKEN = re.compile(r"[\w.:/@+-]{1,200}")
Logger = structlog.typing.FilteringBoundLogger


def keep_listed_fields(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The line with listed fields only, each a number or one word; an event that is not a few plain words is withheld.

    `template` alone may be a sentence: it is a library's constant.
    """
    event = str(line.get("event", ""))
    kept: dict[str, Any] = {"event": event if _EVENT.fullmatch(event) else "withheld"}
    for name, given in line.items():
        value = given if name == "template" else _scalar(given) if name in FIELDS else None
        if value is not None:
            kept[name] = value
    return kept


def _scalar(value: Any) -> str | int | float | bool | None:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, str | UUID) and _TOKEN.fullmatch(str(value)) else None


class Outage:
    """Something that others run is away. It is said when it begins, once a minute while it lasts, and when it is over;
    all else that is said of it meanwhile is only counted."""

    def __init__(self, what: str, clock: Callable[[], float] = time.time) -> None:
        self._what = what
        self._clock = clock
        self._since: float | None = None
        self._said_at = 0.0
        self._count = 0

    @property
    def lasts(self) -> bool:
        return self._since is not None

    def away(self, error_type: str = "") -> None:
        """It did not answer: an outage is a warning, however often it shows."""
        now = self._clock()
        self._count += 1
        if self._since is None:
            self._since = now
        elif now - self._said_at < SAID_EVERY_SECONDS:
            return
        self._said_at = now
        self._say(logging.WARNING, "away", now, error_type)

    def back(self) -> None:
        """It answers; nothing is said unless it was away."""
        if self._since is not None:
            self._say(logging.INFO, "back", self._clock())
            self._since, self._count = None, 0

    def _say(self, level: int, word: str, now: float, error_type: str = "") -> None:
        since = now if self._since is None else self._since
        structlog.get_logger().log(
            level,
            f"{self._what} {word}",
            since=datetime.fromtimestamp(since, UTC),
            duration_ms=round((now - since) * 1000),
            count=self._count,
            error_type=error_type or None,
        )


class AtMost:
    """What went well is said at most so often a second; what goes unsaid is counted."""

    def __init__(self, a_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = a_second
        self._clock = clock
        self._began = float("-inf")
        self._said = 0
        self._unsaid = 0

    def unsaid(self) -> int | None:
        """How many went unsaid since the last line, where this one may be said; None where it goes unsaid as well."""
        now = self._clock()
        if now - self._began >= 1:
            self._began, self._said = now, 0
        if self._said >= self._most:
            self._unsaid += 1
            return None
        self._said += 1
        before, self._unsaid = self._unsaid, 0
        return before


BROKER = Outage("broker")
"""The one broker of this process."""


class _LibraryLines(logging.Handler):
    """Standard-library log records, without their arguments and without the exception's text.

    What a library says again at the same place within a minute is only counted, and so is all that the Kafka client
    says of a broker that is known to be away.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, str, int], float] = {}
        self._unsaid: Counter[tuple[str, str, int]] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        of_kafka = record.name.startswith("aiokafka")
        if of_kafka and BROKER.lasts:
            BROKER.away()
            return
        place, now = (record.name, record.module, record.lineno), self._clock()
        if now - self._said.get(place, -SAID_EVERY_SECONDS) < SAID_EVERY_SECONDS:
            self._unsaid[place] += 1
            return
        self._said[place] = now
        failure = record.exc_info[0] if record.exc_info else None
        structlog.get_logger().log(
            # What the client calls an error is a broker that does not answer; what follows of it is said by us.
            min(record.levelno, logging.WARNING) if of_kafka else record.levelno,
            "library",
            logger=record.name,
            at=f"{record.module}:{record.lineno}",
            # Without arguments the text may already hold values.
            template=str(record.msg)[:200] if record.args else None,
            error_type=failure.__name__ if failure else None,
            count=self._unsaid.pop(place, 0) + 1,
        )


def set_up_logs(service: str, stream: TextIO | None = None) -> None:
    """One place for all lines: `stream`, or standard error; JSON unless that is a terminal."""
    target = sys.stderr if stream is None else stream
    colours = target.isatty()
    renderer: Any = structlog.dev.ConsoleRenderer() if colours else _as_json
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_service(service),
            _with_span,
            keep_listed_fields,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_LibraryLines()], level=logging.WARNING, force=True)
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)


def _as_json(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> str:
    return msgspec.json.encode(line, order="deterministic").decode()


def _with_service(service: str) -> structlog.typing.Processor:
    def add(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line.setdefault("service", service)
        return line

    return add


def _with_span(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The span of the work that the line speaks of, where traces are collected."""
    span = current()
    if span is not None:
        line.update(trace_id=span.trace.hex, span_id=f"{span.span:016x}")
    return line


def place_of(error: BaseException) -> str:
    """Where an error was raised, as `module:line`; all that a log may say of it besides its type."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
