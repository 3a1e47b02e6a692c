"""A dose a day is certain, or it is unknown."""

from datetime import date, timedelta
from typing import Any

import pytest

from careloop.knowledge.regimen.fhir import to_fhir
from tests.support.histories import fhir
from tests.support.histories.fhir import Json
from tests.support.histories.taken_in import NOW, requests
from tests.support.regimens import dose as regimen_dose
from tests.support.regimens import phase, regimen

TIMING_CODES = "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation"
DAILY = {"frequency": 1, "period": 1, "periodUnit": "d"}


def dose(*instructions: Json, name: str = "sertraline 50 MG Oral Tablet", **order: Any) -> str:
    request = fhir.medication(name, dosageInstruction=list(instructions), **order)
    (listed,) = requests(request)["ReconcileMedications"].medications
    return str(listed.daily_dose_mg)


def taken(timing: Json, milligrams: float = 50, **more: Any) -> Json:
    amount = [{"doseQuantity": {"value": milligrams, "unit": "mg", "code": "mg"}}]
    return {"timing": timing, "doseAndRate": amount} | more


def repeated(**repeat: Any) -> Json:
    return taken({"repeat": repeat})


def coded(code: str, **more: Any) -> Json:
    return taken({"code": {"coding": [{"system": TIMING_CODES, "code": code}]}, **more})


@pytest.mark.parametrize(
    ("repeat", "milligrams"),
    [
        (DAILY, "50"),
        ({"frequency": 3, "period": 1, "periodUnit": "d"}, "150"),
        ({"frequency": 1, "period": 8, "periodUnit": "h"}, "150"),
        ({"frequency": 1, "period": 1, "periodUnit": "wk"}, "7.142857"),
        (DAILY | {"frequencyMax": 4}, ""),
        (DAILY | {"frequencyMax": 1}, "50"),
        (DAILY | {"periodMax": 2}, ""),
        (DAILY | {"periodMax": 1}, "50"),
        (DAILY | {"dayOfWeek": ["mon"]}, "7.142857"),
        (DAILY | {"dayOfWeek": ["mon", "wed", "fri"]}, "21.428571"),
        ({"dayOfWeek": ["mon", "thu"]}, "14.285714"),
        ({"frequency": 1, "period": 1, "periodUnit": "wk", "dayOfWeek": ["mon"]}, "7.142857"),
        ({"frequency": 2, "period": 1, "periodUnit": "wk", "dayOfWeek": ["mon"]}, ""),
        (DAILY | {"dayOfWeek": ["someday"]}, ""),
        ({"frequency": 1, "period": 2, "periodUnit": "d", "dayOfWeek": ["mon"]}, ""),
        ({"when": ["MORN"]}, "50"),
        ({"when": ["MORN", "NIGHT"]}, "100"),
        ({"frequency": 2, "period": 1, "periodUnit": "d", "when": ["MORN", "NIGHT"]}, "100"),
        ({"frequency": 1, "period": 1, "periodUnit": "d", "when": ["MORN", "NIGHT"]}, ""),
        ({"frequency": 3, "period": 1, "periodUnit": "d", "when": ["AC"]}, "150"),
        ({"when": ["AC"]}, ""),
        (DAILY | {"when": ["PC"]}, ""),
        ({"when": ["IMD"]}, ""),
        ({"when": ["MORN"], "offset": 30}, "50"),
        ({"when": ["MORN"], "dayOfWeek": ["sat", "sun"]}, "14.285714"),
        ({"timeOfDay": ["08:00:00", "20:00:00"]}, "100"),
        ({"timeOfDay": ["08:00:00"], "when": ["MORN"]}, ""),
        ({"frequency": 1, "period": -1, "periodUnit": "d"}, ""),
        (DAILY | {"timeOfDay": ["08:00:00", "20:00:00"]}, ""),
        (DAILY | {"duration": 1, "durationUnit": "h"}, ""),
        (DAILY | {"somethingNew": 1}, ""),
        (DAILY | {"extension": [{"url": "urn:x"}]}, "50"),
        ({"frequency": 0, "period": 1, "periodUnit": "d"}, ""),
        ({"frequency": 1}, ""),
        ({"frequency": "one", "period": 1, "periodUnit": "d"}, ""),
        ({}, ""),
    ],
)
def test_a_timing_is_understood_as_a_whole_or_not_at_all(repeat: Json, milligrams: str) -> None:
    assert dose(repeated(**repeat)) == milligrams


