"""Which drug a name or code means. What the pack does not know, or what contradicts itself, stays unresolved."""

import re
from dataclasses import dataclass
from functools import lru_cache

from careloop.knowledge.findings import Reason
from careloop.knowledge.pack.pack import Pack, current_pack
from careloop.knowledge.pack.shapes.vocabulary import LongActing
from careloop.knowledge.pack.text import tokens

_SEPARATORS = frozenset("/+;&[]{}|")
_BRAND = re.compile(r"\[([^\]]*)\]")
_REMEMBERED = 16384
_NOT_A_NAME = re.compile(r"\d|(?:a?nda|bla)\d+$")


@dataclass(frozen=True, slots=True)
class ResolvedDrug:
    """The ingredients meant, in the order named. `unrecognised` are words that may name a further, unknown ingredient.

    The note `code-unverified` says that the code was not confirmed: it is not in the pack, or its mark is weak.
    `by_code_alone` is True when such a code is all there is to go by. `routes` are those the text speaks of, `depot` is
    the long-acting injection that it names.
    """

    ingredients: tuple[str, ...]
    subject: str
    notes: tuple[str, ...] = ()
    unrecognised: tuple[str, ...] = ()
    by_code_alone: bool = False
    routes: frozenset[str] = frozenset()
    depot: LongActing | None = None


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why the drug is not known: `unknown-drug`, or `contradictory-code` when name and code mean different drugs."""

    reason: Reason
    subject: str


def resolve(name: str | None, rxcui: str | None = None, pack: Pack | None = None) -> ResolvedDrug | Unresolved:
    """The drug meant by a name (ingredient, salt, brand or product text), an RxNorm code, or both in agreement."""
    return _resolve(name, rxcui, pack or current_pack())


@lru_cache(_REMEMBERED)
def _resolve(name: str | None, rxcui: str | None, pack: Pack) -> ResolvedDrug | Unresolved:
    code = (rxcui or "").strip()
    subject = (name or "").strip() or code
    named, unrecognised = _read(name or "", pack)
    coded, verified = pack.codes.get(code, ((), False))
    if not named:
        return _by_code(coded, verified, subject, named=bool((name or "").strip()))
    if coded and not (set(coded) <= set(named) or set(named) <= set(coded)):
        return Unresolved(Reason.CONTRADICTORY_CODE, subject)
    notes = (Reason.CODE_UNVERIFIED.value,) if code and not verified else ()
    routes = frozenset(pack.routes[word] for word in tokens(name or "") if word in pack.routes)
    found = tuple(dict.fromkeys((*named, *coded)))
    return ResolvedDrug(found, subject, notes, unrecognised, routes=routes, depot=_depot(name or "", found, pack))


def _depot(text: str, found: tuple[str, ...], pack: Pack) -> LongActing | None:
    """The long-acting injection of one of these drugs all of whose words stand in the text."""
    said = frozenset(part for word in tokens(text) for part in word.split("-"))
    return next(
        (
            one
            for one in pack.entries(LongActing)
            if one.drug in found and any(said >= set(words.split()) for words in one.words)
        ),
        None,
    )


def _by_code(coded: tuple[str, ...], verified: bool, subject: str, *, named: bool) -> ResolvedDrug | Unresolved:
    """A name that means nothing does not confirm its code."""
    if not coded:
        return Unresolved(Reason.UNKNOWN_DRUG, subject)
    if verified and not named:
        return ResolvedDrug(coded, subject)
    return ResolvedDrug(coded, subject, (Reason.CODE_UNVERIFIED.value,), by_code_alone=True)


def ingredients(name: str | None, rxcui: str | None = None, pack: Pack | None = None) -> tuple[str, ...]:
    """The pack's names of the ingredients meant; empty when the drug is not known."""
    found = resolve(name, rxcui, pack)
    return found.ingredients if isinstance(found, ResolvedDrug) else ()


def high_risk(name: str | None, rxcui: str | None = None, pack: Pack | None = None) -> bool:
    """Whether an order of it must not pass unchecked without a coded reason. A drug that is not known counts as one."""
    pack = pack or current_pack()
    found = resolve(name, rxcui, pack)
    if isinstance(found, Unresolved):
        return True
    return any(pack.among(drug, pack.title.high_risk) for drug in found.ingredients)


def _read(text: str, pack: Pack) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a product text means. A brand in brackets may add ingredients; one that is not known adds nothing."""
    found, unrecognised = _words(_BRAND.sub(" ", text), pack)
    branded, strange = _words(" / ".join(_BRAND.findall(text)), pack)
    return tuple(dict.fromkeys((*found, *branded))), unrecognised if found else (*unrecognised, *strange)


def _words(text: str, pack: Pack) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ingredients found by longest match, and the runs of words that are neither names nor product words."""
    found: list[str] = []
    runs: list[list[str]] = [[]]
    rest = list(tokens(text))
    while rest:
        size = _longest(rest, pack)
        if size:
            found += pack.lexicon[tuple(rest[:size])]
            runs.append([])
            rest = rest[size:]
        elif "-" in rest[0]:
            rest[:1] = rest[0].split("-")
        else:
            _set_aside(rest.pop(0), runs, pack)
    return tuple(dict.fromkeys(found)), tuple(" ".join(run) for run in runs if run)


def _longest(rest: list[str], pack: Pack) -> int:
    """How many of the next words make a known name; 0 if none."""
    sizes = range(min(pack.longest_name, len(rest)), 0, -1)
    return next((size for size in sizes if tuple(rest[:size]) in pack.lexicon), 0)


def _set_aside(word: str, runs: list[list[str]], pack: Pack) -> None:
    if word in _SEPARATORS:
        runs.append([])
    elif word not in pack.product_words and not _NOT_A_NAME.match(word):
        runs[-1].append(word)
