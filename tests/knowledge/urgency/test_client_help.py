"""What a client reads in an emergency: whom to call, in plain words of their language, whatever is not known."""

import re
from datetime import date

import pyphen  # type: ignore[import-untyped]
import pytest

from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.pack.shapes.urgency import ClientWords
from careloop.knowledge.urgency.client_help import DepartmentOnRecord, Language, client_help
from tests.support.knowledge import TODAY

MERCY = DepartmentOnRecord(name="Mercy Hospital", phone="555-0199", recorded_on=date(2026, 3, 1))
SENTENCES = current_pack().entries(ClientWords)


def grade(language: str, text: str) -> float:
    """The school year that a text asks for: Flesch-Kincaid (1975) in English, Crawford (1989) in Spanish."""
    syllables_of = pyphen.Pyphen(lang={"en": "en_US", "es": "es"}[language])
    words = re.findall(r"[^\W\d_]+", text)
    sentences = len(re.findall(r"[.?]", text))
    syllables = sum(len(syllables_of.positions(word)) + 1 for word in words)
    if language == "en":
        return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59
    return -0.205 * 100 * sentences / len(words) + 0.049 * 100 * syllables / len(words) - 3.407


def test_the_formulas_tell_easy_from_hard() -> None:
    assert grade("en", "The cat sat. The dog ran.") < 1
    assert grade("en", "Immediate hospitalisation necessitates considerable administrative deliberation.") > 12
    assert (
        grade("es", "El gato come. El perro corre.")
        < 1
        < grade("es", "La hospitalizaci\u00f3n requiere deliberaciones.")
    )


@pytest.mark.parametrize("words", SENTENCES, ids=lambda words: words.id)
def test_every_sentence_is_read_in_the_sixth_year_of_school(words: ClientWords) -> None:
    said = words.text.format(phone="555", name="Mercy", on="1")
    assert grade(words.language, said) <= 6
    assert "!" not in said


@pytest.mark.parametrize("language", list(Language))
def test_all_together_are_as_easy(language: Language) -> None:
    told = client_help(language, on=TODAY, red_flags=["overdose"], on_call_phone="555", department=MERCY)
    assert grade(language, " ".join(told.lines)) <= 6


@pytest.mark.parametrize("language", list(Language))
def test_911_988_the_on_call_number_and_the_emergency_department_with_its_day_are_named(language: Language) -> None:
    told = client_help(language, on=TODAY, on_call_phone="555-0100", department=MERCY)
    text = " ".join(told.lines)
    assert all(part in text for part in ("911", "988", "555-0100", "Mercy Hospital, 555-0199"))
    assert {Language.ENGLISH: "2026-03-01", Language.SPANISH: "01/03/2026"}[language] in text
    assert told.language == language
    assert all("@1" in name for name in told.words)
    assert len(told.words) == len(told.lines) == 5
    assert "1-800-222-1222" not in text


def test_the_poison_line_stands_where_something_was_swallowed() -> None:
    told = client_help(Language.ENGLISH, on=TODAY, red_flags=["overdose"])
    assert "1-800-222-1222" in told.lines[1]


@pytest.mark.parametrize("language", list(Language))
def test_what_nobody_knows_is_left_out_or_said(language: Language) -> None:
    told = client_help(language, on=TODAY)
    assert [name.removesuffix("@1").removesuffix(".es") for name in told.words] == [
        "words.call-911", "words.call-988", "words.no-emergency-department", "words.team-hears",
    ]  # fmt: skip
    assert "{" not in " ".join(told.lines)


def test_a_department_without_a_number_is_named_alone() -> None:
    there = DepartmentOnRecord(name="Mercy", recorded_on=date(2026, 3, 1))
    assert "Mercy." in " ".join(client_help(Language.ENGLISH, on=TODAY, department=there).lines)
