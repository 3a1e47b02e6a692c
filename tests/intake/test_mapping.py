"""What a FHIR bundle becomes, and how everything else is accounted for."""

from datetime import UTC, datetime

import pytest
from care.assessment.v1 import assessment_pb2 as pb

from careloop.intake.charts import AssessmentRequest
from careloop.intake.files import NotReadable
from careloop.intake.mapping import map_resources
from careloop.intake.reading import FhirReader
from careloop.intake.tally import Tally
from tests.support.histories import fhir
from tests.support.histories.fhir import Json
from tests.support.histories.taken_in import NOW, mapped, reasons, requests, taken_in


def test_a_patient_is_enrolled_by_the_official_name_without_prefix_and_digits() -> None:
    enrolment = requests()["EnrollPatient"]
    assert (enrolment.name, enrolment.birth_date, enrolment.sex) == ("Alma Luz Reyes", "1990-04-12", "female")
    assert (enrolment.phone, enrolment.email) == ("555-0100", "alma@example.org")
    assert enrolment.location == pb.Location(address="12 Elm Street, Springfield, IL, 62701")
    assert enrolment.emergency_contact == pb.EmergencyContact(
        name="Rosa Reyes", relationship="mother", phone="555-0101"
    )
    assert enrolment.time_zone == "America/Chicago"


def test_the_day_of_joining_is_told_by_whoever_takes_the_patients_in() -> None:
    assert not requests()["EnrollPatient"].HasField("occurred_at")
    tally, joined = Tally(), datetime(2026, 9, 1, tzinfo=UTC)
    (resources,) = FhirReader(tally).read(fhir.bundle(fhir.patient()))
    (facts,) = map_resources(resources, tally, now=NOW, time_zone="UTC", enrolled_at=joined)
    assert facts.requests[0].occurred_at.ToDatetime(tzinfo=UTC) == joined


@pytest.mark.parametrize("died", [{"deceasedBoolean": True}, {"deceasedDateTime": "2020-01-01"}])
def test_who_died_is_not_enrolled_and_nothing_of_theirs_is_used(died: Json) -> None:
    facts, tally = mapped(fhir.patient(**died), fhir.condition(), fhir.total())
    assert (facts, tally.attention) == ([], [])
    assert mapped(fhir.patient(**died), fhir.total(value=7.5))[1].attention == []
    assert tally.not_used == {
        ("Patient", "deceased"): 1,
        ("Condition", "patient-not-taken-over"): 1,
        ("Observation", "patient-not-taken-over"): 1,
    }


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"birthDate": "1990-04"}, "birth-date-incomplete"),
        ({"birthDate": "1790-04-01"}, "birth-date-incomplete"),
        ({"birthDate": ""}, "birth-date-missing"),
        ({"name": []}, "name-missing"),
        ({"identifier": [], "id": ""}, "no-identifier"),
        ({"name": "Alma"}, "malformed"),
    ],
)
def test_who_cannot_be_enrolled_is_counted_and_all_that_is_theirs(changes: Json, why: str) -> None:
    facts, tally = mapped(fhir.patient(**changes), fhir.condition(), fhir.total())
    assert facts == []
    assert tally.not_understood["Patient", why] == 1
    assert tally.not_understood.total() == 3


def test_ids_derive_from_the_sources_identifier_and_the_content() -> None:
    ((first,), _) = mapped(fhir.patient(), fhir.total())
    ((renamed,), _) = mapped(fhir.patient(id="alma", telecom=[]), fhir.total())
    ((other,), _) = mapped(fhir.patient(identifier=[{"system": "urn:clinic", "value": "4712"}]), fhir.total())
    assert first.patient == renamed.patient != other.patient
    assert first.requests[0].request_id != renamed.requests[0].request_id
    assert first.requests[1].request_id == renamed.requests[1].request_id != other.requests[1].request_id


