"""A list that is not the whole does not look whole."""

from typing import Any

import pytest
from care.assessment.v1 import assessment_pb2 as pb

from tests.support.histories import fhir
from tests.support.histories.fhir import Json
from tests.support.histories.taken_in import gaps, mapped, reasons, requests, sent, to_look_at

NDC = "http://hl7.org/fhir/sid/ndc"
RXNORM_OID, ICD_OID, SNOMED_OID = (f"urn:oid:2.16.840.1.113883.6.{number}" for number in (88, 90, 96))


def listed(*resources: Json) -> list[str]:
    return sorted(one.medicine.name for one in requests(*resources)["ReconcileMedications"].medications)


def ordered(**changes: Any) -> Json:
    """An order whose medicine only the changes name."""
    order = fhir.medication(**changes)
    if "medicationCodeableConcept" not in changes:
        order.pop("medicationCodeableConcept")
    return order


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        (fhir.medication(medicationCodeableConcept={}), "medications"),
        (fhir.statement(status=""), "medications"),
        (fhir.statement() | {"status": 5}, "medications"),
        (fhir.medication(authoredOn="2026-12-24"), "medications"),
        (fhir.medication(modifierExtension=[{"url": "urn:x"}]), "medications"),
        (fhir.allergy({"coding": []}), "allergies"),
        (fhir.allergy(implicitRules="urn:x"), "allergies"),
        (fhir.condition({"coding": []}), "history"),
    ],
)
def test_an_entry_that_is_not_understood_is_missing_from_its_list_and_a_person_must_look(
    resource: Json, name: str
) -> None:
    assert gaps(resource, resource) == {name: 2}
    ((facts,), tally) = mapped(fhir.patient(), resource)
    assert [(one.patient, one.origin.number) for one in tally.attention] == [(facts.patient, 2)]
    kinds = [type(request).__name__ for request in facts.requests]
    assert kinds == ["EnrollPatientRequest", "RecordListGapsRequest"]


@pytest.mark.parametrize(
    "resource",
    [
        fhir.medication(status="entered-in-error"),
        fhir.allergy(verificationStatus=fhir.status("refuted")),
        fhir.condition(verificationStatus=fhir.status("entered-in-error")),
        fhir.total(value=7.5),
        fhir.handed_over(daysSupply=None),
    ],
)
def test_what_is_clear_or_belongs_to_no_list_leaves_no_gap(resource: Json) -> None:
    assert gaps(resource) == {}


def test_each_person_has_their_own_gaps_and_what_is_of_nobody_has_none_of_two() -> None:
    bo = fhir.patient(id="bo", identifier=[{"system": "urn:clinic", "value": "9"}])
    of_bo = fhir.allergy({"coding": []}, patient={"reference": "Patient/bo"})
    of_nobody = fhir.allergy({"coding": []}, patient={"reference": "Patient/gone"})
    (alma, other), tally = mapped(fhir.patient(), bo, of_bo, of_nobody)
    assert ("RecordListGaps" in sent(alma), "RecordListGaps" in sent(other)) == (False, True)
    assert ("1.json:4", "AllergyIntolerance", "patient-unknown") in to_look_at(tally)


def test_what_names_nobody_who_is_here_may_be_of_the_only_person() -> None:
    assert gaps(fhir.allergy(patient={"reference": "Patient/gone"})) == {"allergies": 1}


def test_known_gaps_are_not_said_again_and_closed_ones_are() -> None:
    ((facts,), _) = mapped(fhir.patient(), fhir.allergy({"coding": []}))

    def said(**known: int) -> dict[str, int]:
        found = facts.chart.requests(facts.patient, facts.now, known)
        return {one.list: one.left_out for one in found if isinstance(one, pb.RecordListGapsRequest)}

    assert said() == said(allergies=2) == {"allergies": 1}
    assert said(allergies=1) == {}
    assert said(allergies=1, history=3) == {"history": 0}


def test_gaps_of_two_runs_are_two_facts_and_of_one_run_one() -> None:
    ((facts,), _) = mapped(fhir.patient(), fhir.allergy({"coding": []}))
    first, again = facts.requests[1], facts.requests[1]
    later = facts.chart.requests(facts.patient, facts.now.replace(hour=1))[1]
    assert first.request_id == again.request_id != later.request_id


def test_a_self_reported_medicine_is_taken_though_it_is_only_planned() -> None:
    for reported in ({"reportedBoolean": True}, {"reportedReference": {"reference": "Patient/alma"}}):
        assert listed(fhir.medication(intent="plan", **reported)) == ["sertraline 50 MG Oral Tablet"]
    assert reasons(fhir.medication(intent="plan", reportedBoolean=False)) == (["not-an-order"], [])
    assert reasons(fhir.medication(intent="proposal", reportedBoolean=True)) == (["not-an-order"], [])


