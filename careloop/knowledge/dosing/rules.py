"""Which rule of the pack on dose plans means a drug, or a pair of drugs, on a day."""

from collections.abc import Iterable
from datetime import date

from careloop.knowledge.pack.drugs import ResolvedDrug, resolve
from careloop.knowledge.pack.index import in_force
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.dosing import StepRule, StrengthRule, SwitchRule, TaperRule
from careloop.knowledge.pack.shapes.screening import WashoutRule


def drug_named(name: str, pack: Pack) -> str | None:
    """The one drug of the pack that a name means; None for an unknown one and for a product of several."""
    found = resolve(name, None, pack)
    known = isinstance(found, ResolvedDrug) and len(found.ingredients) == 1 and not found.unrecognised
    return found.ingredients[0] if isinstance(found, ResolvedDrug) and known else None


def step_rule(pack: Pack, drug: str, beside: Iterable[str], day: date) -> StepRule | None:
    """How it is raised beside these drugs."""
    taken = tuple(beside)
    rules: Iterable[StepRule] = in_force(pack, StepRule, day)
    for rule in rules:
        fits = not rule.with_drugs or any(pack.among(other, rule.with_drugs) for other in taken)
        if fits and pack.among(drug, rule.drugs):
            return rule
    return None


def taper_rule(pack: Pack, drug: str, day: date) -> TaperRule | None:
    """How it is lowered."""
    rules: Iterable[TaperRule] = in_force(pack, TaperRule, day)
    return next(
        (rule for rule in rules if pack.among(drug, rule.drugs) and not pack.among(drug, rule.drugs_except)), None
    )


def switch_rule(pack: Pack, after: str, before: str, day: date) -> SwitchRule | None:
    """How the one gives way to the other, washouts apart."""
    rules: Iterable[SwitchRule] = in_force(pack, SwitchRule, day)
    for rule in rules:
        leaves = pack.among(after, rule.after) and not pack.among(after, rule.after_except)
        if leaves and pack.among(before, rule.before) and not pack.among(before, rule.before_except):
            return rule
    return None


def washout(pack: Pack, after: str, before: str, day: date) -> WashoutRule | None:
    """The longest washout that must pass between the last dose of the one and the first of the other."""
    meant = (
        rule
        for rule in pack.washouts
        if rule.in_force(day)
        and pack.among(after, rule.after)
        and not pack.among(after, rule.after_except)
        and pack.among(before, rule.before)
    )
    return max(meant, key=lambda rule: rule.days, default=None)


def strength_rule(pack: Pack, drug: str, day: date) -> StrengthRule | None:
    """What it comes in."""
    rules: Iterable[StrengthRule] = in_force(pack, StrengthRule, day)
    return next((rule for rule in rules if pack.among(drug, rule.drugs)), None)
