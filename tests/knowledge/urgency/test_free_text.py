"""What clients write: danger words in two languages; what is denied, past, of others or only asked; and what is not
understood."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.cli.documents.phrases import phrases_in
from careloop.knowledge.pack.pack import current_pack, load
from careloop.knowledge.pack.shapes.urgency import Language, RedFlag
from careloop.knowledge.urgency.phrases import PhraseFigures, figures, read_phrases
from careloop.knowledge.urgency.triage import (
    NOT_UNDERSTOOD,
    Level,
    ReportedSideEffect,
    WrittenText,
    triage,
    triage_text,
)
from careloop.knowledge.urgency.understanding import language_of, strange_words
from tests.support.knowledge import TODAY, released

NOW, SAME_DAY, DAYS, VISIT = Level.EMERGENCY_NOW, Level.SAME_DAY, Level.WITHIN_72_HOURS, Level.NEXT_VISIT
HERE = Path(__file__).parent
FLAGS = current_pack().entries(RedFlag)


def level(text: str, *, by_client: bool = True, medicines: tuple[str, ...] | None = ()) -> Level:
    return triage_text(WrittenText(text=text, by_client=by_client, medicines=medicines, on=TODAY)).level


def rule(text: str, **said: bool) -> str:
    return triage_text(WrittenText(text=text, by_client=said.get("by_client", True), medicines=(), on=TODAY)).rule


def measured(name: str) -> PhraseFigures:
    return figures(read_phrases(phrases_in((HERE / name).read_text(encoding="utf-8")), TODAY))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I want to kill myself tonight", NOW),
        ("jump off a bridge", NOW),
        ("me quiero morir", NOW),
        ("ME QUIERO MORIR", NOW),
        ("voices telling me to hurt my son", NOW),
        ("ran out of pills 4 days ago", SAME_DAY),
        ("four nights without sleep", SAME_DAY),
        ("spending sprees", SAME_DAY),
        ("no chest pain, just tired", VISIT),
        ("no puedo m\u00e1s", SAME_DAY),
        ("I can\u2019t breathe", NOW),
        ("i cant breathe", NOW),
        ("I cannot breathe", NOW),
    ],
)
def test_words_of_danger_have_their_level(text: str, expected: Level) -> None:
    assert level(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I do not want to kill myself", VISIT),
        ("I am not suicidal", VISIT),
        ("no fever, rash or chest pain", VISIT),
        ("no chest pain or trouble breathing", VISIT),
        ("no quiero morir", VISIT),
        ("sin dolor en el pecho ni desmayos", VISIT),
        # Another thought begins, and the denial ends.
        ("no sleep, chest pain all night", NOW),
        ("no fever but chest pain", NOW),
        ("I am not okay I want to die", NOW),
        ("I don't sleep and I want to die", NOW),
        ("no duermo y me quiero morir", NOW),
        ("no, quiero morir", NOW),
        # Words that are themselves a denial, and denials of a denial.
        ("I don't want to live", NOW),
        ("ya no quiero vivir", NOW),
        ("I can't promise I won't hurt myself", NOW),
        ("I am not sure I won't kill myself", NOW),
    ],
)
def test_a_denial_reaches_as_far_as_it_plainly_does(text: str, expected: Level) -> None:
    assert level(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my roommate is suicidal", SAME_DAY),
        ("my mother has chest pain", SAME_DAY),
        ("mi amigo se quiere morir", SAME_DAY),
        ("my husband is worried because I want to die", NOW),
        ("my sister says I should kill myself", NOW),
        ("he makes me want to kill myself", NOW),
        ("my toddler swallowed my pills", NOW),
    ],
)
def test_what_is_said_of_somebody_else_is_read_so_unless_it_may_be_of_the_client(text: str, expected: Level) -> None:
    assert level(text) is expected


def test_what_a_clinician_writes_of_somebody_is_of_the_client() -> None:
    assert level("she is suicidal", by_client=False) is NOW
    assert level("she is suicidal") is SAME_DAY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I tried to kill myself ten years ago", DAYS),
        ("when I was a teenager I overdosed", DAYS),
        ("I overdosed in 2012", DAYS),
        ("intent\u00e9 matarme hace diez a\u00f1os", DAYS),
        ("I tried to kill myself years ago and now I want to die again", NOW),
        ("I tried to kill myself yesterday", NOW),
        ("can this make you suicidal?", SAME_DAY),
        ("I had a dream that I killed myself", SAME_DAY),
        ("can this cause a seizure?", VISIT),
    ],
)
def test_what_is_long_ago_or_only_asked_is_less_urgent(text: str, expected: Level) -> None:
    assert level(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two nights without sleep", SAME_DAY),
        ("2 nights without sleep", SAME_DAY),
        ("one night without sleep", VISIT),
        ("I took 10 pills", NOW),
        ("I took 9 pills", VISIT),
        ("I took thirty tablets", NOW),
        ("I took 100 tablets", NOW),
        ("I took 20 mg", VISIT),
        ("missed two doses", DAYS),
        ("missed one dose", VISIT),
    ],
)
def test_numbers_count_from_where_the_rule_says(text: str, expected: Level) -> None:
    assert level(text) is expected


@pytest.mark.parametrize("text", ["I want to diet", "I am dying to see it", "die laughing", "I will be late by a day"])
def test_beginnings_and_idioms_are_no_danger(text: str) -> None:
    assert triage_text(WrittenText(text=text, by_client=True, medicines=(), on=TODAY)).red_flags == ()


def plain(phrase: str) -> str:
    """The phrase without the marks of the data file."""
    return " ".join(word.rstrip(".").removesuffix("+") for word in phrase.split())


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.id)
def test_every_phrase_of_every_flag_is_recognised_by_itself(flag: RedFlag) -> None:
    """A phrase that another context swallows would never be read."""
    others = [group[0] for group in flag.all_of[1:]]
    drug = {"maoi": "phenelzine", "qt-high-risk": "haloperidol"}.get(flag.drugs[0], flag.drugs[0]) if flag.drugs else ""
    for phrase in flag.all_of[0]:
        said = ". ".join(plain(one) for one in (phrase, *others))
        read = triage_text(WrittenText(text=said, by_client=False, medicines=(drug,), on=TODAY))
        assert flag.id in read.red_flags, said


def test_words_that_nobody_knows_are_read_by_a_person_the_same_day() -> None:
    assert (level("everything is flibbery"), rule("everything is flibbery")) == (SAME_DAY, NOT_UNDERSTOOD)
    assert strange_words(current_pack(), "everything is flibbery") == ("flibbery",)
    assert level("a little headache after 25 mg of sertraline") is VISIT


def test_a_clinician_is_not_asked_what_the_words_mean() -> None:
    assert rule("everything is flibbery", by_client=False) == "triage.ungraded"


def test_words_that_are_denied_are_understood() -> None:
    assert rule("no hallucinations, no seizures") == NOT_UNDERSTOOD
    assert rule("no convulsions, no seizures") == "triage.ungraded"


def test_a_report_of_a_side_effect_that_names_none_is_read_by_a_person() -> None:
    def reported(words: str, **said: bool | int) -> str:
        return triage(ReportedSideEffect(symptom=words, medicines=(), felt_on=TODAY, **said)).rule  # type: ignore[arg-type]

    assert reported("it is the same as before", by_client=True) == NOT_UNDERSTOOD
    assert reported("it is the same as before") == "triage.ungraded"
    assert reported("it is the same as before", by_client=True, ctcae_grade=1) == "triage.ctcae-1"
    assert reported("headache, the same as before", by_client=True) == "triage.ungraded"
    assert reported("everything is flibbery", by_client=True, fibser_burden=0) == "triage.fibser-burden-0"


def test_words_that_are_a_flag_with_some_medicine_are_looked_at_the_same_day_while_nobody_knows_what_is_taken() -> None:
    assert level("a headache", medicines=None) is SAME_DAY
    assert level("a headache", medicines=()) is VISIT
    assert level("a severe headache", medicines=("Nardil",)) is NOW


def test_the_language_is_the_one_with_more_words_of_its_own() -> None:
    read: Mapping[str, Language] = {
        "me duele la cabeza desde ayer": Language.SPANISH,
        "my head hurts since yesterday": Language.ENGLISH,
        "": Language.ENGLISH,
        "me quiero morir": Language.SPANISH,
    }
    assert {text: language_of(current_pack(), text) for text in read} == read


def test_phrases_that_the_rules_were_written_with_are_read_as_meant() -> None:
    for name in ("phrases.yaml", "phrases-later.yaml"):
        found = measured(name)
        assert all((it.recall or 0) >= 0.97 and (it.precision or 0) >= 0.97 for it in found.levels), found
        assert len(found.silent) <= 3
        assert found.not_understood / found.everyday < 0.1


def test_phrases_that_were_kept_out_are_read_no_worse_than_at_first() -> None:
    """The figures of the first run: whoever changes the rules learns here what the change costs."""
    found = measured("phrases-kept-out.yaml")
    at_least = {NOW: (0.98, 0.73), SAME_DAY: (0.94, 0.74), DAYS: (0.98, 0.90), VISIT: (0.76, 0.98)}
    for one in found.levels:
        precision, recall = at_least[one.level]
        assert (one.precision or 0) >= precision, one
        assert (one.recall or 0) >= recall, one
    assert len(found.silent) <= 7
    assert found.not_understood / found.everyday < 0.1


def test_an_earlier_pack_reads_as_it_did() -> None:
    """It denies nothing, and calls nothing not understood."""
    pack = load(released("1.2.0"))
    read = triage_text(WrittenText(text="no chest pain, all flibbery", by_client=True, medicines=(), on=TODAY), pack)
    assert read.rule == "triage.red-flag.chest-pain"
    assert triage_text(WrittenText(text="all flibbery", by_client=True, medicines=(), on=TODAY), pack).level is VISIT


@settings(max_examples=150, deadline=None)
@given(st.text(), st.booleans())
def test_any_text_gets_an_answer(text: str, by_client: bool) -> None:
    found = triage_text(WrittenText(text=text, by_client=by_client, on=TODAY))
    assert found.rule.startswith("triage.")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["I want to kill myself", "me quiero morir", "chest pain"]), st.sampled_from(["ok", "hola", ""]))
def test_danger_in_a_sentence_of_its_own_is_read_whatever_stands_in_the_others(danger: str, other: str) -> None:
    for text in (f"{other}. {danger}.", f"{danger}! {other}", f"No pain. {danger}"):
        assert level(text) is NOW
