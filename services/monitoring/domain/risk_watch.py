"""Suicide risks as monitoring follows them: what was raised by any service, and what ended it.

A risk ends by what a clinician learned of the client: a contact, or a later screening. Answers that the client gives
alone end none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from msgspec import UNSET

from careloop.contracts.monitoring import RiskContactRecorded, RiskEnded
from careloop.contracts.terms import Reporter, RiskRaised, ScaleScored
from careloop.kernel.ids import FactId, derived_id
from careloop.knowledge.scales.score import SAFETY_ITEM_MISSING
from careloop.knowledge.urgency.suicide_risk import C_SSRS, HISTORY
from services.monitoring.domain.noted import RiskNoted, ScreeningNoted

Raised = RiskRaised | RiskNoted
Screening = ScaleScored | ScreeningNoted
RiskEvent = Raised | Screening | RiskContactRecorded | RiskEnded


@dataclass(frozen=True, slots=True)
class RiskWatch:
    """In the order in which it came to be known; struck facts stay, and count for nothing."""

    raised: tuple[Raised, ...] = ()
    screenings: tuple[Screening, ...] = ()
    contacts: tuple[RiskContactRecorded, ...] = ()
    ended: tuple[RiskEnded, ...] = ()

    def having(self, event: RiskEvent) -> "RiskWatch":
        match event:
            case RiskRaised() | RiskNoted():
                return replace(self, raised=(*self.raised, event))
            case RiskContactRecorded():
                return replace(self, contacts=(*self.contacts, event))
            case RiskEnded():
                return replace(self, ended=(*self.ended, event))
            case ScaleScored() | ScreeningNoted():
                return replace(self, screenings=(*self.screenings, event)) if ends_risks(event) else self

    def knows(self, risk: FactId) -> bool:
        return any(one.fact_id == risk for one in self.raised)

    def open_at(self, moment: datetime, struck: frozenset[FactId]) -> list[Raised]:
        """The risks that were true by then, and that neither a contact nor a screening has ended."""
        over = {risk for one in self.contacts if one.fact_id not in struck and one.outcome.closes for risk in one.risks}
        over |= {one.risk for one in self.ended if one.fact_id not in struck}
        standing = (one for one in self.raised if one.fact_id not in struck and one.fact_id not in over)
        return [one for one in standing if one.occurred_at <= moment]

    def has_history(self, struck: frozenset[FactId]) -> bool:
        """Whether earlier behaviour was raised before, so that it has been or will be spoken about."""
        return any(one.reason.endswith(f"-{HISTORY}") for one in self.raised if one.fact_id not in struck)

    def newly_ended(self, struck: frozenset[FactId]) -> Iterator[RiskEnded]:
        """The end of each open risk after which a clinician screened."""
        for screening in self.screenings:
            if screening.fact_id in struck:
                continue
            for risk in self.open_at(screening.occurred_at, struck):
                if risk.occurred_at < screening.occurred_at and not self._said(risk.fact_id, screening.fact_id):
                    yield RiskEnded(
                        fact_id=end_id(risk.fact_id, screening.fact_id),
                        risk=risk.fact_id,
                        screening=screening.fact_id,
                        occurred_at=screening.occurred_at,
                    )

    def _said(self, risk: FactId, screening: FactId) -> bool:
        return any((one.risk, one.screening) == (risk, screening) for one in self.ended)

    def ends_by(self, screening: FactId, struck: frozenset[FactId]) -> list[FactId]:
        """The ends that mean nothing without this screening."""
        return [one.fact_id for one in self.ended if one.screening == screening and one.fact_id not in struck]


def ends_risks(screening: Screening) -> bool:
    """Whether a clinician asked, and nothing that could tell of a danger is missing."""
    if isinstance(screening, ScreeningNoted):
        return True
    asked = screening.instrument == C_SSRS and screening.reporter is not UNSET
    return asked and screening.reporter is Reporter.CLINICIAN and SAFETY_ITEM_MISSING not in screening.flags


def end_id(risk: FactId, screening: FactId) -> FactId:
    return FactId(derived_id("monitoring", "risk-ended", risk, screening))
