"""The safety check of an order: the knowledge pack on this patient's chart, and honesty about what it stood on."""

from dataclasses import dataclass, replace
from datetime import date

from careloop.contracts.prescribing import Order, SourcePosition
from careloop.kernel.ids import FactId
from careloop.kernel.restating import restating
from careloop.knowledge import chart as known
from careloop.knowledge.findings import Check, NotChecked, Reason, Screening, headline
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.screening.explaining import Explanation, explain
from careloop.knowledge.screening.screen import screen
from services.prescribing.domain.noted import HistoryNoted, ListGapsNoted, MedicationsNoted
from services.prescribing.domain.screening_chart import screening_chart
from services.prescribing.domain.state import PrescriptionChart

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
READS_LIST: dict[str, tuple[Check, ...]] = {
    "medications": (Check.DRUG_DRUG, Check.WASHOUT, Check.DUPLICATE_THERAPY),
    "allergies": (Check.ALLERGY,),
    "history": (Check.DRUG_CONDITION, Check.PRIOR_TRIAL),
}
"""Which checks read which list; what is missing of a list that is not known here may concern every check."""


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
    chart: PrescriptionChart,
    order: Order,
    freshness: Freshness,
    today: date,
    *,
    changing: FactId | None = None,
    pack: Pack | None = None,
) -> Screening:
    """What speaks against the order, and all that could not be checked. Never silently skips anything.

    Stale evidence is not evidence: every check that rests on a stale source is also listed as not checked. The pack in
    use is asked unless another is given.
    """
    answer = screen(screening_chart(chart, changing=changing), asked(order, chart.taken_since(changing)), today, pack)
    not_checked = tuple(dict.fromkeys((*answer.not_checked, *gaps_in_evidence(chart, freshness))))
    return replace(answer, not_checked=not_checked, outcome=headline(answer.alerts, not_checked))


def explained(
    chart: PrescriptionChart, order: Order, today: date, screening: Screening, *, changing: FactId | None = None
) -> tuple[Explanation, ...]:
    """Of each alert in turn, why it holds and on what in the chart that the check was made on."""
    read = screening_chart(chart, changing=changing)
    order_then = asked(order, chart.taken_since(changing))
    return tuple(explain(alert, read, order_then, today) for alert in screening.alerts)


question = restating(known.OrderedMedicine, Order, "name", "rxcui", "taken_since")


def asked(order: Order, taken_since: date | None = None) -> known.OrderedMedicine:
    """The order as the check is asked about it; `taken_since`: the start of the prescription whose dose it changes."""
    name, rxcui = order.medicine.name or None, order.medicine.rxcui or None
    return question(order, name=name, rxcui=rxcui, taken_since=taken_since)


def gaps_in_evidence(chart: PrescriptionChart, freshness: Freshness) -> tuple[NotChecked, ...]:
    """What could not be checked for want of evidence, whatever the knowledge."""
    return (*_not_recorded(chart), *_incomplete(chart), *_not_fresh(freshness))


def _not_recorded(chart: PrescriptionChart) -> list[NotChecked]:
    """Our own prescriptions and diagnoses do not stand in for a list or history that nobody took."""
    gaps: list[NotChecked] = []
    if not chart.standing(MedicationsNoted):
        listed = (Check.DRUG_DRUG, Check.WASHOUT, Check.DUPLICATE_THERAPY)
        gaps += [NotChecked(check=check, reason=Reason.MEDICATIONS_NOT_RECORDED) for check in listed]
    if not chart.standing(HistoryNoted):
        gaps.append(NotChecked(check=Check.DRUG_CONDITION, reason=Reason.CONDITIONS_NOT_RECORDED))
        gaps.append(NotChecked(check=Check.PRIOR_TRIAL, reason=Reason.TRIALS_NOT_RECORDED))
    return gaps


def _incomplete(chart: PrescriptionChart) -> list[NotChecked]:
    """A list of which some source holds more than could be read is checked, and is not the whole."""
    last = {(said.list, said.source): said.left_out for said in chart.standing(ListGapsNoted)}
    short = sorted({name for (name, _), left_out in last.items() if left_out})
    return [
        NotChecked(check=check, reason=Reason.LIST_INCOMPLETE, subject=name)
        for name in short
        for check in READS_LIST.get(name, tuple(Check))
    ]


def _not_fresh(freshness: Freshness) -> list[NotChecked]:
    return [
        NotChecked(check=check, reason=EVIDENCE_STALE, subject=source)
        for source in sorted(freshness.stale)
        for check in RESTS_ON.get(source, ())
    ]
