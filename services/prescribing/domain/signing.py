"""Signing a dose plan: the checker finds it legal, and what it wants answered is answered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from msgspec import UNSET

from careloop.contracts.prescribing import (
    DosePlanKind,
    Order,
    PlanEnding,
    PlannedStep,
    StatusReason,
)
from careloop.contracts.terms import Coding, Medicine
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.errors import InvalidInput, RuleViolated
from careloop.kernel.ids import FactId, derived_id
from careloop.kernel.reading import Length, Named, Range
from careloop.kernel.restating import restating
from careloop.knowledge.chart import Chart, Medication
from careloop.knowledge.dosing.checker.checking import check_plan
from careloop.knowledge.dosing.plan import Answers, OnHand
from careloop.knowledge.dosing.rules import drug_named
from careloop.knowledge.local_time import local_day
from careloop.knowledge.pack.pack import current_pack
from services.prescribing.domain.declining import CheckedCommand
from services.prescribing.domain.dose_plans import NOT_ASKED, TaperAnswers, known_on, require_on_hand, with_stale
from services.prescribing.domain.events import DosePlanSigned, Event, PrescriptionIssued
from services.prescribing.domain.indications import require_written
from services.prescribing.domain.orders import require_open
from services.prescribing.domain.plan_endings import ended_with, standing_plan
from services.prescribing.domain.plan_legality import answered, capsule_of, require_legal
from services.prescribing.domain.plan_record import DosePlan
from services.prescribing.domain.plan_steps import DoseSegment, Managed, schedule, steps_of
from services.prescribing.domain.state import PrescriptionChart


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginningDrug:
    """The drug that a plan begins, as it is to be prescribed."""

    medicine: Medicine
    days_supply: Annotated[int | None, Range(1, 366)] = None
    sig: Annotated[str, Length(2000)] = ""
    indication: Coding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignDosePlan(CheckedCommand):
    """The overrides answer what the checker wants answered, each by its rule and the drugs involved."""

    kind: DosePlanKind
    segments: tuple[DoseSegment, ...]
    begins: BeginningDrug | None = None
    on_hand: tuple[OnHand, ...] = ()
    answers: TaperAnswers = NOT_ASKED
    safety: bool = False
    client_sets_pace: bool = False
    status_reason: StatusReason = StatusReason.ALTERNATIVE_CHOICE
    replaces: Annotated[FactId | None, Named("replaces_plan_id")] = None


answers_of = restating(Answers, TaperAnswers)


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN, Guard.PRESCRIBER)
def sign_dose_plan(command: SignDosePlan, chart: PrescriptionChart) -> list[Event]:
    """A plan whose steps somebody confirms, one after another.

    Raises InvalidInput for a schedule that makes no sense or has no step, RuleViolated for one that is not legal
    (`plan-not-legal`, with the first violation), could not be judged (`plan-not-checked`), has something that is not
    answered (`plan-not-answered`), or is of a prescription that has a plan in force that it does not replace
    (`plan-exists`), and after the end of the client's episode of care (`episode-closed`).
    """
    require_open(chart)
    as_of = chart.today(command.now)
    _require_sound(command)
    segments, known = schedule(command.segments), known_on(chart, as_of)
    managed = {drug: _managed(drug, command, chart, known) for drug in sorted({one.drug for one in segments})}
    steps = steps_of(segments, managed)
    _require_steps(steps, command, local_day(command.now, chart.zone))
    replaced = _replaced(command, managed.values(), chart)
    found = check_plan(known, segments, as_of, on_hand=command.on_hand, answers=answers_of(command.answers))
    check = with_stale(found, command.freshness)
    require_legal(check)
    overrides = answered(command.overrides, check, {one.drug for one in segments}, as_of)
    signed = DosePlanSigned(
        fact_id=command.fact_id,
        kind=command.kind,
        steps=steps,
        begins=_order(command, steps),
        on_hand=command.on_hand,
        answers=answers_of(command.answers),
        safety=command.safety,
        client_sets_pace=command.client_sets_pace,
        status_reason=command.status_reason,
        replaces=command.replaces,
        overrides=overrides,
        capsule=capsule_of(check, chart, as_of),
        prescriber=command.prescriber,
        occurred_at=command.occurred_at,
    )
    ends = [ended_with(plan, chart, command, PlanEnding.REPLACED) for plan in replaced]
    return [*ends, signed]


def _require_sound(command: SignDosePlan) -> None:
    require_on_hand(command.on_hand)
    if command.begins is not None and command.begins.indication is not None:
        require_written(command.begins.indication, "begins.indication")
    for field, code in (("kind", command.kind), ("status_reason", command.status_reason)):
        if not code.known:
            raise InvalidInput("not-a-code", f"{field} is none of the codes.", field=field)


def _require_steps(steps: Sequence[PlannedStep], command: SignDosePlan, today: date) -> None:
    if not steps:
        raise InvalidInput("plan-without-step", "The plan changes no dose.", field="segments")
    if steps[0].from_on < today:
        raise InvalidInput("starts-in-the-past", "The first step may not lie in the past.", field="segments")
    doses = [dose for step in steps for dose in step.doses]
    if command.safety and not all(dose.down for dose in doses):
        raise InvalidInput("safety-only-down", "Only reductions may be signed for safety.", field="safety")
    begins = any(dose.begins for dose in doses)
    if begins and command.begins is None:
        raise InvalidInput("required", "begins says which medicine the plan begins.", field="begins")


def _managed(drug: str, command: SignDosePlan, chart: PrescriptionChart, known: Chart) -> Managed:
    """Raises RuleViolated for a drug that is taken and that no prescription of ours, or more than one, is of."""
    first = min(one.from_on for one in schedule(command.segments) if one.drug == drug)
    ours = [issued for issued in _active(chart) if issued.ingredients == (drug,)]
    if len(ours) > 1:
        sentence = "More than one prescription in force is of this drug: end what is not taken first."
        raise RuleViolated("several-prescriptions", sentence, field="segments", details={"drug": drug})
    if ours:
        day = max(first - timedelta(days=1), ours[0].order.starts_on)
        return Managed(prescription=ours[0].fact_id, begins=False, daily_dose_mg=chart.daily_dose_mg(ours[0], day))
    if any(_is_taken(entry, drug, first) for entry in known.medications or ()):
        sentence = "The client takes this drug, and it is not prescribed here: prescribe it first."
        raise RuleViolated("no-prescription", sentence, field="segments", details={"drug": drug})
    named = FactId(derived_id("prescribing", "prescription-of-plan", command.fact_id, drug))
    return Managed(prescription=named, begins=True, daily_dose_mg=None)


def _is_taken(entry: Medication, drug: str, day: date) -> bool:
    return drug_named(entry.name or "", current_pack()) == drug and (entry.stopped_on is None or entry.stopped_on > day)


def _active(chart: PrescriptionChart) -> list[PrescriptionIssued]:
    return [one for one in chart.standing_prescriptions() if chart.discontinuation(one.fact_id) is None]


def _replaced(command: SignDosePlan, managed: Iterable[Managed], chart: PrescriptionChart) -> list[DosePlan]:
    """The plan that ends with this one. Raises NotKnown for one that is not in force."""
    running = {plan.fact_id: plan for one in managed if (plan := chart.plan_of(one.prescription)) is not None}
    if command.replaces is not None:
        replaced = standing_plan(command.replaces, chart)
        running.setdefault(replaced.fact_id, replaced)
    if running.keys() - {command.replaces}:
        sentence = "This prescription already has a dose plan."
        others = sorted(str(one) for one in running.keys() - {command.replaces})
        raise RuleViolated("plan-exists", sentence, field="replaces_plan_id", details={"plan_id": others[0]})
    return list(running.values())


def _order(command: SignDosePlan, steps: Sequence[PlannedStep]) -> Order | None:
    """The drug that begins, as it will be ordered; its dose and day are those of its step."""
    begins = next((dose for step in steps for dose in step.doses if dose.begins), None)
    drug = command.begins
    if begins is None or drug is None:
        return None
    if drug_named(drug.medicine.name, current_pack()) != begins.drug:
        sentence = "begins.medicine is not the drug that the plan begins."
        raise InvalidInput("another-medicine", sentence, field="begins.medicine")
    return Order(
        medicine=drug.medicine,
        daily_dose_mg=begins.daily_dose_mg,
        sig=drug.sig,
        days_supply=drug.days_supply,
        starts_on=steps[0].from_on,
        indication=UNSET if drug.indication is None else drug.indication,
    )
