"""What a result demands stands in the view and in the order of the caseload until something settles it."""

from dataclasses import replace

import pytest

from careloop.contracts.monitoring import ResultActionEnd
from services.coordination.domain.view.result_actions import ResultAction
from tests.coordination.telling import view
from tests.support.controls import coordination as control
from tests.support.controls.coordination import DEMANDED, DEMANDED_BEFORE, SETTLED, week
from tests.support.controls.moments import fact


def test_a_demand_says_all_of_it_and_a_settled_one_is_gone() -> None:
    (shown,) = view(monitoring=(DEMANDED_BEFORE, SETTLED, DEMANDED)).result_actions
    assert shown == ResultAction(
        fact_id=fact("demanded"),
        rule="result.lithium.toxic",
        rule_version=1,
        drug="lithium",
        measure="lithium-level",
        severity="contraindicated",
        message="Lithium above 1.5 mmol/L.",
        action="Hold lithium.",
        recheck_by=DEMANDED.recheck_by,
        due_at=DEMANDED.due_at,
        result=fact("results"),
        occurred_at=week(11),
    )


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        ("contraindicated", "same-day"),
        ("high", "same-day"),
        ("moderate", "next-visit"),
        ("low", "next-visit"),
        ("a word of a later build", "same-day"),
    ],
)
def test_the_urgency_follows_the_severity(severity: str, level: str) -> None:
    shown = view(monitoring=(replace(DEMANDED, severity=severity),))
    assert (shown.urgency.level, shown.urgency.reason, shown.urgency.fact_id) == (
        level,
        "result-action",
        DEMANDED.fact_id,
    )


def test_the_gravest_stands_first_and_what_was_struck_not_at_all() -> None:
    grave = replace(DEMANDED, fact_id=fact("grave"), due_at=week(12))
    high = replace(DEMANDED, fact_id=fact("high"), severity="high", due_at=week(1))
    assert [one.fact_id for one in view(monitoring=(high, grave)).result_actions] == [fact("grave"), fact("high")]
    shown = view(monitoring=(high, grave, control.struck(grave)))
    assert [one.fact_id for one in shown.result_actions] == [fact("high")]


def test_an_end_that_was_struck_ended_nothing() -> None:
    ended = replace(SETTLED, raised=DEMANDED.fact_id, because=ResultActionEnd.STRUCK, occurred_at=week(12))
    assert view(monitoring=(DEMANDED, ended)).result_actions == ()
    assert len(view(monitoring=(DEMANDED, ended, control.struck(ended))).result_actions) == 1
