"""Entries that say that there is none, or that nobody knows. Neither is an entry of the list."""

import re
from enum import Enum

from careloop.intake.code_systems import system_of
from careloop.intake.shapes.elements import Concept
from careloop.intake.tally import NotUnderstood, NotUsed


class Says(Enum):
    """What an entry says of its whole list."""

    SOMETHING = "something"
    NONE = "none"


_NONE = {
    "snomed": {
        "716186003",  # no known allergy
        "160244002",  # no known allergies: retired, still sent
        "787481004",  # no known medications
        "160245001",  # no current problems or disability
    },
    "ips": {"no-known-allergies", "no-known-medications", "no-known-problems"},
}
_NONE_OF_ONE_KIND = {
    "snomed": {
        "409137002",  # no known drug allergy
        "428607008",  # no known environmental allergy
        "429625007",  # no known food allergy
        "428197003",  # no known insect or latex allergy, by edition
        "716184000",  # no known latex allergy
        "716220001",  # no known animal allergy
        "1003774007",  # no known allergy to latex or peanut, by edition
    },
    "ips": {"no-known-medication-allergies", "no-known-environmental-allergies", "no-known-food-allergies"},
}
_NO_INFORMATION = {
    "snomed": {
        "1631000175102",  # patient not asked
        "787923006",  # allergy status unknown
    },
    "ips": {"no-allergy-info", "no-medication-info", "no-problem-info"},
}
_THING = r"(?:allerg(?:y|ies)|allergies or intolerances|medications?|medicines|(?:medical )?problems|conditions)"
_WORDS_NONE = re.compile(
    rf"nka|none|none known|no {_THING}|no (?:known|current|active|reported) {_THING}"
    rf"|(?:patient )?(?:denies|has no)(?: any| known)* {_THING}|sin alergias conocidas"
)
_WORDS_OF_ONE_KIND = re.compile(
    r"nkda|nkma|nkfa|nkda no known drug allergies"
    r"|no (?:known )?(?:drug|medication|medicine|food|environmental|latex|insect|animal)s? allerg(?:y|ies)"
)
_WORDS_UNKNOWN = re.compile(
    r"unknown(?: allerg(?:y|ies))?|n/?a|not known|not asked|patient not asked|not on file"
    r"|no information.*|not (?:recorded|available|assessed)"
    r"|unable to (?:assess|obtain)|allerg(?:y|ies) (?:status )?unknown"
)
_SUFFIX = re.compile(r"\((?:situation|finding|disorder)\)")
_NEGATED = re.compile(
    r"^(?:no|not|none|nothing|negative|without|never|nil|zero|free of|keine?|aucune?|ninguna?|nessuna?|geen"
    r"|nega|sin|sans)\b"
    r"|\b(?:nka|nkda|nkma|nkfa|n k a|n k d a|none|no known|not allergic|no allerg\w+|deny|denies|denied|rules? out"
    r"|ruled out|absence of)\b|\b(?:no|negative|nil)$"
)
_ABSENT = re.compile(
    r"^no (?:history|evidence|signs?) of\b|^absence of (?:history|seizures?)\b|\b(?:denies|denied|ruled out)\b"
)
"""What denies a finding also in the words of a code; the check reads those."""
_OF_OTHERS = re.compile(r"\b(?:family (?:history|hx)|fam hx|fhx|fh of|(?:mother|father|sibling) (?:had|has|with))\b")


def says(concept: Concept, *, always_of_a_thing: bool = False) -> Says:
    """Whether an entry of a list says NONE, by its code or its words. `always_of_a_thing`: entries of this list name
    things, so that words with a negation in them never do; of other lists that holds only without a code, as there
    are findings such as `Not in labor force`.

    Raises NotUsed `no-information` where it says that nobody knows, NotUnderstood where it denies one kind only or in
    words that are not known: whatever it means, it is no entry.
    """
    if _coded(concept, _NONE):
        return Says.NONE
    if _coded(concept, _NONE_OF_ONE_KIND):
        raise NotUnderstood("none-known-of-one-kind-only", leaves_gap=False)
    if _coded(concept, _NO_INFORMATION):
        raise NotUsed("no-information")
    # A display is a code's own words; a remark beside a code denies nothing of the code.
    words = _SUFFIX.sub("", (concept.display or concept.text).lower())
    return _spoken(" ".join(re.findall(r"[\w/']+", words)), by_words=always_of_a_thing or not concept.codes)


def _spoken(words: str, *, by_words: bool) -> Says:
    if _WORDS_NONE.fullmatch(words):
        return Says.NONE
    if _WORDS_OF_ONE_KIND.fullmatch(words):
        raise NotUnderstood("none-known-of-one-kind-only", leaves_gap=False)
    if _WORDS_UNKNOWN.fullmatch(words):
        raise NotUsed("no-information")
    if not by_words and _ABSENT.search(words):
        raise NotUnderstood("negation-not-understood", leaves_gap=False)
    if by_words and _NEGATED.search(words):
        raise NotUnderstood("negation-not-understood")
    if _OF_OTHERS.search(words):
        raise NotUnderstood("about-the-family", leaves_gap=False)
    return Says.SOMETHING


def _coded(concept: Concept, codes: dict[str, set[str]]) -> bool:
    return any(coding.code in codes.get(_system(coding.system), ()) for coding in concept.coding)


def _system(url: str) -> str:
    return "ips" if "absent-unknown" in url else system_of(url)
