"""Decisions as they were taken: what was known then, and the check run again on that, by any pack."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from msgspec import UNSET

from careloop.contracts.prescribing import Order
from careloop.kernel.ids import FactId
from careloop.knowledge.findings import NotChecked, Screening
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.screening.explaining import Explanation
from services.prescribing.domain.dose_changes import order_of_dose
from services.prescribing.domain.events import Decided, DoseChanged, Event
from services.prescribing.domain.readings.numbered import reading_of
from services.prescribing.domain.readings.reading import Asking, Reading
from services.prescribing.domain.screening import (
    EVIDENCE_STALE,
    Freshness,
    explained,
    gaps_in_evidence,
    safety_check,
)
from services.prescribing.domain.state import DECIDER, PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDecision:
    """A decision with what it was taken on, and the reading by which it was."""

    decided: Decided
    asking: Asking
    reading: Reading

    @property
    def freshness(self) -> Freshness:
        """How well this service was informed then."""
        capsule = self.decided.capsule
        stale = {gap.subject for gap in capsule.screening.not_checked if gap.reason == EVIDENCE_STALE}
        return Freshness(positions=capsule.source_positions, stale=frozenset(stale))


def as_decided(decided: Decided, stream: Sequence[Event], recorded_on: date) -> PastDecision:
    """The decision on the events of its stream that it stood on; later ones in `stream` are left out.

    A decision stored without its day is taken to have been decided on the day it was recorded. Raises Unavailable for
    one by a reading of a newer build.
    """
    capsule = decided.capsule
    chart = DECIDER.fold(stream[: capsule.stream_version])
    return PastDecision(
        decided=decided,
        asking=Asking(
            chart=chart,
            order=_order(decided, chart),
            as_of=recorded_on if capsule.as_of is UNSET else capsule.as_of,
            changing=_changing(decided),
        ),
        reading=reading_of(capsule.reading),
    )


def check_again(past: PastDecision, pack: Pack | None = None) -> Screening:
    """What the check answers on the evidence known then; with the pack of that time, what it answered then."""
    return safety_check(past.asking, past.freshness, reading=past.reading, pack=pack)


def reasons_again(past: PastDecision, screening: Screening) -> tuple[str, ...]:
    """Why an order with this answer of the check would be declined by the rules of then; none where it would not."""
    return past.reading.reasons(past.asking, screening, past.decided.capsule.overrides)


def evidence_gaps(past: PastDecision) -> tuple[NotChecked, ...]:
    """What could not be checked then for want of evidence."""
    return gaps_in_evidence(past.asking, past.freshness, past.reading)


def explanations(past: PastDecision) -> tuple[Explanation, ...]:
    """Of each alert of the stored answer; empty words for a rule that the pack in use does not hold any more."""
    answer = past.decided.capsule.screening
    return explained(past.asking, answer, reading=past.reading)


def _changing(decided: Decided) -> FactId | None:
    if isinstance(decided, DoseChanged):
        return decided.prescription
    return None if decided.capsule.changing is UNSET else decided.capsule.changing


def _order(decided: Decided, chart: PrescriptionChart) -> Order:
    if not isinstance(decided, DoseChanged):
        return decided.order
    issued = next(one for one in chart.prescriptions if one.fact_id == decided.prescription)
    return order_of_dose(issued.order, decided.to_daily_dose_mg, decided.effective_on, decided.regimen)
