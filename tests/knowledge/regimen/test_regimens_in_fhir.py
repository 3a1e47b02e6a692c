"""A regimen in FHIR R4 and back: the same doses on every day, and what a regimen cannot say is refused."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given

from careloop.kernel.errors import InvalidInput
from careloop.knowledge.regimen.days import doses_on, phase_on
from careloop.knowledge.regimen.fhir import from_fhir, to_fhir
from careloop.knowledge.regimen.regimen import Regimen, Weekday
from tests.support.regimens import FIRST, dose, needed, phase, regimen, regimens

MG = {"unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}


def test_two_phases_as_instructions() -> None:
    told = to_fhir(regimen(phase(dose(25), days=14, every_days=2), phase(dose("12.5", "20:15"))), FIRST)
    assert told == [
        {
            "sequence": 1,
            "timing": {"repeat": {"boundsPeriod": {"start": "2026-12-01", "end": "2026-12-14"}, "frequency": 1,
                                  "period": 2, "periodUnit": "d", "when": ["MORN"]}},
            "doseAndRate": [{"doseQuantity": {"value": 25, **MG}}],
        },
        {
            "sequence": 2,
            "timing": {"repeat": {"boundsPeriod": {"start": "2026-12-15"}, "frequency": 1, "period": 1,
                                  "periodUnit": "d", "timeOfDay": ["20:15:00"]}},
            "doseAndRate": [{"doseQuantity": {"value": 12.5, **MG}}],
        },
    ]  # fmt: skip


def test_days_of_the_week_and_what_is_taken_as_needed() -> None:
    monday, need = to_fhir(
        regimen(phase(dose(15, "bedtime"), weekdays=(Weekday.MON,), as_needed=needed(5, 3, hours_between=6))), FIRST
    )
    assert monday["timing"]["repeat"]["dayOfWeek"] == ["mon"]
    assert monday["timing"]["repeat"]["when"] == ["HS"]
    assert need["asNeededCodeableConcept"] == {"text": "anxiety"}
    assert need["maxDosePerPeriod"]["numerator"]["value"] == 15
    assert need["maxDosePerPeriod"]["denominator"]["value"] == 24
    assert need["timing"]["repeat"] == {
        "boundsPeriod": {"start": "2026-12-01"}, "frequency": 1, "period": 6, "periodUnit": "h",
    }  # fmt: skip


@given(regimens())
def test_there_and_back_gives_the_same_doses_on_four_hundred_days(drawn: Regimen) -> None:
    back, first = from_fhir(to_fhir(drawn, FIRST))
    for number in range(400):
        on = FIRST + timedelta(days=number)
        assert doses_on(back, first, on) == doses_on(drawn, FIRST, on)
        here, there = phase_on(drawn, FIRST, on), phase_on(back, first, on)
        assert (here.phase.as_needed if here else None) == (there.phase.as_needed if there else None)


def instruction(repeat: dict[str, Any] | None = None, **told: Any) -> dict[str, Any]:
    timed = {"boundsPeriod": {"start": "2026-12-01"}, "timeOfDay": ["08:00:00"]} | (repeat or {})
    plain = {"timing": {"repeat": {name: it for name, it in timed.items() if it is not None}}}
    return {**plain, "doseAndRate": [{"doseQuantity": {"value": 10, "code": "mg"}}], **told}


def test_an_instruction_of_another_system_may_name_several_times_and_a_week() -> None:
    twice, first = from_fhir([instruction({"frequency": 2, "period": 1, "periodUnit": "d",
                                           "timeOfDay": ["08:00:00", "20:00:00"]})])  # fmt: skip
    assert first == date(2026, 12, 1)
    assert twice == regimen(phase(dose(10, "08:00"), dose(10, "20:00")))
    weekly, _ = from_fhir([instruction({"period": 2, "periodUnit": "wk"})])
    assert weekly == regimen(phase(dose(10, "08:00"), every_days=14))
    mondays, _ = from_fhir([instruction({"period": 1, "periodUnit": "wk", "dayOfWeek": ["mon"]})])
    assert mondays == regimen(phase(dose(10, "08:00"), weekdays=(Weekday.MON,)))


def as_needed(**told: Any) -> dict[str, Any]:
    most = {"numerator": {"value": 30, "code": "mg"}, "denominator": {"value": 24, "code": "h"}}
    return instruction(
        {"timeOfDay": None}, asNeededCodeableConcept={"text": "sleep"}, **{"maxDosePerPeriod": most, **told}
    )


def test_as_needed_of_another_system() -> None:
    read, _ = from_fhir([as_needed()])
    assert read == regimen(phase(as_needed=needed(10, 3, reason="sleep")))


MG_30, H_24 = {"value": 30, "code": "mg"}, {"value": 24, "code": "h"}


@pytest.mark.parametrize(
    ("instructions", "field"),
    [
        ([], "dosageInstruction"),
        ([instruction({"boundsPeriod": None})], "dosageInstruction[0].timing.repeat.boundsPeriod"),
        ([instruction({"boundsPeriod": {"start": "soon"}})], "dosageInstruction[0].timing.repeat.boundsPeriod"),
        ([instruction({"count": 3})], "dosageInstruction[0].timing.repeat.count"),
        ([instruction({"timeOfDay": None})], "dosageInstruction[0].timing.repeat.timeOfDay"),
        ([instruction({"timeOfDay": None, "when": ["PC"]})], "dosageInstruction[0].timing.repeat.when"),
        ([instruction({"frequency": 2})], "dosageInstruction[0].timing.repeat.frequency"),
        ([instruction({"period": 8, "periodUnit": "h"})], "dosageInstruction[0].timing.repeat.period"),
        ([instruction({"period": 1.5, "periodUnit": "d"})], "dosageInstruction[0].timing.repeat.period"),
        ([instruction({"period": 2, "periodUnit": "wk", "dayOfWeek": ["mon"]})],
         "dosageInstruction[0].timing.repeat.period"),
        ([instruction(doseAndRate=[])], "dosageInstruction[0].doseAndRate"),
        ([instruction(doseAndRate=[{"doseRange": {}}])], "dosageInstruction[0].doseAndRate"),
        ([instruction(doseAndRate=[{"doseQuantity": {"value": 1, "unit": "tablet"}}])],
         "dosageInstruction[0].doseAndRate"),
        ([instruction(doseAndRate=[{"doseQuantity": {"value": 0, "code": "mg"}}])], "dosageInstruction[0].doseAndRate"),
        ([instruction(), instruction(sequence=2)], "dosageInstruction.timing.repeat.boundsPeriod"),
        ([instruction(), instruction({"period": 2, "periodUnit": "d"})], "dosageInstruction[1].timing"),
        ([instruction(), instruction({"boundsPeriod": {"start": "2026-12-02"}})], "dosageInstruction[1].timing"),
        ([as_needed(maxDosePerPeriod={})], "dosageInstruction[0].maxDosePerPeriod"),
        ([as_needed(maxDosePerPeriod={"numerator": {"value": 25, "code": "mg"}, "denominator": H_24})],
         "dosageInstruction[0].maxDosePerPeriod"),
        ([as_needed(maxDosePerPeriod={"numerator": MG_30, "denominator": {"value": 12, "code": "h"}})],
         "dosageInstruction[0].maxDosePerPeriod"),
        ([as_needed(), as_needed()], "dosageInstruction[1].timing"),
    ],
)  # fmt: skip
def test_what_a_regimen_cannot_say_is_refused_by_its_element(instructions: list[dict[str, Any]], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        from_fhir(instructions)
    assert (refused.value.slug, refused.value.field) == ("not-a-regimen", field)
