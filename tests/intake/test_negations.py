"""That there is none, or that nobody knows, is no entry of a list."""

import pytest

from tests.support.histories import fhir
from tests.support.histories.fhir import Json
from tests.support.histories.taken_in import gaps, reasons, requests

IPS = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
NONE = [
    fhir.concept(fhir.SNOMED, "716186003"),
    fhir.concept(fhir.SNOMED, "160244002", "No Known Allergies"),
    fhir.concept("http://snomed.info/sct/731000124108", "716186003"),
    fhir.concept(IPS, "no-known-allergies"),
    fhir.concept("https://fhir.example.com/nomenclature", "3134001", "No Known Allergies"),
    *({"text": text} for text in ("NKA", "No known allergies", "no active allergies", "None", "Denies any allergies.")),
]
OF_ONE_KIND = [
    *(fhir.concept(fhir.SNOMED, code) for code in ("409137002", "428607008", "429625007", "716184000")),
    fhir.concept(IPS, "no-known-medication-allergies"),
    *({"text": text} for text in ("NKDA", "NKMA", "No known drug allergies", "no known food allergy")),
]
NOBODY_KNOWS = [
    fhir.concept(IPS, "no-allergy-info"),
    fhir.concept(fhir.SNOMED, "1631000175102", "Patient not asked"),
    *({"text": text} for text in ("Unknown", "Not on file", "No information available", "patient not asked")),
]
IN_OTHER_WORDS = [{"text": text} for text in ("No allergy to penicillin", "Not allergic to latex", "denies hives")]


@pytest.mark.parametrize("code", NONE)
def test_that_no_allergy_is_known_is_said_as_such(code: Json) -> None:
    recorded = requests(fhir.allergy(code))["RecordAllergies"]
    assert (list(recorded.allergies), recorded.no_known_allergies) == ([], True)
    listed = requests(fhir.allergy(code), fhir.allergy())["RecordAllergies"]
    assert (len(listed.allergies), listed.no_known_allergies) == (1, False)


@pytest.mark.parametrize("code", OF_ONE_KIND)
def test_that_none_of_one_kind_is_known_does_not_say_that_none_is(code: Json) -> None:
    assert "RecordAllergies" not in requests(fhir.allergy(code))
    assert reasons(fhir.allergy(code)) == ([], ["none-known-of-one-kind-only"])
    assert gaps(fhir.allergy(code), fhir.allergy()) == {}


@pytest.mark.parametrize("code", NOBODY_KNOWS)
def test_that_nobody_knows_is_not_none(code: Json) -> None:
    assert "RecordAllergies" not in requests(fhir.allergy(code))
    assert reasons(fhir.allergy(code)) == (["no-information"], [])


@pytest.mark.parametrize("code", IN_OTHER_WORDS)
def test_a_denial_in_other_words_is_no_allergy_and_leaves_the_list_incomplete(code: Json) -> None:
    assert "RecordAllergies" not in requests(fhir.allergy(code))
    assert gaps(fhir.allergy(code)) == {"allergies": 1}


@pytest.mark.parametrize("text", ["Penicillin", "Nuts", "nickel", "Noroxin", "Notriptyline"])
def test_a_thing_is_a_thing_whatever_it_begins_with(text: str) -> None:
    (listed,) = requests(fhir.allergy({"text": text}))["RecordAllergies"].allergies
    assert listed.substance.name == text


def test_a_remark_beside_a_code_denies_nothing_of_the_code() -> None:
    code = fhir.concept(fhir.RXNORM, "7984", "Penicillin V") | {"text": "No reaction seen by us"}
    (listed,) = requests(fhir.allergy(code))["RecordAllergies"].allergies
    assert (listed.substance.name, listed.reaction) == ("Penicillin V", "hives, No reaction seen by us")


def test_none_is_not_said_of_a_list_of_which_entries_are_missing() -> None:
    found = requests(fhir.allergy(NONE[0]), fhir.allergy({"coding": []}))
    assert "RecordAllergies" not in found
    assert found["RecordListGaps"].list == "allergies"


@pytest.mark.parametrize("code", [fhir.concept(fhir.SNOMED, "787481004"), {"text": "No known medications"}])
def test_that_nothing_is_taken_is_said_as_such(code: Json) -> None:
    nothing = fhir.statement(medicationCodeableConcept=code)
    listed = requests(nothing)["ReconcileMedications"]
    assert (list(listed.medications), listed.none_taken) == ([], True)
    listed = requests(nothing, fhir.medication())["ReconcileMedications"]
    assert (len(listed.medications), listed.none_taken) == (1, False)
    broken = fhir.medication(medicationCodeableConcept={})
    assert "ReconcileMedications" not in requests(nothing, broken)


@pytest.mark.parametrize("code", [fhir.concept(fhir.SNOMED, "160245001"), fhir.concept(IPS, "no-known-problems")])
def test_that_there_is_no_history_is_said_as_such(code: Json) -> None:
    assert requests(fhir.condition(code))["RecordHistory"].nothing_known
    assert not requests(fhir.condition(code), fhir.condition())["RecordHistory"].nothing_known
    assert "RecordHistory" not in requests(fhir.condition(code), fhir.condition({"coding": []}))


def test_a_coded_finding_may_begin_with_a_negation() -> None:
    finding = fhir.concept(fhir.SNOMED, "741062008", "Not in labor force (finding)")
    assert len(requests(fhir.condition(finding))["RecordHistory"].conditions) == 1
    assert reasons(fhir.condition({"text": "No history of seizures"})) == ([], ["negation-not-understood"])
