"""Scales from questionnaires, panels and single items: an answer that is not understood is no zero, and one about
suicide is never lost."""

from typing import Any

import pytest

from tests.support.histories import fhir
from tests.support.histories.fhir import Json
from tests.support.histories.taken_in import mapped, reasons, requests, sent, to_look_at

GAD_7_ITEMS = ("69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7")
CLEAR = (2, 1, 3, 0, 1, 2, 1, 0, 0)
ALARMING = (*CLEAR[:8], 3)


def items(answers: tuple[int, ...], codes: tuple[str, ...] = fhir.PHQ_9_ITEMS, **changes: Any) -> list[Json]:
    """An Observation for each answer, which no panel names."""
    return [fhir.total(code, answer, **changes) for code, answer in zip(codes, answers, strict=False)]


def answered(*resources: Json) -> tuple[str, list[int]]:
    scale = requests(*resources)["AnswerScale"]
    return scale.instrument, list(scale.items)


def test_a_questionnaire_is_scored_from_its_answers() -> None:
    scale = requests(fhir.response(ALARMING))["AnswerScale"]
    assert (scale.instrument, tuple(scale.items), scale.source) == ("phq-9", ALARMING, "ehr-import")
    assert scale.occurred_at.ToDatetime().isoformat() == "2026-11-02T09:00:00"


def changed(response: Json, place: int, **answer: Any) -> Json:
    return response | {
        "item": [one | {"answer": [answer]} if at == place else one for at, one in enumerate(response["item"])]
    }


@pytest.mark.parametrize(
    "answer",
    [{"valueInteger": 3}, {"valueDecimal": 3.0}, {"valueString": "3"}, {"valueCoding": {"code": "LA6571-9"}}],
)
def test_an_answer_may_be_a_code_or_a_number(answer: Json) -> None:
    assert answered(changed(fhir.response(CLEAR), 8, **answer)) == ("phq-9", list(ALARMING))


@pytest.mark.parametrize("link", ["44260-8", "/44260-8", "/44249-1/44260-8", "phq9.44260-8"])
def test_an_item_is_known_by_its_link_or_its_definition(link: str) -> None:
    response = fhir.response(ALARMING)
    nine = response["item"][8]
    for item in (nine | {"linkId": link}, nine | {"linkId": "q9", "definition": f"http://loinc.org/q/{link}"}):
        grouped = response | {"item": [{"linkId": "/44249-1", "item": [*response["item"][:8], item]}]}
        assert answered(grouped) == ("phq-9", list(ALARMING))


def test_a_gad_7_is_known_by_its_items() -> None:
    response = fhir.response()
    listed = [one | {"linkId": f"/{code}"} for one, code in zip(response["item"], GAD_7_ITEMS, strict=False)]
    assert answered(response | {"item": listed}) == ("gad-7", [2, 1, 3, 0, 1, 2, 1])
    assert answered(*items((1,) * 7, GAD_7_ITEMS)) == ("gad-7", [1] * 7)


def test_a_total_in_a_questionnaire_is_a_total_and_must_fit_the_answers() -> None:
    response = fhir.response(CLEAR)
    total = {"linkId": "/44261-6", "answer": [{"valueDecimal": 10}]}
    assert "RecordScaleTotal" not in requests(response | {"item": [*response["item"], total]})
    wrong = total | {"answer": [{"valueDecimal": 11}]}
    assert reasons(response | {"item": [*response["item"], wrong]}) == ([], ["total-contradicts-items"])
    assert requests(response | {"item": [total]})["RecordScaleTotal"].total == 10
    assert reasons(response | {"item": [total | {"answer": [{"valueDecimal": 28}]}]}) == ([], ["score-out-of-range"])


@pytest.mark.parametrize("status", ["in-progress", "stopped"])
def test_an_unfinished_questionnaire_is_not_scored_and_a_positive_item_9_is_reported(status: str) -> None:
    assert reasons(fhir.response(CLEAR, status=status)) == (["status-not-final"], [])
    assert reasons(fhir.response(ALARMING, status=status)) == ([], ["not-final-with-a-positive-safety-item"])
    assert reasons(fhir.phq_9(ALARMING, status="preliminary")) == ([], ["not-final-with-a-positive-safety-item"])
    (*_, nine) = items(ALARMING, status="preliminary")
    assert reasons(nine) == ([], ["not-final-with-a-positive-safety-item"])
    assert reasons(fhir.response(ALARMING, status="entered-in-error")) == (["status-entered-in-error"], [])


