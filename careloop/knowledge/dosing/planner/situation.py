"""What is taken now, and what the safety check says of a planned dose: how the planner looks at a chart."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from careloop.knowledge.chart import Chart, Medication, OrderedMedicine
from careloop.knowledge.dosing.planner.asking import Forbidden, NoPlan, NotKnown, Wanted
from careloop.knowledge.dosing.planner.making import Makeable, made_of
from careloop.knowledge.dosing.rules import drug_named, strength_rule
from careloop.knowledge.findings import Check, Severity
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.screening.limits import DoseLimit, dose_limits
from careloop.knowledge.screening.screen import screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A drug as the chart has it: its daily dose, since when, and the day of its last dose where it is ending."""

    daily_dose_mg: Decimal | None
    since: date | None
    last_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A plan that is asked for, with the pack that answers."""

    wanted: Wanted
    pack: Pack

    def drug(self, name: str) -> str:
        """Raises NoPlan for a name that is not one drug of the pack."""
        found = drug_named(name, self.pack)
        if found is None:
            raise NoPlan(NotKnown(reason="unknown-drug", subject=name, message="No one drug of the pack is meant."))
        return found

    def taken(self, drug: str) -> Taken | None:
        """The drug as the chart has it; of several entries the dose is their sum. None where it is not taken."""
        listed = self.wanted.chart.medications or ()
        entries = [entry for entry in listed if drug_named(entry.name or "", self.pack) == drug]
        running = [entry for entry in entries if entry.stopped_on is None or entry.stopped_on >= self.wanted.as_of]
        if not (running or entries):
            return None
        doses = [entry.daily_dose_mg for entry in running]
        starts = [entry.started_on for entry in entries if entry.started_on is not None]
        ends = [entry.stopped_on for entry in entries if entry.stopped_on is not None]
        return Taken(
            daily_dose_mg=None if None in doses else sum((dose for dose in doses if dose is not None), Decimal(0)),
            since=max(starts, default=None),
            last_on=max(ends) if len(ends) == len(entries) else None,
        )

    def others(self, *drugs: str) -> tuple[Medication, ...] | None:
        """What is taken besides these drugs; None where nobody recorded what is taken."""
        listed = self.wanted.chart.medications
        if listed is None:
            return None
        return tuple(entry for entry in listed if drug_named(entry.name or "", self.pack) not in drugs)

    def beside(self, *drugs: str) -> tuple[str, ...]:
        """The drugs of the pack that are taken besides these."""
        running = (entry for entry in self.others(*drugs) or () if entry.stopped_on is None)
        return tuple(name for name in (drug_named(entry.name or "", self.pack) for entry in running) if name)

    def made(self, drug: str) -> Makeable:
        """Raises NoPlan where no strength of the drug is known."""
        given = next((one for one in self.wanted.on_hand if drug_named(one.name, self.pack) == drug), None)
        found = made_of(strength_rule(self.pack, drug, self.wanted.as_of), given)
        if found is None:
            message = "It is not known what strengths there are: give strengths_mg."
            raise NoPlan(NotKnown(reason="strength-unknown", subject=drug, message=message))
        return found

    def limit(
        self, drug: str, dose: Decimal, day: date, around: Iterable[Medication] | None, *, under_way: bool
    ) -> Decimal:
        """The lowest daily limit that day. Raises NoPlan where the dose is above it."""
        limits = self._limits(drug, dose, day, around, under_way=under_way)
        above = next((limit for limit in limits if dose > limit.mg), None)
        if above is not None:
            message = "The dose is above the highest that is allowed here."
            raise NoPlan(Forbidden(constraint="K1", rule=above.rule.id, drug=drug, message=message, found=dose,
                                   allowed=above.mg, unit="mg"))  # fmt: skip
        return limits[0].mg if limits else Decimal("Infinity")

    def share(self, drug: str, dose: Decimal, day: date, around: Iterable[Medication] | None) -> Decimal:
        """The dose as a share of the lowest daily limit while the drug is under way; 0 where there is none."""
        limits = self._limits(drug, dose, day, around, under_way=True)
        return dose / limits[0].mg if limits else Decimal(0)

    def _limits(
        self, drug: str, dose: Decimal, day: date, around: Iterable[Medication] | None, *, under_way: bool
    ) -> tuple[DoseLimit, ...]:
        return dose_limits(self._chart(around), self._order(drug, dose, day, under_way), self.wanted.as_of, self.pack)

    def require(
        self, drug: str, dose: Decimal, day: date, around: Iterable[Medication] | None, *, under_way: bool
    ) -> Decimal:
        """The limit of that day. Raises NoPlan for a dose above it, and for what is contraindicated."""
        limit = self.limit(drug, dose, day, around, under_way=under_way)
        against = self.contraindicated(drug, dose, day, around, under_way=under_way)
        if against is not None:
            raise NoPlan(against)
        return limit

    def contraindicated(
        self, drug: str, dose: Decimal, day: date, around: Iterable[Medication] | None, *, under_way: bool
    ) -> Forbidden | None:
        """What speaks absolutely against this dose on that day; washouts and limits are looked at by themselves."""
        found = screen(self._chart(around), self._order(drug, dose, day, under_way), self.wanted.as_of, self.pack)
        for alert in found.alerts:
            elsewhere = alert.kind in (Check.DOSE, Check.WASHOUT, Check.SUPPLY, Check.CONTROLLED_SUBSTANCE)
            if alert.severity is Severity.CONTRAINDICATED and not elsewhere:
                return Forbidden(constraint="K6", rule=alert.rule, drug=drug, message=alert.message)
        return None

    def _chart(self, around: Iterable[Medication] | None) -> Chart:
        return replace(self.wanted.chart, medications=None if around is None else tuple(around))

    def _order(self, drug: str, dose: Decimal, day: date, under_way: bool) -> OrderedMedicine:
        since = self.wanted.as_of - timedelta(days=1) if under_way else None
        return OrderedMedicine(name=drug, daily_dose_mg=dose, starts_on=day, taken_since=since)
