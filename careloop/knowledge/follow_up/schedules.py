"""What is due while drugs are taken: what to measure by when, what the results so far demand, what a gap asks for.

Every finding carries its rule, source and basis. A drug that is not known, a result whose unit is not, and a fact
about the client that a rule turns on are named as such: silence never means that something was looked at.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import TypeVar

from careloop.kernel.errors import InvalidInput
from careloop.knowledge.due_dates import Taking, Window, next_window, shifted
from careloop.knowledge.follow_up.result_actions import (
    MeasuredResult,
    Series,
    applies,
    holds,
    results_of,
    soonest_recheck,
)
from careloop.knowledge.follow_up.terms import (
    AppliedRule,
    Client,
    DrugCourse,
    DueMeasure,
    FollowUp,
    GapFinding,
    ResultFinding,
    Status,
)
from careloop.knowledge.pack.drugs import Unresolved, resolve
from careloop.knowledge.pack.pack import Pack, current_pack
from careloop.knowledge.pack.shapes.entries import Entry
from careloop.knowledge.pack.shapes.follow_up import GapRule, Measure, ResultRule, ScheduleRule, Timing

E = TypeVar("E", bound=Entry)

DEFAULT_SETS = frozenset({"ada-apa-2004"})
"""Of the schedules that compete, the one followed when none is chosen: the denser at the start."""
BASELINE_DAYS = 90
"""Results so long before the start still speak about it (a convention of this project)."""


@dataclass(frozen=True, slots=True)
class _Drug:
    """One ingredient being taken, with what the rules about it need."""

    name: str
    course: DrugCourse
    beside: frozenset[str]
    facts: Mapping[str, bool]
    as_of: date
    pack: Pack

    def concerns(self, rule: ScheduleRule | ResultRule | GapRule) -> bool:
        except_ = getattr(rule, "drugs_except", ())
        named = self.pack.among(self.name, rule.drugs) and not self.pack.among(self.name, except_)
        return named and rule.in_force(self.as_of)

    def applied(self, rule: ScheduleRule | ResultRule | GapRule) -> AppliedRule:
        return AppliedRule(
            rule=rule.id,
            version=rule.version,
            drug=self.name,
            action=rule.action,
            source=rule.source,
            basis=rule.basis,
            reviewed=rule.reviewed,
        )


@lru_cache(maxsize=64)
def _entries(pack: Pack, shape: type[E]) -> tuple[E, ...]:
    return pack.entries(shape)


def schedule_sets() -> frozenset[str]:
    """The names of the schedules of which one may choose."""
    return frozenset(rule.set for rule in _entries(current_pack(), ScheduleRule) if rule.set)


def follow_up(
    courses: Iterable[DrugCourse],
    results: Iterable[MeasuredResult],
    as_of: date,
    client: Client | None = None,
    sets: frozenset[str] = DEFAULT_SETS,
) -> FollowUp:
    """What is due on that day. Drugs stopped before it ask for nothing. Raises InvalidInput for a set not known."""
    if unknown := sets - schedule_sets():
        known = ", ".join(sorted(schedule_sets()))
        raise InvalidInput("unknown-schedule", f"sets must be among: {known}.", field=f"sets[{min(unknown)}]")
    pack = current_pack()
    drugs, unresolved = _resolved(tuple(courses), client or Client(), as_of, pack)
    known_results = tuple(sorted(results, key=lambda one: (one.on, one.code, repr(one))))
    due = [one for drug in drugs for one in _due(drug, known_results, sets)]
    found = [one for drug in drugs for one in _result_findings(drug, known_results)]
    gaps = [one for drug in drugs for one in _gap_findings(drug)]
    unread = {gap for drug in drugs for gap in _unread(drug, known_results)}
    return FollowUp(
        knowledge=pack.reference,
        due=tuple(sorted(due, key=_urgency)),
        results=tuple(sorted(found, key=lambda one: (one.severity.rank, one.applied.drug, one.applied.rule))),
        gaps=tuple(sorted(gaps, key=lambda one: (one.severity.rank, one.applied.drug, one.applied.rule))),
        not_checked=tuple(sorted({*unresolved, *unread})),
    )


def _urgency(one: DueMeasure) -> tuple[int, date, str, str]:
    return (list(Status).index(one.status), one.due_on or date.max, one.applied.drug, one.applied.rule)


def _resolved(
    courses: tuple[DrugCourse, ...], client: Client, as_of: date, pack: Pack
) -> tuple[list[_Drug], set[tuple[str, str]]]:
    taken: dict[str, DrugCourse] = {}
    unresolved: set[tuple[str, str]] = set()
    for course in sorted(courses, key=lambda one: one.started_on):
        if course.stopped_on is not None and course.stopped_on < as_of:
            continue
        found = resolve(course.name, course.rxcui, pack)
        if isinstance(found, Unresolved):
            unresolved.add((found.reason.value, found.subject))
            continue
        unresolved.update(("unknown-drug", part) for part in found.unrecognised)
        for ingredient in found.ingredients:
            taken[ingredient] = _joined(taken[ingredient], course) if ingredient in taken else course
    facts = _facts(client, frozenset(taken), as_of, pack)
    beside = frozenset(taken)
    return [_Drug(name, course, beside, facts, as_of, pack) for name, course in sorted(taken.items())], unresolved


def _joined(first: DrugCourse, later: DrugCourse) -> DrugCourse:
    """One drug named twice: a later start changes its dose."""
    restarts = (later.started_on,) if later.started_on > first.started_on else ()
    changes = (*first.dose_changes, *restarts, *later.dose_changes)
    return replace(first, dose_changes=changes, gaps=(*first.gaps, *later.gaps))


def _facts(client: Client, taken: frozenset[str], as_of: date, pack: Pack) -> Mapping[str, bool]:
    """What is known, with what follows from age and the drugs."""
    facts = dict(client.facts)
    diuretic = any(pack.among(drug, ("thiazide", "loop-diuretic")) for drug in taken)
    age = _age(client.birth_date, as_of)
    if age is not None:
        facts["age-18-to-25"] = 18 <= age <= 25
    if diuretic or age is not None:
        facts["over-65-or-diuretic"] = diuretic or (age or 0) > 65
    return facts


def _age(birth_date: date | None, as_of: date) -> int | None:
    if birth_date is None or birth_date > as_of:
        return None
    return as_of.year - birth_date.year - ((as_of.month, as_of.day) < (birth_date.month, birth_date.day))


def _monitored_from(drug: _Drug) -> date:
    """The start of the course, or of the last gap after which monitoring starts again."""
    restarts = [
        gap.resumed_on
        for gap in drug.course.gaps
        if gap.resumed_on is not None
        and gap.resumed_on <= drug.as_of
        and any(rule.restarts_monitoring for rule in _gap_rules(drug, gap.days(drug.as_of)))
    ]
    return max([drug.course.started_on, *restarts])


def _due(drug: _Drug, results: tuple[MeasuredResult, ...], sets: frozenset[str]) -> Iterator[DueMeasure]:
    measures = {measure.name: measure for measure in _entries(drug.pack, Measure)}
    for rule in _entries(drug.pack, ScheduleRule):
        lifted = drug.facts.get(rule.only_if) is False or drug.facts.get(rule.unless) is True
        if drug.concerns(rule) and (not rule.set or rule.set in sets) and not lifted:
            found = _due_by(rule, drug, measures[rule.measure], results)
            if found is not None:
                yield found


def _due_by(
    rule: ScheduleRule, drug: _Drug, measure: Measure, results: tuple[MeasuredResult, ...]
) -> DueMeasure | None:
    only_if = "" if rule.only_if in drug.facts else rule.only_if
    started_on = _monitored_from(drug)
    if rule.timing is Timing.EACH_CONTACT:
        over = rule.until_day is not None and drug.as_of > shifted(started_on, rule.until_day)
        seen = DueMeasure(applied=drug.applied(rule), measure=measure.name, status=Status.EACH_CONTACT, only_if=only_if)
        return None if over else seen
    days = [result.on for result in results if result.code in measure.codes]
    recheck = soonest_recheck(_held(drug, measure, results)) if rule.timing is Timing.SINCE_LAST else None
    window = next_window(rule, Taking(started_on, drug.course.dose_changes, drug.as_of), days, recheck)
    if window is None:
        return None
    return DueMeasure(
        applied=drug.applied(rule),
        measure=measure.name,
        status=_status(window, drug.as_of),
        opens_on=window.opens_on,
        due_on=window.due_on,
        last_on=window.last_on,
        only_if=only_if,
    )


def _status(window: Window, as_of: date) -> Status:
    if as_of > window.due_on:
        return Status.OVERDUE
    return Status.DUE if as_of >= window.opens_on else Status.PLANNED


def _series(drug: _Drug, measure: Measure, results: tuple[MeasuredResult, ...]) -> Series:
    since = shifted(drug.course.started_on, -BASELINE_DAYS)
    listed = results_of(measure, results, since, drug.as_of)
    return Series(_monitored_from(drug), listed, measure, drug.pack.units)


def _held(drug: _Drug, measure: Measure, results: tuple[MeasuredResult, ...]) -> Sequence[ResultRule]:
    series = _series(drug, measure, results)
    return [
        rule
        for rule in _entries(drug.pack, ResultRule)
        if rule.measure == measure.name
        and drug.concerns(rule)
        and applies(rule.only_if, rule.unless, drug.facts)
        and holds(rule, series)
    ]


def _result_findings(drug: _Drug, results: tuple[MeasuredResult, ...]) -> Iterator[ResultFinding]:
    for measure in _entries(drug.pack, Measure):
        for rule in _held(drug, measure, results):
            last = _series(drug, measure, results).last_day()
            yield ResultFinding(
                applied=drug.applied(rule),
                measure=measure.name,
                severity=rule.severity,
                message=rule.message,
                recheck_by=None if rule.recheck_days is None else shifted(last[0].on, rule.recheck_days),
                results=last,
            )


def _unread(drug: _Drug, results: tuple[MeasuredResult, ...]) -> Iterator[tuple[str, str]]:
    """Results of the last day whose value a rule about the drug could not read."""
    judged = {rule.measure for rule in _entries(drug.pack, ResultRule) if drug.concerns(rule)}
    for measure in _entries(drug.pack, Measure):
        if measure.name in judged and _series(drug, measure, results).unread():
            yield "lab-unit-unknown", measure.name


def _gap_rules(drug: _Drug, days: int) -> list[GapRule]:
    return [
        rule
        for rule in _entries(drug.pack, GapRule)
        if days >= rule.from_days
        and drug.concerns(rule)
        and (not rule.with_drugs or any(drug.pack.among(other, rule.with_drugs) for other in drug.beside))
    ]


def _gap_findings(drug: _Drug) -> Iterator[GapFinding]:
    """What the latest gap asks for."""
    known = [gap for gap in drug.course.gaps if gap.last_dose_on <= drug.as_of]
    if not known:
        return
    gap = max(known, key=lambda one: (one.last_dose_on, one.resumed_on or date.max))
    days = gap.days(drug.as_of)
    for rule in _gap_rules(drug, days):
        yield GapFinding(applied=drug.applied(rule), severity=rule.severity, days=days)
