"""What of a section may still matter: few facts, and the same place in the caseload as the whole."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from careloop.contracts.notifications import NoticeWithdrawn
from careloop.contracts.terms import EnteredInError
from careloop.kernel.events import Event
from careloop.kernel.ids import FactId
from careloop.knowledge.scales.score import SAFETY_ITEM_MISSING
from careloop.knowledge.urgency.suicide_risk import C_SSRS
from services.coordination.domain.view.bulk_fold import add_all
from services.coordination.domain.view.caseload import headline
from services.coordination.domain.view.sections import SECTIONS
from services.coordination.domain.view.sections.notifications import NotificationsSection
from services.coordination.domain.view.standing import standing
from services.coordination.domain.view.urgency import answered, concerns, leading
from services.coordination.reading.stored_section import LEAST_TAIL, as_stored, grown, nothing, sealed
from tests.coordination.telling import dated, received
from tests.support.controls import coordination as control
from tests.support.controls.moments import NOON, fact

SIDE_EFFECTS = [control.RASH, control.NAUSEA]
NOTICES = [control.NOTICE, control.RISK_NOTICE]
NUMBERS = st.integers(min_value=0, max_value=5)
LATER = st.integers(min_value=0, max_value=40).map(lambda hours: NOON + timedelta(hours=hours))


ABOUT = {"side_effect": "SideEffectReported", "notice": "NoticeDecided", "raised": "ResultActionRaised"}


@st.composite
def courses(draw: st.DrawFn, source: str) -> list[Event]:
    """Facts of one source, each after those that it is about, of many side effects, risks and notices: none twice, and
    none about a notice that was settled."""
    told: list[Any] = []
    settled: set[FactId] = set()
    for n in range(draw(st.integers(min_value=0, max_value=25))):
        event = draw(st.sampled_from([e for e in control.TOLD[source] if not isinstance(e, EnteredInError)]))
        about: dict[str, Any] = {}
        if hasattr(event, "fact_id"):
            about["fact_id"] = fact(f"{source} {n}")
        for field, kinds in ABOUT.items():
            if hasattr(event, field):
                before = [e.fact_id for e in told if type(e).__name__ == kinds and e.fact_id not in settled]
                about[field] = draw(st.sampled_from(before)) if before else fact("another")
        if hasattr(event, "concerns"):
            about["concerns"] = tuple(replace(one, concern=fact(f"concern {n}")) for one in event.concerns)
        if hasattr(event, "concern"):
            raised = [one.concern for e in told for one in getattr(e, "concerns", ())]
            about["concern"] = draw(st.sampled_from(raised)) if raised else fact("another")
        if hasattr(event, "suppressed"):
            about["suppressed"] = draw(st.sampled_from(["", "", "imported", "old-news"]))
            about["cause_fact"] = fact(f"cause {draw(NUMBERS)}")
        if hasattr(event, "resumes_at"):
            about["resumes_at"] = draw(st.sampled_from([UNSET, NOON + timedelta(hours=8)]))
        if hasattr(event, "instrument"):
            about["flags"] = draw(st.sampled_from([(), (SAFETY_ITEM_MISSING,)]))
            about["instrument"] = draw(st.sampled_from(["phq-9", C_SSRS]))
        told.append(replace(event, occurred_at=draw(LATER), **about))
        if isinstance(event, NoticeWithdrawn) or about.get("resumes_at") is UNSET:
            settled.add(about["notice"])
    return told


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(sorted(SECTIONS)))
def test_fact_by_fact_what_stands_says_what_the_whole_says(data: st.DataObject, source: str) -> None:
    whole: Any = SECTIONS[source]()
    stands = whole
    taken: frozenset[Any] = frozenset()
    for n, event in enumerate(data.draw(courses(source)), start=1):
        new = dated([received(source, event, n)])
        whole, now = add_all(whole, new), add_all(stands, new)
        taken |= answered(now)
        stands = standing(now)
        assert concerns(stands) == concerns(now) == concerns(whole)
        assert headline(stands) == headline(now) == headline(whole)
        assert taken == answered(whole)
        assert standing(whole) == stands


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from(sorted(SECTIONS)), st.integers(min_value=0))
def test_state_and_tail_are_the_whole_wherever_the_state_was_stored(data: st.DataObject, source: str, cut: int) -> None:
    every = [received(source, event, n) for n, event in enumerate(data.draw(courses(source)), start=1)]
    cut %= len(every) + 1
    section = nothing(add_all(SECTIONS[source](), dated(every[:cut])))
    section = sealed(section.whole, cut, 100)
    for one in every[cut:]:
        section = grown(section, dated([one]), len(one.value), one.envelope.position)
    whole = add_all(SECTIONS[source](), dated(every))
    assert section.whole == whole
    assert section.leading == as_stored(leading(whole))
    assert section.settled | section.answered == answered(whole)
    assert not section.settled & section.answered
    assert (section.tail.count, section.position) == (len(every) - cut, len(every))


def test_what_is_settled_is_left_out() -> None:
    course: list[Any] = []
    for n in range(LEAST_TAIL):
        notice = replace(control.RISK_NOTICE, fact_id=fact(f"notice {n}"), cause_fact=fact(f"risk {n}"))
        course += [notice, replace(control.RISK_ACKNOWLEDGED, notice=notice.fact_id)]
    every = [received("notifications", event, n) for n, event in enumerate(course, start=1)]
    whole = add_all(NotificationsSection(), dated(every))
    assert isinstance(whole, NotificationsSection)
    assert len(whole.decided) == LEAST_TAIL
    assert standing(whole) == NotificationsSection()


def test_the_leading_concerns_are_those_up_to_the_first_that_nobody_else_can_answer() -> None:
    facts = [control.RASH, control.NAUSEA, *(e for e in control.TOLD["monitoring"] if type(e).__name__ == "RiskRaised")]
    section = add_all(
        SECTIONS["monitoring"](), dated(received("monitoring", one, n) for n, one in enumerate(facts, start=1))
    )
    every, ahead = concerns(section), leading(section)
    assert every[: len(ahead)] == ahead
    assert [one.until_answered for one in ahead[:-1]] == [True] * (len(ahead) - 1)
    assert not ahead[-1].until_answered
    assert len(every) > len(ahead)
