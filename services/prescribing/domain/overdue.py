"""A discrepancy that no prescriber answers in time is said to be overdue."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from msgspec import UNSET

from careloop.contracts.prescribing import DiscrepancyKind
from careloop.kernel.decisions import guarded
from careloop.kernel.ids import FactId, derived_id
from careloop.kernel.restating import restating
from services.prescribing.domain.discontinuing import abrupt_stop_alert
from services.prescribing.domain.events import DiscrepancyFound, DiscrepancyOverdue, Event, PrescriptionIssued
from services.prescribing.domain.noted import MedicationsNoted
from services.prescribing.domain.state import PrescriptionChart

WITHIN_A_DAY = timedelta(hours=24)
"""Where the client does not take what must not be stopped from one day to the next."""
WITHIN_DAYS = timedelta(hours=72)
"""All else. The times are those of side effects that are looked at on the same day and within 72 hours."""
_NOT_TAKEN = frozenset({DiscrepancyKind.STOPPED, DiscrepancyKind.NOT_TAKING})


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTime:
    """The discrepancy, and the moment by which a prescriber is to answer it."""

    discrepancy: FactId
    answer_by: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseOverdue:
    """The time to answer this is over."""

    time: AnswerTime
    now: datetime


overdue = restating(DiscrepancyOverdue, DiscrepancyFound, "fact_id", "occurred_at", discrepancy="fact_id")


@guarded()
def raise_overdue(command: RaiseOverdue, chart: PrescriptionChart) -> list[Event]:
    """Nothing where a prescriber answered, where it stands no more (`stands`), or where the episode of care ended."""
    discrepancy, answer_by = command.time.discrepancy, command.time.answer_by
    found, fact_id = chart.discrepancy(discrepancy), overdue_id(discrepancy)
    if (
        found is None
        or chart.ended is not None
        or chart.knows(fact_id)
        or chart.is_resolved(discrepancy)
        or not stands(found, chart)
    ):
        return []
    return [overdue(found, fact_id=fact_id, occurred_at=answer_by)]


def stands(found: DiscrepancyFound, chart: PrescriptionChart) -> bool:
    """Whether its list is the newest and was not struck, the prescription is in force, and its dose was not made that
    of the list since."""
    newest, issued = chart.latest(MedicationsNoted), chart.prescription(found.prescription)
    if newest is None or newest.fact_id != found.listed_in or issued is None:
        return False
    if chart.discontinuation(issued.fact_id) is not None:
        return False
    changes = chart.standing_changes(issued.fact_id)
    dose = changes[-1].to_daily_dose_mg if changes else found.prescribed_daily_dose_mg
    return found.kind is not DiscrepancyKind.DOSE or dose != found.listed_daily_dose_mg


def answered_within(
    kind: DiscrepancyKind, issued: PrescriptionIssued, chart: PrescriptionChart, day: date
) -> timedelta:
    """How long a prescriber has from the moment at which the list was recorded."""
    stops = kind in _NOT_TAKEN and abrupt_stop_alert(issued, chart, day) is not None
    return WITHIN_A_DAY if stops else WITHIN_DAYS


def overdue_id(discrepancy: FactId) -> FactId:
    return FactId(derived_id("prescribing", "discrepancy-overdue", discrepancy))


def answer_time(found: DiscrepancyFound) -> AnswerTime:
    """One that was stored without it is to be answered as if it had been found on the day of its list."""
    by = found.occurred_at + WITHIN_DAYS if found.answer_by is UNSET else found.answer_by
    return AnswerTime(discrepancy=found.fact_id, answer_by=by)


def unanswered(chart: PrescriptionChart) -> Iterator[AnswerTime]:
    """Of those that still stand."""
    for found in chart.discrepancies:
        if found.fact_id not in chart.struck and not chart.is_resolved(found.fact_id) and stands(found, chart):
            yield answer_time(found)
