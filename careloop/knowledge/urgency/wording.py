"""Texts of clients and phrases of the pack in one spelling, and phrases found in texts."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.urgency import TextContext
from careloop.knowledge.pack.text import plain

_SENTENCE = re.compile(r"[.!?;:\n\r\u2026\u00bf\u00a1]+")
_AT_LEAST = re.compile(r"(\d+)\+")
_COMBINING = re.compile(r"[\u0300-\u036f]+")
Match = tuple[int, int]
"""Where words begin and end."""


def contexts(pack: Pack) -> tuple[TextContext, ...]:
    """How each language denies; none in a pack from before texts were read so."""
    return pack.entries(TextContext)


def sentences(pack: Pack, text: str) -> tuple[str, ...]:
    """The sentences of a text, each in the pack's spelling."""
    return tuple(spelled(pack, part) for part in _SENTENCE.split(plain(text)) if part.strip())


def spelled(pack: Pack, text: str) -> str:
    """In one case, without accents, with the short forms of a language as the pack spells them."""
    bare = _COMBINING.sub("", unicodedata.normalize("NFD", plain(text)))
    bare = re.sub(r"'(m|ve|ll|re)\b", lambda found: _OPENED[found.group(1)], bare).replace("'", "")
    for pattern, meant in _spellings(pack):
        bare = pattern.sub(meant, bare)
    return bare


_OPENED = {"m": " am", "ve": " have", "ll": " will", "re": " are"}


@lru_cache(8)
def _spellings(pack: Pack) -> tuple[tuple[re.Pattern[str], str], ...]:
    pairs = (pair for context in contexts(pack) for pair in context.spelled)
    return tuple((re.compile(r"\b" + r"\s+".join(written.split()) + r"\b"), meant) for written, meant in pairs)


@lru_cache(8)
def numbers(pack: Pack) -> dict[str, int]:
    """What each number word counts."""
    return {word: value for context in contexts(pack) for word, value in context.numbers.items()}


@lru_cache(4096)
def pattern(pack: Pack, phrases: tuple[str, ...], apart: int, *, whole: bool = False) -> re.Pattern[str]:
    """Any of the phrases: the beginnings of their words, or the `whole` words, with at most `apart` others between."""
    between = rf"\W+(?:\w+\W+){{0,{apart}}}?"
    # The longest first, so that words inside a phrase are seen as a part of it.
    listed = sorted(phrases, key=len, reverse=True)
    return re.compile(
        "|".join(rf"\b{between.join(_word(pack, one, whole=whole) for one in _of(pack, phrase))}" for phrase in listed)
    )


def _of(pack: Pack, phrase: str) -> list[str]:
    """The words of a phrase in the spelling of texts; marks of the phrase stay."""
    return spelled(pack, phrase).split()


def _word(pack: Pack, word: str, *, whole: bool) -> str:
    counted = _AT_LEAST.fullmatch(word)
    if counted:
        return _at_least(pack, int(counted.group(1)))
    exact = whole or word.endswith(".")
    return re.escape(word.rstrip(".")) + (r"\b" if exact else r"\w*")


def _at_least(pack: Pack, least: int) -> str:
    """A number from the least on, in digits or as its word."""
    named = "|".join(word for word, value in numbers(pack).items() if value >= least)
    digits = "|".join(_digits(least))
    return rf"(?:{digits}{'|' + named if named else ''})\b"


def _digits(least: int) -> Iterator[str]:
    """Expressions of the whole numbers from the least on, up to six digits."""
    text = str(least)
    yield rf"[1-9]\d{{{len(text)},5}}"
    yield text
    for place, digit in enumerate(text):
        if digit != "9":
            rest = len(text) - place - 1
            yield rf"{text[:place]}[{int(digit) + 1}-9]" + (rf"\d{{{rest}}}" if rest else "")


def finds(found: re.Pattern[str], text: str) -> Iterable[Match]:
    return (match.span() for match in found.finditer(text))