def test_the_ids_of_a_content_are_the_same_for_ever() -> None:
    """Those whom an earlier build took in are known by these."""
    ((facts,), _) = mapped(fhir.patient(), fhir.total())
    assert {request.patient_id for request in facts.requests} == {"9592656d-7ca8-5f13-83d0-47b715cdd3f8"}
    assert [request.request_id for request in facts.requests] == [
        "intake-EnrollPatient-e6afea91e245a39fc5ba18665734380c22320401809b3e20",
        "intake-RecordScaleTotal-ffccca83412915fe1c9bf98db546cc8cd3912429cf9e5702",
    ]


def test_the_same_content_is_the_same_requests_in_any_order() -> None:
    resources = [
        fhir.patient(),
        fhir.condition(),
        fhir.condition(fhir.concept(fhir.SNOMED, "21897009", "GAD")),
        fhir.allergy(),
        fhir.allergy(fhir.concept(fhir.RXNORM, "1191", "Aspirin")),
        fhir.medication(),
        fhir.medication("lithium 300 MG", "197889"),
        fhir.statement(),
        fhir.total(),
        fhir.phq_9(),
    ]
    ((one,), _), ((other,), _) = mapped(*resources), mapped(*reversed(resources))
    assert one.requests == other.requests


def test_a_changed_resource_is_a_new_fact() -> None:
    before, after = requests(fhir.condition()), requests(fhir.condition(clinicalStatus=fhir.status("resolved")))
    assert before["RecordHistory"].request_id != after["RecordHistory"].request_id
    assert before["EnrollPatient"].request_id == after["EnrollPatient"].request_id


def test_conditions_become_one_history_each_code_once() -> None:
    again = fhir.condition(clinicalStatus=fhir.status("resolved"), onsetDateTime="2019-01-05")
    history = requests(fhir.condition(), again)["RecordHistory"]
    ((recorded),) = history.conditions
    assert (recorded.coding.system, recorded.coding.code) == ("snomed", "370143000")
    assert (recorded.clinical_status, recorded.onset) == ("active", "2019-01-05")
    assert history.source == "ehr-import"


def test_a_condition_keeps_its_icd_10_cm_code_where_it_has_one() -> None:
    both = {
        "coding": [fhir.concept(fhir.SNOMED, "370143000")["coding"][0], {"system": fhir.ICD_10_CM, "code": "F33.1"}]
    }
    (recorded,) = requests(fhir.condition(both))["RecordHistory"].conditions
    assert (recorded.coding.system, recorded.coding.code) == ("icd-10-cm", "F33.1")


def test_offsets_are_kept_to_the_moment_and_days_as_they_were_written() -> None:
    history = requests(fhir.condition())["RecordHistory"]
    assert history.occurred_at.ToDatetime(tzinfo=UTC) == datetime(2026, 10, 1, 14, 0, tzinfo=UTC)
    assert history.conditions[0].onset == "2021-03-01"


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        (fhir.condition(verificationStatus=fhir.status("entered-in-error")), "status-entered-in-error"),
        (fhir.condition(verificationStatus=fhir.status("refuted")), "status-refuted"),
        (fhir.allergy(verificationStatus=fhir.status("entered-in-error")), "status-entered-in-error"),
        (fhir.allergy(clinicalStatus=fhir.status("resolved")), "status-resolved"),
        (fhir.medication(status="entered-in-error"), "status-entered-in-error"),
        (fhir.medication(status="draft"), "status-draft"),
        (fhir.medication(intent="proposal"), "not-an-order"),
        (fhir.medication(doNotPerform=True), "not-to-be-taken"),
        (fhir.statement(status="not-taken"), "status-not-taken"),
        (fhir.total(status="entered-in-error"), "status-entered-in-error"),
        (fhir.total(status="preliminary"), "status-not-final"),
        (fhir.total("76504-0"), "scale-not-supported"),
        (fhir.total("2093-3", 180), "not-a-scale"),
        ({"resourceType": "Encounter"}, "resource-type-not-used"),
        ({"resourceType": "Medication", "code": {"text": "lithium"}}, "not-referenced"),
    ],
)
def test_what_has_no_use_here_is_counted_with_its_reason(resource: Json, why: str) -> None:
    assert reasons(resource) == ([why], [])


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        (fhir.condition({"coding": []}), "code-missing"),
        (fhir.condition(subject={"reference": "Patient/other"}), "patient-unknown"),
        (fhir.condition(subject={}), "patient-unknown"),
        (fhir.condition(recordedDate="2026-12-24"), "in-the-future"),
        (fhir.condition() | {"code": [1]}, "malformed"),
        (fhir.allergy({"coding": []}), "substance-missing"),
        (fhir.medication(status=""), "status-missing-or-unknown"),
        (fhir.medication(medicationCodeableConcept={}), "medicine-missing"),
        (fhir.total(value=7.5), "non-integer-score"),
        (fhir.total(value=22), "score-out-of-range"),
        (fhir.total(value=None), "score-missing"),
        (fhir.total(effectiveDateTime="2026"), "time-missing"),
        (fhir.total(effectiveDateTime="2026-10-01T10:00:00"), "time-missing"),
        (fhir.total("44250-9", 2), "item-without-panel"),
        ({"no": "type"}, "resource-type-unknown"),
        (fhir.medication(intent="wish"), "not-an-order"),
        (fhir.total(status="unknown"), "status-not-final"),
    ],
)
def test_what_is_not_understood_is_counted_with_its_reason(resource: Json, why: str) -> None:
    assert reasons(resource) == ([], [why])


