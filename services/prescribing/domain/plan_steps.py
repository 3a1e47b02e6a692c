"""The steps of a dose plan: what of a schedule changes on one day, and the schedule that steps come to again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Annotated

from careloop.contracts import prescribing as contract
from careloop.contracts.prescribing import PlannedDose, PlannedStep
from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Length
from careloop.kernel.restating import restating
from careloop.knowledge.dosing.plan import Segment
from careloop.knowledge.dosing.rules import drug_named, step_rule, taper_rule
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.regimen.days import DatedPhase, dated
from careloop.knowledge.regimen.regimen import Phase, Regimen, mean_daily_mg, plain
from careloop.knowledge.regimen.requiring import require_regimen

MOST_SEGMENTS = 60
knowledge_regimen = restating(Regimen, contract.Regimen)
contract_regimen = restating(contract.Regimen, Regimen)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseSegment:
    """A drug taken by a regimen from one day to another, both included; None goes on. `asks` is what is to be answered
    before it begins, besides what the rules of the drug ask."""

    drug: Annotated[str, Length(200)]
    from_on: date
    to_on: date | None
    regimen: contract.Regimen
    asks: Annotated[tuple[str, ...], Length(100)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """A drug of the plan: the prescription whose dose changes, and the dose before the first step; one that `begins`
    has no dose before."""

    prescription: FactId
    begins: bool
    daily_dose_mg: Decimal | None


@dataclass(frozen=True, slots=True)
class _Change:
    on: date
    drug: str
    phase: Phase | None
    asks: tuple[str, ...] = ()


def schedule(segments: Iterable[DoseSegment]) -> tuple[Segment, ...]:
    """The segments in the words of the checker. Raises InvalidInput for a regimen that makes no sense, a drug that the
    pack does not know, and segments of one drug that overlap or leave days between them."""
    found = [_segment(one, f"segments[{number}]") for number, one in enumerate(segments)]
    if not 1 <= len(found) <= MOST_SEGMENTS:
        raise InvalidInput("out-of-range", f"1 to {MOST_SEGMENTS} segments may be given.", field="segments")
    for before, after in pairwise(sorted(found, key=lambda one: (one.drug, one.from_on))):
        if before.drug == after.drug and (before.to_on is None or after.from_on != before.to_on + timedelta(days=1)):
            sentence = "The segments of one drug follow each other, each from the day after the one before."
            raise InvalidInput("segments-do-not-follow", sentence, field="segments")
    return tuple(found)


def _segment(one: DoseSegment, field: str) -> Segment:
    drug = drug_named(one.drug, current_pack())
    if drug is None:
        raise InvalidInput("unknown-drug", "No one drug of the pack is meant.", field=f"{field}.drug")
    regimen = knowledge_regimen(one.regimen)
    require_regimen(regimen, f"{field}.regimen")
    if any(phase.as_needed is not None for phase in regimen.phases):
        sentence = "The doses of a plan are scheduled; order what is taken as needed beside it."
        raise InvalidInput("as-needed-in-plan", sentence, field=f"{field}.regimen")
    if one.to_on is not None and one.to_on < one.from_on:
        raise InvalidInput("out-of-range", "to_on may not lie before from_on.", field=f"{field}.to_on")
    return Segment(drug=drug, from_on=one.from_on, to_on=one.to_on, regimen=regimen, asks=one.asks)


def steps_of(segments: Sequence[Segment], managed: Mapping[str, Managed]) -> tuple[PlannedStep, ...]:
    """Whatever changes on one day is one step. What is no change of a dose is none."""
    changes = [change for segment in segments for change in _changes(segment)]
    ends = {(one.drug, one.to_on + timedelta(days=1)) for one in segments if one.to_on is not None}
    begun = {(change.drug, change.on) for change in changes}
    changes += [_Change(on, drug, None) for drug, on in ends - begun]
    before = {drug: one.daily_dose_mg for drug, one in managed.items()}
    last: dict[str, PlannedDose] = {}
    steps: list[PlannedStep] = []
    for on in sorted({change.on for change in changes}):
        today = sorted((change for change in changes if change.on == on), key=lambda change: change.drug)
        doses = [(change, _dose(change, managed[change.drug], before[change.drug])) for change in today]
        changed = [(change, dose) for change, dose in doses if _is_step(dose, before[dose.drug], last.get(dose.drug))]
        before |= {dose.drug: dose.daily_dose_mg for _, dose in changed}
        last |= {dose.drug: dose for _, dose in changed}
        if changed:
            asks = dict.fromkeys(ask for change, dose in changed for ask in (*change.asks, *_asked_of(dose, on)))
            told = tuple(dose for _, dose in changed)
            steps.append(PlannedStep(number=len(steps) + 1, from_on=on, doses=told, asks=tuple(asks)))
    return tuple(steps)


def _is_step(dose: PlannedDose, before: Decimal | None, last: PlannedDose | None) -> bool:
    """Whether another dose, or another pattern of it, is taken. Raises InvalidInput for a drug that comes back."""
    if last is not None and last.regimen is None and dose.regimen is not None:
        sentence = "A drug that the plan stops does not begin again in it."
        raise InvalidInput("begins-again", sentence, field="segments")
    return dose.daily_dose_mg != before or (last is not None and last.regimen != dose.regimen)


def _changes(segment: Segment) -> Iterable[_Change]:
    """Each phase of it, taken until the next; the last day of the segment ends it."""
    phases: list[DatedPhase] = list(dated(segment.regimen, segment.from_on))
    for number, one in enumerate(phases):
        if segment.to_on is None or one.from_on <= segment.to_on:
            asks = segment.asks if number == 0 else ()
            yield _Change(
                one.from_on, segment.drug, None if one.phase.is_pause else replace(one.phase, days=None), asks
            )
    last = phases[-1].to_on
    if last is not None and (segment.to_on is None or last < segment.to_on):
        yield _Change(last + timedelta(days=1), segment.drug, None)


def _dose(change: _Change, managed: Managed, before: Decimal | None) -> PlannedDose:
    regimen = None if change.phase is None else Regimen(phases=(change.phase,))
    daily = Decimal(0) if change.phase is None else plain(mean_daily_mg(change.phase))
    return PlannedDose(
        drug=change.drug,
        prescription=managed.prescription,
        begins=managed.begins and not before,
        down=bool(before) and daily < (before or 0),
        daily_dose_mg=daily,
        regimen=None if regimen is None else contract_regimen(regimen),
    )


def _asked_of(dose: PlannedDose, on: date) -> tuple[str, ...]:
    """What the drug's own rules ask at this step; nobody can leave it out."""
    if dose.begins:
        return ()
    if dose.down:
        lowered = taper_rule(current_pack(), dose.drug, on)
        return lowered.asks if lowered is not None else ()
    rule = step_rule(current_pack(), dose.drug, (), on)
    return rule.measures if rule is not None else ()