@pytest.mark.parametrize(
    ("bounds", "holds"),
    [
        ({"boundsPeriod": {"start": "2026-10-01", "end": "2026-11-23"}}, True),
        ({"boundsPeriod": {"start": "2026-10-01", "end": "2026-11-22"}}, False),
        ({"boundsPeriod": {"start": "2026-11-23"}}, True),
        ({"boundsPeriod": {"start": "2026-11-24"}}, False),
        ({"boundsPeriod": {"start": "2026-10", "end": "2026-11"}}, False),
        ({"boundsPeriod": {"start": "2026-10", "end": "2026-12"}}, True),
        ({"boundsPeriod": {"end": "soon"}}, False),
        ({"boundsDuration": {"value": 84, "code": "d"}}, True),
        ({"boundsDuration": {"value": 83, "code": "d"}}, False),
        ({"boundsDuration": {"value": 12, "unit": "wk"}}, True),
        ({"boundsDuration": {"value": 3, "unit": "moons"}}, False),
        ({"boundsRange": {"low": {"value": 90, "code": "d"}}}, False),
        ({"count": 84}, True),
        ({"count": 83}, False),
        ({"count": 1}, False),
        ({"count": 84, "countMax": 90}, False),
    ],
)
def test_a_dose_holds_within_its_bounds(bounds: Json, holds: bool) -> None:
    """The order is of 1 September, and it is read on 23 November, its 84th day."""
    assert dose(repeated(**DAILY, **bounds)) == ("50" if holds else "")


def test_a_duration_without_a_beginning_may_be_over() -> None:
    bounds = {"boundsDuration": {"value": 5, "code": "a"}}
    assert (
        dose(repeated(**DAILY, **bounds), authoredOn="") == dose(repeated(**DAILY, **bounds), authoredOn="2026") == ""
    )


@pytest.mark.parametrize(
    ("code", "milligrams"),
    [("QD", "50"), ("BID", "100"), ("TID", "150"), ("QID", "200"), ("QOD", "25"), ("BED", "50"), ("Q6H", "200"),
     ("WK", "7.142857"), ("MO", ""), ("JH", "")],
)  # fmt: skip
def test_a_code_says_how_often(code: str, milligrams: str) -> None:
    assert dose(coded(code)) == milligrams


def test_a_code_and_what_is_spelt_out_beside_it_must_agree() -> None:
    twice = {"frequency": 2, "period": 1, "periodUnit": "d"}
    assert dose(coded("BID", repeat=twice)) == "100"
    assert dose(coded("BID", repeat=DAILY)) == ""
    assert dose(coded("BID", repeat={"boundsPeriod": {"end": "2026-11-22"}})) == ""
    local = {"coding": [{"system": "urn:local", "code": "17", "display": "Every 12 hours"}]}
    assert dose(taken({"code": local, "repeat": twice})) == "100"
    assert dose(taken({"code": local})) == ""
    assert dose(taken({"code": {"text": "2 times daily"}})) == "100"
    assert dose(taken({"event": ["2026-11-01"], "repeat": twice})) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"asNeededBoolean": True},
        {"asNeededCodeableConcept": {"text": "anxiety"}},
        {"doseAndRate": [{"doseRange": {"low": {"value": 1}, "high": {"value": 2}}}]},
        {"doseAndRate": [{"doseQuantity": {"value": 1, "code": "mg"}, "rateQuantity": {"value": 1}}]},
        {"doseAndRate": [{"doseQuantity": {"value": 1, "code": "mL"}}]},
        {"doseAndRate": [{"doseQuantity": {"value": 1, "code": "mg"}}] * 2},
        {"doseAndRate": []},
        {"timing": None},
    ],
)
def test_what_is_taken_as_needed_or_in_no_certain_amount_has_no_daily_dose(changes: Json) -> None:
    assert dose(taken({"repeat": DAILY}) | changes) == ""


def test_what_was_calculated_beside_the_ordered_dose_is_no_second_dose() -> None:
    def stated(kind: str, milligrams: int) -> Json:
        return {"type": {"coding": [{"code": kind}]}, "doseQuantity": {"value": milligrams, "code": "mg"}}

    assert dose({"timing": {"repeat": DAILY}, "doseAndRate": [stated("calculated", 51), stated("ordered", 50)]}) == "50"
    assert dose({"timing": {"repeat": DAILY}, "doseAndRate": [stated("calculated", 51)]}) == "51"