def test_the_report_shows_no_text_of_a_resource() -> None:
    _, tally = mapped(fhir.patient(), {"resourceType": "Alma Reyes 555"})
    assert list(tally.not_understood) == [("unknown", "resource-type-unknown")]


def test_allergies_become_one_list() -> None:
    recorded = requests(fhir.allergy())["RecordAllergies"]
    (listed,) = recorded.allergies
    assert (listed.substance.name, listed.substance.rxcui) == ("Penicillin V", "7984")
    assert (listed.type, listed.criticality, listed.reaction) == ("intolerance", "high", "hives")
    assert not recorded.no_known_allergies


def test_what_is_not_known_of_an_allergy_is_not_made_less_of() -> None:
    (listed,) = requests(fhir.allergy(type="", criticality=""))["RecordAllergies"].allergies
    assert (listed.type, listed.criticality) == ("allergy", "unable-to-assess")


def test_none_is_said_only_where_the_source_says_it() -> None:
    said = fhir.allergy(fhir.concept(fhir.SNOMED, "716186003", "No known allergy"))
    assert requests(said)["RecordAllergies"].no_known_allergies
    assert "RecordAllergies" not in requests()
    assert "ReconcileMedications" not in requests()
    listed = requests(said, fhir.allergy())["RecordAllergies"]
    assert (len(listed.allergies), listed.no_known_allergies) == (1, False)


def medications(*resources: Json) -> dict[str, tuple[str, str, str]]:
    listed = requests(*resources)["ReconcileMedications"].medications
    return {one.medicine.name: (one.daily_dose_mg, one.started_on, one.stopped_on) for one in listed}


def test_what_is_active_is_taken_and_an_unknown_dose_stays_unknown() -> None:
    assert medications(fhir.medication(), fhir.statement()) == {
        "sertraline 50 MG Oral Tablet": ("", "2026-09-01", ""),
        "St John's wort": ("", "2026-08-01", ""),
    }


@pytest.mark.parametrize(
    ("instruction", "dose"),
    [
        (fhir.dosage(50, "mg"), "50"),
        (fhir.dosage(0.5, "g", 2), "1000"),
        (fhir.dosage(37.5, "mg", 1, 2), "18.75"),
        (fhir.dosage(25, "mg", 1, 8, "h"), "75"),
        (fhir.dosage(1, ""), ""),
        (fhir.dosage(1, "{tbl}"), "50"),
        (fhir.dosage(50, "mg", 1, 0), ""),
        (fhir.dosage(50, "mg", 1, 1, "mo"), ""),
        (fhir.dosage(50, "mg") * 2, ""),
        ([fhir.dosage(50, "mg")[0] | {"asNeededBoolean": True}], ""),
        ([{"text": "one daily"}], ""),
    ],
)
def test_a_daily_dose_is_a_mass_and_how_often(instruction: list[Json], dose: str) -> None:
    assert medications(fhir.medication(dosageInstruction=instruction))["sertraline 50 MG Oral Tablet"][0] == dose


