"""What stands of the facts that monitoring published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from careloop.contracts import monitoring
from careloop.contracts.terms import EnteredInError, RiskRaised, ScaleScored
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.sections.shelf import Latest, Shelf, shelved

LATEST_DOSES = 100


@shelved
@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringSection:
    shelves: ClassVar[Mapping[type, Shelf]]
    reported: tuple[DatedFact[monitoring.SideEffectReported], ...] = ()
    resolved: tuple[DatedFact[monitoring.SideEffectResolved], ...] = ()
    scales: tuple[DatedFact[ScaleScored], ...] = ()
    risks: tuple[DatedFact[RiskRaised], ...] = ()
    contacts: tuple[DatedFact[monitoring.RiskContactRecorded], ...] = ()
    ended: tuple[DatedFact[monitoring.RiskEnded], ...] = ()
    demanded: tuple[DatedFact[monitoring.ResultActionRaised], ...] = ()
    settled: tuple[DatedFact[monitoring.ResultActionEnded], ...] = ()
    doses: Annotated[tuple[DatedFact[monitoring.DoseRecorded], ...], Latest(LATEST_DOSES)] = ()
    extra_doses: tuple[DatedFact[monitoring.ExtraDoseReported], ...] = ()
    emergencies: tuple[DatedFact[monitoring.EmergencyDeclared], ...] = ()
    struck: tuple[DatedFact[EnteredInError], ...] = ()