@pytest.mark.parametrize(
    ("parts", "milligrams"),
    [
        ([{"sequence": 1}, {"sequence": 1}], "100"),
        ([{"sequence": 1}, {"sequence": 2}], ""),
        ([{}, {}], ""),
        ([{"sequence": 1}, {}], ""),
        ([{"timing": {"repeat": {"when": ["MORN"]}}}, {"timing": {"repeat": {"when": ["HS"]}}}], "100"),
        ([{"timing": {"repeat": {"when": ["MORN"]}}}, {"timing": {"repeat": {"when": ["MORN"]}}}], ""),
        ([{"sequence": 1}, {"sequence": 1, "asNeededBoolean": True}], ""),
    ],
)
def test_parts_of_one_day_add_up_and_steps_do_not(parts: list[Json], milligrams: str) -> None:
    assert dose(*(taken({"repeat": DAILY}) | part for part in parts)) == milligrams


@pytest.mark.parametrize(
    ("name", "unit", "milligrams"),
    [
        ("sertraline 50 MG Oral Tablet", "tablet", "100"),
        ("sertraline 50 MG Oral Tablet", "{tbl}", "100"),
        ("levothyroxine 0.05 MG Oral Tablet", "TAB", "0.1"),
        ("levothyroxine 50 MCG Oral Tablet", "tablets", "0.1"),
        ("fluoxetine 20 MG Oral Capsule", "CAP", "40"),
        ("fluoxetine 20 MG Oral Capsule", "tablet", ""),
        ("sertraline 20 MG/ML Oral Solution", "tablet", ""),
        ("carbidopa 25 MG / levodopa 100 MG Oral Tablet", "tablet", ""),
        ("sertraline Oral Tablet", "tablet", ""),
        ("sertraline 50 MG Oral Tablet", "mL", ""),
        ("sertraline 50 MG Oral Tablet", "", ""),
    ],
)
def test_tablets_of_a_known_strength_are_a_mass(name: str, unit: str, milligrams: str) -> None:
    two = {"timing": {"repeat": DAILY}, "doseAndRate": [{"doseQuantity": {"value": 2, "unit": unit}}]}
    assert dose(two, name=name) == milligrams


@pytest.mark.parametrize(
    ("per", "milligrams"),
    [({"value": 1, "unit": "tablet"}, "150"), ({"value": 5, "unit": "mL"}, ""), ({"value": 2, "unit": "tablet"}, "")],
)
def test_the_strength_of_a_medication_counts_before_its_name(per: Json, milligrams: str) -> None:
    strength = {"numerator": {"value": 75, "code": "mg"}, "denominator": per}
    medicine = {
        "resourceType": "Medication",
        "id": "m",
        "code": {"text": "venlafaxine 37.5 MG Oral Tablet"},
        "ingredient": [{"itemCodeableConcept": {"text": "venlafaxine"}, "strength": strength}],
    }
    two = {"timing": {"repeat": DAILY}, "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "tablet"}}]}
    order: Json = {"medicationCodeableConcept": None, "contained": [medicine]}
    assert dose(two, medicationReference={"reference": "#m"}, **order) == milligrams


def test_a_medicine_on_hold_has_no_dose_today() -> None:
    assert dose(taken({"repeat": DAILY}), status="on-hold") == ""


PHASES = to_fhir(
    regimen(phase(regimen_dose(25), days=14, every_days=2), phase(regimen_dose(25), regimen_dose(25, "bedtime"))),
    NOW.date() - timedelta(days=20),
)
EARLIER = to_fhir(regimen(phase(regimen_dose(40), days=5), phase(regimen_dose(20), days=90)), NOW.date())


def test_of_phases_that_follow_each_other_the_dose_is_that_of_today() -> None:
    """As a regimen of ours is written in FHIR."""
    assert dose(*PHASES) == "50"
    assert dose(*EARLIER) == "40"


def test_phases_that_are_over_or_not_dated_give_no_dose() -> None:
    over = to_fhir(regimen(phase(regimen_dose(40), days=2), phase(regimen_dose(20), days=2)), date(2020, 1, 1))
    assert dose(*over) == ""
    undated = [{**one, "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}} for one in PHASES]
    assert dose(*undated) == ""
    assert dose(*PHASES, {"text": "if needed", **taken({"code": {"text": "daily"}}), "sequence": 3}) == ""
