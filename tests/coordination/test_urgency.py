"""What asks for attention, by when, and which of it comes first."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec import UNSET

from careloop.contracts.monitoring import SideEffectReported
from careloop.contracts.notifications import NoticeDecided, NoticeWithdrawn, Priority
from careloop.contracts.terms import Reporter, RiskLevel, RiskRaised, ScaleScored, Triage, TriageLevel
from services.coordination.domain.view.caseload import Headline, headline
from services.coordination.domain.view.sections import SECTIONS
from services.coordination.domain.view.urgency import Urgency
from tests.coordination.telling import folded, view
from tests.support.controls import coordination as control
from tests.support.controls.coordination import struck, week
from tests.support.controls.moments import fact

TICK = timedelta(microseconds=1)
NONE = Urgency(rank=4, level="none", reason="", fact_id=None, due_at=None)
Told = dict[str, tuple[Any, ...]]
RAISED, CLOCK = week(6), week(9)


def effect(name: str, level: TriageLevel, due_at: datetime | None = None) -> SideEffectReported:
    triage = Triage(level=level, rule="r", rule_version=1, red_flags=(), due_at=due_at)
    return replace(control.RASH, fact_id=fact(name), triage=triage)


def risk(name: str, level: RiskLevel = RiskLevel.MODERATE, at: datetime = RAISED) -> RiskRaised:
    return replace(control.RISK, fact_id=fact(name), level=level, due_at=at + timedelta(hours=1), occurred_at=at)


def notice(name: str, priority: Priority, by: datetime | None = CLOCK) -> NoticeDecided:
    return replace(control.NOTICE, fact_id=fact(name), priority=priority, acknowledge_by=by)


def urgent(rank: int, level: str, reason: str, name: str, due_at: datetime | None) -> Urgency:
    return Urgency(rank=rank, level=level, reason=reason, fact_id=fact(name), due_at=due_at)


DUE = week(6) + timedelta(hours=1)
ALONE: list[tuple[Told, Urgency]] = [
    (
        {"monitoring": (effect("e", TriageLevel.EMERGENCY_NOW, week(9)),)},
        urgent(0, "emergency-now", "side-effect", "e", week(9)),
    ),
    ({"monitoring": (effect("e", TriageLevel.SAME_DAY, week(9)),)}, urgent(1, "same-day", "side-effect", "e", week(9))),
    (
        {"monitoring": (effect("e", TriageLevel.WITHIN_72_HOURS, week(9)),)},
        urgent(2, "within-72-hours", "side-effect", "e", week(9)),
    ),
    ({"monitoring": (effect("e", TriageLevel.NEXT_VISIT),)}, urgent(3, "next-visit", "side-effect", "e", None)),
    *(
        ({source: (risk("r", level),)}, urgent(rank, word, "suicide-risk", "r", DUE))
        for source in ("assessment", "monitoring")
        for level, rank, word in (
            (RiskLevel.HIGH, 0, "emergency-now"),
            (RiskLevel.MODERATE, 1, "same-day"),
            (RiskLevel.LOW, 2, "within-72-hours"),
            (RiskLevel.NONE, 2, "within-72-hours"),
        )
    ),
    (
        {"notifications": (notice("n", Priority.STAT),)},
        urgent(0, "emergency-now", "notice-unacknowledged", "n", week(9)),
    ),
    ({"notifications": (notice("n", Priority.URGENT),)}, urgent(1, "same-day", "notice-unacknowledged", "n", week(9))),
    (
        {"notifications": (notice("n", Priority.ROUTINE),)},
        urgent(3, "next-visit", "notice-unacknowledged", "n", week(9)),
    ),
]


@pytest.mark.parametrize(("told", "expected"), ALONE)
def test_what_stands_alone_says_how_urgent_a_patient_is(told: Told, expected: Urgency) -> None:
    assert view(**told).urgency == expected


def test_nothing_told_is_nothing_urgent() -> None:
    assert view().urgency == NONE
    assert view(prescribing=(control.ISSUED,), coordination=control.PUBLISHED_EXAMPLES).urgency == NONE


SAME = TriageLevel.SAME_DAY
FIRST: list[tuple[Told, str]] = [
    ({"monitoring": (effect("later", SAME, week(9)), effect("sooner", SAME, week(8)))}, "sooner"),
    ({"monitoring": (effect("no clock", SAME, None), effect("clock", SAME, week(99)))}, "clock"),
    (
        {"monitoring": (effect("same day", SAME, week(1)), effect("emergency", TriageLevel.EMERGENCY_NOW, week(9)))},
        "emergency",
    ),
    ({"monitoring": (effect("effect", SAME, DUE + TICK), risk("risk"))}, "risk"),
    ({"monitoring": (effect("effect", SAME, DUE - TICK), risk("risk"))}, "effect"),
    ({"assessment": (risk("risk"),), "notifications": (notice("stat", Priority.STAT),)}, "stat"),
    ({"assessment": (risk("high", RiskLevel.HIGH),), "monitoring": (effect("effect", SAME),)}, "high"),
    (
        {
            "monitoring": (effect("effect", SAME, week(8)),),
            "notifications": (notice("urgent", Priority.URGENT, week(7)),),
        },
        "urgent",
    ),
]


@pytest.mark.parametrize(("told", "first"), FIRST)
def test_the_most_urgent_comes_first_then_the_soonest_due(told: Told, first: str) -> None:
    assert view(**told).urgency.fact_id == fact(first)
    backwards = {source: tuple(reversed(facts)) for source, facts in told.items()}
    assert view(**backwards).urgency.fact_id == fact(first)


def test_of_two_alike_the_same_comes_first_whatever_came_first() -> None:
    both = (effect("a", SAME, week(8)), effect("b", SAME, week(8)))
    assert view(monitoring=both).urgency == view(monitoring=both[::-1]).urgency
    assert view(monitoring=both).urgency.fact_id == min(fact("a"), fact("b"))


def c_ssrs(at: datetime, name: str = "screened", instrument: str = "c-ssrs") -> ScaleScored:
    """As a clinician asked it."""
    return replace(control.phq_9(name, None, at, instrument), reporter=Reporter.CLINICIAN)


@pytest.mark.parametrize("source", ["assessment", "monitoring"])
@pytest.mark.parametrize(
    ("later", "status"),
    [
        (c_ssrs(week(6) - TICK), "open"),
        (c_ssrs(week(6)), "open"),
        (c_ssrs(week(6) + TICK), "answered"),
        (c_ssrs(week(7), instrument="phq-9"), "open"),
    ],
)
def test_only_a_screener_after_the_risk_speaks_for_itself(source: str, later: ScaleScored, status: str) -> None:
    shown = view(**{source: (risk("risk"), later)})
    assert [one.status for one in shown.risks] == [status]
    assert (shown.urgency == NONE) is (status == "answered")


@pytest.mark.parametrize("source", ["assessment", "monitoring"])
@pytest.mark.parametrize("at", [week(6) - TICK, week(6), week(6) + TICK])
def test_a_later_risk_leaves_the_earlier_one_open(source: str, at: datetime) -> None:
    shown = view(**{source: (risk("risk"), risk("other", RiskLevel.LOW, at))})
    assert {one.status for one in shown.risks} == {"open"}
    assert shown.urgency.fact_id == fact("risk")


@pytest.mark.parametrize("said", [Reporter.CLIENT, Reporter.UNKNOWN, UNSET])
def test_zeros_that_no_clinician_asked_for_end_no_risk(said: Any) -> None:
    shown = view(monitoring=(risk("risk"), replace(c_ssrs(week(7)), reporter=said, source="client")))
    assert [one.status for one in shown.risks] == ["open"]


def test_a_screen_of_a_build_that_did_not_say_who_asked_is_a_clinicians_where_its_source_is() -> None:
    shown = view(assessment=(risk("risk"), replace(c_ssrs(week(7)), reporter=UNSET, source="psychiatrist")))
    assert [one.status for one in shown.risks] == ["answered"]


def test_a_screen_with_a_question_left_blank_ends_no_risk() -> None:
    blank = replace(c_ssrs(week(7)), flags=("safety-item-missing",))
    shown = view(monitoring=(risk("risk"), blank))
    assert [one.status for one in shown.risks] == ["open"]


def test_what_another_source_screened_leaves_a_risk_open() -> None:
    for mine, other in (("assessment", "monitoring"), ("monitoring", "assessment")):
        shown = view(**{mine: (risk("risk"),), other: (c_ssrs(week(7)), risk("other", RiskLevel.LOW, week(8)))})
        assert {one.fact_id: one.status for one in shown.risks} == {fact("risk"): "open", fact("other"): "open"}
        assert shown.urgency.fact_id == fact("risk")


def test_a_struck_screener_or_later_risk_no_longer_answers() -> None:
    for later in (c_ssrs(week(7)), risk("later", RiskLevel.LOW, week(7))):
        shown = view(monitoring=(risk("risk"), later, struck(later)))
        assert [one.status for one in shown.risks] == ["open"]
        assert shown.urgency.fact_id == fact("risk")


RISK_NOTICE = replace(control.RISK_NOTICE, cause_fact=fact("risk"))
ANSWERS: list[tuple[str, tuple[Any, ...], str]] = [
    ("nobody was told", (), "open"),
    ("told", (RISK_NOTICE,), "open"),
    ("taken on", (RISK_NOTICE, control.RISK_ACKNOWLEDGED), "answered"),
    ("suppressed", (replace(RISK_NOTICE, suppressed="old-news"),), "open"),
    ("suppressed twice", (replace(RISK_NOTICE, suppressed="cause-entered-in-error"),), "open"),
    ("another was taken on", (RISK_NOTICE, control.ACKNOWLEDGED), "open"),
    ("withdrawn", (RISK_NOTICE, NoticeWithdrawn(notice=RISK_NOTICE.fact_id, reason="x", occurred_at=week(7))), "open"),
    ("escalated", (RISK_NOTICE, replace(control.ESCALATED, notice=RISK_NOTICE.fact_id)), "open"),
    ("the notice was struck", (RISK_NOTICE, control.RISK_ACKNOWLEDGED, struck(RISK_NOTICE)), "open"),
]


@pytest.mark.parametrize("source", ["assessment", "monitoring"])
@pytest.mark.parametrize(("_said", "notified", "status"), ANSWERS)
def test_a_risk_is_open_until_somebody_took_its_own_notice_on(
    source: str, _said: str, notified: tuple[Any, ...], status: str
) -> None:
    shown = view(**{source: (risk("risk"),), "notifications": notified})
    assert [one.status for one in shown.risks] == [status]
    assert (shown.urgency.reason == "suicide-risk") is (status == "open")


IMPORTED = replace(RISK_NOTICE, suppressed="imported", acknowledge_by=None)
SCREENED = NoticeWithdrawn(notice=IMPORTED.fact_id, reason="screened-since", occurred_at=week(9))
WAITS = Urgency(rank=2, level="within-72-hours", reason="imported-risk", fact_id=fact("risk"), due_at=None)


@pytest.mark.parametrize("source", ["assessment", "monitoring"])
@pytest.mark.parametrize("level", RiskLevel)
def test_an_imported_risk_is_for_within_72_hours_until_a_clinician_screened(source: str, level: RiskLevel) -> None:
    told: Told = {source: (risk("risk", level),), "notifications": (IMPORTED,)}
    shown = view(**told)
    assert (shown.urgency, [one.status for one in shown.risks]) == (WAITS, ["open"])
    later = view(**told | {source: (risk("risk", level), c_ssrs(week(8)))})
    assert (later.urgency, [one.status for one in later.risks]) == (WAITS, ["open"])
    screened = view(**told | {"notifications": (IMPORTED, SCREENED)})
    assert (screened.urgency, [one.status for one in screened.risks]) == (NONE, ["answered"])


def test_an_imported_fact_of_another_kind_is_no_imported_risk() -> None:
    other = replace(control.NOTICE, suppressed="imported", acknowledge_by=None)
    assert view(notifications=(other,)).urgency == NONE


def test_a_side_effect_that_was_taken_on_is_urgent_until_it_is_closed() -> None:
    taken = replace(control.NOTICE, cause_fact=control.RASH.fact_id)
    told: Told = {"monitoring": (control.RASH,), "notifications": (taken, control.ACKNOWLEDGED)}
    assert view(**told).urgency.fact_id == control.RASH.fact_id
    closed = replace(control.NAUSEA_RESOLVED, side_effect=control.RASH.fact_id)
    assert view(**told | {"monitoring": (control.RASH, closed)}).urgency == NONE
    assert view(**told | {"monitoring": (control.RASH, closed, struck(closed))}).urgency.fact_id == control.RASH.fact_id


def test_a_notice_says_that_it_failed_only_when_somebody_cannot_be_reached_at_all() -> None:
    tried = replace(control.FAILED, final=False)
    of_another = replace(control.FAILED, notice=fact("another"))
    for failed, reason in (
        (control.FAILED, "notice-failed"),
        (tried, "notice-unacknowledged"),
        (of_another, "notice-unacknowledged"),
    ):
        assert view(notifications=(control.NOTICE, failed)).urgency.reason == reason


def test_an_escalation_moves_the_clock() -> None:
    shown = view(notifications=(control.NOTICE, control.ESCALATED)).urgency
    assert shown.due_at == week(8) + timedelta(hours=3)


HEADLINES: list[tuple[str, tuple[Any, ...], Headline]] = [
    ("assessment", (), Headline()),
    ("assessment", (control.ENROLLED,), Headline(name="Alma Reyes", birth_date=control.ENROLLED.birth_date)),
    ("assessment", (control.COMPLETED,), Headline(assessment_completed=True)),
    ("assessment", (control.COMPLETED, struck(control.COMPLETED)), Headline()),
    ("assessment", (control.ENROLLED, struck(control.ENROLLED)), Headline()),
    ("monitoring", (control.RASH, control.NAUSEA), Headline(open_side_effects=2)),
    ("monitoring", (control.RASH, control.NAUSEA, control.NAUSEA_RESOLVED), Headline(open_side_effects=1)),
    (
        "monitoring",
        (control.NAUSEA, control.NAUSEA_RESOLVED, struck(control.NAUSEA_RESOLVED)),
        Headline(open_side_effects=1),
    ),
    ("monitoring", (control.RASH, struck(control.RASH)), Headline()),
    ("notifications", (control.NOTICE, control.RISK_NOTICE), Headline(unacknowledged_notices=2)),
    ("notifications", (control.NOTICE, control.RISK_NOTICE, control.ACKNOWLEDGED), Headline(unacknowledged_notices=1)),
    ("prescribing", control.TOLD["prescribing"], Headline()),
    ("coordination", control.TOLD["coordination"], Headline()),
]


@pytest.mark.parametrize(("source", "facts", "expected"), HEADLINES)
def test_each_source_adds_its_own_to_the_headline(source: str, facts: tuple[Any, ...], expected: Headline) -> None:
    sections = folded([(source, one) for one in facts])
    assert headline(getattr(sections, source)) == expected
    assert all(headline(getattr(sections, other)) == Headline() for other in SECTIONS if other != source)


def test_the_headline_names_the_newest_enrolment() -> None:
    before = replace(control.ENROLLED, fact_id=fact("before"), name="A. Reyes", occurred_at=week(-1))
    sections = folded([("assessment", control.ENROLLED), ("assessment", before)])
    assert headline(sections.assessment).name == "Alma Reyes"


def test_headlines_are_joined_from_either_side() -> None:
    one = Headline(name="Alma Reyes", birth_date=control.ENROLLED.birth_date, assessment_completed=True)
    other = Headline(open_side_effects=2, unacknowledged_notices=3)
    both = Headline(
        name="Alma Reyes",
        birth_date=control.ENROLLED.birth_date,
        assessment_completed=True,
        open_side_effects=2,
        unacknowledged_notices=3,
    )
    assert one.joined(other) == other.joined(one) == both
