"""Files of phrases whose level a person has set."""

from collections.abc import Iterator

import yaml

from careloop.knowledge.pack.shapes.urgency import Level
from careloop.knowledge.urgency.phrases import EVERYDAY, NOT_DANGER

KINDS = (*(level.value for level in Level if level is not Level.NEXT_VISIT), NOT_DANGER, EVERYDAY)


class NotPhrases(ValueError):
    """The file does not hold phrases by level."""


def phrases_in(text: str) -> dict[str, tuple[str, ...]]:
    """The phrases by kind, whatever their language. Raises NotPhrases."""
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError as fault:
        raise NotPhrases(f"no YAML: {getattr(fault, 'problem', None) or fault}") from None
    if not isinstance(read, dict) or not read:
        raise NotPhrases(f"lists of phrases by {', '.join(KINDS)} are needed")
    if strange := [str(kind) for kind in read if kind not in KINDS]:
        raise NotPhrases(f"{', '.join(strange)}: a kind is one of {', '.join(KINDS)}")
    return {kind: tuple(_texts(kind, listed)) for kind, listed in read.items()}


def _texts(kind: str, listed: object) -> Iterator[str]:
    if isinstance(listed, dict):
        for texts in listed.values():
            yield from _texts(kind, texts)
    elif isinstance(listed, list) and all(isinstance(text, str) for text in listed):
        yield from listed
    else:
        raise NotPhrases(f"{kind}: a list of texts is needed, or one for each language")
