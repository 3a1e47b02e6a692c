"""One drug begun or raised: its steps or its fixed titration, as segments with the reason of each."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from careloop.knowledge.dosing.plan import Segment
from careloop.knowledge.dosing.planner.asking import Forbidden, Line, NoPlan, NotKnown, line
from careloop.knowledge.dosing.planner.rising import Climb, Up, by_titration, interval_days, way_up
from careloop.knowledge.dosing.planner.situation import Situation
from careloop.knowledge.dosing.rules import step_rule
from careloop.knowledge.due_dates import shifted
from careloop.knowledge.pack.shapes.dosing import SwitchRule
from careloop.knowledge.regimen.words import milligrams
from careloop.knowledge.screening.titration import titration_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Raising:
    """A drug on its way to its target, by date."""

    drug: str
    steps: tuple[Up, ...]
    now_mg: Decimal

    def dose_on(self, day: date) -> Decimal:
        return next((step.dose_mg for step in reversed(self.steps) if step.on <= day), self.now_mg)

    def segments(self) -> tuple[Segment, ...]:
        """Each dose until the day before the next; the last goes on."""
        ends = [*(step.on - timedelta(days=1) for step in self.steps[1:]), None]
        return tuple(
            Segment(
                drug=self.drug,
                from_on=step.on,
                to_on=end,
                regimen=step.regimen,
                asks=step.needs if number or self.now_mg else (),
            )
            for number, (step, end) in enumerate(zip(self.steps, ends, strict=True))
        )

    def lines(self) -> tuple[Line, ...]:
        return tuple(
            line(self.drug, step.on, f"{self.drug} {milligrams(step.dose_mg)} a day", self._why(number),
                 step.rule)
            for number, step in enumerate(self.steps)
        )  # fmt: skip

    def _why(self, number: int) -> str:
        if number == 0 and not self.now_mg:
            return "The usual first dose."
        before = self.steps[number - 1].dose_mg if number else self.now_mg
        needs = f" Needs {', '.join(self.steps[number].needs)} first." if self.steps[number].needs else ""
        return f"From {milligrams(before)}, a step the rule allows.{needs}"


def target_of(situation: Situation, drug: str, stated: Decimal | None) -> Decimal:
    """What was asked for, else the usual adequate dose. Raises NoPlan where neither is known."""
    found = stated or situation.pack.drugs[drug].adequate_mg
    if found is None:
        message = "No usual dose is known: give to.target_daily_mg."
        raise NoPlan(NotKnown(reason="dose-missing", subject=drug, message=message))
    return found


def raised(
    situation: Situation, drug: str, target: Decimal, starts_on: date, *, slowed_by: SwitchRule | None = None
) -> Raising:
    """The drug's way up from what is taken now, the first step not before `starts_on`. Raises NoPlan."""
    taken = situation.taken(drug)
    going_on = taken is not None and (taken.last_on is None or taken.last_on >= starts_on)
    now = (taken.daily_dose_mg if taken and going_on else None) or Decimal(0)
    since = taken.since if taken and going_on else None
    if now and target <= now:
        message = "The target is not above the dose of today."
        raise NoPlan(
            Forbidden(constraint="K2", rule="", drug=drug, message=message, found=target, allowed=now, unit="mg")
        )
    beside = situation.beside(drug)
    fixed = titration_of(drug, beside, starts_on, situation.pack)
    if fixed is not None:
        begun = since or starts_on if now else starts_on
        steps = by_titration(fixed, target, begun, situation.made(drug))
        return Raising(drug=drug, steps=tuple(step for step in steps if step.on >= starts_on), now_mg=now)
    rule = step_rule(situation.pack, drug, beside, situation.wanted.as_of)
    if rule is None:
        message = "How this drug is begun and raised is not known."
        raise NoPlan(NotKnown(reason="step-unknown", subject=drug, message=message))
    climb = Climb(
        rule=rule,
        drug=drug,
        target_mg=target,
        made=situation.made(drug),
        now_mg=now,
        every_days=situation.wanted.every_days,
        slowed_by=slowed_by,
    )
    if now and since is not None:
        starts_on = max(starts_on, shifted(since, interval_days(climb)))
    return Raising(drug=drug, steps=way_up(climb, starts_on), now_mg=now)
