"""What other services publish becomes notes in assessment's stream, as far as the end of an episode rests on it."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import UNSET

from careloop.contracts import coordination, monitoring, notifications, prescribing, terms
from careloop.contracts.terms import RiskLevel, TriageLevel
from services.assessment.consumers import CONSUMERS, MATTERS, MATTERS_OF
from services.assessment.domain import noted
from services.assessment.domain.events import TOPICS
from services.assessment.domain.state import DECIDER
from tests.support.controls import coordination as published
from tests.support.controls.moments import event
from tests.support.noting import noted as notes_of
from tests.support.speaking import Desk

EVIDENCE = event("published")
RISK = published.RISK
CONTACT = replace(published.CONTACTED, outcome=monitoring.RiskContactOutcome.REACHED_SAFE)
NOT_REACHED = replace(published.CONTACTED, outcome=monitoring.RiskContactOutcome.COULD_NOT_REACH)
NOTICE = replace(
    published.NOTICE,
    fact_id=published.RISK_ACKNOWLEDGED.notice,
    cause_fact=published.EMERGENCY.fact_id,
    cause_type="care.monitoring.EmergencyDeclared.v1",
    priority=notifications.Priority.STAT,
)
SCREEN = replace(published.BASELINE, instrument="c-ssrs", items=(1, 1, 0, 1, 0, 0, 0), total=None, band="high")
READ = terms.Triage(
    level=TriageLevel.EMERGENCY_NOW, rule="flag.suicide", rule_version=1, red_flags=("suicide",), due_at=None
)
WROTE_IN_A_DOSE = replace(published.DOSE, reason="I want to die", triage=READ)
WROTE = replace(published.POSTED, sender=coordination.CLIENT, triage=READ)
MESSAGE_NOTICE = replace(NOTICE, cause_type="care.coordination.MessagePosted.v1", priority=notifications.Priority.STAT)
MODERATE_CONCERN = replace(
    published.CONCERNS_RAISED,
    concerns=tuple(
        replace(one, alert=replace(one.alert, severity="moderate")) for one in published.CONCERNS_RAISED.concerns
    ),
)
EMERGENCY = published.side_effect("emergency", TriageLevel.EMERGENCY_NOW, published.week(1))


async def notes(wire_type: str, fact: Any) -> list[Any]:
    return await notes_of(MATTERS, Desk("assessment", TOPICS, DECIDER).streams, wire_type, fact)


@pytest.mark.parametrize(
    ("wire_type", "fact", "note"),
    [
        ("care.prescribing.PrescriptionIssued.v1", published.ISSUED, noted.PrescriptionNoted),
        ("care.prescribing.PrescriptionDiscontinued.v1", published.DISCONTINUED, noted.PrescriptionEndNoted),
        ("care.monitoring.RiskRaised.v1", RISK, noted.RiskNoted),
        ("care.monitoring.ScaleScored.v1", SCREEN, noted.ScreenNoted),
        ("care.monitoring.SideEffectReported.v1", EMERGENCY, noted.SideEffectNoted),
        ("care.monitoring.SideEffectResolved.v1", published.NAUSEA_RESOLVED, noted.ResolutionNoted),
        ("care.monitoring.RiskContactRecorded.v1", CONTACT, noted.RisksSeenToNoted),
        ("care.monitoring.RiskEnded.v1", published.ENDED, noted.RisksSeenToNoted),
        ("care.monitoring.EmergencyDeclared.v1", published.EMERGENCY, noted.EmergencyNoted),
        ("care.monitoring.DoseRecorded.v1", WROTE_IN_A_DOSE, noted.EmergencyNoted),
        ("care.coordination.MessagePosted.v1", WROTE, noted.EmergencyNoted),
        ("care.prescribing.ConcernsRaised.v1", published.CONCERNS_RAISED, noted.ConcernsNoted),
        ("care.prescribing.ConcernAnswered.v1", published.CONCERN_ANSWERED, noted.ConcernClosedNoted),
        ("care.prescribing.ConcernEnded.v1", published.CONCERN_ENDED, noted.ConcernClosedNoted),
        ("care.notifications.NoticeDecided.v1", NOTICE, noted.EmergencyNoticeNoted),
    ],
)
async def test_what_bears_on_the_end_is_noted(wire_type: str, fact: Any, note: type) -> None:
    (found,) = await notes(wire_type, fact)
    assert isinstance(found, note)
    said: Any = found
    assert (said.fact_id, said.evidence, said.occurred_at) == (fact.fact_id, EVIDENCE, fact.occurred_at)


async def test_a_note_says_what_it_is_about() -> None:
    (ended,) = await notes("care.prescribing.PrescriptionDiscontinued.v1", published.DISCONTINUED)
    (risk,) = await notes("care.monitoring.RiskRaised.v1", RISK)
    (screen,) = await notes("care.monitoring.ScaleScored.v1", SCREEN)
    (effect,) = await notes("care.monitoring.SideEffectReported.v1", EMERGENCY)
    (resolution,) = await notes("care.monitoring.SideEffectResolved.v1", published.NAUSEA_RESOLVED)
    (notice,) = await notes("care.notifications.NoticeDecided.v1", NOTICE)
    (taken,) = await notes("care.notifications.NoticeAcknowledged.v1", published.RISK_ACKNOWLEDGED)
    assert ended.prescription == published.DISCONTINUED.prescription
    assert risk.level == RISK.level
    assert (screen.level, screen.scored_by) == (RiskLevel.HIGH, SCREEN.scored_by)
    assert effect.level is TriageLevel.EMERGENCY_NOW
    assert resolution.side_effect == published.NAUSEA_RESOLVED.side_effect
    assert notice.cause_fact == published.EMERGENCY.fact_id
    assert taken.fact_id == NOTICE.fact_id


async def test_a_strike_of_any_source_is_noted() -> None:
    strike = terms.EnteredInError(fact_id=RISK.fact_id, reason="r", marked_by="m", occurred_at=RISK.occurred_at)
    for source in MATTERS_OF:
        (found,) = await notes(f"care.{source}.EnteredInError.v1", strike)
        assert isinstance(found, noted.StrikeNoted)


@pytest.mark.parametrize(
    ("wire_type", "fact"),
    [
        ("care.monitoring.ScaleScored.v1", published.BASELINE),
        ("care.monitoring.SideEffectReported.v1", published.NAUSEA),
        ("care.notifications.NoticeDecided.v1", published.NOTICE),
        ("care.monitoring.RiskContactRecorded.v1", NOT_REACHED),
        ("care.coordination.MessagePosted.v1", replace(WROTE, triage=replace(READ, level=TriageLevel.SAME_DAY))),
        ("care.coordination.MessagePosted.v1", replace(WROTE, triage=UNSET)),
        ("care.monitoring.DoseRecorded.v1", published.DOSE),
        ("care.prescribing.ConcernsRaised.v1", MODERATE_CONCERN),
        ("care.notifications.NoticeDecided.v1", replace(MESSAGE_NOTICE, priority=notifications.Priority.URGENT)),
        ("care.notifications.NoticeDecided.v1", replace(NOTICE, cause_type="EmergencyDeclared")),
    ],
    ids=[
        "another scale",
        "a side effect that can wait",
        "a notice of no emergency",
        "a client who was not reached",
        "words for today",
        "words that nobody read",
        "a dose without a reason",
        "a concern that can wait",
        "a notice of words that are no emergency",
        "a notice with a cause of no service",
    ],
)
async def test_what_does_not_bear_on_it_is_not_noted(wire_type: str, fact: Any) -> None:
    assert await notes(wire_type, fact) == []


def test_every_source_that_is_noted_must_have_come_in() -> None:
    assert {name.split(".")[1] for name in MATTERS} == set(MATTERS_OF) == set(*CONSUMERS.values())
    published_types = {**coordination.TYPES, **prescribing.TYPES, **monitoring.TYPES, **notifications.TYPES}
    assert set(MATTERS) <= set(published_types)
