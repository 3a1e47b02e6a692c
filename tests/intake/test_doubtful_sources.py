"""Sources that number alike, say two things at once, or break off: nothing of it is taken for certain."""

import json
from typing import Any

import pytest

from tests.support.histories import fhir
from tests.support.histories.fhir import Json
from tests.support.histories.taken_in import gaps, lines, mapped, reasons, requests, sent, taken_in, to_look_at

PAYER = {"system": "urn:payer:subscriber", "value": "77"}
RECORD = {"system": "urn:clinic", "value": "1"}
AMOXICILLIN = fhir.concept(fhir.RXNORM, "723", "Amoxicillin")
C_SSRS = ("93246-7", "93247-5", "93248-3", "93249-1", "93250-9", "93267-3", "93269-9")


def bo(**changes: Any) -> Json:
    named = {"name": [{"family": "Lund", "given": ["Bo"]}], "birthDate": "1971-02-03", "telecom": []}
    return fhir.patient(id="bo", identifier=[{"system": "urn:clinic", "value": "9"}], **named) | changes


def of(person: str) -> Json:
    return {"reference": f"Patient/{person}"}


def dated(day: str) -> Json:
    return {"lastUpdated": f"2026-01-{day}T00:00:00Z"}


def history(*entries: Json) -> bytes:
    patient = {"fullUrl": "https://a.example/Patient/alma", "resource": fhir.patient()}
    return json.dumps({"resourceType": "Bundle", "type": "history", "entry": [*entries, patient]}).encode()


def answers(*given: tuple[str, Json]) -> Json:
    return fhir.response(item=[{"linkId": code, "answer": [answer]} for code, answer in given])


def coded(answer: int) -> Json:
    return {"valueCoding": {"system": fhir.LOINC, "code": fhir.PHQ_9_ANSWERS[answer]}}


def test_one_id_of_two_people_in_two_files_is_nobodys() -> None:
    alma = [fhir.patient(id="1", meta=dated("01")), fhir.condition(subject=of("1"))]
    other = [bo(id="1", meta=dated("02")), fhir.allergy(patient=of("1"))]
    found, tally = taken_in(lines(*alma), lines(*other))
    assert found == []
    assert tally.not_understood["Patient", "one-id-of-several-people"] == 2


def test_one_id_of_two_peoples_entries_leaves_both_lists_incomplete() -> None:
    first = fhir.allergy(id="1", patient=of("alma"), meta=dated("01"))
    second = fhir.allergy(AMOXICILLIN, id="1", patient=of("bo"), meta=dated("02"))
    found, _ = taken_in(lines(fhir.patient(), first), lines(bo(), second))
    assert [set(sent(facts)) for facts in found] == [{"EnrollPatient", "RecordListGaps"}] * 2


def test_a_history_may_correct_a_name() -> None:
    older = {"fullUrl": "https://a.example/Patient/alma", "resource": bo(id="alma")}
    newer = {"fullUrl": "https://a.example/Patient/alma", "resource": fhir.patient()}
    content = json.dumps({"resourceType": "Bundle", "type": "history", "entry": [newer, older]}).encode()
    ((facts,), _) = taken_in(content)
    assert facts.chart.enrolment.name == "Alma Luz Reyes"