def test_a_questionnaire_about_something_else_is_not_used() -> None:
    assert reasons(fhir.response(item=[{"linkId": "1", "answer": [{"valueInteger": 3}]}])) == (["not-a-scale"], [])


def test_items_of_one_moment_that_no_panel_names_are_the_scale() -> None:
    assert answered(*items(ALARMING)) == ("phq-9", list(ALARMING))
    _, tally = mapped(fhir.patient(), *items(ALARMING))
    assert tally.mapped["Observation"] == 9


def test_items_of_two_moments_or_people_are_not_one_scale() -> None:
    other = items(CLEAR[5:], fhir.PHQ_9_ITEMS[5:], effectiveDateTime="2026-10-02T10:00:00Z")
    assert reasons(*items(CLEAR[:5]), *other) == ([], ["item-without-panel"] * 9)
    bo = fhir.patient(id="bo", identifier=[{"system": "urn:clinic", "value": "9"}])
    of_bo = items(CLEAR[5:], fhir.PHQ_9_ITEMS[5:], subject={"reference": "Patient/bo"})
    found, _ = mapped(fhir.patient(), bo, *items(CLEAR[:5]), *of_bo)
    assert all("AnswerScale" not in sent(facts) for facts in found)


def test_an_item_that_is_answered_twice_in_one_moment_is_not_understood() -> None:
    assert reasons(*items(CLEAR), fhir.total(fhir.PHQ_9_ITEMS[0], 3)) == ([], ["item-answered-twice"] * 10)
    assert answered(*items(CLEAR), fhir.total(fhir.PHQ_9_ITEMS[0], CLEAR[0])) == ("phq-9", list(CLEAR))


def test_a_positive_item_9_alone_is_recorded_and_a_negative_one_is_no_scale() -> None:
    assert answered(fhir.total(fhir.PHQ_9_ITEMS[8], 1)) == ("phq-9", [-1] * 8 + [1])
    assert reasons(fhir.total(fhir.PHQ_9_ITEMS[8], 0)) == ([], ["item-without-panel"])


@pytest.mark.parametrize(
    "answer", [{"valueCodeableConcept": {"text": "Nearly every day"}}, {"valueString": "often"}, {"valueInteger": 4}]
)
def test_an_answer_that_is_not_understood_is_missing_where_item_9_is_positive_and_else_stops_the_scale(
    answer: Json,
) -> None:
    def panel(answers: tuple[int, ...]) -> Json:
        whole = fhir.phq_9(answers)
        whole["component"][0] = {"code": whole["component"][0]["code"]} | answer
        return whole

    assert "AnswerScale" not in requests(panel(CLEAR))
    ((facts,), tally) = mapped(fhir.patient(), panel(ALARMING))
    assert list(sent(facts)["AnswerScale"].items) == [-1, *ALARMING[1:]]
    assert [(resource, place) for place, resource, _ in to_look_at(tally)] == [("Observation", "1.json:2")]


def test_nothing_answered_is_no_scale() -> None:
    panel = fhir.phq_9()
    panel["component"] = [{"code": one["code"], "dataAbsentReason": {}} for one in panel["component"]]
    assert reasons(panel) == ([], ["answers-missing"])


@pytest.mark.parametrize(("text", "total"), [("18", 18), (" 18 ", 18), ("18/27", None), ("18.0", None), ("many", None)])
def test_a_total_may_be_written_in_digits(text: str, total: int | None) -> None:
    observation = fhir.total("44261-6", valueString=text)
    observation.pop("valueQuantity")
    found = requests(observation).get("RecordScaleTotal")
    assert (found.total if found else None) == total
    assert reasons(observation)[1] == ([] if total else ["answer-in-words"])


def test_a_questionnaire_and_the_panel_made_of_it_are_one_fact() -> None:
    panel = fhir.phq_9(CLEAR, effectiveDateTime="2026-11-02T09:00:00Z")
    ((facts,), _) = mapped(fhir.patient(), fhir.response(CLEAR), panel)
    assert [type(request).__name__ for request in facts.requests] == ["EnrollPatientRequest", "AnswerScaleRequest"]
