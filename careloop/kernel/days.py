"""Days of a fact held against each other: nothing begins before the client was born, or ends before it began."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from careloop.kernel.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Span:
    """The days from one to another, both included, on which something may have been true. An end that is None is open,
    or not known."""

    first: date | None = None
    last: date | None = None

    def require(self, day: date | None, field: str) -> None:
        """Raises InvalidInput `before-birth` or `in-the-future` naming `field`; a day that is not known is no fault."""
        if day is None:
            return
        if self.first is not None and day < self.first:
            raise InvalidInput("before-birth", f"{field} may not lie before the client was born.", field=field)
        if self.last is not None and day > self.last:
            raise InvalidInput("in-the-future", f"{field} may not lie after the day it was recorded for.", field=field)

    def require_in_order(self, started: date | None, stopped: date | None, fields: Iterable[str]) -> None:
        """Both days within the span, and the second not before the first. `fields` names them in turn.

        Raises InvalidInput `stopped-before-started` besides.
        """
        start_field, stop_field = fields
        self.require(started, start_field)
        self.require(stopped, stop_field)
        if started is not None and stopped is not None and stopped < started:
            sentence = f"{stop_field} may not lie before {start_field.rpartition('.')[2]}."
            raise InvalidInput("stopped-before-started", sentence, field=stop_field)


def latest_day(moment: datetime, time_zone: str) -> date:
    """The later of the day in UTC and that of the client: what happened today there has happened."""
    return max(moment.date(), moment.astimezone(ZoneInfo(time_zone)).date())
