"""What an inbox reports of its work: one line per batch, a warning or an alarm per trouble, and the batch's figures."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog


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


class InboxLog:
    """Writes it all to the log, and passes applied batches to `batch` (consumer, source, records, seconds) too."""

    def __init__(self, batch: Callable[[str, str, int, float], None] = lambda *_figures: None) -> None:
        self._batch = batch

    def applied(self, place: Place, *, records: int, position: int, seconds: float) -> None:
        self._batch(place.consumer, place.source, records, seconds)
        _log(place).info("batch applied", records=records, position=position, duration_ms=round(seconds * 1000, 1))

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
