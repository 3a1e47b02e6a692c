"""Never the wrong person: whose chart it is, and whose it is not."""

from typing import Any

import pytest

from careloop.intake.facts import PatientFacts
from careloop.intake.identity import earlier_ids
from careloop.intake.shapes.elements import Identifier
from careloop.intake.shapes.patients import Patient
from careloop.kernel.ids import derived_id
from tests.support.histories import fhir
from tests.support.histories.fhir import Json
from tests.support.histories.taken_in import lines, mapped, sent, taken_in, to_look_at

SSN = "http://hl7.org/fhir/sid/us-ssn"


def numbered(value: str, system: str = "urn:clinic", **more: Any) -> Json:
    return {"system": system, "value": value, **more}


def typed(code: str, value: str, **more: Any) -> Json:
    return numbered(value, f"urn:{code.lower()}", type={"coding": [{"code": code}]}, **more)


def one(*identifiers: Json, **changes: Any) -> PatientFacts:
    ((facts,), _) = mapped(fhir.patient(identifier=list(identifiers), **changes))
    return facts


def bo(*identifiers: Json, **changes: Any) -> Json:
    """Another person: another name, another day of birth."""
    named = {"name": [{"family": "Lund", "given": ["Bo"]}], "birthDate": "1971-02-03", "telecom": []}
    return fhir.patient(id="bo", identifier=list(identifiers), **named | changes)


MR, PLAIN, SOCIAL, PASSPORT = typed("MR", "1"), numbered("2"), numbered("219-09-9991", SSN), typed("PPN", "4")
RANKED = (MR, typed("PI", "5"), PLAIN, SOCIAL, PASSPORT, typed("DL", "6"))


def test_identifiers_count_in_one_order_whatever_that_of_the_record() -> None:
    ids = one(*RANKED).chart.own_ids
    assert one(*reversed(RANKED)).chart.own_ids == ids
    assert ids == tuple(derived_id("intake", "patient", each["system"], each["value"]) for each in RANKED)


@pytest.mark.parametrize(
    "shared",
    [
        *(typed(code, "77") for code in ("SN", "MB", "NIIP", "MC", "MA", "AN", "VN", "GI", "XX")),
        numbered("77", "urn:payer:subscriber"),
        numbered("77", "http://hl7.org/fhir/sid/us-mbi"),
        numbered("77", "urn:x", type={"text": "Insurance policy number"}),
        typed("MR", "77", use="old"),
        typed("MR", "77", use="temp"),
        typed("MR", "77", period={"end": "2020-01-01"}),
        numbered("77", ""),
        *(typed("MR", value) for value in ("", "unknown", "N/A", "0", "0000", "none", "XXX-XX-1234", "***")),
        *(
            numbered(value, SSN)
            for value in ("000-00-0000", "999-99-9999", "123-45-6789", "666-12-3456", "900-00-0001")
        ),
        *(numbered(value, "urn:oid:2.16.840.1.113883.4.1") for value in ("111111111", "219-00-9991")),
    ],
)
def test_what_a_family_shares_or_nobody_has_any_more_is_no_identity(shared: Json) -> None:
    assert one(shared, MR).chart.own_ids == one(MR).chart.own_ids
    assert one(shared).chart.own_ids == one().chart.own_ids == (derived_id("intake", "patient", "", "alma"),)


def test_an_identifier_that_ends_or_begins_today_is_in_use() -> None:
    for period in ({"end": "2026-11-23"}, {"start": "2026-11-23"}, {}):
        assert one(typed("MR", "1", period=period)).chart.own_ids == one(MR).chart.own_ids
    for period in ({"end": "2026-11-22"}, {"start": "2026-11-24"}):
        assert one(typed("MR", "1", period=period), PLAIN).chart.own_ids == one(PLAIN).chart.own_ids


def test_without_an_identifier_the_server_and_its_id_are_the_identity() -> None:
    bare = fhir.patient(identifier=[])

    def on(server: str) -> PatientFacts:
        content = fhir.bundle(bare).replace(b"urn:uuid:alma", f"{server}/Patient/alma".encode())
        ((facts,), _) = taken_in(content)
        return facts

    assert on("https://a.example/fhir").patient != on("https://b.example/fhir").patient


def test_two_people_of_one_subscriber_number_have_a_chart_each() -> None:
    shared = typed("SN", "77")
    of_bo = fhir.allergy(patient={"reference": "Patient/bo"})
    (alma, other), _ = mapped(fhir.patient(identifier=[shared, MR]), bo(shared, typed("MR", "9")), of_bo)
    assert alma.patient != other.patient
    assert (set(sent(alma)), set(sent(other))) == ({"EnrollPatient"}, {"EnrollPatient", "RecordAllergies"})


def test_two_people_of_one_identity_are_nobody_and_a_person_must_look() -> None:
    of_both = [fhir.condition(), fhir.condition(subject={"reference": "Patient/bo"})]
    found, tally = mapped(fhir.patient(identifier=[MR]), bo(MR), *of_both)
    assert found == []
    assert tally.not_understood == {
        ("Patient", "identity-of-two-people"): 2,
        ("Condition", "patient-not-taken-over"): 2,
    }
    assert ("1.json:1", "Patient", "identity-of-two-people") in to_look_at(tally)


