"""The log: one line per call and per batch, with fields from one list. Whatever is not on the list is dropped.

Libraries' own lines are reduced to where they came from and their template: their arguments may hold patients' data.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from datetime import datetime
from typing import Any, TextIO
from uuid import UUID

import msgspec
import structlog

FIELDS = frozenset({
    "at", "broker", "code", "consumer", "correlation_id", "count", "duration_ms", "error_at", "error_id", "error_type",
    "grpc_port", "http_port", "kind", "lag_seconds", "level", "logger", "method", "parked", "partition", "position",
    "previous", "reason", "records", "role", "service", "signal", "source", "task", "template", "timestamp", "version",
    "waiting",
})  # fmt: skip
QUIET = {
    "aiokafka": logging.WARNING,
    "asyncio": logging.WARNING,
    "faststream": logging.WARNING,
    "grpc": logging.WARNING,
}

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


class _LibraryLines(logging.Handler):
    """Standard-library log records, without their arguments and without the exception's text."""

    def emit(self, record: logging.LogRecord) -> None:
        failure = record.exc_info[0] if record.exc_info else None
        structlog.get_logger().log(
            record.levelno,
            "library",
            logger=record.name,
            at=f"{record.module}:{record.lineno}",
            # Without arguments the text may already hold values.
            template=str(record.msg)[:200] if record.args else None,
            error_type=failure.__name__ if failure else None,
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


def place_of(error: BaseException) -> str:
    """Where an error was raised, as `module:line`; all that a log may say of it besides its type."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
