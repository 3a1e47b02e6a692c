"""What the data files of dose plans must say to make sense, beyond their shape."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from careloop.knowledge.pack.reading import PackInvalid
from careloop.knowledge.pack.shapes.dosing import StepRule, StrengthRule, TaperRule, Way
from careloop.knowledge.pack.soundness.references import days_of_change

FIRST_ASKS = frozenset(
    {"withdrawal-seizure", "seizure-disorder", "alcohol-or-opioids", "pregnancy", "relapse-in-24-months"}
)
"""What may be asked before a taper."""


def require_dosing(read: Mapping[str, tuple[Any, ...]], members: Mapping[str, frozenset[str]]) -> None:
    """Raises PackInvalid, naming file and rule, for a drug with two tapers or two lists of strengths, a way of lowering
    without its figures, a usual step above the largest, and a question that nobody asks."""
    faults = {
        "tapers.yaml": (_twice(read.get("tapers.yaml", ()), members), _tapers(read.get("tapers.yaml", ()))),
        "strengths.yaml": (_twice(read.get("strengths.yaml", ()), members), _strengths(read.get("strengths.yaml", ()))),
        "steps.yaml": (_steps(read.get("steps.yaml", ())),),
    }
    for file, found in faults.items():
        for fault in (one for kind in found for one in kind):
            raise PackInvalid(f"{file}: {fault}")


def _twice(
    rules: tuple[TaperRule, ...] | tuple[StrengthRule, ...], members: Mapping[str, frozenset[str]]
) -> Iterator[str]:
    for day in days_of_change(rules):
        named: dict[str, list[str]] = defaultdict(list)
        for rule in (rule for rule in rules if rule.in_force(day)):
            excepted = {drug for name in getattr(rule, "drugs_except", ()) for drug in members[name]}
            for drug in {drug for name in rule.drugs for drug in members[name]} - excepted:
                named[drug].append(rule.id)
        yield from (f"{' and '.join(ids)} both mean {drug} on {day}" for drug, ids in sorted(named.items()) if ids[1:])


def _tapers(rules: Iterable[TaperRule]) -> Iterator[str]:
    for rule in rules:
        paced = {
            Way.OF_BEFORE: rule.pace_percent is not None and rule.cap_percent is not None,
            Way.OF_START: rule.pace_percent is not None and rule.cap_percent is not None,
            Way.FIXED: rule.pace_mg is not None and (rule.cap_mg is not None or rule.cap_percent is not None),
            Way.LADDER: bool(rule.ladder),
        }.get(rule.way, True)
        if not paced:
            yield f"{rule.id}: {rule.way} has a pace and a cap, or a ladder"
        if rule.every_days < rule.least_days:
            yield f"{rule.id}: the usual interval is below the shortest"
        for strange in sorted(set(rule.first_asks) - FIRST_ASKS):
            yield f"{rule.id}: nobody asks {strange}"


def _steps(rules: Iterable[StepRule]) -> Iterator[str]:
    for rule in rules:
        if (rule.step_mg or 0) > (rule.most_step_mg or 0) or rule.every_days < rule.least_days:
            yield f"{rule.id}: the usual step is larger, or sooner, than the largest"
        if rule.start_mg > (rule.most_start_mg or rule.start_mg):
            yield f"{rule.id}: the usual first dose is above the highest"


def _strengths(rules: Iterable[StrengthRule]) -> Iterator[str]:
    return (f"{rule.id}: at least one strength, and one time" for rule in rules if not rule.strengths or not rule.times)
