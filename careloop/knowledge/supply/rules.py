"""Supply of one medicine: when it runs out, how early a refill is, how much may be handed out, and what the law allows.

Days are whole days: a fill of 30 days on the first covers the first to the thirtieth.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from careloop.kernel.errors import InvalidInput
from careloop.knowledge.chart import SuicideRisk
from careloop.knowledge.due_dates import shifted
from careloop.knowledge.pack.dangers import overdose_danger
from careloop.knowledge.pack.pack import Pack, current_pack
from careloop.knowledge.pack.shapes.entries import Basis
from careloop.knowledge.pack.shapes.screening import SupplyRule
from careloop.knowledge.pack.shapes.supply import PrescriptionRule, RefillRule, TelehealthRule
from careloop.knowledge.pack.telehealth import AtADistance, months_later, telehealth_ruling
from careloop.knowledge.supply.adherence import MOST_DAYS, Fill, supply_spans

REMINDER_DAYS = (7, 3)
"""So many days before the last covered day a client is reminded (a proposal of this project)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOut:
    """The last day covered by the fills of one drug, and the days to remind of it."""

    run_out_on: date
    remind_on: tuple[date, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyFill:
    """A fill while `days_in_hand` days of the same drug were left; they add up over the fills before."""

    fill: Fill
    days_in_hand: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What a rule says. `permitted` is None where a fact is missing that decides."""

    permitted: bool | None
    rule: str
    version: int
    action: str
    source: str
    basis: Basis
    reviewed: bool
    earliest_on: date | None = None
    max_days: int | None = None


def run_out(fills: Iterable[Fill]) -> RunOut | None:
    """When the fills of one drug end, overlaps shifted forward; None without any supply."""
    spans = supply_spans(fills)
    if not spans:
        return None
    last = spans[-1][1]
    return RunOut(run_out_on=last, remind_on=tuple(shifted(last, -days) for days in REMINDER_DAYS))


def early_fills(fills: Iterable[Fill]) -> tuple[EarlyFill, ...]:
    """The fills of one drug made while supply was left, by date."""
    supplied = sorted((one for one in fills if one.days_supply > 0), key=lambda one: (one.on, one.days_supply))
    early = [(fill, (start - fill.on).days) for fill, (start, _) in zip(supplied, supply_spans(supplied), strict=True)]
    return tuple(EarlyFill(fill=fill, days_in_hand=days) for fill, days in early if days > 0)


def payers() -> tuple[str, ...]:
    """The payers of the table."""
    return tuple(rule.payer for rule in current_pack().entries(RefillRule) if rule.payer)


def refill(last: Fill, payer: str, on: date, schedule: str | None = None) -> Ruling:
    """Whether a refill on that day is covered, by the strictest rule of the payer and of the drug's DEA schedule.

    Raises InvalidInput for a payer that is not in the table or a supply out of range.
    """
    if payer not in payers():
        raise InvalidInput("unknown-payer", f"payer must be one of: {', '.join(payers())}.", field="payer")
    if not 0 < last.days_supply <= MOST_DAYS:
        raise InvalidInput("out-of-range", f"days_supply must be from 1 to {MOST_DAYS}.", field="days_supply")
    rules = [
        rule
        for rule in current_pack().entries(RefillRule)
        if rule.in_force(on) and rule.payer in ("", payer) and (not rule.schedules or schedule in rule.schedules)
    ]
    if not rules:
        raise InvalidInput("no-rule", "on lies before every rule of this payer.", field="on")
    strictest = max(rules, key=lambda rule: _covered_from(rule, last))
    earliest = _covered_from(strictest, last)
    return _ruling(strictest, strictest.action, permitted=on >= earliest, earliest_on=earliest)


def _covered_from(rule: RefillRule, last: Fill) -> date:
    by_use = 0 if rule.used_percent is None else -(-last.days_supply * rule.used_percent // 100)
    by_end = 0 if rule.days_early is None else max(0, last.days_supply - rule.days_early)
    return shifted(last.on, max(by_use, by_end))


def quantity_limit(
    drug: str, risk: SuicideRisk, on: date, pack: Pack | None = None, *, beside: Iterable[str] = ()
) -> Ruling | None:
    """The most days to hand out at once of a drug dangerous in overdose, or None where no rule limits it.

    At a risk that is unknown the limit is given with `permitted` None: ask before handing out more. `beside` are the
    other drugs at hand.
    """
    pack = pack or current_pack()
    rules = [rule for rule in pack.entries(SupplyRule) if rule.in_force(on) and _limits(pack, rule, drug, on, beside)]
    held = [rule for rule in rules if risk is SuicideRisk.UNKNOWN or risk in rule.risks]
    if not held:
        return None
    rule = min(held, key=lambda one: one.max_days)
    action = rule.action.format_map({"limit": rule.max_days, "order": drug})
    return _ruling(rule, action, permitted=None if risk is SuicideRisk.UNKNOWN else False, max_days=rule.max_days)


def _limits(pack: Pack, rule: SupplyRule, drug: str, on: date, beside: Iterable[str]) -> bool:
    if rule.of_overdose_danger:
        return drug in pack.drugs and overdose_danger(pack, drug, on, beside) is not None
    return pack.among(drug, rule.drugs)


def next_refill(schedule: str, written_on: date, refills_used: int, on: date) -> Ruling | None:
    """Whether a prescription may be filled again after so many refills; None for a drug that is in no schedule."""
    rule = next((one for one in current_pack().entries(PrescriptionRule) if schedule in one.schedules), None)
    if rule is None or not rule.in_force(on):
        return None
    ended = rule.valid_months is not None and on > months_later(written_on, rule.valid_months)
    used_up = rule.refills is not None and refills_used >= rule.refills
    return _ruling(rule, rule.action, permitted=on >= written_on and not ended and not used_up)


def earliest_fill_dates(schedule: str, first_on: date, days_each: int, count: int) -> tuple[date, ...]:
    """The days from which each of several prescriptions, written at once, may be filled.

    Raises InvalidInput when they are more days in all than a series of the schedule may have.
    """
    rule = next((one for one in current_pack().entries(PrescriptionRule) if schedule in one.schedules), None)
    if days_each < 1 or count < 1:
        raise InvalidInput("out-of-range", "days_each and count must be at least 1.", field="days_each")
    if rule is None or rule.series_days is None:
        raise InvalidInput("no-series", "schedule has no series of prescriptions; use refills.", field="schedule")
    if days_each * count > rule.series_days:
        sentence = f"count times days_each must be at most {rule.series_days} days ({rule.source})."
        raise InvalidInput("out-of-range", sentence, field="count")
    return tuple(shifted(first_on, days_each * number) for number in range(count))


def by_telehealth(
    drug: str,
    on: date,
    *,
    seen_in_person: bool | None,
    exception: bool = False,
    first_on: date | None = None,
    through: date | None = None,
    indicated: bool | None = None,
) -> Ruling | None:
    """Whether a controlled substance may be prescribed at a distance on that day; None for a drug in no schedule.

    `first_on` is the day of the first such prescription (this one, if left out), `through` the last day supplied,
    `indicated` whether the client has what the drug may be given for without a visit (buprenorphine: opioid use
    disorder); `exception` a registered one.
    """
    order = AtADistance(on=on, first_on=first_on, through=through, indicated=indicated)
    ruled = telehealth_ruling(current_pack(), drug, order)
    if ruled is None:
        return None
    rule, permitted = ruled
    if seen_in_person or exception:
        permitted = True
    elif permitted is False and seen_in_person is None:
        permitted = None
    return _ruling(rule, rule.action, permitted=permitted)


def _ruling(
    rule: RefillRule | SupplyRule | PrescriptionRule | TelehealthRule,
    action: str,
    *,
    permitted: bool | None,
    earliest_on: date | None = None,
    max_days: int | None = None,
) -> Ruling:
    return Ruling(
        permitted=permitted,
        rule=rule.id,
        version=rule.version,
        action=action,
        source=rule.source,
        basis=rule.basis,
        reviewed=rule.reviewed,
        earliest_on=earliest_on,
        max_days=max_days,
    )
