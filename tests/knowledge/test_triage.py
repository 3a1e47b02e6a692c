"""Triage of side effects: red flags first, then grade and burden; the most urgent reading counts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.knowledge.triage import Level, Report, red_flags, triage

NOW, SAME_DAY, DAYS, VISIT = Level.EMERGENCY_NOW, Level.SAME_DAY, Level.WITHIN_72_HOURS, Level.NEXT_VISIT


@pytest.mark.parametrize(
    ("grade", "burden", "level"),
    [
        (None, None, VISIT), (1, None, VISIT), (2, None, DAYS), (3, None, SAME_DAY), (4, None, NOW), (5, None, NOW),
        (None, 2, VISIT), (None, 3, DAYS), (None, 4, DAYS), (None, 5, SAME_DAY), (None, 6, SAME_DAY),
        (1, 6, SAME_DAY), (3, 0, SAME_DAY), (4, 0, NOW),
    ],
)  # fmt: skip
def test_by_grade_and_burden(grade: int | None, burden: int | None, level: Level) -> None:
    assert triage(Report(symptom="nausea", ctcae_grade=grade, fibser_burden=burden)).level is level


@pytest.mark.parametrize(
    ("words", "medicine", "flag", "level"),
    [
        ("Rash on my arms", "Lamictal 25 MG Oral Tablet", "aromatic-anticonvulsant-rash", NOW),
        ("fever", "carbamazepine", "aromatic-anticonvulsant-rash", NOW),
        ("sore throat", "Clozaril", "clozapine-infection", NOW),
        ("chest feels heavy", "clozapine", "clozapine-heart", NOW),
        ("coarse tremor", "lithium carbonate 300 MG", "lithium-toxicity", NOW),
        ("vomiting since yesterday", "lithium", "lithium-toxicity", NOW),
        ("palpitations", "citalopram", "qt-palpitations", NOW),
        ("yellow eyes", "Depakote", "liver-injury", NOW),
        ("pounding headache", "phenelzine", "hypertensive-crisis", NOW),
        ("stiff all over, and a fever", "haloperidol", "neuroleptic-malignant-syndrome", NOW),
        ("agitated, twitching and sweating", "sertraline", "serotonin-syndrome", NOW),
        ("I had a SEIZURE", "bupropion", "seizure", NOW),
        ("my tongue is swelling", "lisinopril", "anaphylaxis-angioedema", NOW),
        ("I want to kill myself", "", "suicidal-ideation", NOW),
        ("suicidal thoughts", "sertraline", "suicidal-ideation", NOW),
        ("painful erection", "trazodone", "priapism", NOW),
        ("took a double dose", "lithium", "overdose", NOW),
        ("I cannot sit still", "aripiprazole", "akathisia", SAME_DAY),
        ("I am pregnant", "valproate", "pregnancy", SAME_DAY),
    ],
)
def test_red_flags_in_symptom_or_own_words(words: str, medicine: str, flag: str, level: Level) -> None:
    medicines = (medicine,) if medicine else ()
    for told in (Report(symptom=words, medicines=medicines), Report(symptom="", own_words=words, medicines=medicines)):
        found = triage(told)
        assert flag in found.red_flags
        assert found.level is level


def test_a_suspected_medicine_counts_as_taken() -> None:
    assert triage(Report(symptom="rash", suspected_medicine="lamotrigine")).level is NOW


@pytest.mark.parametrize(("words", "medicine"), [("rash", "sertraline"), ("headache", "sertraline"), ("tremor", "")])
def test_flags_of_other_medicines_stay_down(words: str, medicine: str) -> None:
    assert triage(Report(symptom=words, medicines=(medicine,) if medicine else ())).level is VISIT


def test_a_denial_never_lowers_the_level() -> None:
    assert triage(Report(symptom="no fever, no rash", medicines=("lamotrigine",))).level is NOW


@pytest.mark.parametrize("flag", red_flags(), ids=lambda flag: flag.id)
def test_every_first_phrase_of_every_flag_is_recognised(flag: object) -> None:
    known = {one.id: one for one in red_flags()}[flag.id]  # type: ignore[attr-defined]
    told = " and ".join(group[0] for group in known.all_of)
    for drug in known.drugs[:1] or ("",):
        medicine = {"maoi": "phenelzine", "qt-high-risk": "haloperidol"}.get(drug, drug)
        assert known.id in triage(Report(symptom=told, medicines=(medicine,))).red_flags


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text(), st.none() | st.integers(), st.none() | st.integers(), st.lists(st.text(), max_size=3))
def test_any_report_gets_an_answer(
    symptom: str, words: str, grade: int | None, burden: int | None, medicines: list[str]
) -> None:
    told = triage(
        Report(symptom=symptom, own_words=words, ctcae_grade=grade, fibser_burden=burden, medicines=tuple(medicines))
    )
    assert told.rule
