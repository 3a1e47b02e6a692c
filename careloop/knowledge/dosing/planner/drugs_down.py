"""One drug lowered to nothing: its taper, as segments with the reason of each."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from careloop.knowledge.dosing.plan import Segment
from careloop.knowledge.dosing.planner.asking import Line, NoPlan, NotKnown, line
from careloop.knowledge.dosing.planner.making import Makeable
from careloop.knowledge.dosing.planner.situation import Situation
from careloop.knowledge.dosing.planner.tapering import Down, Taper, way_down
from careloop.knowledge.dosing.rules import taper_rule
from careloop.knowledge.pack.shapes.dosing import TaperRule, Way
from careloop.knowledge.regimen.words import milligrams


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowering:
    """A drug on its way out: the dose of now, its steps, and the day of its last dose."""

    drug: str
    rule: TaperRule
    made: Makeable
    dose_mg: Decimal
    steps: tuple[Down, ...]
    last_on: date
    client_sets_pace: bool = False

    def dose_on(self, day: date) -> Decimal:
        return next((step.dose_mg for step in reversed(self.steps) if step.on <= day), self.dose_mg)

    def segments(self) -> tuple[Segment, ...]:
        """The doses on the way, each until the day before the next; of one that simply stops its last day."""
        if len(self.steps) == 1:
            return (Segment(drug=self.drug, from_on=self.last_on, to_on=self.last_on,
                            regimen=self.made.regimen(self.dose_mg), asks=self.rule.first_asks),)  # fmt: skip
        ends = [step.on - timedelta(days=1) for step in self.steps[1:]]
        return tuple(
            Segment(
                drug=self.drug,
                from_on=step.on,
                to_on=end,
                regimen=self.made.regimen(step.dose_mg),
                asks=(*self.rule.first_asks, *self.rule.asks) if step is self.steps[0] else self.rule.asks,
            )
            for step, end in zip(self.steps, ends, strict=False)
        )

    def lines(self) -> tuple[Line, ...]:
        before = self.dose_mg
        found = []
        for step in self.steps:
            what = f"{self.drug} {milligrams(step.dose_mg)} a day" if step.dose_mg else f"{self.drug} stops"
            found.append(line(self.drug, step.on, what, self._why(step, before), self.rule))
            before = step.dose_mg
        return tuple(found)

    def _why(self, step: Down, before: Decimal) -> str:
        share = (before - step.dose_mg) * 100 / before if before else Decimal(0)
        lower = f"From {milligrams(before)}, {share:.0f} % lower."
        coarse = " It cannot be made smaller." if step.coarse and not step.dose_mg else ""
        coarse = " A smaller step cannot be made." if step.coarse and step.dose_mg else coarse
        pace = " The client says when." if self.client_sets_pace else ""
        return f"{lower}{coarse}{pace} {self.rule.advice}".strip()


def lowered(
    situation: Situation, drug: str, stated: Decimal | None, starts_on: date, successor: str | None
) -> Lowering:
    """The drug's way out, `successor` taking over. Raises NoPlan for a taper or a dose that nobody knows."""
    rule = _rule(situation, drug)
    taken = situation.taken(drug)
    dose = stated if stated is not None else (taken.daily_dose_mg if taken else None)
    if not dose:
        message = "The dose of today is not known: give from.daily_dose_mg."
        raise NoPlan(NotKnown(reason="dose-missing", subject=drug, message=message))
    made = situation.made(drug)
    within = rule.in_switch
    takes_over = within is not None and successor is not None and situation.pack.among(successor, within.drugs)
    taper = Taper(
        rule=rule,
        drug=drug,
        dose_mg=dose,
        adequate_mg=situation.pack.drugs[drug].adequate_mg,
        made=made,
        takes_over=within if takes_over else None,
        pace_percent=situation.wanted.pace_percent,
        every_days=situation.wanted.every_days,
    )
    steps = way_down(taper, starts_on)
    return Lowering(
        drug=drug,
        rule=rule,
        made=made,
        dose_mg=dose,
        steps=steps,
        last_on=steps[-1].on - timedelta(days=1),
        client_sets_pace=situation.wanted.client_sets_pace,
    )


def _rule(situation: Situation, drug: str) -> TaperRule:
    rule = taper_rule(situation.pack, drug, situation.wanted.as_of)
    if rule is None:
        message = "No taper of this drug is known: the prescriber writes the schedule."
        raise NoPlan(NotKnown(reason="taper-unknown", subject=drug, message=message))
    if rule.way is Way.NOT_OFFERED:
        raise NoPlan(NotKnown(reason="taper-not-offered", subject=drug, message=rule.advice))
    percents = rule.stop_percent_of_adequate
    if percents is not None and situation.pack.drugs[drug].adequate_mg is None:
        message = "The adequate dose is not known, so neither is the dose it may stop from."
        raise NoPlan(NotKnown(reason="taper-unknown", subject=drug, message=message))
    return rule
