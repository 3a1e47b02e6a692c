"""Past decisions read from the log: on what they stood, when they were recorded, and whether they were struck since."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET

from careloop.knowledge.chart import Condition
from careloop.knowledge.findings import Check, NotChecked
from services.prescribing.domain.past import as_decided, check_again, explanations
from services.prescribing.domain.screening import Freshness
from services.prescribing.domain.state import DECIDER
from services.prescribing.replay import PastDecisions, Progress, Recorded
from tests.prescribing.calling import Clinic
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, PATIENT, TODAY, fact
from tests.support.histories.courses import issued

YESTERDAY = TODAY - timedelta(days=1)
LATER = TODAY + timedelta(days=400)
STREAM = (*p.ASSESSED, p.ISSUED)
LAST = len(STREAM) + 1


def capsule(**changes: Any) -> Any:
    return replace(p.CAPSULE, **{"stream_version": len(STREAM), "as_of": YESTERDAY, **changes})


def test_an_order_is_read_as_it_was_decided() -> None:
    for decided in (replace(p.ISSUED, capsule=capsule()), replace(p.DECLINED, capsule=capsule())):
        past = as_decided(decided, (*STREAM, decided, p.PHENELZINE_TAKEN), LATER)
        assert past.decided == decided
        assert past.asking.order == p.SERTRALINE_50
        assert past.asking.chart == DECIDER.fold(STREAM)
        assert (past.asking.as_of, past.asking.changing) == (YESTERDAY, None)


def test_a_change_is_read_as_the_order_it_was_checked_as() -> None:
    changed = replace(p.CHANGED, effective_on=LATER, capsule=capsule(changing=p.ISSUED.fact_id))
    past = as_decided(changed, (*STREAM, changed), LATER)
    assert past.asking.order == replace(p.SERTRALINE_50, daily_dose_mg=Decimal(100), starts_on=LATER)
    assert past.asking.changing == p.ISSUED.fact_id
    old = replace(changed, capsule=capsule(changing=UNSET))
    assert as_decided(old, (*STREAM, old), LATER).asking.changing == p.ISSUED.fact_id


def test_a_change_is_of_the_prescription_it_names() -> None:
    other = replace(p.ISSUED, fact_id=fact("other"), order=replace(p.SERTRALINE_50, sig="two tablets"))
    changed = replace(p.CHANGED, prescription=other.fact_id, capsule=capsule(stream_version=len(STREAM) + 1))
    past = as_decided(changed, (*STREAM, other, changed), LATER)
    assert past.asking.order.sig == "two tablets"


def test_a_declined_change_names_the_prescription_and_an_order_names_none() -> None:
    declined = replace(p.DECLINED, capsule=capsule(changing=p.ISSUED.fact_id))
    assert as_decided(declined, (*STREAM, declined), LATER).asking.changing == p.ISSUED.fact_id


def test_a_decision_without_its_day_is_read_as_of_the_day_it_was_recorded() -> None:
    old = replace(p.ISSUED, capsule=capsule(as_of=UNSET))
    assert as_decided(old, (*STREAM, old), LATER).asking.as_of == LATER


def test_how_well_it_was_informed_is_read_from_the_answer() -> None:
    gaps = (
        NotChecked(check=Check.LAB, reason="evidence-stale", subject="assessment"),
        NotChecked(check=Check.DOSE, reason="dose-missing", subject="phenelzine"),
    )
    decided = replace(p.ISSUED, capsule=capsule(screening=replace(p.CLEAR, not_checked=gaps)))
    past = as_decided(decided, (*STREAM, decided), LATER)
    assert past.freshness == Freshness(positions=p.CAPSULE.source_positions, stale=frozenset({"assessment"}))


def test_the_explanations_are_of_each_alert_of_the_stored_answer() -> None:
    *facts, decided = issued(*p.ASSESSED, p.PHENELZINE_TAKEN, p.POSITIVE_MDQ, order=p.SERTRALINE_50)
    past = as_decided(decided, [*facts, decided], LATER)  # type: ignore[arg-type]
    assert past.decided.capsule.screening == check_again(past)
    alerts = past.decided.capsule.screening.alerts
    told = explanations(past)
    assert len(told) == len(alerts) > 1
    for alert, why in zip(alerts, told, strict=True):
        assert any(involved in line for line in why.evidence for involved in alert.involves)
    silent = replace(decided, capsule=replace(past.decided.capsule, screening=p.CLEAR))  # type: ignore[arg-type]
    assert explanations(as_decided(silent, [*facts, silent], LATER)) == ()  # type: ignore[arg-type]


def test_a_change_is_explained_without_the_prescription_it_changes() -> None:
    told = replace(p.HISTORY, conditions=(Condition(text="mania"),))
    stream = [told if one is p.HISTORY else one for one in STREAM]
    changed = replace(p.CHANGED, capsule=capsule(screening=replace(p.SCREENING, alerts=(p.ALERT,))))
    (why,) = explanations(as_decided(changed, [*stream, changed], LATER))
    assert not [line for line in why.evidence if "still taken" in line]


async def read(decisions: PastDecisions) -> list[Any]:
    return [one async for one in decisions.all()]


async def test_a_decision_is_recorded_when_the_log_says_and_struck_only_by_its_own_strike() -> None:
    clinic = await Clinic().knows(*STREAM, replace(p.CHANGED, capsule=capsule()), p.STRUCK)
    rows = await clinic.rows()
    first, second = await PastDecisions(clinic.store, clinic.codec).of_patient(PATIENT)
    assert first == Recorded(
        position=rows[len(p.ASSESSED)].meta.position,
        patient_id=PATIENT,
        past=as_decided(p.ISSUED, STREAM, NOON.date()),
        recorded_at=rows[len(p.ASSESSED)].meta.recorded_at,
        struck=True,
    )
    assert (second.past.decided.fact_id, second.struck) == (p.CHANGED.fact_id, False)
    assert second.recorded_at == rows[len(STREAM)].meta.recorded_at
    assert await read(PastDecisions(clinic.store, clinic.codec)) == [
        first,
        second,
        Progress(position=len(STREAM) + 2, through=len(STREAM) + 2),
    ]


async def test_only_decisions_about_orders_are_read() -> None:
    clinic = await Clinic().knows(*STREAM, p.DISCONTINUED, p.DECLINED, replace(p.CHANGED, capsule=capsule()), p.STRUCK)
    told = await PastDecisions(clinic.store, clinic.codec).of_patient(PATIENT)
    assert [type(one.past.decided).__name__ for one in told] == [
        "PrescriptionIssued",
        "PrescriptionDeclined",
        "DoseChanged",
    ]


@pytest.mark.parametrize("page", [1, 2, 3, 7, 8, 100])
async def test_however_long_its_pages_the_log_is_read_once_to_its_end(page: int) -> None:
    clinic = await Clinic().knows(*STREAM, p.DECLINED)
    told = await read(PastDecisions(clinic.store, clinic.codec, page=page))
    assert [one.past.decided for one in told if isinstance(one, Recorded)] == [p.ISSUED, p.DECLINED]
    assert [one.position for one in told if isinstance(one, Progress)] == [*range(page, LAST, page), LAST]
    assert {one.through for one in told if isinstance(one, Progress)} == {LAST}


async def test_a_decision_taken_is_explained_on_what_was_known_before_it() -> None:
    clinic = await Clinic().knows(*STREAM, p.PHENELZINE_TAKEN, p.DIAGNOSIS)
    decided = replace(p.ISSUED, capsule=capsule(as_of=UNSET, stream_version=3))
    past = await PastDecisions(clinic.store, clinic.codec).taken(PATIENT, decided)
    assert past == as_decided(decided, STREAM[:3], NOON.date())
    assert past.asking.chart.version == 3
