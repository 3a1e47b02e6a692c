"""Files of other FHIR releases, recognised by elements that R4 does not have in that form. They are named and not read:
the same element means something else there (`taken: n` of STU3 says that a medicine is not taken)."""

from collections.abc import Iterable, Mapping
from typing import Any

STU3, DSTU2, R5 = "FHIR STU3", "FHIR DSTU2", "FHIR R5"
OLDER_STATUS = "FHIR STU3 or DSTU2"
_ELEMENTS: dict[str, dict[str, str]] = {
    "MedicationStatement": {
        "taken": STU3,
        "reasonNotTaken": STU3,
        "wasNotTaken": DSTU2,
        "medication": R5,
        "adherence": R5,
    },
    "MedicationRequest": {"context": STU3, "definition": STU3, "medication": R5, "informationSource": R5},
    "MedicationDispense": {"notDone": STU3, "notDoneReasonCodeableConcept": STU3, "medication": R5, "recorded": R5},
    "Condition": {"assertedDate": STU3, "context": STU3, "dateRecorded": DSTU2, "participant": R5},
    "AllergyIntolerance": {"assertedDate": STU3, "substance": DSTU2, "participant": R5},
    "Observation": {"context": STU3, "related": STU3, "triggeredBy": R5, "instantiatesCanonical": R5},
    "Patient": {"animal": STU3, "careProvider": DSTU2},
    "QuestionnaireResponse": {"parent": STU3, "context": STU3, "group": DSTU2},
    "MedicationOrder": {"resourceType": DSTU2},
    "MedicationUsage": {"resourceType": R5},
}


def other_release(resources: Iterable[Mapping[str, Any]]) -> str | None:
    """The release that these resources are of, where that is not R4 as far as can be seen."""
    return next((found for found in map(_release, resources) if found is not None), None)


def _release(resource: Mapping[str, Any]) -> str | None:
    kind = resource.get("resourceType")
    elements = _ELEMENTS.get(kind, {}) if isinstance(kind, str) else {}
    named = next((release for element, release in elements.items() if element in resource), None)
    if named is None and kind in {"Condition", "AllergyIntolerance"}:
        if isinstance(resource.get("clinicalStatus"), str):
            return OLDER_STATUS
        if kind == "AllergyIntolerance" and isinstance(resource.get("type"), dict):
            return R5
    return named
