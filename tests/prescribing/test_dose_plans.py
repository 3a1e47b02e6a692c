"""Dose plans drafted on what is known of a client: proposed, judged, and stored nowhere."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from care.prescribing.v1 import prescribing_pb2 as pb

from careloop.kernel.errors import InvalidInput
from careloop.knowledge.dosing.plan import OnHand
from careloop.knowledge.dosing.planner.asking import Coming, Leaving, PlanKind
from careloop.knowledge.regimen.regimen import mean_daily_mg
from services.prescribing.domain.dose_plans import Draft, DraftDosePlan, TaperAnswers, draft, require_sound
from services.prescribing.domain.events import Event
from services.prescribing.domain.state import DECIDER
from services.prescribing.grpc_api.drafts import draft_message
from tests.support.controls import prescribing as p
from tests.support.controls.moments import NOON, TODAY

BEFORE = replace(p.BEGUN, order=replace(p.BEGUN.order, daily_dose_mg=Decimal(100)))
"""Sertraline 100 mg, for a week."""


def asked(kind: PlanKind, **told: Any) -> DraftDosePlan:
    unsaid: dict[str, Any] = {
        "leaving": None, "coming": None, "starts_on": TODAY, "pace_percent": None, "every_days": None, "on_hand": (),
        "now": NOON,
    }  # fmt: skip
    return DraftDosePlan(kind=kind, **{**unsaid, **told})


TAPER = asked(PlanKind.TAPER, leaving=Leaving(name="sertraline"))


def drafted(query: DraftDosePlan, *facts: Event, stale: bool = False) -> Draft:
    return draft(query, DECIDER.fold((*p.ASSESSED, *facts)), p.STALE if stale else p.FRESH)


def levels(found: Draft) -> list[tuple[date, float]]:
    return [(one.from_on, float(mean_daily_mg(one.regimen.phases[0]))) for one in found.plan.segments]


def test_a_taper_begins_from_the_dose_of_our_own_prescription() -> None:
    found = drafted(TAPER, BEFORE)
    assert levels(found) == [(TODAY, 50), (TODAY + timedelta(days=14), 25)]
    assert found.check is not None
    assert found.check.violations == ()


def test_a_plan_begins_on_no_day_before_today() -> None:
    early = drafted(replace(TAPER, starts_on=TODAY - timedelta(days=30)), BEFORE)
    later = drafted(replace(TAPER, starts_on=TODAY + timedelta(days=7)), BEFORE)
    assert [levels(one)[0][0] for one in (early, later)] == [TODAY, TODAY + timedelta(days=7)]


def test_stale_evidence_leaves_the_plan_unchecked() -> None:
    found = drafted(TAPER, BEFORE, stale=True)
    assert found.check is not None
    assert found.check.legal is None
    assert {("evidence-stale", "assessment"), ("evidence-stale", "monitoring")} <= {
        (one.reason, one.subject) for one in found.check.not_checked
    }


def test_what_is_listed_besides_stands_in_the_way() -> None:
    query = asked(PlanKind.TITRATION, coming=Coming(name="sertraline"))
    (why,) = drafted(query, p.PHENELZINE_TAKEN).plan.impossible
    assert (why.constraint, why.rule) == ("K6", "ddi.maoi-serotonergic")


def test_what_nobody_knows_is_said_and_not_judged() -> None:
    found = drafted(asked(PlanKind.TAPER, leaving=Leaving(name="baclofen", daily_dose_mg=Decimal(30))))
    assert ([one.reason for one in found.plan.not_known], found.check) == (["taper-unknown"], None)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"pace_percent": Decimal(0)}, "pace_percent"),
        ({"pace_percent": Decimal("100.1")}, "pace_percent"),
        ({"on_hand": (OnHand(name="sertraline", strengths_mg=()),)}, "on_hand[0].strengths_mg"),
        ({"on_hand": (OnHand(name="sertraline", strengths_mg=(Decimal("0.009"),)),)}, "on_hand[0].strengths_mg"),
        ({"on_hand": (OnHand(name="sertraline", strengths_mg=(Decimal("1.0001"),)),)}, "on_hand[0].strengths_mg"),
        ({"on_hand": (OnHand(name="sertraline", strengths_mg=(Decimal(1),) * 21),)}, "on_hand[0].strengths_mg"),
        ({"on_hand": (OnHand(name="x", strengths_mg=(Decimal("0.01"),)),),
          "leaving": Leaving(name="x", daily_dose_mg=Decimal(101))}, "from.daily_dose_mg"),
        ({"on_hand": (OnHand(name="x", strengths_mg=(Decimal("0.01"),)),),
          "coming": Coming(name="x", target_daily_mg=Decimal(101))}, "to.target_daily_mg"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_by_its_field(told: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_sound(replace(TAPER, **told))
    assert (refused.value.slug, refused.value.field) == ("out-of-range", field)


def test_what_lies_on_the_bounds_is_taken() -> None:
    fine = OnHand(name="x", strengths_mg=(Decimal("0.01"), *[Decimal(1)] * 19))
    require_sound(
        replace(
            TAPER, pace_percent=Decimal(100), on_hand=(fine,), leaving=Leaving(name="x", daily_dose_mg=Decimal(100))
        )
    )
    require_sound(replace(TAPER, pace_percent=Decimal("0.1"), answers=TaperAnswers(used_since=TODAY)))


def test_the_message_says_what_was_drafted_and_what_the_checker_found() -> None:
    told = draft_message(drafted(TAPER, BEFORE), [])
    assert [(one.drug, one.from_on, one.to_on) for one in told.segments] == [
        ("sertraline", "2026-11-23", "2026-12-06"), ("sertraline", "2026-12-07", "2026-12-20"),
    ]  # fmt: skip
    assert told.segments[0].regimen.phases[0].doses[0].amount_mg == "50"
    assert told.segments[0].asks == ["withdrawal-symptoms"]
    assert (told.knowledge_version, told.legal, told.earliest_on) == ("1.4.0", "legal", "2026-11-23")
    assert told.explanation[0].rule == "taper.antidepressant"
    (note,) = (one for one in told.notes if one.constraint == "K4")
    assert (note.day, note.found, note.allowed, note.unit) == ("2026-12-21", "25", "12.5", "mg")
    empty = draft_message(drafted(asked(PlanKind.TAPER, leaving=Leaving(name="baclofen"))), [])
    assert (empty.legal, [one.reason for one in empty.not_known]) == ("", ["taper-unknown"])
    assert isinstance(empty, pb.DraftDosePlanResponse)
