"""Decisions as they were taken: what was known then, and the check run again on that, by any pack."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from msgspec import UNSET

from careloop.contracts.prescribing import Order
from careloop.kernel.ids import FactId
from careloop.knowledge.findings import Screening
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.screening.explaining import Explanation
from services.prescribing.domain.dose_changes import order_of_dose
from services.prescribing.domain.events import Decided, DoseChanged, Event
from services.prescribing.domain.screening import EVIDENCE_STALE, Freshness, explained, safety_check
from services.prescribing.domain.state import DECIDER, PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDecision:
    """A decision with the chart it was taken on; `changing` is the prescription whose dose was asked to change."""

    decided: Decided
    order: Order
    chart: PrescriptionChart
    as_of: date
    changing: FactId | None

    @property
    def freshness(self) -> Freshness:
        """How well this service was informed then."""
        capsule = self.decided.capsule
        stale = {gap.subject for gap in capsule.screening.not_checked if gap.reason == EVIDENCE_STALE}
        return Freshness(positions=capsule.source_positions, stale=frozenset(stale))


def as_decided(decided: Decided, stream: Sequence[Event], recorded_on: date) -> PastDecision:
    """The decision on the events of its stream that it stood on; later ones in `stream` are left out.

    A decision stored without its day is taken to have been decided on the day it was recorded.
    """
    capsule = decided.capsule
    chart = DECIDER.fold(stream[: capsule.stream_version])
    return PastDecision(
        decided=decided,
        order=_order(decided, chart),
        chart=chart,
        as_of=recorded_on if capsule.as_of is UNSET else capsule.as_of,
        changing=_changing(decided),
    )


def check_again(past: PastDecision, pack: Pack | None = None) -> Screening:
    """What the check answers on the evidence known then; with the pack of that time, what it answered then."""
    return safety_check(past.chart, past.order, past.freshness, past.as_of, changing=past.changing, pack=pack)


def explanations(past: PastDecision) -> tuple[Explanation, ...]:
    """Of each alert of the stored answer; empty words for a rule that the pack in use does not hold any more."""
    answer = past.decided.capsule.screening
    return explained(past.chart, past.order, past.as_of, answer, changing=past.changing)


def _changing(decided: Decided) -> FactId | None:
    if isinstance(decided, DoseChanged):
        return decided.prescription
    return None if decided.capsule.changing is UNSET else decided.capsule.changing


def _order(decided: Decided, chart: PrescriptionChart) -> Order:
    if not isinstance(decided, DoseChanged):
        return decided.order
    issued = next(one for one in chart.prescriptions if one.fact_id == decided.prescription)
    return order_of_dose(issued.order, decided.to_daily_dose_mg, decided.effective_on)
