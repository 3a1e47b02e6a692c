"""Whether a text is understood: every word of it is known to the pack. And which language it is written in."""

import re
from functools import lru_cache

from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.urgency import KnownWords, Language, WordKind
from careloop.knowledge.pack.text import tokens
from careloop.knowledge.urgency.wording import numbers, sentences

_WORD = re.compile(r"[^\W\d_]+")
_ENDINGS = ("s", "es", "d", "ed", "ing", "ly", "y", "er")
BEGINNING = 5
"""From this length on a known word is the beginning of others."""


def strange_words(pack: Pack, text: str) -> tuple[str, ...]:
    """The words of a text that are no known word, number or name of a drug, as the pack spells them.

    None for a pack from before words were listed.
    """
    if not pack.entries(KnownWords):
        return ()
    return tuple(
        word
        for sentence in sentences(pack, text)
        for word in _WORD.findall(sentence)
        if not (_known(pack, word) or (word,) in pack.lexicon or word in pack.product_words or word in numbers(pack))
    )


def drugs_named(pack: Pack, text: str) -> frozenset[str]:
    """The drugs that a text names in one word, brands too; none for a pack from before texts were read so."""
    if not pack.entries(KnownWords):
        return frozenset()
    return frozenset(drug for word in tokens(text) for drug in pack.lexicon.get((word,), ()))


def names_symptom(pack: Pack, text: str) -> bool:
    """Whether a text names something felt."""
    said = " ".join(sentences(pack, text))
    return any(_among(pack, word, (WordKind.SYMPTOM,), tuple(Language)) for word in _WORD.findall(said))


def language_of(pack: Pack, text: str) -> Language:
    """The language of which a text has more words that the other one has not; English where that is equal."""
    said = _WORD.findall(" ".join(sentences(pack, text)))
    counted = {one: sum(_only_in(pack, word, one) for word in said) for one in (Language.ENGLISH, Language.SPANISH)}
    return max(counted, key=counted.__getitem__)


def _only_in(pack: Pack, word: str, language: Language) -> bool:
    others = tuple(other for other in Language if other is not language)
    kinds = tuple(WordKind)
    return _among(pack, word, kinds, (language,)) and not _among(pack, word, kinds, others)


def _known(pack: Pack, word: str) -> bool:
    return _among(pack, word, tuple(WordKind), tuple(Language))


@lru_cache(16384)
def _among(pack: Pack, word: str, kinds: tuple[WordKind, ...], languages: tuple[Language, ...]) -> bool:
    known = _words(pack, kinds, languages)
    beginnings = (word[:size] for size in range(BEGINNING, len(word)))
    endings = (word.removesuffix(ending) for ending in _ENDINGS)
    return any(one in known for one in (word, *endings, *beginnings))


@lru_cache(64)
def _words(pack: Pack, kinds: tuple[WordKind, ...], languages: tuple[Language, ...]) -> frozenset[str]:
    listed = (one for one in pack.entries(KnownWords) if one.kind in kinds and one.language in languages)
    return frozenset(word for one in listed for word in one.words.split())
