"""Medication, and what orders, states and hands one over."""

from typing import Any

from careloop.intake.shapes.elements import Concept, Period, Quantity, Ratio, Reference, Shape


class DoseAndRate(Shape, frozen=True):
    """Its rates are seen, and not read."""

    type: Concept | None = None
    dose_quantity: Quantity | None = None
    dose_range: dict[str, Any] | None = None
    rate_ratio: dict[str, Any] | None = None
    rate_range: dict[str, Any] | None = None
    rate_quantity: dict[str, Any] | None = None


class Dosage(Shape, frozen=True):
    """`timing` stays as it came: an element of it that is not understood changes the dose."""

    sequence: int | None = None
    text: str = ""
    patient_instruction: str = ""
    additional_instruction: tuple[Concept, ...] = ()
    timing: dict[str, Any] | None = None
    as_needed_boolean: bool = False
    as_needed_codeable_concept: Concept | None = None
    dose_and_rate: tuple[DoseAndRate, ...] = ()

    @property
    def said(self) -> tuple[str, ...]:
        """All that stands beside the coded instruction in words."""
        additional = (words for one in self.additional_instruction for words in (one.text, one.display))
        return (self.text, self.patient_instruction, *additional)


class Dispense(Shape, frozen=True):
    """MedicationRequest.dispenseRequest."""

    validity_period: Period | None = None
    expected_supply_duration: Quantity | None = None
    number_of_repeats_allowed: int = 0


class Ingredient(Shape, frozen=True):
    """Medication.ingredient."""

    item_codeable_concept: Concept | None = None
    item_reference: Reference | None = None
    strength: Ratio | None = None


class Medication(Shape, frozen=True):
    id: str = ""
    status: str = ""
    code: Concept = Concept()
    ingredient: tuple[Ingredient, ...] = ()


class MedicationRequest(Shape, frozen=True):
    id: str = ""
    status: str = ""
    intent: str = ""
    do_not_perform: bool = False
    reported_boolean: bool = False
    reported_reference: Reference | None = None
    medication_codeable_concept: Concept | None = None
    medication_reference: Reference | None = None
    contained: tuple[dict[str, Any], ...] = ()
    subject: Reference = Reference()
    authored_on: str = ""
    dosage_instruction: tuple[Dosage, ...] = ()
    dispense_request: Dispense | None = None


class MedicationStatement(Shape, frozen=True):
    id: str = ""
    status: str = ""
    medication_codeable_concept: Concept | None = None
    medication_reference: Reference | None = None
    contained: tuple[dict[str, Any], ...] = ()
    subject: Reference = Reference()
    effective_date_time: str = ""
    effective_period: Period | None = None
    date_asserted: str = ""
    dosage: tuple[Dosage, ...] = ()


class MedicationDispense(Shape, frozen=True):
    id: str = ""
    status: str = ""
    medication_codeable_concept: Concept | None = None
    medication_reference: Reference | None = None
    contained: tuple[dict[str, Any], ...] = ()
    subject: Reference = Reference()
    when_handed_over: str = ""
    when_prepared: str = ""
    days_supply: Quantity | None = None
