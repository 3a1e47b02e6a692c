"""A plan as it is proposed: titration, taper or switch."""

from dataclasses import replace

from careloop.knowledge.dosing.planner.asking import Forbidden, NoPlan, NotKnown, Plan, PlanKind, Wanted
from careloop.knowledge.dosing.planner.drugs_down import lowered
from careloop.knowledge.dosing.planner.drugs_up import raised, target_of
from careloop.knowledge.dosing.planner.situation import Situation
from careloop.knowledge.dosing.planner.switching import switch
from careloop.knowledge.pack.pack import Pack, current_pack


def plan(wanted: Wanted, pack: Pack | None = None) -> Plan:
    """The plan, or why there is none: a constraint that forbids it, or what nobody knows. Never guesses."""
    situation = Situation(wanted=wanted, pack=pack or current_pack())
    propose = {PlanKind.TITRATION: _titration, PlanKind.TAPER: _taper, PlanKind.SWITCH: switch}[wanted.kind]
    empty = Plan(knowledge=situation.pack.reference)
    try:
        found = propose(situation)
    except NoPlan as none:
        if isinstance(none.why, Forbidden):
            return replace(empty, impossible=(none.why,))
        return replace(empty, not_known=(none.why,))
    return replace(found, knowledge=situation.pack.reference)


def _titration(situation: Situation) -> Plan:
    wanted = situation.wanted
    if wanted.coming is None:
        raise NoPlan(NotKnown(reason="dose-missing", subject="to", message="A titration needs to.name."))
    drug = situation.drug(wanted.coming.name)
    target = target_of(situation, drug, wanted.coming.target_daily_mg)
    found = raised(situation, drug, target, wanted.starts_on)
    for number, step in enumerate(found.steps):
        situation.require(drug, step.dose_mg, step.on, situation.others(drug), under_way=bool(number or found.now_mg))
    return Plan(
        knowledge=situation.pack.reference,
        segments=found.segments(),
        earliest_on=found.steps[0].on,
        explanation=found.lines(),
    )


def _taper(situation: Situation) -> Plan:
    wanted = situation.wanted
    if wanted.leaving is None:
        raise NoPlan(NotKnown(reason="dose-missing", subject="from", message="A taper needs from.name."))
    drug = situation.drug(wanted.leaving.name)
    found = lowered(situation, drug, wanted.leaving.daily_dose_mg, wanted.starts_on, None)
    return Plan(
        knowledge=situation.pack.reference,
        segments=found.segments(),
        earliest_on=found.steps[0].on,
        explanation=found.lines(),
    )
