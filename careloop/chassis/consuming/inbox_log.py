"""What an inbox reports of its work: a line a second, a warning or an alarm per trouble, and every batch's figures."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from careloop.chassis.logs import AtMost


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something happened."""

    consumer: str
    source: str
    partition: int


class InboxObserver(Protocol):
    def applied(self, place: Place, *, records: int, position: int, seconds: float) -> None:
        """A unit was committed; `position` is now the consumer's."""

    def parked(self, place: Place, *, position: int, reason: str) -> None:
        """A patient was parked at this record."""

    def hole(self, place: Place, *, position: int, waiting: int) -> None:
        """What comes after `position` did not arrive in time and is fetched from the source."""

    def malformed(self, place: Place, *, header: str) -> None:
        """A record's headers are not a published event's."""

    def stopped(self, place: Place, *, position: int) -> None:
        """The record at `position` contradicts what was consumed; the partition is not consumed any more."""

    def delayed(self, place: Place, *, error: BaseException) -> None:
        """A unit could not be committed now and will be tried again."""

    def unheard(self, place: Place, *, error: BaseException) -> None:
        """Records wait, and what should happen at once of such failed: perhaps nobody hears of something urgent."""


@dataclass(slots=True)
class _Applied:
    """What a consumer applied since its last line."""

    lines: AtMost
    records: int = 0
    longest: float = 0.0


class InboxLog:
    """Writes it all to the log, and passes applied batches to `batch` (consumer, source, records, seconds) too. Of what
    a consumer applied it writes one line a second at most, which sums up."""

    def __init__(
        self,
        batch: Callable[[str, str, int, float], None] = lambda *_figures: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._batch = batch
        self._clock = clock
        self._applied: dict[str, _Applied] = {}

    def applied(self, place: Place, *, records: int, position: int, seconds: float) -> None:
        self._batch(place.consumer, place.source, records, seconds)
        so_far = self._applied.setdefault(place.consumer, _Applied(AtMost(1, self._clock)))
        so_far.records += records
        so_far.longest = max(so_far.longest, seconds)
        unsaid = so_far.lines.unsaid()
        if unsaid is None:
            return
        duration = round(so_far.longest * 1000, 1)
        _log(place).info(
            "batches applied", count=unsaid + 1, records=so_far.records, position=position, duration_ms=duration
        )
        so_far.records, so_far.longest = 0, 0.0

    def parked(self, place: Place, *, position: int, reason: str) -> None:
        _log(place).error("patient parked", position=position, reason=reason)

    def hole(self, place: Place, *, position: int, waiting: int) -> None:
        _log(place).error("hole in the topic", position=position, waiting=waiting)

    def malformed(self, place: Place, *, header: str) -> None:
        _log(place).error("malformed record", reason=header)

    def stopped(self, place: Place, *, position: int) -> None:
        _log(place).critical("partition stopped", position=position)

    def delayed(self, place: Place, *, error: BaseException) -> None:
        _log(place).warning("batch delayed", error_type=type(error).__name__)

    def unheard(self, place: Place, *, error: BaseException) -> None:
        _log(place).critical("nobody hears what waits", error_type=type(error).__name__)


def _log(place: Place) -> structlog.typing.FilteringBoundLogger:
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger.bind(consumer=place.consumer, source=place.source, partition=place.partition)
