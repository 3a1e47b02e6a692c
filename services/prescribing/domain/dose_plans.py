"""Dose plans as they are drafted: proposed and judged on what is known of the patient. Nothing is stored."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Annotated

from careloop.contracts.prescribing import Order
from careloop.contracts.terms import Medicine
from careloop.kernel.errors import InvalidInput
from careloop.kernel.reading import Else, Named, Now, Range, today
from careloop.kernel.restating import restating
from careloop.knowledge.chart import Chart
from careloop.knowledge.dosing.checker.checking import check_plan
from careloop.knowledge.dosing.checker.findings import Constraint, PlanCheck, PlanGap
from careloop.knowledge.dosing.plan import Answers, OnHand
from careloop.knowledge.dosing.planner.asking import Coming, Leaving, Plan, PlanKind, Wanted
from careloop.knowledge.dosing.planner.planning import plan
from services.prescribing.domain.readings.numbered import LATEST
from services.prescribing.domain.readings.reading import Asking
from services.prescribing.domain.screening import EVIDENCE_STALE, Freshness
from services.prescribing.domain.state import PrescriptionChart

LEAST_STRENGTH_MG, MOST_STRENGTHS, MOST_PIECES = Decimal("0.01"), 20, 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TaperAnswers:
    """What was asked before a taper; None is not asked, or not known."""

    withdrawal_seizure: bool | None = None
    seizure_disorder: bool | None = None
    alcohol_or_opioids: bool | None = None
    pregnancy: bool | None = None
    relapse_in_24_months: bool | None = None
    used_since: date | None = None
    days_a_week: Annotated[int | None, Range(1, 7)] = None


NOT_ASKED = TaperAnswers()


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftDosePlan:
    """A titration, a taper or a switch that is asked for."""

    kind: PlanKind
    leaving: Annotated[Leaving | None, Named("from")]
    coming: Annotated[Coming | None, Named("to")]
    starts_on: Annotated[date, Else(today)]
    pace_percent: Decimal | None
    every_days: Annotated[int | None, Range(1, 366)]
    on_hand: tuple[OnHand, ...]
    answers: TaperAnswers = NOT_ASKED
    client_sets_pace: bool = False
    now: Now


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The proposal; `check` is None where there is none."""

    plan: Plan
    check: PlanCheck | None


_answers = restating(Answers, TaperAnswers)


def require_sound(query: DraftDosePlan) -> None:
    """Raises InvalidInput for a pace that is none, and strengths of which nothing sensible can be made."""
    if query.pace_percent is not None and not 0 < query.pace_percent <= 100:
        raise InvalidInput("out-of-range", "pace_percent is above 0, to 100.", field="pace_percent")
    require_on_hand(query.on_hand)
    _require_few_pieces(query)


def require_on_hand(on_hand: tuple[OnHand, ...]) -> None:
    """Raises InvalidInput for strengths that are none."""
    for number, one in enumerate(on_hand):
        field = f"on_hand[{number}].strengths_mg"
        sound = all(mg >= LEAST_STRENGTH_MG and mg == round(mg, 3) for mg in one.strengths_mg)
        if not sound or not 1 <= len(one.strengths_mg) <= MOST_STRENGTHS:
            sentence = f"1 to {MOST_STRENGTHS} strengths, each at least 0.01 mg, with at most 3 decimal places."
            raise InvalidInput("out-of-range", sentence, field=field)


def _require_few_pieces(query: DraftDosePlan) -> None:
    smallest = min((mg for one in query.on_hand for mg in one.strengths_mg), default=None)
    stated = {
        "from.daily_dose_mg": query.leaving.daily_dose_mg if query.leaving else None,
        "to.target_daily_mg": query.coming.target_daily_mg if query.coming else None,
    }
    for field, dose in stated.items():
        if dose is not None and smallest is not None and dose > smallest * MOST_PIECES:
            sentence = f"The dose is more than {MOST_PIECES} of the smallest strength."
            raise InvalidInput("out-of-range", sentence, field=field)


def draft(query: DraftDosePlan, chart: PrescriptionChart, freshness: Freshness) -> Draft:
    """The plan on what is known now, and what the checker says of it. Stale evidence counts as not checked."""
    as_of = chart.today(query.now)
    known = known_on(chart, as_of)
    wanted = Wanted(
        kind=query.kind,
        chart=known,
        as_of=as_of,
        starts_on=max(query.starts_on, as_of),
        leaving=query.leaving,
        coming=query.coming,
        pace_percent=query.pace_percent,
        every_days=query.every_days,
        on_hand=query.on_hand,
        answers=_answers(query.answers),
        client_sets_pace=query.client_sets_pace,
    )
    proposed = plan(wanted)
    if not proposed.segments:
        return Draft(plan=proposed, check=None)
    running = query.leaving.running if query.leaving else ()
    check = check_plan(known, proposed.segments, as_of, running=running, on_hand=wanted.on_hand, answers=wanted.answers)
    return Draft(plan=proposed, check=with_stale(check, freshness))


def with_stale(check: PlanCheck, freshness: Freshness) -> PlanCheck:
    """With what could not be judged because its source is behind."""
    gaps = tuple(
        PlanGap(constraint=Constraint.SAFETY_CHECK, reason=EVIDENCE_STALE, subject=source)
        for source in sorted(freshness.stale)
    )
    legal = None if gaps and check.legal else check.legal
    return replace(check, legal=legal, not_checked=(*check.not_checked, *gaps))


def known_on(chart: PrescriptionChart, as_of: date) -> Chart:
    """What the checker judges on. A chart is read for an order; this one orders nothing."""
    nothing = Order(medicine=Medicine(name=""), daily_dose_mg=None, days_supply=None, starts_on=as_of)
    return LATEST.patient_chart(Asking(chart=chart, order=nothing, as_of=as_of))
