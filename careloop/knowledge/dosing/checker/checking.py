"""A schedule judged: every constraint on every day of every drug."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from careloop.knowledge.chart import Chart, Medication
from careloop.knowledge.dosing.checker import amounts, daily_limits, meetings, reductions, rises, safety
from careloop.knowledge.dosing.checker.case import PlanCase, open_plan
from careloop.knowledge.dosing.checker.findings import Constraint, Found, PlanCheck, PlanFinding, PlanGap, Weight
from careloop.knowledge.dosing.plan import NOBODY_ASKED, Answers, OnHand, Segment
from careloop.knowledge.pack.pack import Pack, current_pack

INTERVAL, SAFETY_CHECK = Constraint.INTERVAL, Constraint.SAFETY_CHECK
CHECKS: tuple[Callable[[PlanCase], Iterator[Found]], ...] = (
    daily_limits.check,
    rises.check,
    reductions.check,
    meetings.check,
    safety.check,
    amounts.check,
)


def check_plan(
    chart: Chart,
    segments: Sequence[Segment],
    as_of: date,
    *,
    running: Sequence[Medication] = (),
    on_hand: Sequence[OnHand] = (),
    answers: Answers = NOBODY_ASKED,
    pack: Pack | None = None,
) -> PlanCheck:
    """What is illegal, what is to be answered, and what could not be judged. Findings by day, gaps once each.

    `running` is what is taken before the plan, where that is stated beside the chart: it takes the place of what the
    chart says of the drug, and is known even where nobody recorded what else is taken.
    """
    pack = pack or current_pack()
    case = open_plan(pack, chart, as_of, segments, running=running, on_hand=on_hand, answers=answers)
    found = _once([one for check in CHECKS for one in check(case)])
    gaps = dict.fromkeys([*case.unknown, *(one for one in found if isinstance(one, PlanGap))])
    violations = _of(Weight.VIOLATION, found)
    return PlanCheck(
        knowledge=pack.reference,
        legal=False if violations else None if gaps else True,
        violations=violations,
        to_answer=_of(Weight.TO_ANSWER, found),
        notes=_of(Weight.NOTE, found),
        not_checked=tuple(gaps),
    )


def _once(found: Sequence[Found]) -> list[Found]:
    """Without what the safety check says of a washout that has a finding with figures already."""
    intervals = {one[1].rule for one in found if not isinstance(one, PlanGap) and one[1].constraint is INTERVAL}
    return [
        one
        for one in found
        if isinstance(one, PlanGap) or one[1].constraint is not SAFETY_CHECK or one[1].rule not in intervals
    ]


def _of(weight: Weight, found: Sequence[Found]) -> tuple[PlanFinding, ...]:
    weighed = (one[1] for one in found if not isinstance(one, PlanGap) and one[0] is weight)
    return tuple(sorted(dict.fromkeys(weighed), key=lambda one: (one.day, one.constraint, one.rule, one.drug)))
