"""What an event of prescribing makes due: the day on which a dose that was dated ahead takes effect, what time does
with a dose plan, the end of the time to answer a discrepancy, and a check of what is taken already."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from careloop.chassis.due.deciding import Asks, When
from careloop.chassis.due.rows import due_row, read_detail
from careloop.chassis.events.envelope import Envelope
from careloop.chassis.log.protocol import DueRow
from careloop.contracts.episodes import EpisodeBegunNoted
from careloop.contracts.prescribing import ConcernCause
from careloop.kernel.ids import FactId
from careloop.knowledge.local_time import day_begins
from careloop.knowledge.screening.birthdays import birthdays
from services.prescribing.domain import noted
from services.prescribing.domain.events import (
    ConcernAnswered,
    DiscrepancyFound,
    DoseChanged,
    DosePlanEnded,
    EnteredInError,
    Event,
    Planned,
    PrescriptionDiscontinued,
    PrescriptionIssued,
    SafetyStepTaken,
    StepConfirmed,
    StepOverdue,
)
from services.prescribing.domain.noted import MedicationsNoted, StrikeNoted
from services.prescribing.domain.overdue import AnswerTime, RaiseOverdue, answer_time, unanswered
from services.prescribing.domain.plan_time import DrugEnd, PlanTurn, StopDrug, TurnPlan, turn_comes_at
from services.prescribing.domain.standing_check import CheckCause, CheckStanding
from services.prescribing.domain.state import PrescriptionChart
from services.prescribing.domain.taking_effect import DoseAhead, TakeEffect, dated_ahead, doses_ahead

TAKE_EFFECT = "take-effect"
STANDING_CHECK = "standing-check"
DISCREPANCY = "discrepancy"
DOSE_PLAN = "dose-plan"
STOP_DRUG = "stop-drug"
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
    yield from _rows_of_plan(event, stream_id)
    match event:
        case PrescriptionIssued() | DoseChanged():
            yield _check(stream_id, ConcernCause.DECISION, event.fact_id, event.occurred_at)
        case PrescriptionDiscontinued():
            for later in (timedelta(0), *STILL_ACTS):
                yield _check(stream_id, ConcernCause.DECISION, event.fact_id, event.occurred_at + later)
        case EnteredInError():
            yield _check(stream_id, ConcernCause.STRIKE, event.fact_id, event.occurred_at)
        case noted.ProfileNoted():
            yield from _birthdays(event, stream_id)
        case ConcernAnswered() if event.look_again_at is not None:
            yield _check(stream_id, ConcernCause.ANSWER, event.fact_id, event.look_again_at)
        case DiscrepancyFound():
            yield _answer(answer_time(event), stream_id)


def _birthdays(profile: noted.ProfileNoted, stream_id: UUID) -> Iterator[DueRow]:
    """A check on each birthday that matters, at the first moment of that day in UTC. A birth date that was put right
    leaves rows of days on which nothing changes."""
    for day in birthdays(profile.birth_date, profile.occurred_at.date()):
        at = datetime.combine(day, time(0), tzinfo=UTC)
        yield _check(stream_id, ConcernCause.BIRTHDAY, FactId(stream_id), at)


def birthday_clocks(chart: PrescriptionChart, stream_id: UUID) -> Iterable[DueRow]:
    """The rows of all birthdays that matter since the client was enrolled."""
    profile = chart.latest(noted.ProfileNoted)
    return _birthdays(profile, stream_id) if profile is not None else ()


def check_of_pack(stream_id: UUID, digest: str, at: datetime) -> DueRow:
    """The check of all that a client takes by a pack that is new."""
    return _check(stream_id, ConcernCause.PACK, FactId(stream_id), at, digest)


def _rows_of_plan(event: Event, stream_id: UUID) -> Iterable[DueRow]:
    """A plan is looked at after each of its events: when the next thing is due is asked of the plan as it is then."""
    if isinstance(event, StepConfirmed | SafetyStepTaken):
        for stopped in event.stops:
            end = DrugEnd(plan=event.plan, step=event.step, prescription=stopped, from_on=event.from_on)
            first = datetime.combine(event.from_on, time(0), tzinfo=UTC) - EARLIEST_DAY
            yield due_row(stream_id, STOP_DRUG, subject=f"{event.fact_id} {stopped}", at=first, detail=end)
    if isinstance(event, Planned | EnteredInError) and not isinstance(event, StepOverdue | DosePlanEnded):
        turn = PlanTurn(fact=event.fact_id, strike=isinstance(event, EnteredInError))
        subject = f"{event.fact_id} {turn.strike}"
        yield due_row(stream_id, DOSE_PLAN, subject=subject, at=event.occurred_at, detail=turn)


def asked_turn(row: DueRow, now: datetime) -> TurnPlan:
    """What the row of a plan asks for."""
    return TurnPlan(turn=read_detail(row, PlanTurn), now=now)


def when_turn(row: DueRow, chart: PrescriptionChart) -> datetime:
    """When the next thing happens with the plan, as far as that is known now; at once where nothing does."""
    return turn_comes_at(read_detail(row, PlanTurn), chart) or row.due_at


def asked_stop(row: DueRow, now: datetime) -> StopDrug:
    """What the row of a drug that a plan stops asks for."""
    return StopDrug(end=read_detail(row, DrugEnd), now=now)


def when_stopped(row: DueRow, chart: PrescriptionChart) -> datetime:
    """When the first day without a dose begins where the client lives."""
    return day_begins(read_detail(row, DrugEnd).from_on, chart.zone)


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


def resumed(envelope: Envelope, begun: Event) -> Iterable[DueRow]:
    """The check that care asks for which goes on after it had ended."""
    if isinstance(begun, EpisodeBegunNoted):
        yield _check(envelope.patient_id, ConcernCause.FACT, begun.fact_id, envelope.recorded_at)


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


ASKED: dict[str, Asks] = {
    TAKE_EFFECT: asked,
    STANDING_CHECK: asked_check,
    DISCREPANCY: asked_answer,
    DOSE_PLAN: asked_turn,
    STOP_DRUG: asked_stop,
}
"""What the rows of each kind ask for."""
WHEN: dict[str, When[PrescriptionChart]] = {TAKE_EFFECT: when, DOSE_PLAN: when_turn, STOP_DRUG: when_stopped}
"""The kinds whose moment may move."""
