"""The last result of a measure in its unit: under any of its codes, or computed from another one where it can be."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from careloop.knowledge.chart import Lab, Sex
from careloop.knowledge.findings import Check, NotChecked, Reason
from careloop.knowledge.pack.index import measure_named, measures_by_code
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.follow_up import Formula, Measure
from careloop.knowledge.screening.case import Case, amount

CREATININE, WEIGHT = "creatinine", "weight"
ADULT = 18


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured on the last day with a result. `unread` are the results of that day in no unit of the measure;
    `computed`: no result of the measure itself, but of what it is computed from."""

    on: date
    values: tuple[Decimal, ...]
    unread: tuple[Lab, ...] = ()
    computed: bool = False


def last(case: Case, name: str) -> Reading | None:
    """The newest reading of a measure on the day of the screen; of one day a result goes before a computed one."""
    measure = measure_named(case.pack, name)
    if measure is None:
        return None
    measured = _measured(case, measure)
    if measure.computed_by is None or (measured is not None and not _measured_since(case, CREATININE, measured.on)):
        return measured
    return _FORMULAS[measure.computed_by](case) or measured


def _measured_since(case: Case, name: str, day: date) -> bool:
    """Whether there is a newer result of this measure."""
    measure = measure_named(case.pack, name)
    return measure is not None and any(lab.at > day for lab in results_of(case, measure.codes))


def lowest(case: Case, *names: str) -> Decimal | None:
    """The lowest value of the last day of the first of these measures that has a readable one."""
    readings = (last(case, name) for name in names)
    return next((min(reading.values) for reading in readings if reading is not None and reading.values), None)


def is_known(case: Case, name: str, within_days: int) -> bool:
    """Whether there is a readable result no older than so many days before the order's first day."""
    reading = last(case, name)
    return reading is not None and bool(reading.values) and (case.starts_on - reading.on).days <= within_days


def results_of(case: Case, codes: tuple[str, ...]) -> list[Lab]:
    """All results under these codes up to the day of the screen."""
    return [lab for lab in case.chart.patient.labs or () if lab.loinc in codes and lab.at <= case.as_of]


def of_last_day(results: list[Lab]) -> list[Lab]:
    day = max((lab.at for lab in results), default=None)
    return [lab for lab in results if lab.at == day]


def _measured(case: Case, measure: Measure) -> Reading | None:
    listed = of_last_day(results_of(case, measure.codes))
    if not listed:
        return None
    read = [(lab, in_measure(case.pack, lab, measure)) for lab in listed]
    values = tuple(value for _, value in read if value is not None)
    return Reading(listed[0].at, values, tuple(lab for lab, value in read if value is None))


def in_measure(pack: Pack, lab: Lab, measure: Measure) -> Decimal | None:
    """The value in the measure's unit; None when its own unit cannot be converted."""
    written, value = plain_unit(lab.unit), amount(lab.value)
    if value is None:
        return None
    for own in measure.converted:
        if written in own.written:
            return value * own.factor + own.plus
    return in_unit(pack, lab, measure.unit)


def in_unit(pack: Pack, lab: Lab, unit: str | None) -> Decimal | None:
    """The value in a unit of units.yaml."""
    written, value = plain_unit(lab.unit), amount(lab.value)
    factor = next((known.factor for known in pack.units if known.unit == unit and written in known.written), None)
    return None if factor is None or value is None else value * factor


def plain_unit(written: str | None) -> str:
    """Capitals and spaces of a unit do not matter."""
    return "".join((written or "").split()).casefold()


def not_understood(case: Case, measures: Iterable[str]) -> list[NotChecked]:
    """Of an order that depends on these measures: their last results in no unit of theirs, and what stands under a code
    that no measure has, as it may be one of them. Older results settle nothing, and are left out."""
    days = case.pack.title.results_count_days
    names = sorted(measures)
    if days is None or not names or not case.chart.patient.labs:
        return []
    known = measures_by_code(case.pack)
    strange = [lab for lab in case.chart.patient.labs or () if lab.loinc not in known and lab.at <= case.as_of]
    readings = (last(case, name) for name in names)
    unread = [lab for reading in readings if reading is not None for lab in reading.unread]
    return [_unread(lab) for lab in (*strange, *unread) if (case.starts_on - lab.at).days <= days]


def _unread(lab: Lab) -> NotChecked:
    return NotChecked(
        check=Check.LAB,
        reason=Reason.RESULT_NOT_UNDERSTOOD,
        subject=f"{lab.loinc} {'in ' + lab.unit if lab.unit else 'without a unit'}",
        settled_by="the result under a code and in a unit that the pack knows (measures.yaml, units.yaml)",
    )


def filtration_rate(creatinine: Decimal, age: int, sex: Sex) -> Decimal:
    """CKD-EPI 2021 (Inker, NEJM 2021): mL/min/1.73 m2 from mg/dL, years of an adult, and sex; to a hundredth."""
    kappa, alpha, times = (
        (Decimal("0.7"), Decimal("-0.241"), Decimal("1.012"))
        if sex is Sex.FEMALE
        else (Decimal("0.9"), Decimal("-0.302"), Decimal(1))
    )
    with localcontext() as context:
        context.prec = 20
        share = creatinine / kappa
        below, above = min(share, Decimal(1)) ** alpha, max(share, Decimal(1)) ** Decimal("-1.200")
        return round(142 * below * above * Decimal("0.9938") ** age * times, 2)


def clearance(creatinine: Decimal, age: int, sex: Sex, weight_kg: Decimal) -> Decimal:
    """Cockcroft-Gault (Nephron 1976): mL/min from mg/dL, years, sex and kilograms; to a hundredth."""
    rate = max(140 - age, 0) * weight_kg / (72 * creatinine)
    return round(rate * Decimal("0.85") if sex is Sex.FEMALE else rate, 2)


def weight_kg(case: Case) -> Decimal | None:
    """The weight stated, else the last one measured."""
    stated = amount(case.chart.patient.weight_kg)
    return lowest(case, WEIGHT) if stated is None else stated


def _by_ckd_epi(case: Case) -> Reading | None:
    return _computed(case, filtration_rate)


def _by_cockcroft_gault(case: Case) -> Reading | None:
    weight = weight_kg(case)
    return _computed(case, lambda value, age, sex: clearance(value, age, sex, weight)) if weight else None


def _computed(case: Case, formula: Callable[[Decimal, int, Sex], Decimal]) -> Reading | None:
    """None without a readable creatinine, the years of an adult, and female or male sex."""
    creatinine, sex, age = last(case, CREATININE), case.chart.patient.sex, case.age
    if creatinine is None or sex not in (Sex.FEMALE, Sex.MALE) or age is None or age < ADULT:
        return None
    values = tuple(formula(value, age, sex) for value in creatinine.values if value > 0)
    return Reading(creatinine.on, values, creatinine.unread, computed=True) if values else None


_FORMULAS: Mapping[Formula, Callable[[Case], Reading | None]] = {
    Formula.CKD_EPI_2021: _by_ckd_epi,
    Formula.COCKCROFT_GAULT: _by_cockcroft_gault,
}
