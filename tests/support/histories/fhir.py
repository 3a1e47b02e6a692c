"""FHIR R4 resources of one invented client, as another system would send them."""

import json
from typing import Any

LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
SUBJECT = {"reference": "urn:uuid:alma"}

Json = dict[str, Any]


def concept(system: str, code: str, display: str = "") -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def status(code: str) -> Json:
    return {"coding": [{"code": code}]}


def patient(**changes: Any) -> Json:
    return {
        "resourceType": "Patient",
        "id": "alma",
        "identifier": [{"system": "urn:clinic", "value": "4711"}],
        "name": [
            {"use": "maiden", "family": "Ortiz12", "given": ["Alma3"]},
            {"use": "official", "family": "Reyes77", "given": ["Alma300", "Luz"], "prefix": ["Ms."]},
        ],
        "gender": "female",
        "birthDate": "1990-04-12",
        "telecom": [{"system": "phone", "value": "555-0100"}, {"system": "email", "value": "alma@example.org"}],
        "address": [{"line": ["12 Elm Street"], "city": "Springfield", "state": "IL", "postalCode": "62701"}],
        "contact": [
            {
                "relationship": [{"text": "mother"}],
                "name": {"family": "Reyes", "given": ["Rosa"]},
                "telecom": [{"system": "phone", "value": "555-0101"}],
            }
        ],
    } | changes


def condition(code: Json | None = None, **changes: Any) -> Json:
    return {
        "resourceType": "Condition",
        "clinicalStatus": status("active"),
        "verificationStatus": status("confirmed"),
        "code": code or concept(SNOMED, "370143000", "Major depressive disorder"),
        "subject": SUBJECT,
        "onsetDateTime": "2021-03-01T23:30:00-05:00",
        "recordedDate": "2026-10-01T09:00:00-05:00",
    } | changes


def allergy(code: Json | None = None, **changes: Any) -> Json:
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": status("active"),
        "type": "intolerance",
        "criticality": "high",
        "code": code or concept(RXNORM, "7984", "Penicillin V"),
        "patient": SUBJECT,
        "recordedDate": "2026-10-01",
        "reaction": [{"manifestation": [{"text": "hives"}]}],
    } | changes


def medication(name: str = "sertraline 50 MG Oral Tablet", rxcui: str = "312941", **changes: Any) -> Json:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept(RXNORM, rxcui, name),
        "subject": SUBJECT,
        "authoredOn": "2026-09-01T10:00:00+00:00",
    } | changes


def statement(**changes: Any) -> Json:
    return {
        "resourceType": "MedicationStatement",
        "status": "active",
        "medicationCodeableConcept": {"text": "St John's wort"},
        "subject": SUBJECT,
        "effectivePeriod": {"start": "2026-08-01"},
        "dateAsserted": "2026-10-02T00:00:00Z",
    } | changes


def dosage(value: float, unit: str, frequency: int = 1, period: float = 1, period_unit: str = "d") -> list[Json]:
    return [
        {
            "timing": {"repeat": {"frequency": frequency, "period": period, "periodUnit": period_unit}},
            "doseAndRate": [{"doseQuantity": {"value": value, "unit": unit}}],
        }
    ]


def total(loinc: str = "70274-6", value: Any = 12, **changes: Any) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(LOINC, loinc),
        "subject": SUBJECT,
        "effectiveDateTime": "2026-10-01T22:30:00-05:00",
        "valueQuantity": {"value": value, "unit": "{score}"},
    } | changes


PHQ_9_ITEMS = (
    "44250-9",
    "44255-8",
    "44259-0",
    "44254-1",
    "44251-7",
    "44258-2",
    "44252-5",
    "44253-3",
    "44260-8",
)
PHQ_9_ANSWERS = ("LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9")


def phq_9(answers: tuple[int, ...] = (2, 1, 3, 0, 1, 2, 1, 0, 1), **changes: Any) -> Json:
    """The panel with its items as components."""
    panel = total("44249-1", **changes)
    panel.pop("valueQuantity")
    components = [
        {"code": concept(LOINC, code), "valueCodeableConcept": concept(LOINC, PHQ_9_ANSWERS[answer])}
        for code, answer in zip(PHQ_9_ITEMS, answers, strict=True)
    ]
    return panel | {"component": components}


def handed_over(**changes: Any) -> Json:
    """A MedicationDispense whose supply lasts."""
    return {
        "resourceType": "MedicationDispense",
        "status": "completed",
        "medicationCodeableConcept": concept(RXNORM, "312941", "sertraline 50 MG Oral Tablet"),
        "subject": SUBJECT,
        "whenHandedOver": "2026-11-10",
        "daysSupply": {"value": 30, "code": "d"},
    } | changes


def response(answers: tuple[int, ...] = (2, 1, 3, 0, 1, 2, 1, 0, 1), **changes: Any) -> Json:
    """A PHQ-9 as a QuestionnaireResponse, its items named by LOINC code."""
    items = [
        {"linkId": f"/{code}", "answer": [{"valueCoding": {"system": LOINC, "code": PHQ_9_ANSWERS[answer]}}]}
        for code, answer in zip(PHQ_9_ITEMS, answers, strict=True)
    ]
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "subject": SUBJECT,
        "authored": "2026-11-02T09:00:00Z",
        "item": items,
    } | changes


def bundle(*resources: Json, kind: str = "collection") -> bytes:
    entries = [
        {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource} if "id" in resource else {"resource": resource}
        for resource in resources
    ]
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}).encode()