@pytest.mark.parametrize(
    "identifier",
    [
        PAYER,
        {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-99-9999"},
        {"system": "urn:clinic", "value": "8", "use": "old"},
        {"system": "urn:clinic", "value": "8", "period": {"end": "2020-01-01"}},
    ],
)
def test_a_reference_by_what_is_not_one_persons_names_nobody(identifier: Json) -> None:
    patient = fhir.patient(identifier=[identifier, RECORD])
    by_query = {"reference": f"Patient?identifier={identifier['system']}|{identifier['value']}"}
    for subject in ({"identifier": {"system": identifier["system"], "value": identifier["value"]}}, by_query):
        ((facts,), tally) = mapped(patient, fhir.condition(subject=subject))
        assert "RecordHistory" not in sent(facts)
        assert tally.not_understood == {("Condition", "patient-unknown"): 1}


def test_a_reference_that_gives_the_number_of_another_person_names_nobody() -> None:
    def history_by(identifier: Json) -> bool:
        subject = fhir.SUBJECT | {"identifier": identifier}
        ((facts,), _) = mapped(fhir.patient(identifier=[RECORD]), fhir.condition(subject=subject))
        return "RecordHistory" in sent(facts)

    assert not history_by(RECORD | {"value": "2"})
    assert history_by(RECORD)
    assert history_by({"system": "urn:other", "value": "2"})


@pytest.mark.parametrize(
    "value", ["111-11-1111", "078-05-1120", "123 45 6789", "TBD", "pending", "not available", "-", "1-1-1-1"]
)
def test_a_placeholder_is_one_however_it_is_written(value: str) -> None:
    identifier = {"system": "urn:clinic", "value": value}
    found, _ = mapped(fhir.patient(identifier=[identifier]), bo(identifier=[identifier]))
    assert len(found) == 2


def test_an_observation_of_somebody_else_than_its_subject_is_not_the_subjects() -> None:
    relative = [{"reference": "RelatedPerson/1"}]
    pregnancy = fhir.total("82810-3", valueCodeableConcept=fhir.concept(fhir.SNOMED, "77386006"))
    smoking = fhir.total("72166-2", valueCodeableConcept=fhir.concept(fhir.SNOMED, "8517006"))
    for observation in (fhir.phq_9(), fhir.total(), pregnancy, smoking):
        assert set(requests(observation | {"focus": relative})) == {"EnrollPatient"}
        assert reasons(observation | {"focus": relative}) == ([], ["about-somebody-else"])
        for own in (
            fhir.SUBJECT,
            {"reference": "Condition/1"},
            {"reference": "https://a.example/Procedure/1/_history/2"},
        ):
            assert reasons(observation | {"focus": [own]}) == ([], [])


def test_resources_without_an_id_in_an_inner_bundle_are_each_one_of_their_own() -> None:
    entries = [
        {"resource": fhir.allergy(code, patient=of("alma"), meta=dated(day))}
        for code, day in ((None, "01"), (AMOXICILLIN, "02"))
    ]
    inner = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    ((facts,), _) = mapped(fhir.patient(), inner)
    assert len(sent(facts)["RecordAllergies"].allergies) == 2


@pytest.mark.parametrize("url", ["Condition/c1", "Condition/c1/_history/3", "https://a.example/Condition/c1"])
@pytest.mark.parametrize("full_url", ["", "https://a.example/Condition/c1"])
def test_what_was_deleted_is_gone_however_it_is_named(url: str, full_url: str) -> None:
    condition = fhir.condition(id="c1", subject=of("alma"))
    deletion = {"fullUrl": full_url, "request": {"method": "DELETE", "url": url}}
    standing = {"fullUrl": "https://a.example/Condition/c1", "resource": condition}
    for entries in ([deletion, standing], [standing | deletion | {"fullUrl": standing["fullUrl"]}]):
        ((facts,), _) = taken_in(history(*entries))
        assert set(sent(facts)) == {"EnrollPatient"}


def test_a_deletion_of_nobody_knows_what_is_reported() -> None:
    _, tally = taken_in(history({"request": {"method": "DELETE", "url": "Condition?code=1"}}))
    assert [reason for _, _, reason in to_look_at(tally)] == ["deletion-not-understood"]


@pytest.mark.parametrize(
    "text",
    [
        "None reported",
        "NKA - No Known Allergies",
        "Patient denies allergies to medication",
        "Allergies: none",
        "Nothing known",
        "n.k.a.",
        "Penicillin: denied",
        "Keine Allergien bekannt",
        "aucune allergie connue",
    ],
)
def test_a_denial_anywhere_in_the_words_is_no_entry(text: str) -> None:
    assert "RecordAllergies" not in requests(fhir.allergy({"text": text}))
    assert gaps(fhir.allergy({"text": text})) == {"allergies": 1}


@pytest.mark.parametrize(
    "text", ["Seizures: none", "Seizure disorder ruled out", "Bipolar disorder - denied", "Family history of seizures"]
)
def test_what_is_denied_or_somebody_elses_is_no_condition(text: str) -> None:
    assert "RecordHistory" not in requests(fhir.condition({"text": text}))
    assert len(reasons(fhir.condition({"text": text}))[1]) == 1


@pytest.mark.parametrize(
    "words", ["No history of seizures", "Seizure disorder ruled out", "Family history of seizures"]
)
def test_the_words_of_a_code_may_deny_a_condition_or_name_somebody_elses(words: str) -> None:
    for system in (fhir.SNOMED, "urn:own"):
        assert "RecordHistory" not in requests(fhir.condition(fhir.concept(system, "160303001", words)))
        assert gaps(fhir.condition(fhir.concept(system, "160303001", words))) == {}


def test_nothing_known_of_allergies_is_not_an_allergy() -> None:
    for text in ("N/A", "Unknown allergies"):
        assert reasons(fhir.allergy({"text": text})) == (["no-information"], [])


@pytest.mark.parametrize("code", ["refuted", "entered-in-error"])
def test_a_status_is_understood_behind_a_code_of_the_sources_own_and_in_words(code: str) -> None:
    behind = {"coding": [{"system": "urn:own", "code": "X"}, {"code": code}]}
    for status in (behind, {"text": code.replace("-", " ").capitalize()}):
        assert reasons(fhir.allergy(verificationStatus=status)) == ([f"status-{code}"], [])
        assert reasons(fhir.condition(verificationStatus=status)) == ([f"status-{code}"], [])
    over = {"coding": [{"system": "urn:own", "code": "X"}, {"code": "resolved"}]}
    assert reasons(fhir.allergy(clinicalStatus=over)) == (["status-resolved"], [])


@pytest.mark.parametrize(
    "name",
    [
        "lithium 1,200 mg tablet",
        "lithium 1 200 mg tablet",
        "clonazepam 0,5 mg tablet",
        "lorazepam .5 mg tablet",
        "hydrocodone-acetaminophen 5-325 mg tablet",
        "hydrocodone-acetaminophen 5 mg-325 mg tablet",
        "hydrocodone-acetaminophen 5 mg-325 tablet",
        "quetiapine 2x50 mg tablet",
    ],
)
def test_a_part_of_a_number_is_no_strength(name: str) -> None:
    assert _dose(name, fhir.dosage(1, "tablet")[0]) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "1 tablet daily as needed"},
        {"text": "1 tablet for 7 days, then 2 tablets"},
        {"text": "Take 1-2 tablets daily"},
        {"patientInstruction": "1 or 2 tablets"},
        {"additionalInstruction": [{"text": "PRN"}]},
        {"doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet", "code": "mg"}}]},
        {"doseAndRate": [{"doseQuantity": {"value": 1, "unit": "mcg", "code": "mg"}}]},
        {"doseAndRate": [{"doseQuantity": {"value": 50, "unit": "mg", "comparator": "<"}}]},
    ],
)
def test_a_dose_of_which_two_things_are_said_is_unknown(changes: Json) -> None:
    name = "sertraline 50 MG Oral Tablet"
    assert _dose(name, fhir.dosage(1, "tablet")[0] | changes) == ""
    assert _dose(name, fhir.dosage(1, "tablet")[0] | {"text": "Take 1 tablet daily with food"}) == "50"


