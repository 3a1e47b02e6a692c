"""What an event of prescribing makes due: the day on which a dose that was dated ahead takes effect."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from careloop.chassis.due.rows import due_row, read_detail
from careloop.chassis.log.protocol import DueRow
from careloop.knowledge.local_time import day_begins
from services.prescribing.domain.events import DoseChanged, Event, PrescriptionIssued
from services.prescribing.domain.state import PrescriptionChart
from services.prescribing.domain.taking_effect import DoseAhead, TakeEffect, dated_ahead, doses_ahead

TAKE_EFFECT = "take-effect"
EARLIEST_DAY = timedelta(hours=14)
"""So long before its day begins in UTC a day begins where it begins first."""


def due_rows(event: Event, stream_id: UUID) -> Iterable[DueRow]:
    """The row of a dose that is dated ahead, for when its day begins anywhere: where the client lives is asked when the
    row is taken up."""
    if isinstance(event, PrescriptionIssued | DoseChanged):
        yield from (_row(dose, stream_id) for dose in dated_ahead(event))


def clocks(chart: PrescriptionChart, stream_id: UUID) -> Iterable[DueRow]:
    """The rows of all doses that lie ahead, or whose day came before there were such rows."""
    return [_row(dose, stream_id) for dose in doses_ahead(chart)]


def _row(dose: DoseAhead, stream_id: UUID) -> DueRow:
    first = datetime.combine(dose.effective_on, time(0), tzinfo=UTC) - EARLIEST_DAY
    return due_row(stream_id, TAKE_EFFECT, subject=dose.change or dose.prescription, at=first, detail=dose)


def asked(row: DueRow, now: datetime) -> TakeEffect:
    """What the row asks for."""
    return TakeEffect(dose=read_detail(row, DoseAhead), now=now)


def when(row: DueRow, chart: PrescriptionChart) -> datetime:
    """When its day begins where the client lives, as far as that is known now."""
    return day_begins(read_detail(row, DoseAhead).effective_on, chart.zone)
