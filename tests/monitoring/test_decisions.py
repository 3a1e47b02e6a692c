"""The guards of monitoring's decisions, over all of its commands."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from care.monitoring.v1 import monitoring_pb2 as pb

from careloop.contracts.monitoring import ReporterKind
from careloop.contracts.terms import Reporter, RiskLevel, Triage, TriageLevel
from careloop.kernel.ids import FactId
from services.monitoring.domain import decisions, events
from services.monitoring.domain.doses import DoseSaid
from services.monitoring.domain.events import Event, RiskRaised, ScaleScored, SideEffectReported
from services.monitoring.domain.state import DECIDER
from tests.support.controls import monitoring as m
from tests.support.controls.moments import NOON, YESTERDAY, event, fact
from tests.support.specification import given

DECISIONS = {command.__name__: decision for command, decision in decisions.DECISIONS.items()}

WILLING: dict[str, tuple[Any, tuple[Event, ...]]] = {
    "ReportSideEffect": (m.REPORT_NAUSEA, ()),
    "ResolveSideEffect": (m.RESOLVE_NAUSEA, (m.NAUSEA,)),
    "AnswerScale": (m.ANSWER_PHQ_9, ()),
    "RecordRiskContact": (m.CONTACT, (m.RISK,)),
    "RecordDose": (m.RECORD_DOSE, ()),
    "TookTooMuch": (m.TAKE_TOO_MUCH, ()),
    "MarkEnteredInError": (m.STRIKE_NAUSEA, (m.NAUSEA,)),
}
"""Each command, and what must have been recorded before it is taken."""

GUARDS: dict[str, frozenset[str]] = {
    "ReportSideEffect": frozenset({"repeat", "time"}),
    "ResolveSideEffect": frozenset({"repeat", "time", "existence"}),
    "AnswerScale": frozenset({"repeat", "time"}),
    "RecordRiskContact": frozenset({"repeat", "time"}),
    "RecordDose": frozenset({"repeat", "time"}),
    "TookTooMuch": frozenset({"repeat", "time"}),
    "MarkEnteredInError": frozenset({"repeat", "existence"}),
}
"""A strike has no time of its own; nothing waits for the enrolment or asks for a licence."""


def guarded_by(guard: str) -> list[str]:
    return [name for name, guards in GUARDS.items() if guard in guards]


RECORDED: tuple[Event, ...] = (m.NAUSEA, m.NAUSEA_RESOLVED, m.PHQ_9, m.RISK, m.DOSE)


def test_the_tables_name_every_command_and_every_write_that_can_be_asked_for() -> None:
    writes = {method.name for method in pb.DESCRIPTOR.services_by_name["MonitoringService"].methods}
    assert set(DECISIONS) == set(WILLING) == set(GUARDS) == writes


@pytest.mark.parametrize("name", WILLING)
def test_a_command_is_taken_before_the_enrolment_has_arrived(name: str) -> None:
    command, history = WILLING[name]
    before = given(DECIDER, *history).when(DECISIONS[name], command).decided
    assert before
    given(DECIDER, m.ENROLLED, *history).when(DECISIONS[name], command).then(*before)


@pytest.mark.parametrize("name", guarded_by("time"))
def test_what_has_not_happened_yet_is_refused_and_this_very_moment_is_not(name: str) -> None:
    command, history = WILLING[name]
    ahead = replace(command, occurred_at=NOON + timedelta(microseconds=1))
    refusal = given(DECIDER, *history).when(DECISIONS[name], ahead).then_refused("in-the-future")
    assert refusal.field == "occurred_at"
    assert given(DECIDER, *history).when(DECISIONS[name], replace(command, occurred_at=NOON)).decided


@pytest.mark.parametrize("name", guarded_by("repeat"))
def test_a_fact_that_was_recorded_is_not_recorded_again_whatever_is_said_of_it(name: str) -> None:
    command, history = WILLING[name]
    done = given(DECIDER, *history).when(DECISIONS[name], command).decided
    given(DECIDER, *history, *done).when(DECISIONS[name], command).then_nothing()
    if hasattr(command, "occurred_at"):
        ahead = replace(command, occurred_at=NOON + timedelta(days=1))
        given(DECIDER, *history, *done).when(DECISIONS[name], ahead).then_nothing()


@pytest.mark.parametrize("name", guarded_by("repeat"))
@pytest.mark.parametrize("recorded", RECORDED, ids=lambda one: type(one).__name__)
def test_the_id_of_any_fact_recorded_here_is_taken(name: str, recorded: Any) -> None:
    command, history = WILLING[name]
    decided = given(DECIDER, *history, recorded).when(DECISIONS[name], replace(command, fact_id=recorded.fact_id))
    if name == "MarkEnteredInError":
        assert [strike.fact_id for strike in decided.decided] == [recorded.fact_id]
    else:
        decided.then_nothing()


@pytest.mark.parametrize("name", guarded_by("repeat"))
def test_the_id_of_a_fact_that_was_struck_is_not_used_again(name: str) -> None:
    command, history = WILLING[name]
    recorded = (m.NAUSEA, m.NAUSEA_STRUCK)
    again = replace(command, fact_id=m.NAUSEA.fact_id)
    given(DECIDER, *history, *recorded).when(DECISIONS[name], again).then_nothing()


ELSEWHERE: tuple[Event, ...] = (m.ENROLLED, m.LISTED, m.PRESCRIBED, m.DISCONTINUED)


@pytest.mark.parametrize("elsewhere", ELSEWHERE, ids=lambda one: type(one).__name__)
def test_only_what_was_recorded_here_is_struck_here(elsewhere: Any) -> None:
    strike = replace(m.STRIKE_NAUSEA, fact_id=elsewhere.fact_id)
    refusal = given(DECIDER, *ELSEWHERE, m.NAUSEA).when(DECISIONS["MarkEnteredInError"], strike)
    assert refusal.then_refused("fact-not-known").field == "fact_id"


@pytest.mark.parametrize("other", [m.PHQ_9, m.DOSE, m.NAUSEA_RESOLVED, m.PRESCRIBED])
def test_only_a_side_effect_is_resolved(other: Any) -> None:
    command = replace(m.RESOLVE_NAUSEA, fact_id=fact("another resolution"), side_effect=other.fact_id)
    refusal = given(DECIDER, m.NAUSEA, other).when(DECISIONS["ResolveSideEffect"], command)
    assert refusal.then_refused("side-effect-not-known").field == "side_effect_id"


def test_each_side_effect_is_resolved_on_its_own() -> None:
    of_the_rash = replace(m.RESOLVE_NAUSEA, fact_id=fact("rash resolved"), side_effect=m.RASH.fact_id)
    history = (m.NAUSEA, m.NAUSEA_RESOLVED, m.RASH)
    assert len(given(DECIDER, *history).when(DECISIONS["ResolveSideEffect"], of_the_rash).decided) == 1


def test_a_side_effect_that_was_resolved_is_not_resolved_again_and_says_which() -> None:
    again = replace(m.RESOLVE_NAUSEA, fact_id=fact("another resolution"))
    refusal = given(DECIDER, m.NAUSEA, m.NAUSEA_RESOLVED).when(DECISIONS["ResolveSideEffect"], again)
    assert refusal.then_refused("side-effect-resolved").field == "side_effect_id"


def struck(wrong: Any) -> events.EnteredInError:
    return replace(m.NAUSEA_STRUCK, fact_id=wrong.fact_id)


def test_after_its_resolution_was_struck_a_side_effect_can_be_resolved_again() -> None:
    again = replace(m.RESOLVE_NAUSEA, fact_id=fact("another resolution"))
    history = (m.NAUSEA, m.NAUSEA_RESOLVED, struck(m.NAUSEA_RESOLVED))
    given(DECIDER, *history).when(DECISIONS["ResolveSideEffect"], again).then(
        replace(m.NAUSEA_RESOLVED, fact_id=fact("another resolution"))
    )


def test_of_two_reports_the_one_that_still_stands_can_be_resolved() -> None:
    history = (m.RASH, struck(m.RASH), m.NAUSEA)
    given(DECIDER, *history).when(DECISIONS["ResolveSideEffect"], m.RESOLVE_NAUSEA).then(m.NAUSEA_RESOLVED)
    of_the_rash = replace(m.RESOLVE_NAUSEA, side_effect=m.RASH.fact_id)
    given(DECIDER, *history).when(DECISIONS["ResolveSideEffect"], of_the_rash).then_refused("side-effect-not-known")


def risky_scale() -> tuple[ScaleScored, RiskRaised]:
    asked = replace(m.ANSWER_PHQ_9, items=(*m.ANSWER_PHQ_9.items[:8], 1))
    scored, risk = given(DECIDER).when(DECISIONS["AnswerScale"], asked).decided
    assert isinstance(scored, ScaleScored)
    assert isinstance(risk, RiskRaised)
    return scored, risk


def test_the_risk_of_a_scale_bears_the_id_that_earlier_builds_gave_it() -> None:
    assert str(risky_scale()[1].fact_id) == "d5e5690f-94c0-54b3-b260-7bbfccfe48ab"


def test_a_struck_scale_takes_the_risk_with_it_unless_that_was_struck_before() -> None:
    scored, risk = risky_scale()
    strike = replace(m.STRIKE_NAUSEA, fact_id=scored.fact_id)
    given(DECIDER, scored, risk).when(DECISIONS["MarkEnteredInError"], strike).then(struck(scored), struck(risk))
    history = (scored, risk, struck(risk))
    given(DECIDER, *history).when(DECISIONS["MarkEnteredInError"], strike).then(struck(scored))


def test_a_struck_risk_leaves_its_scale_standing() -> None:
    scored, risk = risky_scale()
    strike = replace(m.STRIKE_NAUSEA, fact_id=risk.fact_id)
    given(DECIDER, scored, risk).when(DECISIONS["MarkEnteredInError"], strike).then(struck(risk))


def test_a_scale_that_raised_nothing_is_struck_alone() -> None:
    strike = replace(m.STRIKE_NAUSEA, fact_id=m.PHQ_9.fact_id)
    given(DECIDER, m.PHQ_9, m.RISK).when(DECISIONS["MarkEnteredInError"], strike).then(struck(m.PHQ_9))


def test_a_strike_happened_when_it_was_made() -> None:
    later = replace(m.STRIKE_NAUSEA, now=NOON + timedelta(hours=3))
    given(DECIDER, m.NAUSEA).when(DECISIONS["MarkEnteredInError"], later).then(
        replace(m.NAUSEA_STRUCK, occurred_at=NOON + timedelta(hours=3))
    )


def test_a_report_keeps_every_answer_it_was_given() -> None:
    command = replace(
        m.REPORT_RASH,
        ctcae_grade=1,
        fibser_frequency=4,
        fibser_intensity=3,
        fibser_burden=2,
        suspected_medicine=m.SERTRALINE,
        reporter=ReporterKind.CLINICIAN,
        symptom="dry mouth",
        own_words="thirsty all day",
    )
    given(DECIDER, m.LISTED).when(DECISIONS["ReportSideEffect"], command).then(
        SideEffectReported(
            fact_id=fact("rash"),
            symptom="dry mouth",
            own_words="thirsty all day",
            ctcae_grade=1,
            fibser_frequency=4,
            fibser_intensity=3,
            fibser_burden=2,
            suspected_medicine=m.SERTRALINE,
            reporter=ReporterKind.CLINICIAN,
            reported_by=command.actor,
            triage=Triage(
                level=TriageLevel.NEXT_VISIT, rule="triage.ctcae-1", rule_version=1, red_flags=(), due_at=None
            ),
            occurred_at=YESTERDAY,
        )
    )


def test_a_dose_keeps_its_prescription_and_why_it_was_skipped() -> None:
    command = replace(
        m.RECORD_DOSE,
        prescription=fact("prescription"),
        status=DoseSaid.SKIPPED,
        reason="felt sick",
        occurred_at=YESTERDAY,
    )
    known = replace(m.PRESCRIBED, fact_id=fact("prescription"), starts_on=YESTERDAY.date())
    given(DECIDER, known).when(DECISIONS["RecordDose"], command).then(replace(m.DOSE_SKIPPED, triage=m.WAITS))


def test_a_skipped_dose_without_a_reason_says_which_field_is_missing() -> None:
    skipped = replace(m.RECORD_DOSE, status=DoseSaid.SKIPPED, reason="")
    assert given(DECIDER).when(DECISIONS["RecordDose"], skipped).then_refused("reason-required").field == "reason"


def test_a_taken_dose_may_have_a_remark() -> None:
    remarked = replace(m.RECORD_DOSE, reason="two hours late")
    given(DECIDER).when(DECISIONS["RecordDose"], remarked).then(
        replace(m.DOSE, reason="two hours late", triage=m.WAITS)
    )


@pytest.mark.parametrize(
    ("instrument", "items", "level", "hours", "reason", "rule"),
    [
        ("phq-9", (0,) * 8 + (1,), "moderate", 24, "phq-9-item-9", "risk.phq-9-item-9"),
        ("c-ssrs", (0, 0, 1, 0, 0, 0, 0), "moderate", 24, "c-ssrs-moderate", "risk.c-ssrs-band"),
        ("c-ssrs", (0, 0, 0, 1, 0, 0, 0), "high", 1, "c-ssrs-high", "risk.c-ssrs-band"),
    ],
)
def test_a_risk_says_why_by_which_rule_and_by_when_from_now_on(
    instrument: str, items: tuple[int, ...], level: str, hours: int, reason: str, rule: str
) -> None:
    command = replace(m.ANSWER_PHQ_9, instrument=instrument, items=items, occurred_at=NOON - timedelta(days=3))
    scored, risk = given(DECIDER).when(DECISIONS["AnswerScale"], command).decided
    assert isinstance(scored, ScaleScored)
    assert isinstance(risk, RiskRaised)
    assert risk.fact_id not in (scored.fact_id, fact("risk"))
    assert risk == RiskRaised(
        fact_id=risk.fact_id,
        scale_fact_id=scored.fact_id,
        level=RiskLevel(level),
        reason=reason,
        rule=rule,
        rule_version=2 if instrument == "c-ssrs" else 1,
        due_at=NOON + timedelta(hours=hours),
        occurred_at=NOON - timedelta(days=3),
        reporter=Reporter.CLIENT,
    )


def test_a_scale_says_how_it_was_scored_and_what_is_missing() -> None:
    items = (3, 3, None, 0, 1, 2, 1, 0, 0)
    command = replace(m.ANSWER_PHQ_9, items=items, source="clinician", reporter=Reporter.CLINICIAN)
    (scored,) = given(DECIDER).when(DECISIONS["AnswerScale"], command).decided
    assert isinstance(scored, ScaleScored)
    assert (scored.items, scored.missing, scored.source) == (items, 1, "clinician")
    assert (scored.total, scored.band) == (11, "moderate")


def test_a_scale_of_which_too_much_is_missing_has_no_total_and_no_band() -> None:
    command = replace(m.ANSWER_PHQ_9, items=(None,) * 9)
    given(DECIDER).when(DECISIONS["AnswerScale"], command).then(
        replace(m.PHQ_9_INCOMPLETE, flags=("safety-item-missing",))
    )


def test_an_unknown_instrument_is_refused() -> None:
    other = replace(m.ANSWER_PHQ_9, instrument="phq-99")
    assert given(DECIDER).when(DECISIONS["AnswerScale"], other).then_refused("unknown-instrument").field == "instrument"


@pytest.mark.parametrize("strike", [struck(m.ENROLLED), replace(m.LIST_STRUCK, fact_id=m.ENROLLED.fact_id)])
def test_a_client_is_enrolled_until_the_enrolment_is_struck(strike: Event) -> None:
    assert not DECIDER.initial.enrolled
    assert DECIDER.fold([m.ENROLLED]).enrolled
    assert not DECIDER.fold([m.ENROLLED, strike]).enrolled
    again = replace(m.ENROLLED, fact_id=FactId(fact("enrolled again")), evidence=event("enrolled again"))
    assert DECIDER.fold([m.ENROLLED, strike, again]).enrolled
