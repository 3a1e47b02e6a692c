"""Which medicine an order, a statement or a hand-over names, as the source says it."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from careloop.intake.reading import FhirResources
from careloop.intake.shapes.elements import Concept, Reference
from careloop.intake.shapes.medications import (
    Ingredient,
    Medication,
    MedicationDispense,
    MedicationRequest,
    MedicationStatement,
)
from careloop.intake.tally import NotUnderstood

LONGEST_NAME = 500
LONGEST_RXCUI = 20
Order = MedicationRequest | MedicationStatement | MedicationDispense


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedMedicine:
    """`medication` is the Medication referred to, with the strength of its ingredients; None where none is there."""

    name: str
    rxcui: str
    concept: Concept
    medication: Medication | None = None


def named_medicine(order: Order, resources: FhirResources) -> NamedMedicine:
    """Raises NotUnderstood where nothing names it. A reference that leads nowhere may still say its name."""
    if order.medication_codeable_concept is not None:
        return _named(order.medication_codeable_concept, None)
    reference = order.medication_reference
    if reference is None:
        raise NotUnderstood("medicine-missing")
    found = _referred(order, reference, resources)
    if found is None:
        if reference.display.strip():
            return _named(Concept(text=reference.display), None)
        raise NotUnderstood("medicine-reference-unknown")
    if found.status == "entered-in-error":
        raise NotUnderstood("medicine-entered-in-error")
    if found.code.any_words or not found.ingredient:
        return _named(found.code if found.code.any_words else Concept(text=reference.display), found)
    parts = [name for one in found.ingredient if (name := _ingredient(order, one, resources))]
    if len(parts) < len(found.ingredient):
        raise NotUnderstood("ingredient-unknown")
    alone = found.ingredient[0].item_codeable_concept if len(parts) == 1 else None
    return _named(alone or Concept(text=" / ".join(parts)), found)


def _named(concept: Concept, medication: Medication | None) -> NamedMedicine:
    coding = concept.code_in("rxnorm")
    name = (coding.display.strip() if coding else "") or concept.any_words
    if not name:
        raise NotUnderstood("medicine-missing")
    rxcui = coding.code if coding and len(coding.code) <= LONGEST_RXCUI else ""
    return NamedMedicine(name=name[:LONGEST_NAME], rxcui=rxcui, concept=concept, medication=medication)


def _referred(order: Order, reference: Reference, resources: FhirResources) -> Medication | None:
    if not reference.reference.startswith("#"):
        return resources.named(Medication, reference, order)
    return next((one for one in _contained(order) if one.id == reference.reference[1:]), None)


def _contained(order: Order) -> Iterator[Medication]:
    for resource in order.contained:
        if resource.get("resourceType", "Medication") == "Medication":
            try:
                yield msgspec.convert(resource, Medication)
            except msgspec.ValidationError:
                continue


def _ingredient(order: Order, ingredient: Ingredient, resources: FhirResources) -> str:
    if ingredient.item_codeable_concept is not None:
        return ingredient.item_codeable_concept.any_words
    if ingredient.item_reference is None:
        return ""
    found = _referred(order, ingredient.item_reference, resources)
    return (found.code.any_words if found else "") or ingredient.item_reference.display