def test_a_bound_is_no_total() -> None:
    assert reasons(fhir.total(valueQuantity={"value": 12, "comparator": ">"})) == ([], ["bound-and-no-number"])


@pytest.mark.parametrize("torn", [b'{"resourceType":"AllergyIntol', b'{"id": "1"}', b'"text"'])
def test_what_cannot_be_read_at_all_may_be_of_any_list_of_anybody(torn: bytes) -> None:
    found, _ = taken_in(lines(fhir.patient(), bo()) + b"\n" + torn)
    for facts in found:
        assert facts.chart.left_out == {"allergies": 1, "history": 1, "medications": 1}


def test_an_entry_that_names_nobody_may_be_anybodys() -> None:
    found, _ = mapped(fhir.patient(), bo(), fhir.allergy(patient={"display": "Alma Reyes"}))
    assert [facts.chart.left_out for facts in found] == [{"allergies": 1}] * 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda yes: {"valueBoolean": yes},
        lambda yes: {"valueString": "Yes" if yes else "No"},
        lambda yes: {"valueCoding": {"system": fhir.SNOMED, "code": "373066001" if yes else "373067005"}},
        lambda yes: {"valueCoding": {"code": "LA33-6" if yes else "LA32-8"}},
    ],
)
def test_yes_is_yes_in_whatever_form(answer: Any) -> None:
    asked = [(code, answer(code == C_SSRS[1])) for code in C_SSRS]
    assert list(requests(answers(*asked))["AnswerScale"].items) == [0, 1, 0, 0, 0, 0, 0]
    components = [{"code": fhir.concept(fhir.LOINC, code), "valueBoolean": code == C_SSRS[1]} for code in C_SSRS]
    panel = {key: value for key, value in fhir.total("93373-9").items() if key != "valueQuantity"}
    assert list(requests(panel | {"component": components})["AnswerScale"].items) == [0, 1, 0, 0, 0, 0, 0]