def test_a_stopped_medication_keeps_the_last_day_it_can_have_been_taken() -> None:
    supply = {"expectedSupplyDuration": {"value": 2, "code": "wk"}, "numberOfRepeatsAllowed": 1}
    ended = fhir.statement(status="stopped", effectivePeriod={"start": "2026-08-01", "end": "2026-09-20"})
    assert medications(fhir.medication(status="completed", dispenseRequest=supply), ended) == {
        "sertraline 50 MG Oral Tablet": ("", "2026-09-01", "2026-09-29"),
        "St John's wort": ("", "2026-08-01", "2026-09-20"),
    }


def test_what_ended_long_ago_or_nobody_knows_when_is_an_earlier_treatment() -> None:
    old = fhir.statement(status="completed", effectivePeriod={"start": "2019-01-01", "end": "2019-06-30"})
    found = requests(fhir.medication("fluoxetine 20 MG", "310384", status="stopped"), old, fhir.medication())
    treatments = found["RecordHistory"].earlier_treatments
    assert sorted(one.medicine.name for one in treatments) == ["St John's wort", "fluoxetine 20 MG"]
    assert {(one.response, one.stopped_for) for one in treatments} == {("unknown", "unknown")}
    assert len(found["ReconcileMedications"].medications) == 1


def test_only_ended_medications_do_not_say_that_none_is_taken() -> None:
    assert "ReconcileMedications" not in requests(fhir.medication(status="stopped"))


def test_renewals_of_one_medication_are_one_since_the_first() -> None:
    renewals = [fhir.medication(authoredOn=f"{year}-01-05T00:00:00Z") for year in (2024, 2025, 2026)]
    assert medications(*renewals) == {"sertraline 50 MG Oral Tablet": ("", "2024-01-05", "")}


@pytest.mark.parametrize(
    ("order", "others"),
    [
        (
            {
                "medicationReference": {"reference": "#m"},
                "contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "lithium"}}],
            },
            [],
        ),
        (
            {"medicationReference": {"reference": "Medication/m"}},
            [{"resourceType": "Medication", "id": "m", "code": {"text": "lithium"}}],
        ),
    ],
)
def test_a_medication_may_be_referred_to(order: Json, others: list[Json]) -> None:
    request = fhir.medication(**order)
    request.pop("medicationCodeableConcept")
    assert list(medications(request, *others)) == ["lithium"]


def test_a_medication_counts_by_whatever_names_it() -> None:
    medicine = {"resourceType": "Medication", "id": "m", "code": {"text": "lithium"}}
    named: Json = {"medicationReference": {"reference": "Medication/m"}, "medicationCodeableConcept": None}
    for order in (fhir.medication(**named), fhir.statement(**named), fhir.handed_over(**named)):
        _, tally = mapped(fhir.patient(), medicine, order)
        assert (tally.mapped["Medication"], tally.not_used.total()) == (1, 0)


def test_a_reference_to_nowhere_is_counted() -> None:
    request = fhir.medication(medicationReference={"reference": "Medication/gone"})
    request.pop("medicationCodeableConcept")
    assert reasons(request) == ([], ["medicine-reference-unknown"])


def test_a_total_has_no_items() -> None:
    total = requests(fhir.total())["RecordScaleTotal"]
    assert (total.instrument, total.total, total.source) == ("gad-7", 12, "ehr-import")
    assert total.occurred_at.ToDatetime(tzinfo=UTC) == datetime(2026, 10, 2, 3, 30, tzinfo=UTC)


