"""Doses as the client recorded them, as the view shows them."""

from dataclasses import dataclass

from careloop.contracts.monitoring import DoseRecorded
from careloop.contracts.terms import Medicine
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from careloop.kernel.restating import shown
from services.coordination.domain.view.sections.monitoring import MonitoringSection
from services.coordination.domain.view.written import level_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    fact_id: FactId
    medicine: Medicine
    status: str
    reason: str
    occurred_at: Instant
    flags: tuple[str, ...]
    triage: str = ""


shown_of = shown(Dose, DoseRecorded, "flags", "triage")


def dose(recorded: DoseRecorded) -> Dose:
    return shown_of(recorded, flags=recorded.flags or (), triage=level_of(recorded.triage))


def doses(section: MonitoringSection) -> tuple[Dose, ...]:
    """The latest first."""
    return tuple(dose(k.fact) for k in reversed(section.doses))
