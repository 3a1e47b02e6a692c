"""Bundle, its entries not decoded yet, and the resource types that are read."""

import msgspec

from careloop.intake.shapes.elements import Shape
from careloop.intake.shapes.medications import Medication, MedicationDispense, MedicationRequest, MedicationStatement
from careloop.intake.shapes.patients import Patient
from careloop.intake.shapes.records import AllergyIntolerance, Condition, Observation, QuestionnaireResponse


class EntryRequest(Shape, frozen=True):
    method: str = ""
    url: str = ""


class EntryResponse(Shape, frozen=True):
    last_modified: str = ""


class Entry(Shape, frozen=True):
    """One entry of a bundle, its resource not decoded yet."""

    full_url: str = ""
    resource: msgspec.Raw = msgspec.Raw(b"")
    request: EntryRequest | None = None
    response: EntryResponse | None = None


class Link(Shape, frozen=True):
    """Bundle.link."""

    relation: str = ""
    url: str = ""


class Bundle(Shape, frozen=True):
    resource_type: str
    type: str = ""
    link: tuple[Link, ...] = ()
    entry: tuple[msgspec.Raw, ...] = ()

    def url(self, relation: str) -> str:
        return next((link.url for link in self.link if link.relation == relation), "")


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
    "MedicationDispense": MedicationDispense,
    "Observation": Observation,
    "QuestionnaireResponse": QuestionnaireResponse,
}
"""The resource types that are read; every other is counted as not used."""
