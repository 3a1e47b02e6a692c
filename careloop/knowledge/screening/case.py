"""One screen being made: the order and chart with their drugs resolved, as every check reads them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from careloop.knowledge.chart import Chart, Medication, OrderedMedicine, Smoking, SmokingStatus
from careloop.knowledge.findings import Alert, Check, NotChecked, Reason
from careloop.knowledge.pack.drugs import ResolvedDrug, Unresolved, resolve
from careloop.knowledge.pack.index import concerning_all, condition_groups, same_molecule
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.entries import Rule, Sourced
from careloop.knowledge.pack.shapes.vocabulary import LongActing

_MOST_DIGITS = 12
TOBACCO = "tobacco smoke"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check came back with; `done` are the checks of which at least a part could be made."""

    alerts: tuple[Alert, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    done: frozenset[Check] = frozenset()


@dataclass(frozen=True, slots=True)
class ListedMedication:
    """A medication of the chart. It overlaps the order when its last dose is not before the order's first day."""

    medication: Medication
    drug: ResolvedDrug | Unresolved
    days_since_last_dose: int | None

    @property
    def ended(self) -> bool:
        """Whether a day of the last dose is known, past or to come."""
        return self.days_since_last_dose is not None

    @property
    def routes(self) -> frozenset[str]:
        return self.drug.routes if isinstance(self.drug, ResolvedDrug) else frozenset()

    @property
    def overlaps(self) -> bool:
        return self.days_since_last_dose is None or self.days_since_last_dose <= 0

    @property
    def ingredients(self) -> tuple[str, ...]:
        return self.drug.ingredients if isinstance(self.drug, ResolvedDrug) else ()


@dataclass(frozen=True, slots=True)
class Case:
    """`taken` is None when nobody recorded the medications; `smoked` is tobacco, where it is known to act or to have
    acted on levels."""

    pack: Pack
    chart: Chart
    order: OrderedMedicine
    ingredients: tuple[str, ...]
    routes: frozenset[str]
    depot: LongActing | None
    as_of: date
    starts_on: date
    taken: tuple[ListedMedication, ...] | None
    smoked: tuple[ListedMedication, ...] = ()

    @property
    def age(self) -> int | None:
        """Whole years on the day the order starts; None when unknown or impossible."""
        born = self.chart.patient.birth_date
        if born is None or born > self.starts_on:
            return None
        birthday_to_come = (self.starts_on.month, self.starts_on.day) < (born.month, born.day)
        return self.starts_on.year - born.year - birthday_to_come

    def concerned(self, drugs: Iterable[str]) -> tuple[str, ...]:
        """The ordered ingredients among these drugs and classes."""
        names = tuple(drugs)
        return tuple(drug for drug in self.ingredients if self.pack.among(drug, names))

    def rules(self, field: str) -> tuple[tuple[Any, str], ...]:
        """The rules of one list in force for the order, each with the ordered ingredient it names."""
        return concerning_all(self.pack, field, self.ingredients, self.starts_on)

    def in_force(self, rule: Sourced) -> bool:
        return rule.in_force(self.starts_on)

    def overlapping(self) -> Iterator[ListedMedication]:
        return (taken for taken in self.met() if taken.overlaps)

    def met(self) -> tuple[ListedMedication, ...]:
        """All that the order may meet: medications, and tobacco smoke."""
        return (*(self.taken or ()), *self.smoked)

    def starts(self, restart_days: int) -> bool:
        """Whether the order begins a treatment: nothing of it is taken, nor was until fewer than so many days ago.

        False for a change of dose, and while nobody recorded what is taken.
        """
        if self.order.taken_since is not None:
            return False
        recent = (taken for taken in self.taken or () if (taken.days_since_last_dose or 0) < restart_days)
        drugs = {drug for taken in recent for drug in taken.ingredients}
        return self.taken is not None and not any(
            same_molecule(self.pack, drug, ordered) for drug in drugs for ordered in self.ingredients
        )

    def has_condition(self, names: Iterable[str]) -> bool:
        """Whether one of the chart's conditions belongs to one of these groups; False also when none were recorded."""
        sought = frozenset(names)
        return any(
            not sought.isdisjoint(condition_groups(self.pack, condition.icd10, condition.snomed, condition.text))
            for condition in self.chart.patient.conditions or ()
        )


def open_case(pack: Pack, chart: Chart, order: OrderedMedicine, ordered: ResolvedDrug, as_of: date) -> Case:
    """The case with every medication of the chart resolved."""
    starts_on = order.starts_on or as_of
    listed = chart.medications
    return Case(
        pack=pack,
        chart=chart,
        order=order,
        ingredients=ordered.ingredients,
        routes=ordered.routes,
        depot=ordered.depot,
        as_of=as_of,
        starts_on=starts_on,
        taken=None if listed is None else tuple(_taken(medication, starts_on, pack) for medication in listed),
        smoked=tuple(_taken(medication, starts_on, pack) for medication in _smoked(chart.patient.smoking)),
    )


def _smoked(smoking: Smoking | None) -> Iterator[Medication]:
    """Tobacco as a medication; one who stopped on a day nobody knows is not judged by it."""
    if smoking is None:
        return
    former = smoking.status is SmokingStatus.FORMER
    if smoking.status is SmokingStatus.CURRENT or (former and smoking.stopped_on is not None):
        yield Medication(name=TOBACCO, stopped_on=smoking.stopped_on if former else None)


def _taken(medication: Medication, starts_on: date, pack: Pack) -> ListedMedication:
    """The days since the last dose; of a long-acting injection, since that has ceased to act."""
    stopped, drug = medication.stopped_on, resolve(medication.name, medication.rxcui, pack)
    since = None if stopped is None else (starts_on - stopped).days
    if since is not None and isinstance(drug, ResolvedDrug) and drug.depot is not None:
        since -= drug.depot.lasts_days
    return ListedMedication(medication, drug, since)


def alert(rule: Rule, kind: Check, *involves: str, **figures: object) -> Alert:
    """The rule's words with the drugs and figures of this case put in."""
    values = {"order": involves[0], "other": involves[-1], **figures}
    return Alert(
        rule=rule.id,
        version=rule.version,
        kind=kind,
        severity=rule.severity,
        involves=tuple(dict.fromkeys(involves)),
        message=rule.message.format_map(values),
        action=rule.action.format_map(values),
        source=f"{rule.source} [{rule.basis}]",
        reviewed=rule.reviewed,
    )


def doubts(drug: ResolvedDrug | Unresolved) -> tuple[tuple[Reason, str], ...]:
    """Why what was resolved may not be all, or not be right: reasons with what they are about."""
    if isinstance(drug, Unresolved):
        return ((drug.reason, drug.subject),)
    unknown = tuple((Reason.UNKNOWN_DRUG, part) for part in drug.unrecognised)
    return (*unknown, (Reason.CODE_UNVERIFIED, drug.subject)) if drug.by_code_alone else unknown


def missing(check: Check, reason: Reason, subject: str = "") -> CheckResult:
    """A check that could not be made at all."""
    return CheckResult(not_checked=(NotChecked(check=check, reason=reason, subject=subject),))


def amount(value: Decimal | None) -> Decimal | None:
    """A usable quantity: finite and not negative, held within what arithmetic and print can bear. Else unknown."""
    if value is None or not value.is_finite() or value < 0:
        return None
    return Decimal(0) if value.adjusted() < -_MOST_DIGITS else min(value, Decimal(10) ** _MOST_DIGITS)


def figure(value: Decimal) -> str:
    """The quantity as a person writes it."""
    return f"{value.normalize():f}"