def scheduled(steps: Sequence[PlannedStep]) -> tuple[Segment, ...]:
    """The steps as segments again, on the days that they have."""
    by_drug: dict[str, list[tuple[PlannedStep, PlannedDose]]] = {}
    for step in steps:
        for dose in step.doses:
            by_drug.setdefault(dose.drug, []).append((step, dose))
    found = []
    for drug, doses in by_drug.items():
        ends = [step.from_on - timedelta(days=1) for step, _ in doses[1:]]
        for (step, dose), to_on in zip(doses, [*ends, None], strict=True):
            if dose.regimen is not None:
                regimen = knowledge_regimen(dose.regimen)
                found.append(Segment(drug=drug, from_on=step.from_on, to_on=to_on, regimen=regimen, asks=step.asks))
    return tuple(found)


def stops_of(step: PlannedStep) -> tuple[FactId, ...]:
    """The prescriptions that end with the day before the step."""
    return tuple(dose.prescription for dose in step.doses if dose.regimen is None)


def in_words(step: PlannedStep) -> str:
    """The step as a person reads it."""
    return (
        ", ".join(
            f"{dose.drug}: {dose.daily_dose_mg:f} mg a day" if dose.regimen is not None else f"{dose.drug}: stop"
            for dose in step.doses
        )
        + f", from {step.from_on.isoformat()}"
    )
