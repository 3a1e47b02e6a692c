"""What an event of prescribing makes due: the day on which a dose that was dated ahead takes effect, the end of the
time to answer a discrepancy, and a check of what is taken already."""

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from careloop.chassis.due.rows import due_row, read_detail
from careloop.chassis.events.envelope import Envelope
from careloop.chassis.log.protocol import DueRow
from careloop.contracts.prescribing import ConcernCause
from careloop.kernel.ids import FactId
from careloop.knowledge.local_time import day_begins
from services.prescribing.domain import noted
from services.prescribing.domain.events import (
    ConcernAnswered,
    DiscrepancyFound,
    DoseChanged,
    EnteredInError,
    Event,
    PrescriptionDiscontinued,
    PrescriptionIssued,
)
from services.prescribing.domain.noted import MedicationsNoted, StrikeNoted
from services.prescribing.domain.overdue import AnswerTime, RaiseOverdue, answer_time, unanswered
from services.prescribing.domain.standing_check import CheckCause, CheckStanding
from services.prescribing.domain.state import PrescriptionChart
from services.prescribing.domain.taking_effect import DoseAhead, TakeEffect, dated_ahead, doses_ahead

TAKE_EFFECT = "take-effect"
STANDING_CHECK = "standing-check"
DISCREPANCY = "discrepancy"
STILL_ACTS = (timedelta(days=1), timedelta(days=15), timedelta(days=36))
"""When what was stopped is looked at again, and a concern about it may have ended: it counts on its last day, and for
the washouts of the pack."""
READ_BY_THE_CHECK = (
    noted.HistoryNoted,
    noted.ConditionStatusNoted,
    noted.MedicationsNoted,
    noted.AllergiesNoted,
    noted.PregnancyNoted,
    noted.ResultsNoted,
    noted.GenotypesNoted,
    noted.SmokingNoted,
    noted.DiagnosisNoted,
    noted.DiagnosisSeverityNoted,
    noted.ScaleNoted,
    noted.SuicideRiskNoted,
    noted.SideEffectNoted,
    noted.StrikeNoted,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DueOfNote = Callable[[Envelope, Event], Iterable[DueRow]]
EARLIEST_DAY = timedelta(hours=14)
"""So long before its day begins in UTC a day begins where it begins first."""


def due_rows(event: Event, stream_id: UUID) -> Iterable[DueRow]:
    """The row of a dose that is dated ahead, for when its day begins anywhere: where the client lives is asked when the
    row is taken up."""
    if isinstance(event, PrescriptionIssued | DoseChanged):
        yield from (_row(dose, stream_id) for dose in dated_ahead(event))
    match event:
        case PrescriptionIssued() | DoseChanged():
            yield _check(stream_id, ConcernCause.DECISION, event.fact_id, event.occurred_at)
        case PrescriptionDiscontinued():
            for later in (timedelta(0), *STILL_ACTS):
                yield _check(stream_id, ConcernCause.DECISION, event.fact_id, event.occurred_at + later)
        case EnteredInError():
            yield _check(stream_id, ConcernCause.STRIKE, event.fact_id, event.occurred_at)
        case ConcernAnswered() if event.look_again_at is not None:
            yield _check(stream_id, ConcernCause.ANSWER, event.fact_id, event.look_again_at)
        case DiscrepancyFound():
            yield _answer(answer_time(event), stream_id)


def rows_of_notes(importers: Collection[str], window: timedelta) -> DueOfNote:
    """The check that a noted fact asks for: at once; of what an importer recorded within one window, one for all.

    It is made one window after that ends: what else belongs to the import is noted by then.
    """

    def rows(envelope: Envelope, noted: Event) -> Iterable[DueRow]:
        if not isinstance(noted, READ_BY_THE_CHECK):
            return ()
        if isinstance(noted, StrikeNoted):
            return (_check(envelope.patient_id, ConcernCause.STRIKE, noted.fact_id, envelope.recorded_at),)
        if envelope.actor in importers:
            began = envelope.recorded_at - (envelope.recorded_at - _EPOCH) % window
            return (_check(envelope.patient_id, ConcernCause.IMPORT, noted.fact_id, began + 2 * window, began),)
        told = f"{type(noted).__name__} {noted.fact_id}"
        moments = (timedelta(0), *(STILL_ACTS if isinstance(noted, MedicationsNoted) else ()))
        return [
            _check(envelope.patient_id, ConcernCause.FACT, noted.fact_id, envelope.recorded_at + later, told)
            for later in moments
        ]

    return rows


def _check(stream_id: UUID, cause: ConcernCause, fact: FactId, at: datetime, subject: object = None) -> DueRow:
    told = f"{cause} {subject or fact} {stream_id}"
    return due_row(stream_id, STANDING_CHECK, subject=told, at=at, detail=CheckCause(cause=cause, fact=fact))


def asked_check(row: DueRow, now: datetime) -> CheckStanding:
    """What the row of a check asks for."""
    return CheckStanding(because=read_detail(row, CheckCause), at=row.due_at, now=now)


def _answer(time: AnswerTime, stream_id: UUID) -> DueRow:
    return due_row(stream_id, DISCREPANCY, subject=time.discrepancy, at=time.answer_by, detail=time)


def asked_answer(row: DueRow, now: datetime) -> RaiseOverdue:
    """What the row of a discrepancy asks for."""
    return RaiseOverdue(time=read_detail(row, AnswerTime), now=now)


def clocks(chart: PrescriptionChart, stream_id: UUID) -> Iterable[DueRow]:
    """The rows of all doses that lie ahead, and of all discrepancies that wait for an answer; also of those whose time
    came before there were such rows."""
    doses = [_row(dose, stream_id) for dose in doses_ahead(chart)]
    return [*doses, *(_answer(time, stream_id) for time in unanswered(chart))]


def _row(dose: DoseAhead, stream_id: UUID) -> DueRow:
    first = datetime.combine(dose.effective_on, time(0), tzinfo=UTC) - EARLIEST_DAY
    return due_row(stream_id, TAKE_EFFECT, subject=dose.change or dose.prescription, at=first, detail=dose)


def asked(row: DueRow, now: datetime) -> TakeEffect:
    """What the row asks for."""
    return TakeEffect(dose=read_detail(row, DoseAhead), now=now)


def when(row: DueRow, chart: PrescriptionChart) -> datetime:
    """When its day begins where the client lives, as far as that is known now."""
    return day_begins(read_detail(row, DoseAhead).effective_on, chart.zone)
