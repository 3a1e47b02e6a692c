"""What a step of a dose plan comes to: changes of dose, and the prescription of a drug that it begins."""

from dataclasses import replace

from careloop.contracts.prescribing import Order, PlannedDose, PlannedStep
from careloop.kernel.ids import FactId, derived_id
from careloop.knowledge.pack.drugs import ingredients
from careloop.knowledge.regimen.words import in_words
from services.prescribing.domain.decision_capsule import DecisionCapsule
from services.prescribing.domain.declining import CheckedCommand, check_order
from services.prescribing.domain.dose_changes import order_of_dose
from services.prescribing.domain.events import DoseChanged, PrescriptionDeclined, PrescriptionIssued
from services.prescribing.domain.plan_record import DosePlan
from services.prescribing.domain.plan_steps import knowledge_regimen
from services.prescribing.domain.state import PrescriptionChart

Outcome = PrescriptionIssued | DoseChanged


def checked_doses(
    command: CheckedCommand, step: PlannedStep, plan: DosePlan, chart: PrescriptionChart
) -> list[tuple[PlannedDose, DecisionCapsule | PrescriptionDeclined]]:
    """Each dose of the step held against the safety check as an order of it would be. What is stopped, or was
    prescribed already, is not asked about. The answers given when the plan was signed count."""
    with_signed = replace(command, overrides=(*command.overrides, *plan.signed.overrides))
    found: list[tuple[PlannedDose, DecisionCapsule | PrescriptionDeclined]] = []
    for dose in step.doses:
        order = _order(dose, step, plan, chart)
        if order is not None:
            changing = None if dose.begins else dose.prescription
            found.append((dose, check_order(with_signed, order, chart, changing=changing)))
    return found


def _order(dose: PlannedDose, step: PlannedStep, plan: DosePlan, chart: PrescriptionChart) -> Order | None:
    if dose.regimen is None:
        return None
    issued, begins = chart.prescription(dose.prescription), plan.signed.begins
    if not dose.begins:
        return None if issued is None else _as_ordered(issued.order, dose, step)
    if issued is not None or begins is None:
        return None
    order = _as_ordered(begins, dose, step)
    return replace(order, sig=begins.sig or in_words(knowledge_regimen(dose.regimen)))


def _as_ordered(order: Order, dose: PlannedDose, step: PlannedStep) -> Order:
    assert dose.regimen is not None
    return order_of_dose(order, dose.daily_dose_mg, step.from_on, dose.regimen)


def outcome(
    command: CheckedCommand,
    dose: PlannedDose,
    capsule: DecisionCapsule,
    *,
    step: PlannedStep,
    plan: DosePlan,
    chart: PrescriptionChart,
) -> Outcome:
    """What happens with this dose, decided by the capsule."""
    order = _order(dose, step, plan, chart)
    assert order is not None
    if dose.begins:
        return PrescriptionIssued(
            fact_id=dose.prescription,
            order=order,
            ingredients=ingredients(order.medicine.name or None, order.medicine.rxcui or None),
            prescriber=command.prescriber,
            capsule=capsule,
            occurred_at=command.occurred_at,
        )
    issued = chart.prescription(dose.prescription)
    assert issued is not None
    assert dose.regimen is not None
    return DoseChanged(
        fact_id=FactId(derived_id("prescribing", "dose-of-step", command.fact_id, dose.prescription)),
        prescription=dose.prescription,
        from_daily_dose_mg=chart.daily_dose_mg(issued, step.from_on),
        to_daily_dose_mg=dose.daily_dose_mg,
        effective_on=step.from_on,
        reason=f"step {step.number} of {len(plan.steps)} of the dose plan",
        prescriber=command.prescriber,
        capsule=capsule,
        occurred_at=command.occurred_at,
        regimen=dose.regimen,
        plan=plan.fact_id,
    )
