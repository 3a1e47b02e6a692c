"""What stands of the facts that monitoring published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from careloop.contracts import monitoring
from careloop.contracts.terms import EnteredInError, RiskRaised, ScaleScored
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.sections.shelf import Shelf

LATEST_DOSES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringSection:
    shelves: ClassVar[Mapping[type, Shelf]] = {
        monitoring.SideEffectReported: Shelf(field="reported"),
        monitoring.SideEffectResolved: Shelf(field="resolved"),
        ScaleScored: Shelf(field="scales"),
        RiskRaised: Shelf(field="risks"),
        monitoring.DoseRecorded: Shelf(field="doses", latest=LATEST_DOSES),
    }
    reported: tuple[DatedFact[monitoring.SideEffectReported], ...] = ()
    resolved: tuple[DatedFact[monitoring.SideEffectResolved], ...] = ()
    scales: tuple[DatedFact[ScaleScored], ...] = ()
    risks: tuple[DatedFact[RiskRaised], ...] = ()
    doses: tuple[DatedFact[monitoring.DoseRecorded], ...] = ()
    struck: tuple[DatedFact[EnteredInError], ...] = ()