@pytest.mark.parametrize(
    ("order", "name"),
    [
        (ordered(medicationReference={"reference": "Medication/gone", "display": "lithium 300 MG"}), "lithium 300 MG"),
        (ordered(medicationReference={"display": "lithium 300 MG"}), "lithium 300 MG"),
        (fhir.medication(medicationCodeableConcept=fhir.concept(NDC, "49-4900")), "NDC 49-4900"),
        (fhir.medication(medicationCodeableConcept=fhir.concept(fhir.RXNORM, "312941")), "RxNorm 312941"),
        (fhir.medication(medicationCodeableConcept=fhir.concept("urn:local", "X1")), "code X1"),
    ],
)  # fmt: skip
def test_a_medicine_is_listed_by_whatever_names_it(order: Json, name: str) -> None:
    assert listed(order) == [name]
    assert gaps(order) == {}


def test_a_medication_may_be_known_by_its_ingredients() -> None:
    def of(*ingredients: Json) -> Json:
        contained = [{"resourceType": "Medication", "id": "m", "ingredient": list(ingredients)}]
        return ordered(medicationReference={"reference": "#m"}, contained=contained)

    bupropion = {"itemCodeableConcept": fhir.concept(fhir.RXNORM, "42347", "bupropion")}
    naltrexone = {"itemReference": {"display": "naltrexone"}}
    (alone,) = requests(of(bupropion))["ReconcileMedications"].medications
    assert (alone.medicine.name, alone.medicine.rxcui) == ("bupropion", "42347")
    assert listed(of(bupropion, naltrexone)) == ["bupropion / naltrexone"]
    assert reasons(of(bupropion, {"itemReference": {"reference": "Medication/gone"}})) == ([], ["ingredient-unknown"])


def test_codes_are_known_by_their_oids() -> None:
    order = fhir.medication(medicationCodeableConcept=fhir.concept(RXNORM_OID, "36437", "sertraline"))
    assert requests(order)["ReconcileMedications"].medications[0].medicine.rxcui == "36437"
    for url, system in (
        (ICD_OID, "icd-10-cm"),
        (SNOMED_OID, "snomed"),
        (f"{fhir.ICD_10_CM}/", "icd-10-cm"),
    ):
        (recorded,) = requests(fhir.condition(fhir.concept(url, "F31.9")))["RecordHistory"].conditions
        assert (recorded.coding.system, recorded.coding.code) == (system, "F31.9")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (fhir.concept(fhir.ICD_10_CM, "F319", "Bipolar"), ("icd-10-cm", "F31.9", "Bipolar")),
        (fhir.concept(fhir.ICD_10_CM, "F31", "Bipolar"), ("icd-10-cm", "F31", "Bipolar")),
        (fhir.concept("http://hl7.org/fhir/sid/icd-10", "F31.9", "Bipolar"), ("icd-10", "F31.9", "Bipolar")),
        (fhir.concept("http://hl7.org/fhir/sid/icd-9-cm", "296.80"), ("icd-9-cm", "296.80", "ICD-9-CM 296.80")),
        ({"text": "Bipolar disorder"}, ("text", "Bipolar disorder", "Bipolar disorder")),
        ({"text": "x" * 70}, ("text", "x" * 60, "x" * 70)),
    ],
)
def test_a_condition_keeps_its_words_where_its_code_says_nothing_to_the_check(
    code: Json, expected: tuple[str, str, str]
) -> None:
    (recorded,) = requests(fhir.condition(code))["RecordHistory"].conditions
    assert (recorded.coding.system, recorded.coding.code, recorded.coding.display) == expected


def test_an_allergy_may_name_its_substance_in_a_reaction() -> None:
    substance = fhir.concept(fhir.RXNORM, "28439", "lamotrigine")
    reaction = [{"substance": substance, "manifestation": [{"text": "rash"}]}]
    (alone,) = requests(fhir.allergy({"coding": []}, reaction=reaction))["RecordAllergies"].allergies
    assert (alone.substance.name, alone.substance.rxcui, alone.reaction) == ("lamotrigine", "28439", "rash")
    both = requests(fhir.allergy({"text": "anticonvulsants"}, reaction=reaction * 2))["RecordAllergies"].allergies
    assert sorted(one.substance.name for one in both) == ["anticonvulsants", "lamotrigine"]
    (same,) = requests(fhir.allergy(substance, reaction=reaction))["RecordAllergies"].allergies
    assert same.substance.name == "lamotrigine"


def test_the_words_of_a_code_name_the_substance_and_the_text_is_kept_beside_them() -> None:
    code = fhir.concept(fhir.SNOMED, "372687004", "Amoxicillin")
    (listed,) = requests(fhir.allergy(code | {"text": "pink syrup as a child"}))["RecordAllergies"].allergies
    assert (listed.substance.name, listed.reaction) == ("Amoxicillin", "hives, pink syrup as a child")
    (listed,) = requests(fhir.allergy(code | {"text": "amoxicillin"}))["RecordAllergies"].allergies
    assert listed.reaction == "hives"


def test_what_may_or_may_not_be_taken_is_listed_as_that() -> None:
    unknown = fhir.statement(status="unknown", dosage=fhir.dosage(300, "mg"))
    ((facts,), tally) = mapped(fhir.patient(), unknown)
    (entry,) = sent(facts)["ReconcileMedications"].medications
    assert (entry.medicine.name, entry.daily_dose_mg) == ("St John's wort", "")
    assert entry.source == "ehr-import: not known whether it is taken"
    assert to_look_at(tally) == [("1.json:2", "MedicationStatement", "status-unknown")]
    assert "RecordListGaps" not in sent(facts)
    (entry,) = requests(unknown, fhir.statement(dosage=fhir.dosage(300, "mg")))["ReconcileMedications"].medications
    assert (entry.daily_dose_mg, entry.source) == ("300", "ehr-import")


