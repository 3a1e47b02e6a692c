"""Reconciled lists against our own prescriptions: what is the same medicine, and where the two differ."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from careloop.contracts.assessment import CurrentMedication
from careloop.contracts.prescribing import (
    DiscrepancyFound,
    DiscrepancyKind,
    DiscrepancyResolution,
    DiscrepancyResolved,
    ListCompared,
    MatchedMedicine,
)
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import NotKnown, RuleViolated
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId, derived_id
from careloop.kernel.reading import Actor, Licence, Named
from careloop.kernel.restating import fact
from services.prescribing.domain.events import Event, PrescriptionIssued
from services.prescribing.domain.matching import substance
from services.prescribing.domain.noted import MedicationsNoted
from services.prescribing.domain.overdue import answered_within
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareList:
    """A reconciled list that was heard of; `fact_id` names the comparison, `listed_in` the list, which was recorded at
    `recorded_at`."""

    fact_id: FactId
    listed_in: FactId
    medications: tuple[CurrentMedication, ...]
    occurred_at: Instant
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveDiscrepancy(FactCommand):
    discrepancy: Annotated[FactId, Named("discrepancy_id")]
    resolution: DiscrepancyResolution
    comment: str = ""
    prescriber: Actor
    credential: Licence


compared = fact(ListCompared, CompareList, "matched")
resolved = fact(DiscrepancyResolved, ResolveDiscrepancy, resolved_by="prescriber")


@guarded(Guard.REPEAT)
def compare_list(command: CompareList, chart: PrescriptionChart) -> list[Event]:
    """What of the list is ours, and every difference from a prescription that was in force on its day.

    A list that a later one replaced already, or that was struck, is compared with nothing.
    """
    newest = chart.latest(MedicationsNoted)
    if command.listed_in in chart.struck or (newest is not None and newest.occurred_at > command.occurred_at):
        return []
    ours = [issued for issued in chart.standing_prescriptions() if _in_force(issued, command, chart)]
    matched = [
        MatchedMedicine(prescription=issued.fact_id, medicine=one.medicine)
        for issued in ours
        for one in _about(issued, command)
    ]
    found = (_difference(issued, command, chart) for issued in ours)
    return [compared(command, matched=tuple(matched)), *(difference for difference in found if difference)]


def _in_force(issued: PrescriptionIssued, command: CompareList, chart: PrescriptionChart) -> bool:
    day, ended = command.occurred_at.date(), chart.discontinuation(issued.fact_id)
    begun = issued.order.starts_on <= day and issued.occurred_at <= command.occurred_at
    return begun and (ended is None or ended.stopped_on > day)


def _about(issued: PrescriptionIssued, command: CompareList) -> list[CurrentMedication]:
    """The entries of this medicine; one that was stopped before ours began is about an earlier course."""
    ordered = substance(issued.order.medicine)
    return [
        one
        for one in command.medications
        if substance(one.medicine) == ordered and (one.stopped_on is None or one.stopped_on >= issued.order.starts_on)
    ]


def _difference(issued: PrescriptionIssued, command: CompareList, chart: PrescriptionChart) -> Event | None:
    listed = _about(issued, command)
    taken = [one for one in listed if one.stopped_on is None]
    prescribed = chart.daily_dose_mg(issued, command.occurred_at.date())
    dose = _sum(one.daily_dose_mg for one in taken) if taken else None
    stopped_on = max((one.stopped_on for one in listed if one.stopped_on is not None), default=None)
    kind = _kind(command, listed, taken, prescribed, dose)
    if kind is None:
        return None
    return DiscrepancyFound(
        fact_id=FactId(derived_id("prescribing", "discrepancy", command.listed_in, issued.fact_id)),
        listed_in=command.listed_in,
        prescription=issued.fact_id,
        kind=kind,
        medicine=issued.order.medicine,
        prescribed_daily_dose_mg=prescribed,
        listed_daily_dose_mg=dose,
        listed_stopped_on=_last(stopped_on, taken),
        occurred_at=command.occurred_at,
        answer_by=command.recorded_at + answered_within(kind, issued, chart, command.occurred_at.date()),
    )


def _kind(
    command: CompareList,
    listed: list[CurrentMedication],
    taken: list[CurrentMedication],
    prescribed: Decimal | None,
    dose: Decimal | None,
) -> DiscrepancyKind | None:
    if not command.medications or (taken and dose == 0):
        return DiscrepancyKind.NOT_TAKING
    if not listed:
        return DiscrepancyKind.NOT_LISTED
    if not taken:
        return DiscrepancyKind.STOPPED
    differs = dose is not None and prescribed is not None and dose != prescribed
    return DiscrepancyKind.DOSE if differs else None


def _last(stopped_on: date | None, taken: list[CurrentMedication]) -> date | None:
    return None if taken else stopped_on


def _sum(doses: Iterable[Decimal | None]) -> Decimal | None:
    """Of all entries together; None where one of them is not stated."""
    stated = list(doses)
    return None if None in stated else sum((dose for dose in stated if dose is not None), Decimal(0))


@guarded(Guard.REPEAT, Guard.PAST, Guard.PRESCRIBER)
def resolve_discrepancy(command: ResolveDiscrepancy, chart: PrescriptionChart) -> list[Event]:
    """A prescriber's answer. Raises NotKnown for a discrepancy that is not there, RuleViolated for one answered."""
    if chart.discrepancy(command.discrepancy) is None:
        raise NotKnown("discrepancy-not-known", "There is no such discrepancy.", field="discrepancy_id")
    if chart.is_resolved(command.discrepancy):
        raise RuleViolated("discrepancy-resolved", "The discrepancy was answered before.", field="discrepancy_id")
    return [resolved(command)]
