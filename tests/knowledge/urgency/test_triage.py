"""Triage of side effects: red flags first, then grade and burden; the most urgent reading counts."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.pack.shapes.urgency import RedFlag
from careloop.knowledge.urgency.triage import Level, ReportedSideEffect, Triage, triage
from tests.support.knowledge import TODAY

NOW, SAME_DAY, DAYS, VISIT = Level.EMERGENCY_NOW, Level.SAME_DAY, Level.WITHIN_72_HOURS, Level.NEXT_VISIT
BY_GRADE: Mapping[int | None, Level] = {None: VISIT, 1: VISIT, 2: DAYS, 3: SAME_DAY, 4: NOW, 5: NOW}
BY_BURDEN: Mapping[int | None, Level] = {
    None: VISIT, 0: VISIT, 1: VISIT, 2: VISIT, 3: DAYS, 4: DAYS, 5: SAME_DAY, 6: SAME_DAY,
}  # fmt: skip
GRADE_RULE: Mapping[int | None, str] = {
    1: "triage.ctcae-1", 2: "triage.ctcae-2", 3: "triage.ctcae-3", 4: "triage.ctcae-4", 5: "triage.ctcae-4",
}  # fmt: skip
BURDEN_RULE: Mapping[int | None, str] = {
    None: "triage.ungraded",
    0: "triage.fibser-burden-0", 1: "triage.fibser-burden-0", 2: "triage.fibser-burden-0",
    3: "triage.fibser-burden-3", 4: "triage.fibser-burden-3",
    5: "triage.fibser-burden-5", 6: "triage.fibser-burden-5",
}  # fmt: skip
WITHIN = {NOW: timedelta(minutes=15), SAME_DAY: timedelta(hours=12), DAYS: timedelta(hours=72), VISIT: None}
FLAGS = current_pack().entries(RedFlag)


def judged(
    symptom: str = "nausea",
    words: str = "",
    *,
    grade: int | None = None,
    burden: int | None = None,
    medicines: tuple[str, ...] | None = (),
    suspected: str | None = None,
    felt_on: date = TODAY,
) -> Triage:
    return triage(
        ReportedSideEffect(
            symptom=symptom,
            own_words=words,
            ctcae_grade=grade,
            fibser_burden=burden,
            suspected_medicine=suspected,
            medicines=medicines,
            felt_on=felt_on,
        )
    )


@pytest.mark.parametrize(("grade", "burden"), list(product(BY_GRADE, BY_BURDEN)))
def test_the_more_urgent_of_grade_and_burden_counts_and_the_grade_names_the_rule_of_equals(
    grade: int | None, burden: int | None
) -> None:
    level = min(BY_GRADE[grade], BY_BURDEN[burden], key=lambda one: one.rank)
    by_grade = grade is not None and BY_GRADE[grade].rank <= BY_BURDEN[burden].rank
    rule = GRADE_RULE[grade] if by_grade else BURDEN_RULE[burden]
    told = Triage(level=level, rule=rule, version=1, red_flags=(), within=WITHIN[level])
    assert judged(grade=grade, burden=burden) == judged(grade=grade, burden=burden, medicines=None) == told


@pytest.mark.parametrize(
    ("grade", "burden", "rule"),
    [
        (6, None, "triage.ctcae-4"),
        (0, None, "triage.ctcae-1"),
        (None, 99, "triage.fibser-burden-5"),
        (None, -1, "triage.fibser-burden-0"),
    ],
)
def test_an_answer_outside_its_scale_is_read_as_the_nearest(grade: int | None, burden: int | None, rule: str) -> None:
    assert judged(grade=grade, burden=burden).rule == rule


def test_a_report_from_before_the_rules_begin_is_judged_by_the_first_of_them() -> None:
    assert judged(grade=4, felt_on=date(1999, 12, 31)) == judged(grade=4)
    assert judged("seizure", felt_on=date.min) == judged("seizure")


def test_levels_are_ranked_from_the_most_urgent() -> None:
    assert [level.rank for level in (NOW, SAME_DAY, DAYS, VISIT)] == [0, 1, 2, 3]


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
        ("severe tremor", "lithium", "lithium-toxicity", NOW),
        ("fine tremor", "lithium", "lithium-tremor", SAME_DAY),
        ("constipated and vomiting", "clozapine", "clozapine-bowel", NOW),
        ("constipated, my belly is swollen", "clozapine", "clozapine-bowel", NOW),
        ("no bowel movement in four days", "clozapine", "clozapine-obstruction", NOW),
        ("constipation", "clozapine", "clozapine-constipation", SAME_DAY),
        ("sudden headache", "phenelzine", "hypertensive-crisis", NOW),
        ("stiff neck", "phenelzine", "hypertensive-crisis-signs", NOW),
        ("headache", "phenelzine", "headache-on-maoi", SAME_DAY),
        ("vomiting, very sleepy", "valproate", "valproate-encephalopathy", NOW),
        ("vomited once", "duloxetine", "liver-warning", SAME_DAY),
        ("dry skin", "lamotrigine", "aromatic-anticonvulsant-skin", SAME_DAY),
        ("I cannot sit still", "aripiprazole", "akathisia", SAME_DAY),
        ("I am pregnant", "valproate", "pregnancy", SAME_DAY),
    ],
)
def test_red_flags_in_symptom_or_own_words(words: str, medicine: str, flag: str, level: Level) -> None:
    medicines = (medicine,) if medicine else ()
    for found in (judged(words, medicines=medicines), judged("", words, medicines=medicines)):
        assert flag in found.red_flags
        assert (found.level, found.within) == (level, WITHIN[level])
        assert found.version == next(one.version for one in FLAGS if found.rule == f"triage.red-flag.{one.id}")


@pytest.mark.parametrize("medicine", ["lithium", "clozapine", "valproate", "phenelzine", "lamotrigine", "duloxetine"])
def test_everyday_nausea_waits_for_the_next_visit_whatever_is_taken(medicine: str) -> None:
    assert judged("a little nausea", medicines=(medicine,)).level is VISIT


def test_a_suspected_medicine_counts_as_taken() -> None:
    assert judged("rash", suspected="lamotrigine").level is NOW


@pytest.mark.parametrize(
    ("words", "medicine"), [("mouth sore", "sertraline"), ("headache", "sertraline"), ("tremor", "")]
)
def test_flags_of_other_medicines_stay_down(words: str, medicine: str) -> None:
    assert judged(words, medicines=(medicine,) if medicine else ()).level is VISIT


def test_what_is_plainly_denied_is_no_red_flag_and_what_stands_beside_it_is() -> None:
    assert judged("no fever, no rash", medicines=("lamotrigine",)).level is VISIT
    assert judged("no fever, but a rash", medicines=("lamotrigine",)).level is NOW
    assert judged("stiff all over, no fever", medicines=("haloperidol",)).red_flags == ()


def test_words_that_may_be_a_red_flag_are_looked_at_on_the_same_day_while_nobody_knows_what_is_taken() -> None:
    found = judged("mouth sore", grade=1, medicines=None)
    assert found.rule == "triage.medicines-unknown.aromatic-anticonvulsant-rash"
    assert (found.level, found.version, found.within, found.red_flags) == (SAME_DAY, 1, timedelta(hours=12), ())
    assert judged("mouth sore", grade=4, medicines=None).rule == "triage.ctcae-4"
    assert judged("mouth sore", medicines=()).rule == "triage.ungraded"


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.id)
def test_every_first_phrase_of_every_flag_is_recognised(flag: RedFlag) -> None:
    told = " and ".join(group[0] for group in flag.all_of)
    for drug in flag.drugs[:1] or ("",):
        medicine = {"maoi": "phenelzine", "qt-high-risk": "haloperidol"}.get(drug, drug)
        assert flag.id in judged(told, medicines=(medicine,)).red_flags


@settings(max_examples=100, deadline=None)
@given(
    st.text(),
    st.text(),
    st.none() | st.integers(),
    st.none() | st.integers(),
    st.none() | st.lists(st.text(), max_size=3),
    st.dates(),
)
def test_any_report_gets_an_answer(
    symptom: str, words: str, grade: int | None, burden: int | None, medicines: list[str] | None, day: date
) -> None:
    taken = None if medicines is None else tuple(medicines)
    found = judged(symptom, words, grade=grade, burden=burden, medicines=taken, felt_on=day)
    assert found.rule.startswith("triage.")
    assert found.within == WITHIN[found.level]
