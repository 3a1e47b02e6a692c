"""A check run again: what it now says, no longer says, and says otherwise."""

from dataclasses import replace
from typing import Any

import pytest

from careloop.knowledge.findings import Alert, Check, Screening, Severity
from careloop.knowledge.screening.rechecking import ChangedFinding, Rechecked, rechecked
from tests.support.knowledge import KNOWN, asked, taking

NOTHING = Rechecked(now_alerts=(), no_longer_alerts=(), changed_alerts=(), now_not_checked=(), no_longer_not_checked=())
CLEAR = asked("sertraline", mg=50)
MET = asked("sertraline", taking("phenelzine", "citalopram"), 50)
UNRECORDED = asked("sertraline", replace(KNOWN, medications=None), 50)


def told_otherwise(alert: Alert) -> Alert:
    return replace(alert, severity=Severity.LOW)


OTHERWISE = replace(MET, alerts=tuple(told_otherwise(alert) for alert in MET.alerts))
CHANGES = tuple(ChangedFinding(before=alert, after=told_otherwise(alert)) for alert in MET.alerts)
RAISED = tuple(ChangedFinding(before=told_otherwise(alert), after=alert) for alert in MET.alerts)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (CLEAR, CLEAR, NOTHING),
        (MET, MET, NOTHING),
        (UNRECORDED, UNRECORDED, NOTHING),
        (CLEAR, MET, replace(NOTHING, now_alerts=MET.alerts)),
        (MET, CLEAR, replace(NOTHING, no_longer_alerts=MET.alerts)),
        (CLEAR, UNRECORDED, replace(NOTHING, now_not_checked=UNRECORDED.not_checked)),
        (UNRECORDED, CLEAR, replace(NOTHING, no_longer_not_checked=UNRECORDED.not_checked)),
        (MET, OTHERWISE, replace(NOTHING, changed_alerts=CHANGES)),
        (OTHERWISE, MET, replace(NOTHING, changed_alerts=RAISED)),
        (
            MET,
            UNRECORDED,
            replace(NOTHING, no_longer_alerts=MET.alerts, now_not_checked=UNRECORDED.not_checked),
        ),
    ],
)
def test_what_is_answered_otherwise(before: Screening, after: Screening, found: Rechecked) -> None:
    assert rechecked(before, after) == found
    assert found.same is (found == NOTHING)


@pytest.mark.parametrize(
    "other",
    [{"kind": Check.DUPLICATE_THERAPY}, {"rule": "ddi.another"}, {"involves": ("sertraline", "tranylcypromine")}],
)
def test_another_kind_rule_or_drug_is_another_finding(other: dict[str, Any]) -> None:
    (first, *_) = MET.alerts
    before, after = replace(MET, alerts=(first,)), replace(MET, alerts=(replace(first, **other),))
    assert rechecked(before, after) == replace(NOTHING, now_alerts=after.alerts, no_longer_alerts=before.alerts)


def test_the_same_drugs_in_another_order_are_the_same_finding() -> None:
    (first, *_) = MET.alerts
    turned = replace(first, involves=first.involves[::-1])
    found = rechecked(replace(MET, alerts=(first,)), replace(MET, alerts=(turned,)))
    assert found == replace(NOTHING, changed_alerts=(ChangedFinding(before=first, after=turned),))


def test_two_findings_of_one_rule_about_the_same_drugs_are_told_apart() -> None:
    (first, *_) = MET.alerts
    another = replace(first, message="Another thing.")
    both, one = replace(MET, alerts=(first, another)), replace(MET, alerts=(first,))
    assert rechecked(both, both).same
    assert rechecked(both, one) == replace(NOTHING, no_longer_alerts=(another,))
    assert rechecked(one, both) == replace(NOTHING, now_alerts=(another,))
