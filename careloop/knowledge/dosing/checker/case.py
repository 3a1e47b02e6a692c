"""One schedule being judged: its drugs' courses, and what is taken beside them on any day."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from careloop.knowledge.chart import Chart, Medication, OrderedMedicine
from careloop.knowledge.dosing.checker.courses import Before, Course, course
from careloop.knowledge.dosing.checker.findings import Constraint, PlanGap
from careloop.knowledge.dosing.plan import Answers, OnHand, Segment
from careloop.knowledge.dosing.rules import drug_named
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.screening.limits import DoseLimit, dose_limits


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCase:
    """`courses` are the plan's known drugs; `unknown` are those that the pack does not know."""

    pack: Pack
    chart: Chart
    as_of: date
    segments: tuple[Segment, ...]
    courses: tuple[Course, ...]
    unknown: tuple[PlanGap, ...]
    on_hand: tuple[OnHand, ...]
    answers: Answers

    def given(self, drug: str) -> OnHand | None:
        """The strengths that were given for the drug."""
        return next((one for one in self.on_hand if drug_named(one.name, self.pack) == drug), None)

    def medications(self, day: date, without: str) -> tuple[Medication, ...] | None:
        """All that is taken on that day as planned, or was before it, besides one drug; None where it is not known."""
        listed = self.chart.medications
        if listed is None:
            return None
        planned = {one.drug: one for one in self.courses}
        found = [
            entry
            for entry in listed
            if (name := drug_named(entry.name or "", self.pack)) != without
            and (name not in planned or day < planned[name].first_on)
        ]
        found += [_entry(one, day) for one in self.courses if one.drug != without and day >= one.first_on]
        return tuple(found)

    def beside(self, day: date, without: str) -> tuple[str, ...]:
        """The drugs of the pack that are taken that day besides one."""
        taken = (
            entry
            for entry in self.medications(day, without) or ()
            if entry.stopped_on is None or entry.stopped_on >= day
        )
        return tuple(name for name in (drug_named(entry.name or "", self.pack) for entry in taken) if name)

    def chart_on(self, day: date, without: str) -> Chart:
        return replace(self.chart, medications=self.medications(day, without))

    def order(self, one: Course, dose: Decimal, day: date) -> OrderedMedicine:
        """The dose of the drug on that day as an order; one that is under way begins no treatment."""
        begun = one.before is not None or day > one.first_on
        since = (one.before.since if one.before else None) or min(self.as_of, one.first_on) - timedelta(days=1)
        return OrderedMedicine(name=one.drug, daily_dose_mg=dose, starts_on=day, taken_since=since if begun else None)

    def limits(self, one: Course, dose: Decimal, day: date) -> tuple[DoseLimit, ...]:
        """The daily limits of that day, the lowest first."""
        return dose_limits(self.chart_on(day, one.drug), self.order(one, dose, day), self.as_of, self.pack)

    def changes(self) -> tuple[date, ...]:
        """Every day on which the dose of some drug of the plan changes."""
        return tuple(sorted({level.from_on for one in self.courses for level in one.levels}))


def open_plan(
    pack: Pack,
    chart: Chart,
    as_of: date,
    segments: Sequence[Segment],
    *,
    running: Sequence[Medication],
    on_hand: Sequence[OnHand],
    answers: Answers,
) -> PlanCase:
    """The schedule by drug, each with what was taken of it before."""
    listed = chart.medications
    chart = chart if listed is None else replace(chart, medications=_with(listed, running, pack))
    before = _with(listed or (), running, pack)
    by_drug: dict[str, list[Segment]] = {}
    unknown: list[PlanGap] = []
    for segment in segments:
        drug = drug_named(segment.drug, pack)
        if drug is None:
            unknown.append(PlanGap(constraint=Constraint.SAFETY_CHECK, reason="unknown-drug", subject=segment.drug))
        else:
            by_drug.setdefault(drug, []).append(segment)
    found = []
    for drug, planned in by_drug.items():
        ordered = sorted(planned, key=lambda segment: segment.from_on)
        found.append(course(drug, ordered, _before(pack, before, drug, ordered[0].from_on)))
    return PlanCase(
        pack=pack,
        chart=chart,
        as_of=as_of,
        segments=tuple(segments),
        courses=tuple(found),
        unknown=tuple(unknown),
        on_hand=tuple(on_hand),
        answers=answers,
    )


def _with(listed: Sequence[Medication], running: Sequence[Medication], pack: Pack) -> tuple[Medication, ...]:
    """The list, with what is stated of a drug in the place of what it says of it; a beginning that only the list knows
    is kept."""
    stated = {drug_named(one.name or "", pack): one for one in running}
    others = [one for one in listed if drug_named(one.name or "", pack) not in stated]
    for drug, one in stated.items():
        starts = [old.started_on for old in listed if drug_named(old.name or "", pack) == drug and old.started_on]
        others.append(replace(one, started_on=one.started_on or max(starts, default=None)))
    return tuple(others)


def _before(pack: Pack, listed: Sequence[Medication], drug: str, first_on: date) -> Before | None:
    """What is still taken on the day before the plan's first dose of the drug."""
    day = first_on - timedelta(days=1)
    entries = [
        entry
        for entry in listed
        if drug_named(entry.name or "", pack) == drug
        and (entry.stopped_on is None or entry.stopped_on >= day)
        and (entry.started_on is None or entry.started_on <= day)
    ]
    if not entries:
        return None
    doses = [entry.daily_dose_mg for entry in entries]
    starts = [entry.started_on for entry in entries]
    total = None if None in doses else sum((dose for dose in doses if dose is not None), Decimal(0))
    since = None if None in starts else max(start for start in starts if start is not None)
    return Before(mean_mg=total, since=since)


def _entry(one: Course, day: date) -> Medication:
    level = one.level(day)
    dose = level.total_mg if level is not None and level.total_mg > 0 else None
    ended = one.last_dose_on if one.last_dose_on is not None and one.last_dose_on < day else None
    return Medication(name=one.drug, daily_dose_mg=dose, started_on=one.begins_on, stopped_on=ended)
