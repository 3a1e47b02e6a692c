"""The danger words of a text: which red flags its words are, and how each is said."""

from collections.abc import Iterable
from dataclasses import dataclass

from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.urgency import Level, RedFlag
from careloop.knowledge.urgency.context import Said, said
from careloop.knowledge.urgency.wording import Match, finds, pattern, sentences


@dataclass(frozen=True, slots=True)
class Recognised:
    """A red flag whose words a text has. `level` is what they ask for as they are said; None is nothing."""

    flag: RedFlag
    said: Said
    level: Level | None
    words: tuple[str, ...]

    @property
    def rule(self) -> str:
        """What decisions name."""
        plainly = self.said is Said.PLAINLY
        return f"triage.red-flag.{self.flag.id}{'' if plainly else '.' + self.said}"


def recognised(pack: Pack, flag: RedFlag, text: str, *, by_client: bool) -> Recognised | None:
    """The most urgent way in which the text says the words of the flag; None where it does not have them.

    The words of the first group decide how it is said; of the others one that is not denied is enough, and where all
    are denied so is the flag.
    """
    read = sentences(pack, text)
    groups = [_mentions(pack, flag, phrases, read) for phrases in flag.all_of]
    if not all(groups):
        return None
    ways = [
        (said(pack, sentence, found, by_client=by_client), sentence[slice(*found)]) for sentence, found in groups[0]
    ]
    denied = any(all(_is_denied(pack, one, by_client=by_client) for one in group) for group in groups[1:])
    read_as = [(Said.DENIED if denied else way, words) for way, words in ways]
    found = [Recognised(flag, way, _level(flag, way), ()) for way, _ in read_as]
    worst = min(found, key=lambda one: len(Level) if one.level is None else one.level.rank)
    words = tuple(word for group in groups for sentence, where in group for word in sentence[slice(*where)].split())
    return Recognised(flag, worst.said, worst.level, words)


def _mentions(pack: Pack, flag: RedFlag, phrases: tuple[str, ...], read: Iterable[str]) -> list[tuple[str, Match]]:
    found = pattern(pack, phrases, flag.apart)
    return [
        (sentence, where)
        for sentence in read
        for where in finds(found, sentence)
        if not _harmless(pack, flag, sentence, where)
    ]


def _harmless(pack: Pack, flag: RedFlag, sentence: str, found: Match) -> bool:
    """Whether one of the harmless phrases stands there and shares words with what was found."""
    if not flag.unless:
        return False
    around = finds(pattern(pack, flag.unless, flag.apart), sentence)
    return any(start < found[1] and found[0] < end for start, end in around)


def _is_denied(pack: Pack, mention: tuple[str, Match], *, by_client: bool) -> bool:
    return said(pack, *mention, by_client=by_client) is Said.DENIED


def _level(flag: RedFlag, way: Said) -> Level | None:
    return {
        Said.PLAINLY: flag.level,
        Said.DENIED: flag.denied,
        Said.OF_OTHERS: flag.of_others,
        Said.PAST: flag.past,
        Said.SUPPOSED: flag.supposed,
    }[way]