@pytest.mark.parametrize(
    ("changes", "people"),
    [
        ({}, 1),
        ({"name": [{"family": "Reyes", "given": ["Alma"]}]}, 1),
        ({"name": [{"family": "ORTIZ", "given": ["ALMA"]}]}, 1),
        ({"name": [{"text": "Reyes, Alma Luz"}]}, 1),
        ({"name": [{"family": "Reyes", "given": ["Ana"]}]}, 0),
        ({"name": [{"family": "Reyes"}]}, 0),
        ({"birthDate": "1990-04-13"}, 0),
    ],
)
def test_records_of_one_identity_are_one_person_where_name_and_birth_date_agree(changes: Json, people: int) -> None:
    again = fhir.patient(id="again", identifier=[MR]) | changes
    of_again = fhir.condition(subject={"reference": "Patient/again"})
    found, _ = mapped(fhir.patient(identifier=[MR]), again, of_again)
    assert len(found) == people
    assert all(set(sent(facts)) == {"EnrollPatient", "RecordHistory"} for facts in found)


def test_records_that_share_a_further_identifier_are_one_person_too() -> None:
    (found,), _ = mapped(
        fhir.patient(identifier=[typed("MR", "1"), SOCIAL]),
        fhir.patient(id="there", identifier=[typed("MR", "2"), PASSPORT]),
        fhir.patient(id="link", identifier=[SOCIAL, PASSPORT]),
    )
    assert len(found.chart.own_ids) == 4


@pytest.mark.parametrize("inactive", [True, False])
def test_what_a_merged_record_holds_belongs_to_the_one_that_stands(inactive: bool) -> None:
    old = fhir.patient(id="old", identifier=[typed("MR", "2")], active=not inactive)
    links = [{"other": {"reference": "Patient/alma"}, "type": "replaced-by"}]
    replaces = [{"other": {"reference": "Patient/old"}, "type": "replaces"}]
    of_old = fhir.allergy(patient={"reference": "Patient/old"})
    for records in ((old | {"link": links}, fhir.patient()), (old, fhir.patient(link=replaces))):
        ((facts,), tally) = mapped(*records, of_old)
        assert set(sent(facts)) == {"EnrollPatient", "RecordAllergies"}
        assert tally.not_used == {("Patient", "replaced"): 1}


def test_a_record_that_was_merged_twice_belongs_to_the_last() -> None:
    def replaced_by(other: str, **record: Any) -> Json:
        return fhir.patient(link=[{"other": {"reference": other}, "type": "replaced-by"}], **record)

    first = replaced_by("Patient/second", id="first", identifier=[typed("MR", "2")])
    second = replaced_by("Patient/alma", id="second", identifier=[typed("MR", "3")])
    of_first = fhir.allergy(patient={"reference": "Patient/first"})
    ((facts,), tally) = mapped(first, second, fhir.patient(), of_first)
    assert set(sent(facts)) == {"EnrollPatient", "RecordAllergies"}
    assert tally.not_used == {("Patient", "replaced"): 2}


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"reference": "Patient/elsewhere"}, "replaced-by-a-record-that-is-not-here"),
        ({"reference": "Patient/bo"}, "replaced-by-a-record-of-another-person"),
        ({"reference": "Patient/alma"}, "replaced-by-a-record-that-is-not-here"),
    ],
)
def test_a_merged_record_whose_other_is_not_to_be_had_needs_a_person(other: Json, why: str) -> None:
    merged = fhir.patient(link=[{"other": other, "type": "replaced-by"}])
    found, tally = mapped(merged, bo(typed("MR", "9")), fhir.allergy())
    assert [set(sent(facts)) for facts in found] == [{"EnrollPatient"}]
    assert tally.not_understood == {("Patient", why): 1, ("AllergyIntolerance", "patient-not-taken-over"): 1}


def test_an_inactive_record_is_nobody_and_a_person_must_look() -> None:
    found, tally = mapped(fhir.patient(active=False), fhir.allergy())
    assert found == []
    assert to_look_at(tally) == [("1.json:1", "Patient", "inactive")]


def test_see_also_is_no_merger() -> None:
    links = [{"other": {"reference": "Patient/bo"}, "type": "seealso"}]
    found, _ = mapped(fhir.patient(link=links), bo(typed("MR", "9")))
    assert len(found) == 2


@pytest.mark.parametrize(
    ("identifiers", "parts"),
    [
        (((SSN, "1"), ("urn:clinic", "2")), (SSN, "1")),
        ((("", "1"), ("urn:clinic", ""), ("urn:payer", "3")), ("urn:payer", "3")),
        ((), ("", "alma")),
    ],
)
def test_earlier_builds_took_the_first_identifier_with_a_system(
    identifiers: tuple[tuple[str, str], ...], parts: tuple[str, str]
) -> None:
    listed = tuple(Identifier(system=system, value=value) for system, value in identifiers)
    assert earlier_ids(Patient(id="alma", identifier=listed)) == (derived_id("intake", "patient", *parts),)
    assert earlier_ids(Patient()) == ()


def test_people_of_a_bulk_export_are_told_apart_as_those_of_a_bundle() -> None:
    found, _ = taken_in(lines(fhir.patient(identifier=[MR]), bo(PLAIN)), lines(fhir.patient(identifier=[MR])))
    assert len(found) == 2
