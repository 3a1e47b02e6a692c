"""What is known of one call, for its one line in the log and its figure in the metrics."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from uuid import UUID

import structlog

from careloop.chassis.calls.statuses import Refusal, refusal_of, unexpected
from careloop.chassis.logs import AtMost, Logger, place_of
from careloop.chassis.tracing.path import end_call
from careloop.chassis.tracing.spans import Span
from careloop.kernel.errors import CareloopError

ANSWERED_A_SECOND = 10
"""So many calls that were answered OK have lines of their own."""

ObserveCall = Callable[[str, str, float], None]
"""Takes the method, the status and the seconds of every call."""


@dataclass(slots=True)
class CallLog:
    """One call's line, filled in as the call goes on."""

    method: str
    correlation_id: UUID
    answered: AtMost = field(default_factory=lambda: AtMost(ANSWERED_A_SECOND))
    started: float = field(default_factory=perf_counter)
    span: Span | None = None
    role: str | None = None
    code: str = "OK"
    error_id: str | None = None
    error_type: str | None = None
    error_at: str | None = None

    def refused(self, error: Exception) -> Refusal:
        """The status that answers `error`. What was not meant as a refusal gets an id, under which the log names it."""
        refusal = refusal_of(error) if isinstance(error, CareloopError) else self._unexpected(error)
        self.code = refusal.code.name
        return refusal

    def _unexpected(self, error: Exception) -> Refusal:
        self.error_id = secrets.token_hex(8)
        self.error_type = type(error).__name__
        self.error_at = place_of(error)
        return unexpected(self.error_id)

    def write(self, observe: ObserveCall) -> None:
        """One figure in the metrics, and one line in the log, unless it went well and so did many in this second."""
        seconds = perf_counter() - self.started
        observe(self.method, self.code, seconds)
        if self.span is not None:
            end_call(self.span, self.code)
        unsaid = self.answered.unsaid() if self.code == "OK" else 0
        if unsaid is None:
            return
        log: Logger = structlog.get_logger()
        log.info(
            "call",
            method=self.method,
            code=self.code,
            duration_ms=round(seconds * 1000, 2),
            role=self.role,
            correlation_id=self.correlation_id,
            error_id=self.error_id,
            error_type=self.error_type,
            error_at=self.error_at,
            unsaid=unsaid or None,
        )