def test_a_statement_whose_period_is_over_stays_listed_without_a_dose() -> None:
    def stated(end: str, status: str = "active") -> Any:
        period = {"start": "2026-08-01", "end": end}
        statement = fhir.statement(effectivePeriod=period, status=status, dosage=fhir.dosage(300, "mg"))
        (entry,) = requests(statement)["ReconcileMedications"].medications
        return entry.daily_dose_mg, entry.stopped_on

    assert stated("2026-11-23") == ("300", "")
    assert stated("2026-11-22") == ("", "")
    assert stated("2026-10", "stopped") == ("300", "2026-10-31")


@pytest.mark.parametrize(
    ("end", "stopped"), [("2026-09-03", "2026-09-03"), ("2026-11-23", "2026-11-23"), ("2026-11-24", "")]
)
def test_an_end_counts_once_it_has_come_and_the_list_is_of_no_earlier_day(end: str, stopped: str) -> None:
    period = {"start": "2026-08-01", "end": end}
    listed = requests(fhir.statement(effectivePeriod=period, status="stopped", dateAsserted="2026-09-02"))
    (entry,) = listed["ReconcileMedications"].medications
    assert (entry.started_on, entry.stopped_on) == ("2026-08-01", stopped)
    said_on = listed["ReconcileMedications"].occurred_at.ToDatetime().date().isoformat()
    assert said_on == (stopped or "2026-09-02")


@pytest.mark.parametrize("asserted", ["2026-10-02", ""])
def test_a_statement_may_say_one_day_only(asserted: str) -> None:
    statement = fhir.statement(effectivePeriod=None, effectiveDateTime="2026-09-15", dateAsserted=asserted)
    found = requests(statement)["ReconcileMedications"]
    assert (found.medications[0].started_on, found.medications[0].stopped_on) == ("2026-09-15", "")
    assert found.occurred_at.ToDatetime().date().isoformat() == (asserted or "2026-09-15")


@pytest.mark.parametrize(
    ("written", "dose"),
    [("2026-05", "150"), ("2024-02", "150"), ("2024", ""), ("2024-01", ""), ("2023-12", "50"), ("", "50")],
)
def test_a_partial_date_is_all_the_days_it_may_mean(written: str, dose: str) -> None:
    old = fhir.medication(authoredOn="2024-01-10", dosageInstruction=fhir.dosage(50, "mg"))
    new = fhir.medication(authoredOn=written, dosageInstruction=fhir.dosage(150, "mg"))
    (entry,) = requests(old, new)["ReconcileMedications"].medications
    assert entry.daily_dose_mg == dose


def test_two_orders_of_one_day_with_two_doses_leave_the_dose_unknown() -> None:
    orders = [fhir.medication(dosageInstruction=fhir.dosage(milligrams, "mg")) for milligrams in (50, 100)]
    (entry,) = requests(*orders)["ReconcileMedications"].medications
    assert entry.daily_dose_mg == ""
    (entry,) = requests(orders[0], orders[0])["ReconcileMedications"].medications
    assert entry.daily_dose_mg == "50"


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        ({}, True),
        ({"whenHandedOver": "2026-10-24"}, True),
        ({"whenHandedOver": "2026-10-23"}, False),
        ({"status": "stopped"}, True),
        ({"whenHandedOver": "9999-12-31"}, False),
        ({"status": "in-progress"}, False),
        ({"daysSupply": {"value": 2, "code": "wk"}}, True),
        ({"daysSupply": {"value": 13}}, True),
        ({"daysSupply": {"value": 12}}, False),
    ],
)
def test_what_was_handed_over_and_lasts_until_today_may_be_taken(changes: Json, taken: bool) -> None:
    ((facts,), tally) = mapped(fhir.patient(), fhir.handed_over(**changes))
    assert ("ReconcileMedications" in sent(facts)) is taken
    assert tally.waiting["fills"] == taken


def test_what_was_handed_over_may_be_a_medication_of_its_own() -> None:
    lithium = {"resourceType": "Medication", "id": "m", "code": {"text": "lithium 300 MG"}}
    dispense = fhir.handed_over(medicationReference={"reference": "Medication/m"})
    dispense.pop("medicationCodeableConcept")
    assert listed(lithium, dispense) == ["lithium 300 MG"]


def test_an_order_says_more_than_what_was_handed_over() -> None:
    order = fhir.medication(dosageInstruction=fhir.dosage(50, "mg"))
    (entry,) = requests(order, fhir.handed_over())["ReconcileMedications"].medications
    assert (entry.daily_dose_mg, entry.source) == ("50", "ehr-import")
    (entry,) = requests(fhir.handed_over())["ReconcileMedications"].medications
    assert entry.source == "ehr-import: not known whether it is taken"