def test_yes_says_not_how_often() -> None:
    asked = [(code, coded(0)) for code in fhir.PHQ_9_ITEMS[:8]]
    assert reasons(answers(*asked, (fhir.PHQ_9_ITEMS[8], {"valueBoolean": True}))) == ([], ["answer-yes-or-no"])


ASKED = [(code, coded(1)) for code in fhir.PHQ_9_ITEMS[:8]]


@pytest.mark.parametrize("nine", [[coded(0), coded(3)], [coded(3), coded(0)], [coded(3), {"valueString": "often"}]])
def test_of_several_answers_about_safety_the_gravest_stands_and_a_person_must_look(nine: list[Json]) -> None:
    once = answers(*ASKED, (fhir.PHQ_9_ITEMS[8], {}))
    once["item"][8]["answer"] = nine
    components = [
        {
            "code": fhir.concept(fhir.LOINC, fhir.PHQ_9_ITEMS[8]),
            "valueCodeableConcept": {"coding": [one["valueCoding"]]},
        }
        if "valueCoding" in one
        else {"code": fhir.concept(fhir.LOINC, fhir.PHQ_9_ITEMS[8])} | one
        for one in nine
    ]
    panel = fhir.phq_9()
    panel["component"] = panel["component"][:8] + components
    for record in (once, answers(*ASKED, *((fhir.PHQ_9_ITEMS[8], one) for one in nine)), panel):
        ((facts,), tally) = mapped(fhir.patient(), record)
        assert sent(facts)["AnswerScale"].items[8] == 3
        assert len(to_look_at(tally)) == 1


def test_a_questionnaire_may_hold_several_scales_and_one_that_is_not_understood_hides_no_other() -> None:
    gad_7 = [(code, coded(1)) for code in ("69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7")]
    ((facts,), _) = mapped(fhir.patient(), answers(*ASKED, (fhir.PHQ_9_ITEMS[8], coded(2)), *gad_7))
    assert [scale.instrument for scale in facts.chart.answered] == ["gad-7", "phq-9"]
    unclear = (gad_7[0][0], {"valueString": "often"})
    ((facts,), tally) = mapped(fhir.patient(), answers(*ASKED, (fhir.PHQ_9_ITEMS[8], coded(2)), unclear))
    assert sent(facts)["AnswerScale"].items[8] == 2
    assert [reason for _, _, reason in to_look_at(tally)] == ["answer-in-words"]
    ((facts,), _) = mapped(fhir.patient(), answers(("44261-6", {"valueInteger": 3}), ("70274-6", {"valueInteger": 5})))
    assert len(facts.requests) == 3


@pytest.mark.parametrize("total", [{"valueInteger": 27}, {"valueString": "eleven"}, {"valueInteger": 99}])
def test_a_total_that_does_not_fit_hides_no_positive_item_9(total: Json) -> None:
    ((facts,), tally) = mapped(fhir.patient(), answers(*ASKED, (fhir.PHQ_9_ITEMS[8], coded(1)), ("44261-6", total)))
    assert sent(facts)["AnswerScale"].items[8] == 1
    assert len(to_look_at(tally)) == 1


@pytest.mark.parametrize("link", ["LOINC:44260-8", "item_44260-8", "http://loinc.org/44260-8|2.72", "44260-8_1"])
def test_item_9_is_known_wherever_its_code_stands_in_the_link(link: str) -> None:
    assert requests(answers(*ASKED, (link, coded(3))))["AnswerScale"].items[8] == 3


def test_a_member_that_is_not_final_or_not_here_hides_no_positive_item_9() -> None:
    member = fhir.total(fhir.PHQ_9_ITEMS[0], 1, id="m", status="cancelled")
    whole = fhir.phq_9()
    for name, reason in (("m", "status-not-final"), ("gone", "member-missing")):
        panel = whole | {"component": whole["component"][1:], "hasMember": [{"reference": f"Observation/{name}"}]}
        ((facts,), tally) = mapped(fhir.patient(), member, panel)
        assert list(sent(facts)["AnswerScale"].items) == [-1, 1, 3, 0, 1, 2, 1, 0, 1]
        assert [why for _, _, why in to_look_at(tally)] == [reason]


def _dose(name: str, dosage: Json) -> str:
    order = fhir.medication(name, "1", dosageInstruction=[dosage])
    (listed,) = requests(order)["ReconcileMedications"].medications
    return str(listed.daily_dose_mg)
