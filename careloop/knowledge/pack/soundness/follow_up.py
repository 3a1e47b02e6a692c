"""What the data files of follow-up must say to make sense, beyond their shape."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from careloop.knowledge.pack.reading import PackInvalid
from careloop.knowledge.pack.shapes.follow_up import FACTS, Phase, ResultRule, ScheduleRule, Timing, Titration
from careloop.knowledge.pack.soundness.references import days_of_change


def require_follow_up(read: Mapping[str, tuple[Any, ...]]) -> None:
    """Raises PackInvalid, naming file and rule, for a measure or fact that is not known or a schedule without days."""
    measures = {measure.name: measure for measure in read["measures.yaml"]}
    if len(measures) != len(read["measures.yaml"]):
        raise PackInvalid("measures.yaml: a measure is given twice")
    for file in ("schedules.yaml", "results.yaml", "titrations.yaml"):
        for rule in read[file]:
            for fault in _faults(rule, measures):
                raise PackInvalid(f"{file}: {rule.id}: {fault}")


def require_restarts(read: Mapping[str, tuple[Any, ...]], members: Mapping[str, frozenset[str]]) -> None:
    """Raises PackInvalid for a titration of a drug of which no gap says when it is begun again.

    `members` holds the drugs that each name means.
    """
    gaps = [gap for gap in read["gaps.yaml"] if gap.restarts_titration]
    for rule in read["titrations.yaml"]:
        for day in (day for day in days_of_change([rule, *gaps]) if rule.in_force(day)):
            begun = {drug for gap in gaps if gap.in_force(day) for name in gap.drugs for drug in members[name]}
            for drug in sorted({drug for name in rule.drugs for drug in members[name]} - begun):
                raise PackInvalid(f"titrations.yaml: {rule.id}: on {day} no gap of gaps.yaml begins {drug} anew")


def _faults(rule: ScheduleRule | ResultRule | Titration, measures: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(rule, Titration):
        yield from _steps(rule)
        return
    if rule.measure not in measures:
        yield f"{rule.measure} is not a measure"
    elif isinstance(rule, ResultRule) and measures[rule.measure].unit is None:
        yield f"{rule.measure} has no unit to judge in"
    if not {rule.only_if, rule.unless} <= {"", *FACTS}:
        yield "turns on a fact that is none"
    yield from _bounds(rule) if isinstance(rule, ResultRule) else _days(rule)


def _bounds(rule: ResultRule) -> Iterator[str]:
    bounds = (rule.from_, rule.above, rule.through, rule.below, rule.rise, rule.rise_percent)
    if all(bound is None for bound in bounds):
        yield "has no bound"


def _days(rule: ScheduleRule) -> Iterator[str]:
    needed: Mapping[Timing, object] = {
        Timing.SINCE_LAST: rule.phases and rule.phases[0].from_day == 0,
        Timing.AFTER_CHANGE: rule.after_days[1] > 0 and rule.after_days[0] <= rule.after_days[1],
        Timing.FIXED_DAYS: rule.at_days or rule.baseline_days is not None,
        Timing.ONCE: True,
        Timing.EACH_CONTACT: True,
    }
    if not needed[rule.timing]:
        yield f"a schedule {rule.timing} lacks its days"
    if any(phase.every < 1 for phase in rule.phases) or (rule.then_every or 1) < 1:
        yield "an interval is at least one day"
    if not _rising(rule.phases) or list(rule.at_days) != sorted(set(rule.at_days)):
        yield "days must rise"


def _rising(phases: Sequence[Phase]) -> bool:
    starts = [phase.from_day for phase in phases]
    return starts == sorted(set(starts))


def _steps(rule: Titration) -> Iterator[str]:
    starts = [step.from_day for step in rule.steps]
    if not starts or starts[0] != 0 or starts != sorted(set(starts)):
        yield "steps must rise from day 0"
    if any(step.every_days < 1 or step.dose_mg <= 0 for step in rule.steps):
        yield "a step is a dose at least once in so many days"
