"""Texts as words, the way all matching here reads them."""

import re
import unicodedata

_TOKEN = re.compile(r"[^\W_]+(?:['\-][^\W_]+)*|[/+;&\[\]{}|]")
_STRENGTH = re.compile(
    r"\d+(?:[.,]\d+)?\s*(?:mg|mcg|ug|g|ml|unt|units?|iu|meq|%)(?:\s*/\s*[\d.]*\s*(?:mg|ml|hr|h|actuat|g|l|day))?\b"
)


def plain(text: str) -> str:
    """The text in one case, one kind of apostrophe and one form of every letter."""
    return unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'").replace("`", "'")


def tokens(text: str) -> tuple[str, ...]:
    """Words and separators of a text, strengths such as `0.09 MG/ACTUAT` left out."""
    return tuple(_TOKEN.findall(_STRENGTH.sub(" ", plain(text))))


def words(text: str) -> tuple[str, ...]:
    """Words of a text, hyphens opened."""
    return tuple(re.findall(r"[^\W_]+", plain(text)))


def mentions(text: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    """Whether words that begin like those of the phrase follow each other in the text. Negation is not read."""
    span = len(phrase)
    return any(
        all(word.startswith(stem) for word, stem in zip(text[start : start + span], phrase, strict=True))
        for start in range(len(text) - span + 1)
    )
