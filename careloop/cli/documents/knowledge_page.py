"""docs/knowledge.md and below: every rule of the pack in words, for the clinicians who review it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from careloop.cli.documents.review_page import review
from careloop.knowledge.pack.catalogue import Catalogue, Cited
from careloop.knowledge.pack.index import mechanisms
from careloop.knowledge.pack.shapes.entries import FIRST_DAY, Basis

_INDEX = """# The rules, for review

Written by `make docs` from `careloop/knowledge/data`; change the data, not these pages. Each rule says how well its
source was seen: V checked against the source, S in a secondary page, M from memory, ours proposed by this project.
[review.md](knowledge/review.md) is what a reviewer should read first. [care-rules.md](care-rules.md) says what the
kinds mean; `careloop knowledge show RULE` shows one rule as it stands in
the data, `careloop knowledge show DRUG` all that concerns a drug. `{order}` stands for the ordered drug, `{other}` for
the one it meets.
"""
_TOLD = frozenset({"id", "version", "severity", "mechanism", "message", "action", "source", "basis", "reviewed",
                   "effective_from", "effective_to", "text", "advice"})  # fmt: skip
_FROM = "Written by `make docs` from `careloop/knowledge/data/{file}`; [all kinds](../knowledge.md)."
_ALWAYS = FIRST_DAY.isoformat()


def reference(read: Catalogue) -> dict[str, str]:
    """The pages by their path below docs/: an index with counts, and one of every kind."""
    pages = {f"knowledge/{kind}.md": _page(read, kind, rules) for kind, rules in read.rules().items()}
    index = "\n".join([_INDEX, *_counts(read), ""])
    return {
        "knowledge/review.md": review(read),
        "knowledge.md": index,
        "knowledge/drugs.md": _drugs(read),
        "knowledge/classes.md": _classes(read),
    } | pages


def _drugs(read: Catalogue) -> str:
    rows = [
        _row(
            [
                drug.name,
                ", ".join(drug.also),
                ", ".join(drug.classes),
                plain(drug.max_daily_mg or (f"{drug.max_daily_mg_per_kg}/kg" if drug.max_daily_mg_per_kg else "")),
                drug.schedule or "",
                ", ".join(f"{code.rxcui}{'' if code.verified else ' (unverified)'}" for code in drug.codes),
            ]
        )
        for drug in sorted(read.pack.drugs.values(), key=lambda drug: drug.name)
    ]
    head = _row(["drug", "also called", "classes", "most mg a day", "schedule", "RxCUI"])
    return "\n".join(["# The drugs", "", _FROM.format(file="drugs.yaml"), "", head, f"|{'---|' * 6}", *rows, ""])


def _classes(read: Catalogue) -> str:
    """Every class with the drugs that it means, those of its parts included."""
    pack = read.pack
    rows = [
        _row([name, ", ".join(pack.includes.get(name, ())), ", ".join(sorted(members))])
        for name, members in sorted(pack.members.items())
        if name not in pack.drugs
    ]
    head = [
        "# The classes",
        "",
        _FROM.format(file="classes.yaml"),
        "",
        _row(["class", "made of", "means"]),
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def counts(rules: Iterable[Cited]) -> dict[str, int]:
    """How many there are of each basis."""
    by = Counter(rule.basis for rule in rules)
    return {basis.value: by[basis] for basis in Basis}


def _counts(read: Catalogue) -> Iterator[str]:
    kinds, pack = read.rules(), read.pack
    every = [rule for rules in kinds.values() for rule in rules]
    reviewed = sum(rule.reviewed for rule in every)
    yield f"Pack `{pack.title.name}` {pack.title.version}: [{len(pack.drugs)} drugs](knowledge/drugs.md) in"
    yield f"[{len(pack.members) - len(pack.drugs)} classes](knowledge/classes.md), {len(every)} rules;"
    yield f"**{reviewed or 'none'} reviewed by a programme's clinicians**.\n"
    yield f"| kind | rules | {' | '.join(Basis)} | reviewed |"
    yield f"|---|---|{'---|' * len(Basis)}---|"
    for kind, rules in kinds.items():
        yield _row(
            [f"[{kind}](knowledge/{kind}.md)", len(rules), *counts(rules).values(), sum(r.reviewed for r in rules)]
        )
    yield _row(["all", len(every), *counts(every).values(), reviewed])


def _page(read: Catalogue, kind: str, rules: Iterable[Cited]) -> str:
    why = mechanisms(read.pack)
    rows = [_cells(rule, why) for rule in rules]
    columns = [column for column in rows[0] if any(row[column] for row in rows)]
    head = f"# Rules: {kind}\n\n{_FROM.format(file=f'{kind}.yaml')}\n"
    table = [_row(columns), f"|{'---|' * len(columns)}", *(_row(row[column] for column in columns) for row in rows)]
    return "\n".join([head, *table, ""])


def _cells(rule: Cited, why: Mapping[str, str]) -> dict[str, str]:
    fields: dict[str, Any] = msgspec.to_builtins(rule)
    mechanism: str = fields.get("mechanism", "")
    scope = [
        f"{field.replace('_', ' ')}: {plain(value)}"
        for field, value in fields.items()
        if field not in _TOLD and _given(value)
    ]
    return {
        "rule": f"`{rule.id}`{_version(rule)}{_period(fields)}",
        "severity": fields.get("severity", ""),
        "holds for": "; ".join(scope),
        "says": fields.get("message") or fields.get("text") or fields.get("advice") or "",
        "do": fields.get("action", ""),
        "why": why[mechanism] if mechanism else "",
        "source": f"{rule.source} [{rule.basis}]{', reviewed' if rule.reviewed else ''}",
    }


def _version(rule: Cited) -> str:
    return f" version {rule.version}" if rule.version != 1 else ""


def _period(fields: Mapping[str, Any]) -> str:
    """The days on which it holds, where these are not all."""
    begins: str = fields.get("effective_from", _ALWAYS)
    ends: str | None = fields.get("effective_to")
    return f" from {begins}" * (begins != _ALWAYS) + (f" until {ends}" if ends else "")


def _given(value: object) -> bool:
    return value not in (None, [], (), "", False, {})


def _within(value: object) -> bool:
    """Of the parts of an entry a zero is shown: a step from day 0, an answer of 0."""
    return _given(value) or (value == 0 and value is not False)


def plain(value: Any) -> str:
    """A value of an entry as a person reads it; of its parts those that say something."""
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    if isinstance(value, dict):
        return f"({'; '.join(f'{key} {plain(one)}' for key, one in value.items() if _within(one))})"
    return str(value)


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell).replace('|', '/').replace(chr(10), ' ') for cell in cells)} |"
