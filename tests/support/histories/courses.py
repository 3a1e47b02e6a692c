"""Whole streams of prescribing: what was noted of somebody, and every order that was decided on it."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid5

from hypothesis import strategies as st

from careloop.contracts.prescribing import Order, Override, OverrideReason, StatusReason
from careloop.contracts.terms import Medicine
from careloop.kernel.errors import CareloopError
from careloop.kernel.ids import FactId, PatientId
from careloop.knowledge import chart as known
from careloop.knowledge.findings import Severity
from careloop.knowledge.pack.pack import current_pack
from services.prescribing.domain import events, noted, orders
from services.prescribing.domain.discontinuing import DiscontinuePrescription, discontinue
from services.prescribing.domain.dose_changes import ChangeDose, change_dose
from services.prescribing.domain.readings.reading import Asking
from services.prescribing.domain.screening import UNINFORMED, safety_check
from services.prescribing.domain.state import DECIDER
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, PATIENT, PRESCRIBER, TODAY, event

NAMES = st.sampled_from([*current_pack().drugs, "xyzmab", "Zoloft", "lithium carbonate 300 MG Oral Capsule"])
CODES = st.sampled_from([code for group in current_pack().conditions.values() for code in group.icd10])
DAYS = st.dates(date(2026, 9, 1), TODAY)
BIRTHS = st.dates(date(1930, 1, 1), TODAY)
DOSES = st.none() | st.decimals(0, 900, places=1)
FRESHNESS = st.sampled_from([p.FRESH, p.STALE, UNINFORMED])

MEDICATIONS = st.lists(
    st.builds(known.Medication, name=NAMES, daily_dose_mg=DOSES, stopped_on=st.none() | DAYS), max_size=4
).map(tuple)
TRIALS = st.lists(
    st.builds(
        known.Trial,
        name=NAMES,
        daily_dose_mg=DOSES,
        weeks=st.none() | st.decimals(0, 52, places=0),
        response=st.none() | st.sampled_from(known.TrialResponse),
        stopped_for=st.none() | st.sampled_from(known.StoppedFor),
    ),
    max_size=2,
).map(tuple)
CONDITIONS = st.lists(st.builds(known.Condition, icd10=st.none() | CODES, text=st.none() | NAMES), max_size=2).map(
    tuple
)
ALLERGIES = st.lists(
    st.builds(
        known.Allergy,
        substance=NAMES,
        type=st.none() | st.sampled_from(known.AllergyType),
        criticality=st.none() | st.sampled_from(known.Criticality),
    ),
    max_size=2,
).map(tuple)
NOTES = st.one_of(
    st.builds(
        replace, st.just(p.PROFILE), birth_date=st.dates(date(1930, 1, 1), TODAY), sex=st.sampled_from(known.Sex)
    ),
    st.builds(replace, st.just(p.HISTORY), conditions=CONDITIONS, trials=TRIALS),
    st.builds(replace, st.just(p.NOTHING_TAKEN), medications=MEDICATIONS),
    st.builds(replace, st.just(p.NO_ALLERGIES), allergies=ALLERGIES),
    st.builds(replace, st.just(p.NOT_PREGNANT), status=st.sampled_from(known.Pregnancy)),
    st.just(p.NEUTROPHILS),
    st.builds(replace, st.just(p.DIAGNOSIS), icd10=CODES),
    st.builds(replace, st.just(p.NO_RISK), level=st.sampled_from(known.SuicideRisk)),
    st.builds(replace, st.just(p.SEVERE_NAUSEA), suspected_medicine=NAMES),
    st.builds(replace, st.just(p.PHENELZINE_STRUCK), fact_id=st.integers(0, 8)),
)
ORDERED = st.builds(
    orders.IssuePrescription,
    fact_id=st.none(),
    order=st.builds(
        replace,
        st.just(p.SERTRALINE_50),
        medicine=st.builds(Medicine, name=NAMES),
        daily_dose_mg=DOSES,
        days_supply=st.none() | st.integers(1, 90),
        starts_on=DAYS,
    ),
    overrides=st.sampled_from([(), ("everything",)]),
    prescriber=st.just(PRESCRIBER),
    credential=st.just(p.CREDENTIAL),
    occurred_at=st.just(NOON),
    now=st.just(NOON),
    freshness=FRESHNESS,
)
CHANGES = st.builds(
    replace,
    st.just(p.CHANGE_TO_100),
    prescription=st.integers(0, 8),
    daily_dose_mg=st.decimals("0.1", 900, places=1),
    effective_on=DAYS,
    freshness=FRESHNESS,
)
ENDS = st.builds(
    replace,
    st.just(p.DISCONTINUE),
    prescription=st.integers(0, 8),
    stopped_on=DAYS,
    status_reason=st.sampled_from(StatusReason),
)
STEPS = st.lists(st.one_of(NOTES, ORDERED, CHANGES, ENDS), min_size=1, max_size=12)


def _stream(steps: list[Any]) -> list[events.Event]:
    """The events that came of it: what is refused stores nothing."""
    stream: list[events.Event] = [p.PROFILE]
    for place, step in enumerate(steps):
        stream += _decided(step, stream, NOON + timedelta(hours=place))
    return stream


def _decided(step: Any, stream: list[events.Event], now: datetime) -> list[events.Event]:
    own = FactId(uuid5(PATIENT, f"{len(stream)}"))
    chart = DECIDER.fold(stream)
    try:
        match step:
            case orders.IssuePrescription():
                command = replace(step, fact_id=own, now=now, overrides=_overrides(step, chart))
                return orders.issue(command, chart)
            case ChangeDose():
                change = replace(step, fact_id=own, now=now, prescription=_one_of(step.prescription, stream))
                return change_dose(change, chart)
            case DiscontinuePrescription():
                end = replace(step, fact_id=own, now=now, prescription=_one_of(step.prescription, stream))
                return discontinue(end, chart)
            case noted.StrikeNoted():
                struck = stream[step.fact_id % len(stream)].fact_id  # type: ignore[operator]
                return [replace(step, fact_id=struck, evidence=event(str(own)), occurred_at=now)]
            case _:
                return [replace(step, fact_id=own, evidence=event(str(own)), occurred_at=now)]
    except CareloopError:
        return []


def _overrides(command: orders.IssuePrescription, chart: Any) -> tuple[Override, ...]:
    """An answer to everything that needs one, if any was asked for."""
    if not command.overrides:
        return ()
    asking = Asking(chart=chart, order=command.order, as_of=command.now.date())
    found = safety_check(asking, command.freshness)
    reason = OverrideReason.WILL_MONITOR
    high = [one for one in found.alerts if one.severity is Severity.HIGH]
    gaps = dict.fromkeys(f"not-checked:{gap.check}" for gap in found.not_checked)
    answers = [Override(rule=one.rule, involves=one.involves, reason=reason) for one in high]
    return (*answers, *(Override(rule=gap, involves=(), reason=reason) for gap in gaps))


def _one_of(place: Any, stream: list[events.Event]) -> FactId:
    issued = [one.fact_id for one in stream if isinstance(one, events.PrescriptionIssued)]
    return issued[place % len(issued)] if issued else FactId(PATIENT)


COURSES = STEPS.map(_stream)
"""Streams with orders issued, declined, overridden, changed and struck."""


def decisions(stream: list[events.Event]) -> list[events.Decided]:
    return [one for one in stream if isinstance(one, events.Decided)]


def prescription(name: str, mg: str) -> Order:
    """An order of a medicine by name, in milligrams a day."""
    return replace(p.SERTRALINE_50, medicine=Medicine(name=name), daily_dose_mg=Decimal(mg))


def issued(*facts: events.Event, order: Order, **told: Any) -> list[events.Event]:
    """These facts and what came of the order on them."""
    command = replace(p.ISSUE_SERTRALINE, order=order, fact_id=FactId(uuid5(PATIENT, str(order))), **told)
    return [*facts, *orders.issue(command, DECIDER.fold(facts))]


OTHER_PATIENT = PatientId(uuid5(PATIENT, "another"))
