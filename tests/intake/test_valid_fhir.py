"""What FHIR allows is read as FHIR means it; what forbids to read on is not read."""

import json
from typing import Any

import pytest

from tests.support.histories import fhir
from tests.support.histories.fhir import Json
from tests.support.histories.taken_in import mapped, reasons, requests, sent, taken_in, to_look_at

ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}


def test_a_null_in_an_array_holds_the_place_of_what_stands_beside_it() -> None:
    name = {"family": "Reyes", "given": [None, "Alma"], "_given": [ABSENT, None]}
    lines = {"line": [None, "12 Elm Street"], "_line": [ABSENT, None], "city": "Springfield"}
    enrolment = requests(fhir.condition(), fhir.allergy())["EnrollPatient"]
    ((facts,), _) = mapped(fhir.patient(name=[name], address=[lines]))
    masked = sent(facts)["EnrollPatient"]
    assert (enrolment.name, masked.name) == ("Alma Luz Reyes", "Alma Reyes")
    assert masked.location.address == "12 Elm Street, Springfield"


def test_extensions_change_nothing_wherever_they_stand() -> None:
    def extended(value: Any) -> Any:
        if isinstance(value, dict):
            more = {f"_{key}": ABSENT for key, one in value.items() if isinstance(one, str) and key != "resourceType"}
            return {key: extended(one) for key, one in value.items()} | more | {"extension": [{"url": "urn:x"}]}
        return [extended(one) for one in value] if isinstance(value, list) else value

    resources = [
        fhir.patient(),
        fhir.condition(),
        fhir.allergy(),
        fhir.medication(dosageInstruction=fhir.dosage(50, "mg")),
        fhir.statement(),
        fhir.handed_over(),
        fhir.response(),
        fhir.total(),
        fhir.phq_9(),
    ]
    ((plain,), _), ((other,), _) = mapped(*resources), mapped(*map(extended, resources))
    assert plain.requests == other.requests


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        (fhir.medication(modifierExtension=[{"url": "urn:not-taken"}]), "modifier-extension"),
        (
            fhir.medication(dosageInstruction=[fhir.dosage(50, "mg")[0] | {"modifierExtension": [{"url": "urn:x"}]}]),
            "modifier-extension",
        ),
        (fhir.allergy(implicitRules="urn:rules"), "implicit-rules"),
        (fhir.total(modifierExtension=[{"url": "urn:x"}]), "modifier-extension"),
    ],
)
def test_what_may_change_the_meaning_of_a_resource_stops_it(resource: Json, why: str) -> None:
    assert reasons(resource) == ([], [why])


def test_an_empty_modifier_changes_nothing() -> None:
    assert reasons(fhir.allergy(modifierExtension=[], implicitRules="")) == ([], [])


def test_a_modifier_of_the_patient_stops_all_that_is_theirs() -> None:
    found, tally = mapped(fhir.patient(modifierExtension=[{"url": "urn:x"}]), fhir.condition())
    assert found == []
    assert to_look_at(tally)[0] == ("1.json:1", "Patient", "modifier-extension")


@pytest.mark.parametrize("birth_date", ["1990-04", "1990", ""])
def test_a_partial_birth_date_needs_a_person(birth_date: str) -> None:
    found, tally = mapped(fhir.patient(birthDate=birth_date), fhir.allergy())
    assert found == []
    (patient, allergy) = to_look_at(tally)
    assert patient[:2] == ("1.json:1", "Patient")
    assert allergy == ("1.json:2", "AllergyIntolerance", "patient-not-taken-over")


def placed(*entries: tuple[str, Json]) -> bytes:
    listed = [{"fullUrl": url, "resource": resource} if url else {"resource": resource} for url, resource in entries]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": listed}).encode()


A, B = "https://a.example/fhir", "https://b.example/fhir"


def owners(content: bytes) -> list[str]:
    """The names of those whose chart has an allergy."""
    found, _ = taken_in(content)
    return [sent(facts)["EnrollPatient"].name for facts in found if "RecordAllergies" in sent(facts)]


def who(family: str, number: str, **changes: Any) -> Json:
    named = {"name": [{"family": family, "given": ["Al"]}], "identifier": [{"system": "urn:mrn", "value": number}]}
    return fhir.patient(id="1", **named | changes)


def allergy_of(**subject: Any) -> Json:
    return fhir.allergy(id="9", patient=subject)


def test_a_relative_reference_names_a_resource_of_its_own_server() -> None:
    people = [(f"{A}/Patient/1", who("Alpha", "41")), (f"{B}/Patient/1", who("Beta", "42"))]
    of_b = (f"{B}/AllergyIntolerance/9", allergy_of(reference="Patient/1"))
    assert owners(placed(*people, of_b)) == ["Al Beta"]
    of_nowhere = ("", allergy_of(reference="Patient/1"))
    assert owners(placed(*people, of_nowhere)) == []
    of_c = ("https://c.example/AllergyIntolerance/9", allergy_of(reference="Patient/1"))
    assert owners(placed(*people, of_c)) == []
    assert owners(placed(("", who("Gamma", "43")), of_c)) == ["Al Gamma"]


def test_a_relative_reference_never_names_a_resource_of_another_server() -> None:
    of_b = allergy_of(reference="Patient/1")
    _, tally = taken_in(placed((f"{A}/Patient/1", who("Alpha", "41")), (f"{B}/AllergyIntolerance/9", of_b)))
    assert tally.not_understood == {("AllergyIntolerance", "patient-unknown"): 1}


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": f"{A}/Patient/1"},
        {"reference": "Patient/1"},
        {"reference": "Patient/1/_history/3"},
        {"reference": f"{A}/Patient/1/_history/3"},
        {"identifier": {"system": "urn:mrn", "value": "41"}},
        {"reference": "Patient?identifier=urn:mrn|41"},
        {"reference": "Patient?identifier=urn%3Amrn%7C41"},
        {"reference": "Patient/elsewhere", "identifier": {"system": "urn:mrn", "value": "41"}},
    ],
)
def test_a_reference_may_be_absolute_versioned_or_logical(subject: Json) -> None:
    people = [(f"{A}/Patient/1", who("Alpha", "41")), (f"{B}/Patient/1", who("Beta", "42"))]
    assert owners(placed(*people, (f"{A}/AllergyIntolerance/9", allergy_of(**subject)))) == ["Al Alpha"]


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": f"{A}/Patient/2"},
        {"reference": f"{B}/Patient/1"},
        {"reference": "#p"},
        {"identifier": {"system": "urn:other", "value": "41"}},
        {"identifier": {"value": ""}},
        {"reference": "Patient?name=Alpha"},
        {"display": "Al Alpha"},
        {},
    ],
)
def test_a_reference_that_names_nobody_is_nobodys(subject: Json) -> None:
    _, tally = taken_in(placed((f"{A}/Patient/1", who("Alpha", "41")), (f"{A}/X/9", allergy_of(**subject))))
    assert tally.not_understood == {("AllergyIntolerance", "patient-unknown"): 1}


def test_a_full_url_may_be_all_that_names_a_resource() -> None:
    nameless = who("Alpha", "41") | {"id": ""}
    assert owners(placed(("urn:uuid:of-alpha", nameless), ("", allergy_of(reference="urn:uuid:of-alpha")))) == [
        "Al Alpha"
    ]


def test_a_full_url_may_name_a_version() -> None:
    assert owners(
        placed((f"{A}/Patient/1/_history/2", who("Alpha", "41")), ("", allergy_of(reference=f"{A}/Patient/1")))
    )
