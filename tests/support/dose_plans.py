"""Short ways to ask the planner and the checker of dose plans, of a patient about whom everything is known."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from careloop.knowledge.chart import Chart, Genotype, Lab, Medication
from careloop.knowledge.dosing.checker.checking import check_plan
from careloop.knowledge.dosing.checker.findings import PlanCheck, PlanFinding
from careloop.knowledge.dosing.plan import Answers, OnHand, Segment
from careloop.knowledge.dosing.planner.asking import Coming, Leaving, Plan, PlanKind, Wanted
from careloop.knowledge.dosing.planner.making import made_of
from careloop.knowledge.dosing.planner.planning import plan
from careloop.knowledge.dosing.rules import step_rule, strength_rule
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.regimen.regimen import Phase, Regimen, ScheduledDose, mean_daily_mg
from tests.support.knowledge import of

MONDAY = date(2026, 12, 7)
FIRST = date(2026, 12, 1)
LONG_AGO = date(2026, 1, 1)
ASKED = Answers(
    withdrawal_seizure=False,
    seizure_disorder=False,
    alcohol_or_opioids=False,
    pregnancy=False,
    relapse_in_24_months=False,
)
"""Everything that is asked before a taper, and answered with no."""
_RESULTS = (
    ("751-8", "4000", "/uL"), ("33914-3", "95", "mL/min/{1.73_m2}"), ("2160-0", "0.8", "mg/dL"),
    ("14334-7", "0.7", "mmol/L"), ("2951-2", "140", "mmol/L"), ("2823-3", "4.2", "mmol/L"), ("8636-3", "410", "ms"),
    ("1742-6", "20", "U/L"), ("1920-8", "20", "U/L"), ("777-3", "250", "10*3/uL"), ("1975-2", "0.5", "mg/dL"),
)  # fmt: skip
KNOWN = of(
    labs=tuple(Lab(loinc=code, value=Decimal(value), unit=unit, at=FIRST) for code, value, unit in _RESULTS),
    genotypes=tuple(Genotype(gene=gene, phenotype="normal") for gene in ("CYP2D6", "CYP2C19")),
)
"""With recent results that speak against nothing."""


def takes(name: str, mg: str | float | None, *, since: date | None = LONG_AGO, until: date | None = None) -> Medication:
    dose = None if mg is None else Decimal(str(mg))
    return Medication(name=name, daily_dose_mg=dose, started_on=since, stopped_on=until)


def charted(*medications: Medication, chart: Chart = KNOWN) -> Chart:
    return replace(chart, medications=medications)


def tablets(name: str, *strengths: str | float, splittable: bool = False) -> OnHand:
    return OnHand(name=name, strengths_mg=tuple(Decimal(str(mg)) for mg in strengths), splittable=splittable)


def taper(name: str, chart: Chart, mg: str | float | None = None, **told: Any) -> Plan:
    leaving = Leaving(name=name, daily_dose_mg=None if mg is None else Decimal(str(mg)))
    return plan(_wanted(PlanKind.TAPER, chart, leaving=leaving, **told))


def titration(name: str, target: str | float | None, chart: Chart, **told: Any) -> Plan:
    return plan(_wanted(PlanKind.TITRATION, chart, coming=_coming(name, target), **told))


def switch(old: str, new: str, chart: Chart, target: str | float | None = None, **told: Any) -> Plan:
    return plan(_wanted(PlanKind.SWITCH, chart, leaving=Leaving(name=old), coming=_coming(new, target), **told))


def _coming(name: str, target: str | float | None) -> Coming:
    return Coming(name=name, target_daily_mg=None if target is None else Decimal(str(target)))


def _wanted(kind: PlanKind, chart: Chart, **told: Any) -> Wanted:
    on = told.pop("on", MONDAY)
    return Wanted(**{"kind": kind, "chart": chart, "as_of": on, "starts_on": on, "answers": ASKED, **told})


def judged(chart: Chart, segments: Sequence[Segment], on: date = MONDAY, **told: Any) -> PlanCheck:
    return check_plan(chart, segments, on, **{"answers": ASKED, **told})


def seg(drug: str, begins: str, ends: str | None, mg: str | float, *, every_days: int | None = None) -> Segment:
    """A dose each morning, or every so many days; days without the year are of the winter of 2026."""
    dose = ScheduledDose(at="morning", amount_mg=Decimal(str(mg)))
    regimen = Regimen(phases=(Phase(every_days=every_days, doses=(dose,)),))
    return Segment(drug=drug, from_on=day(begins), to_on=day(ends) if ends else None, regimen=regimen)


def day(text: str) -> date:
    """`12-07` is of 2026, months up to October of 2027."""
    if len(text) > 5:
        return date.fromisoformat(text)
    return date.fromisoformat(f"{2026 if text >= '11' else 2027}-{text}")


def doses(plan: Plan, drug: str | None = None) -> list[tuple[str, float]]:
    """The first day of each segment with its mean daily dose."""
    return [
        (one.from_on.isoformat(), float(mean_daily_mg(one.regimen.phases[0])))
        for one in plan.segments
        if drug in (None, one.drug)
    ]


def breaches(check: PlanCheck) -> list[tuple[str, str, str, float | None, float | None]]:
    """Constraint, drug, day, found and allowed of every violation."""
    return [short(one) for one in check.violations]


def short(one: PlanFinding) -> tuple[str, str, str, float | None, float | None]:
    found = None if one.found is None else float(one.found)
    allowed = None if one.allowed is None else float(one.allowed)
    return str(one.constraint), one.drug, one.day.isoformat(), found, allowed


def psychotropics(pack: Pack) -> tuple[str, ...]:
    """The drugs of the pack that treat the mind: those whose entries were gone through for every check."""
    entry = next(one for one in pack.coverage if one.id == "coverage.psychotropic")
    return tuple(sorted({drug for name in entry.drugs for drug in pack.members[name]}))


def start_doses(pack: Pack, drug: str) -> tuple[Decimal, ...]:
    """A first dose, the usual one and the highest, as they can be made."""
    steps, known, made = (
        step_rule(pack, drug, (), FIRST),
        pack.drugs[drug],
        made_of(strength_rule(pack, drug, FIRST), None),
    )
    most = known.max_daily_mg or (known.max_daily_mg_per_kg or Decimal(1)) * 70
    first = steps.start_mg if steps else most / 4
    wanted = (first, known.adequate_mg or most / 2, most)
    return tuple((made.at_most(dose) or made.smallest) if made else dose for dose in wanted)


def target_dose(pack: Pack, drug: str) -> Decimal:
    """The usual dose, else the first."""
    steps = step_rule(pack, drug, (), FIRST)
    return pack.drugs[drug].adequate_mg or (steps.start_mg if steps else Decimal(1))