def test_a_panel_with_its_items_is_an_answered_scale() -> None:
    answered = requests(fhir.phq_9())["AnswerScale"]
    assert (answered.instrument, list(answered.items)) == ("phq-9", [2, 1, 3, 0, 1, 2, 1, 0, 1])


def test_items_may_be_observations_that_the_panel_names() -> None:
    panel, members = fhir.phq_9(), []
    for index, component in enumerate(panel.pop("component")[:8]):
        members.append(fhir.total(component["code"]["coding"][0]["code"], id=f"i{index}", **component))
        members[-1].pop("valueQuantity")
    panel["hasMember"] = [{"reference": f"urn:uuid:i{index}"} for index in range(8)]
    answered = requests(panel, *members)["AnswerScale"]
    assert list(answered.items) == [2, 1, 3, 0, 1, 2, 1, 0, -1]


def test_the_total_of_an_answered_scale_is_no_second_fact() -> None:
    found, tally = mapped(fhir.patient(), fhir.phq_9(), fhir.total("44261-6", 11))
    assert [type(request).__name__ for request in found[0].requests] == ["EnrollPatientRequest", "AnswerScaleRequest"]
    assert tally.mapped["Observation"] == 2


def test_a_total_that_contradicts_the_items_is_counted() -> None:
    assert reasons(fhir.total("44261-6", 12), fhir.phq_9()) == ([], ["total-contradicts-items"])


def test_a_c_ssrs_screener_is_answered_with_yes_and_no() -> None:
    codes = ("93246-7", "93247-5", "93267-3", "93269-9")
    panel = fhir.total("93373-9")
    panel.pop("valueQuantity")
    panel["component"] = [
        {"code": fhir.concept(fhir.LOINC, code), "valueCodeableConcept": fhir.concept(fhir.LOINC, answer)}
        for code, answer in zip(codes, ("LA33-6", "LA32-8", "LA32-8", "LA32-8"), strict=True)
    ]
    answered = requests(panel)["AnswerScale"]
    assert (answered.instrument, list(answered.items)) == ("c-ssrs", [1, 0, -1, -1, -1, 0, 0])


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"valueInteger": 4}, "answer-out-of-range"),
        ({"valueQuantity": {"value": 1.5}}, "non-integer-score"),
        ({"valueCodeableConcept": {"text": "often"}}, "answer-code-unknown"),
    ],
)
def test_a_panel_with_an_answer_that_cannot_be_is_counted(value: Json, why: str) -> None:
    panel = fhir.phq_9((2, 1, 3, 0, 1, 2, 1, 0, 0))
    panel["component"][2] = {"code": panel["component"][2]["code"]} | value
    assert reasons(panel) == ([], [why])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"resource": "Patient"}', b"[" * 100_000])
def test_what_is_no_resource_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(NotReadable):
        taken_in(content)


def every_request(*resources: Json) -> list[AssessmentRequest]:
    facts, _ = mapped(*resources)
    return [request for one in facts for request in one.requests]


def test_each_patient_of_a_bundle_keeps_their_own() -> None:
    other = fhir.patient(id="bo", identifier=[{"system": "urn:clinic", "value": "9"}])
    of_bo = fhir.total(subject={"reference": "Patient/bo"})
    found = every_request(fhir.patient(), other, fhir.total(), of_bo)
    assert len({request.patient_id for request in found}) == 2
    assert len({request.request_id for request in found}) == 4


def test_medicines_that_the_pack_does_not_know_are_counted_by_their_code() -> None:
    _, tally = mapped(
        fhir.patient(),
        fhir.medication(),
        fhir.medication(medicationCodeableConcept=fhir.concept(fhir.RXNORM, "999999999", "zelvoritine 20 MG")),
        fhir.medication(medicationCodeableConcept={"text": "zelvoritine"}),
        fhir.medication(medicationCodeableConcept={"text": "sertraline / zelvoritine"}),
    )
    assert tally.medicines == {"resolved": 1, "unknown-drug": 2, "in-part": 1}
    assert tally.unresolved == {"999999999": 1, "": 1}
