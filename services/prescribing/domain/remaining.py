"""What of a dose plan is still to come, held against the checker on what is known now."""

from dataclasses import replace
from datetime import date, timedelta

from careloop.contracts.prescribing import PlannedStep, StepDay
from careloop.knowledge.chart import Medication
from careloop.knowledge.dosing.checker.checking import check_plan
from careloop.knowledge.dosing.checker.findings import PlanFinding
from careloop.knowledge.pack.index import measure_named
from careloop.knowledge.pack.pack import current_pack
from services.prescribing.domain.dose_plans import known_on
from services.prescribing.domain.noted import ResultsNoted
from services.prescribing.domain.plan_record import DosePlan
from services.prescribing.domain.plan_steps import scheduled
from services.prescribing.domain.state import PrescriptionChart

DEMANDED = frozenset({"anc", "lithium-level"})
"""Results without which no dose is raised that asks for them: of clozapine and of lithium."""


def broken(
    plan: DosePlan, chart: PrescriptionChart, as_of: date, since: date, until: date | None = None
) -> list[PlanFinding]:
    """What of the plan, on the days that its steps have now, breaks a constraint on a day from `since` up to the day
    before `until`; the steps that were taken count as they were."""
    check = check_plan(
        known_on(chart, as_of),
        scheduled(plan.steps),
        as_of,
        running=_before(plan, chart),
        on_hand=plan.signed.on_hand,
        answers=plan.signed.answers,
    )
    return [one for one in check.violations if one.day >= since and (until is None or one.day < until)]


def _before(plan: DosePlan, chart: PrescriptionChart) -> tuple[Medication, ...]:
    """What was taken of the plan's drugs on the day before its first step."""
    found: dict[str, Medication] = {}
    for step in plan.steps:
        for dose in step.doses:
            issued = chart.prescription(dose.prescription)
            if dose.drug in found or dose.begins or issued is None:
                continue
            day = step.from_on - timedelta(days=1)
            taken = chart.daily_dose_mg(issued, max(day, issued.order.starts_on))
            started_on = issued.order.starts_on
            found[dose.drug] = Medication(name=dose.drug, daily_dose_mg=taken, started_on=started_on)
    return tuple(found.values())


def results_missing(step: PlannedStep, plan: DosePlan, chart: PrescriptionChart) -> list[str]:
    """The demanded results that the step asks for before a dose is raised, and that nobody recorded since the dose in
    force began."""
    if not any(not dose.down and not dose.begins and dose.regimen is not None for dose in step.doses):
        return []
    since = _in_force_since(step, plan, chart)
    labs = [lab for noted in chart.standing(ResultsNoted) for lab in noted.results if lab.at >= since]
    missing = []
    for ask in sorted(DEMANDED & set(step.asks)):
        measure = measure_named(current_pack(), ask)
        codes = measure.codes if measure is not None else ()
        if not any(lab.loinc in codes for lab in labs):
            missing.append(ask)
    return missing


def _in_force_since(step: PlannedStep, plan: DosePlan, chart: PrescriptionChart) -> date:
    done = plan.last_done
    if done is not None:
        return done.from_on
    day = step.from_on - timedelta(days=1)
    begun = []
    for dose in step.doses:
        issued = chart.prescription(dose.prescription)
        if issued is not None:
            change = chart.last_change(issued, day)
            begun.append(change.effective_on if change else issued.order.starts_on)
    return max(begun, default=day)


def shifted_from(plan: DosePlan, number: int, by: timedelta) -> DosePlan:
    """The plan with this step and all later ones on later days, at the distances that they have."""
    steps = tuple(replace(one, from_on=one.from_on + by) if one.number >= number else one for one in plan.steps)
    return replace(plan, steps=steps)


def days_moved(before: DosePlan, after: DosePlan) -> tuple[StepDay, ...]:
    """The steps that have another day."""
    pairs = zip(before.steps, after.steps, strict=True)
    return tuple(StepDay(step=new.number, from_on=new.from_on) for old, new in pairs if old.from_on != new.from_on)
