"""The parts of FHIR R4 resources that are read. All of them are optional here: what is missing, the mapping judges.

Values that do not have the type FHIR gives them make a resource malformed; elements not named here are ignored.
"""

from decimal import Decimal
from typing import Any

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One FHIR element or resource."""


class Coding(Shape, frozen=True):
    system: str = ""
    code: str = ""
    display: str = ""


class Concept(Shape, frozen=True):
    """CodeableConcept."""

    coding: tuple[Coding, ...] = ()
    text: str = ""

    def code_in(self, system: str) -> Coding | None:
        return next((coding for coding in self.coding if coding.system == system and coding.code), None)

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(coding.code for coding in self.coding)

    @property
    def first_code(self) -> str:
        return self.coding[0].code if self.coding else ""

    @property
    def words(self) -> str:
        return self.text or next((coding.display for coding in self.coding if coding.display), "")


class Reference(Shape, frozen=True):
    reference: str = ""


class Identifier(Shape, frozen=True):
    system: str = ""
    value: str = ""


class Period(Shape, frozen=True):
    start: str = ""
    end: str = ""


class Quantity(Shape, frozen=True):
    """Quantity and Duration; `code` is UCUM."""

    value: Decimal | None = None
    unit: str = ""
    code: str = ""


class HumanName(Shape, frozen=True):
    use: str = ""
    text: str = ""
    family: str = ""
    given: tuple[str, ...] = ()


class ContactPoint(Shape, frozen=True):
    system: str = ""
    value: str = ""


class Address(Shape, frozen=True):
    text: str = ""
    line: tuple[str, ...] = ()
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""


class Contact(Shape, frozen=True):
    relationship: tuple[Concept, ...] = ()
    name: HumanName | None = None
    telecom: tuple[ContactPoint, ...] = ()


class Patient(Shape, frozen=True):
    id: str = ""
    identifier: tuple[Identifier, ...] = ()
    name: tuple[HumanName, ...] = ()
    gender: str = ""
    birth_date: str = ""
    telecom: tuple[ContactPoint, ...] = ()
    address: tuple[Address, ...] = ()
    contact: tuple[Contact, ...] = ()
    active: bool = True
    deceased_boolean: bool = False
    deceased_date_time: str = ""


class Condition(Shape, frozen=True):
    id: str = ""
    clinical_status: Concept | None = None
    verification_status: Concept | None = None
    code: Concept = Concept()
    subject: Reference = Reference()
    onset_date_time: str = ""
    onset_period: Period | None = None
    recorded_date: str = ""


class Reaction(Shape, frozen=True):
    manifestation: tuple[Concept, ...] = ()


class AllergyIntolerance(Shape, frozen=True):
    id: str = ""
    clinical_status: Concept | None = None
    verification_status: Concept | None = None
    type: str = ""
    criticality: str = ""
    code: Concept = Concept()
    patient: Reference = Reference()
    recorded_date: str = ""
    onset_date_time: str = ""
    reaction: tuple[Reaction, ...] = ()


class Repeat(Shape, frozen=True):
    frequency: int | None = None
    period: Decimal | None = None
    period_unit: str = ""
    bounds_period: Period | None = None


class Timing(Shape, frozen=True):
    repeat: Repeat | None = None


class DoseAndRate(Shape, frozen=True):
    dose_quantity: Quantity | None = None


class Dosage(Shape, frozen=True):
    timing: Timing | None = None
    as_needed_boolean: bool = False
    dose_and_rate: tuple[DoseAndRate, ...] = ()


class Dispense(Shape, frozen=True):
    """MedicationRequest.dispenseRequest."""

    validity_period: Period | None = None
    expected_supply_duration: Quantity | None = None
    number_of_repeats_allowed: int = 0


class Medication(Shape, frozen=True):
    id: str = ""
    code: Concept = Concept()


class MedicationRequest(Shape, frozen=True):
    id: str = ""
    status: str = ""
    intent: str = ""
    do_not_perform: bool = False
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


class Component(Shape, frozen=True):
    code: Concept = Concept()
    value_integer: int | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: Concept | None = None


class Observation(Shape, frozen=True):
    id: str = ""
    status: str = ""
    code: Concept = Concept()
    subject: Reference = Reference()
    effective_date_time: str = ""
    effective_period: Period | None = None
    issued: str = ""
    value_integer: int | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: Concept | None = None
    component: tuple[Component, ...] = ()
    has_member: tuple[Reference, ...] = ()


class Entry(Shape, frozen=True):
    """One entry of a bundle, its resource not decoded yet."""

    full_url: str = ""
    resource: msgspec.Raw = msgspec.Raw(b"")


class Bundle(Shape, frozen=True):
    resource_type: str
    entry: tuple[msgspec.Raw, ...] = ()


class Header(Shape, frozen=True):
    """What every resource starts with."""

    resource_type: str = ""


SHAPES: dict[str, type[Shape]] = {
    "Patient": Patient,
    "Condition": Condition,
    "AllergyIntolerance": AllergyIntolerance,
    "Medication": Medication,
    "MedicationRequest": MedicationRequest,
    "MedicationStatement": MedicationStatement,
    "Observation": Observation,
}
"""The resource types that are read; every other is counted as not used."""
