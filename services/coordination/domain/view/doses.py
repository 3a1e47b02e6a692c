"""Doses as the client recorded them, as the view shows them."""

from dataclasses import dataclass

from careloop.contracts.terms import Medicine
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId
from services.coordination.domain.view.sections.monitoring import MonitoringSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    fact_id: FactId
    medicine: Medicine
    status: str
    reason: str
    occurred_at: Instant


def doses(section: MonitoringSection) -> tuple[Dose, ...]:
    """The latest first."""
    return tuple(
        Dose(
            fact_id=k.fact.fact_id,
            medicine=k.fact.medicine,
            status=k.fact.status,
            reason=k.fact.reason,
            occurred_at=k.fact.occurred_at,
        )
        for k in reversed(section.doses)
    )
