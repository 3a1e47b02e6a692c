"""What the words around a danger word make of it: denied, of somebody else, of long ago, supposed; or plainly said.

Each is seen only where the pack's words for it are plain (text-contexts.yaml). Whatever is in doubt is read as said of
the client and of now, because a danger recognised once too often harms less than one missed.
"""

import re
from enum import StrEnum
from functools import lru_cache

from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.urgency.wording import Match, contexts, pattern

_ITEM_WORDS = 3


class Said(StrEnum):
    """How a danger word is said."""

    PLAINLY = "plainly"
    DENIED = "denied"
    OF_OTHERS = "of-others"
    PAST = "past"
    SUPPOSED = "supposed"


def said(pack: Pack, sentence: str, found: Match, *, by_client: bool) -> Said:
    """How these words of the sentence are said. What a clinician writes of somebody is of the client."""
    if not contexts(pack):
        return Said.PLAINLY
    if _denied(pack, sentence, found):
        return Said.DENIED
    if _words(pack, "past").search(sentence) and not _words(pack, "present").search(sentence):
        return Said.PAST
    if by_client and _of_others(pack, sentence, found):
        return Said.OF_OTHERS
    if _words(pack, "supposed").search(_clause(pack, sentence[: found[0]])):
        return Said.SUPPOSED
    return Said.PLAINLY


@lru_cache(128)
def _words(pack: Pack, field: str) -> re.Pattern[str]:
    listed = tuple(word for context in contexts(pack) for word in getattr(context, field))
    return pattern(pack, listed, 0, whole=True)


def _clause(pack: Pack, before: str) -> str:
    """What stands before, from the last word on that begins another thought."""
    ends = [match.end() for match in _words(pack, "ends").finditer(before)]
    return before[ends[-1] :] if ends else before


def _of_others(pack: Pack, sentence: str, found: Match) -> bool:
    clause = _clause(pack, sentence[: found[0]]).rpartition(",")[2]
    named = [match.end() for match in _words(pack, "others").finditer(clause)]
    return bool(named) and not _words(pack, "own").search(clause[named[-1] :] + sentence[found[0] : found[1]])


def _denied(pack: Pack, sentence: str, found: Match) -> bool:
    """Words that hold a denial themselves, such as `cannot breathe`, are not denied by another one."""
    if _words(pack, "denials").search(sentence, *found):
        return False
    for denial in _words(pack, "denials").finditer(sentence, 0, found[0]):
        voided = any(
            void.start() <= denial.start() <= void.end() for void in _words(pack, "undenied").finditer(sentence)
        )
        reach = sentence[denial.end() : found[0]]
        if not voided and (_reaches(pack, reach) or _lists(pack, sentence, denial.end(), found)):
            return True
    return False


def _reaches(pack: Pack, between: str) -> bool:
    fillers = _words(pack, "fillers")
    return not re.search(r"[^\w\s]", between) and not fillers.sub("", between).strip()


def _lists(pack: Pack, sentence: str, start: int, found: Match) -> bool:
    """Whether the denial opens a list that the words stand in: `no fever, rash or chest pain`."""
    between, after = sentence[start : found[0]], sentence[found[1] :]
    end = _words(pack, "ends").search(after)
    rest = after[: end.start()] if end else after
    if _words(pack, "ends").search(between) or _words(pack, "own").search(between):
        return False
    items = re.split(rf",|{_words(pack, 'either').pattern}", f"{between}{sentence[slice(*found)]}")
    short = all(len(item.split()) <= _ITEM_WORDS for item in items[:-1])
    either = _words(pack, "either")
    goes_on = bool(either.search(rest)) and bool(re.match(rf"\s*(?:,|{either.pattern})", rest))
    return short and (bool(either.search(between)) or goes_on)
