"""The safety check of an order: the knowledge pack on this patient's chart, and honesty about what it stood on."""

from dataclasses import dataclass, replace

from careloop.contracts.prescribing import SourcePosition
from careloop.knowledge.findings import Check, NotChecked, Screening, headline
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.screening.explaining import Explanation, explain
from careloop.knowledge.screening.screen import screen
from services.prescribing.domain.readings.numbered import LATEST
from services.prescribing.domain.readings.reading import Asking, Reading

EVIDENCE_STALE = "evidence-stale"
RESTS_ON: dict[str, tuple[Check, ...]] = {
    "assessment": (
        Check.DRUG_DRUG,
        Check.WASHOUT,
        Check.DRUG_CONDITION,
        Check.ALLERGY,
        Check.DUPLICATE_THERAPY,
        Check.PREGNANCY,
        Check.LAB,
        Check.PRIOR_TRIAL,
    ),
    "monitoring": (Check.DRUG_CONDITION, Check.PRIOR_TRIAL),
}
"""Which checks read facts of which source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How well this service was informed at the moment of the check.

    `stale` are the sources further behind than allowed, or of which a record of this patient is held or parked.
    """

    positions: tuple[SourcePosition, ...]
    stale: frozenset[str]


UNINFORMED = Freshness(positions=(), stale=frozenset(RESTS_ON))
"""What holds until the sources were looked at: nothing is fresh."""


def safety_check(
    asking: Asking, freshness: Freshness, *, reading: Reading = LATEST, pack: Pack | None = None
) -> Screening:
    """What speaks against the order, and all that could not be checked. Never silently skips anything.

    Stale evidence is not evidence: every check that rests on a stale source is also listed as not checked. The pack in
    use is asked unless another is given.
    """
    answer = screen(reading.patient_chart(asking), reading.ordered(asking), asking.as_of, pack)
    not_checked = tuple(dict.fromkeys((*answer.not_checked, *gaps_in_evidence(asking, freshness, reading))))
    return replace(answer, not_checked=not_checked, outcome=headline(answer.alerts, not_checked))


def explained(asking: Asking, screening: Screening, *, reading: Reading = LATEST) -> tuple[Explanation, ...]:
    """Of each alert in turn, why it holds and on what in the chart that the check was made on."""
    read, ordered = reading.patient_chart(asking), reading.ordered(asking)
    return tuple(explain(alert, read, ordered, asking.as_of) for alert in screening.alerts)


def gaps_in_evidence(asking: Asking, freshness: Freshness, reading: Reading = LATEST) -> tuple[NotChecked, ...]:
    """What could not be checked for want of evidence, whatever the knowledge."""
    return (*reading.not_recorded(asking), *_not_fresh(freshness))


def _not_fresh(freshness: Freshness) -> list[NotChecked]:
    return [
        NotChecked(check=check, reason=EVIDENCE_STALE, subject=source)
        for source in sorted(freshness.stale)
        for check in RESTS_ON.get(source, ())
    ]
