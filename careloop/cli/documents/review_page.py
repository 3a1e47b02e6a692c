"""docs/knowledge/review.md: what a reviewing pharmacist should read first, by risk and by the weakest source."""

from collections.abc import Iterator
from typing import Any

import msgspec

from careloop.knowledge.findings import Severity
from careloop.knowledge.pack.catalogue import Catalogue, Cited
from careloop.knowledge.pack.covering import covering
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.entries import Basis
from careloop.knowledge.pack.shapes.guidance import AbruptStop, StopLevel
from careloop.knowledge.pack.shapes.urgency import Level, RedFlag
from careloop.knowledge.pack.soundness.references import names_in

_WEAKEST = (Basis.OURS, Basis.MEMORY, Basis.SECONDARY, Basis.VERIFIED)
_GRAVE = (Severity.CONTRAINDICATED, Severity.HIGH)
_HEAD = """# What to read first

Written by `make docs` from `careloop/knowledge/data`. Nothing here was reviewed by a programme's clinicians. Read in
this order: what stops or holds up an order (`contraindicated`, `high`), those first whose source was seen least well
(ours: proposed by this project; M: from memory; S: a secondary page; V: checked), and of these first the rules about
high-risk drugs; then what makes something less urgent, as an error there is not seen; then where the pack is silent.
"""


def review(read: Catalogue) -> str:
    """The page."""
    return "\n".join([_HEAD, *_grave(read), *_less_urgent(read.pack), *_silent(read.pack), ""])


def _grave(read: Catalogue) -> Iterator[str]:
    rules = [rule for listed in read.rules().values() for rule in listed if getattr(rule, "severity", None) in _GRAVE]
    yield "## What stops or holds up an order\n"
    yield f"{len(rules)} rules: " + ", ".join(
        f"{sum(rule.basis is basis for rule in rules)} {basis}" for basis in _WEAKEST
    )
    yield "\n| rule | severity | high-risk | says | do | source |\n|---|---|---|---|---|---|"
    yield from (_row(read.pack, rule) for rule in sorted(rules, key=lambda rule: _rank(read.pack, rule)))


def _rank(pack: Pack, rule: Cited) -> tuple[int, int, int, str]:
    return (_WEAKEST.index(rule.basis), not _of_high_risk(pack, rule), _severity(rule).rank, rule.id)


def _severity(rule: Any) -> Severity:
    return Severity(rule.severity)


def _of_high_risk(pack: Pack, rule: Cited) -> bool:
    risky = {drug for name in pack.title.high_risk for drug in pack.members[name]}
    return any(not pack.members[name].isdisjoint(risky) for name in names_in(rule))


def _row(pack: Pack, rule: Cited) -> str:
    told: dict[str, Any] = msgspec.to_builtins(rule)
    mark = "yes" if _of_high_risk(pack, rule) else ""
    return _cells(
        f"`{rule.id}`", _severity(rule), mark, told.get("message", ""), told.get("action", ""),
        f"{rule.source} [{rule.basis}]",
    )  # fmt: skip


def _less_urgent(pack: Pack) -> Iterator[str]:
    yield "\n## What makes something less urgent\n"
    yield "| rule | says | source |\n|---|---|---|"
    for flag in (one for one in pack.entries(RedFlag) if one.level is not Level.EMERGENCY_NOW):
        words = " with ".join(" or ".join(group) for group in flag.all_of)
        yield _cells(
            f"`{flag.id}`", f"{flag.level}: {words} ({', '.join(flag.drugs) or 'whatever is taken'})", _of(flag)
        )
    for row in (one for one in pack.entries(AbruptStop) if one.level is not StopLevel.DANGEROUS):
        yield _cells(f"`{row.id}`", f"an abrupt stop is {row.level}: {', '.join(row.drugs)}. {row.why}", _of(row))


def _of(rule: Cited) -> str:
    return f"{rule.source} [{rule.basis}]"


def _silent(pack: Pack) -> Iterator[str]:
    thin = [one for one in covering(pack) if one.thin]
    unseen = [one.drug for one in thin if not one.checks[0].reviewed]
    yield "\n## Where the pack keeps silent\n"
    yield f"{len(thin)} of {len(pack.drugs)} drugs were not gone through for every check; `careloop knowledge coverage`"
    yield f"shows which. {len(unseen)} were not gone through for interactions: {', '.join(unseen)}."


def _cells(*cells: object) -> str:
    return f"| {' | '.join(str(cell).replace('|', '/').replace(chr(10), ' ') for cell in cells)} |"
