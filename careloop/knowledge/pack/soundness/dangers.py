"""What the lists of dangers must say to make sense, beyond their shape: of a drug they say one thing."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from careloop.knowledge.pack.reading import PackInvalid
from careloop.knowledge.pack.shapes.dangers import AbruptStop, OverdoseDanger
from careloop.knowledge.pack.soundness.references import days_of_change

FILES = ("abrupt-stop.yaml", "overdose-danger.yaml")


def require_one_row(read: Mapping[str, tuple[Any, ...]], members: Mapping[str, frozenset[str]]) -> None:
    """Raises PackInvalid, naming file and rules, for a drug that two rows mean on one day."""
    for file in FILES:
        rows = read.get(file, ())
        for day in days_of_change(rows):
            named: dict[str, list[str]] = defaultdict(list)
            for row in (row for row in rows if row.in_force(day)):
                for drug in _meant(row, members):
                    named[drug].append(row.id)
            for drug, ids in sorted(named.items()):
                if len(ids) > 1:
                    raise PackInvalid(f"{file}: {' and '.join(ids)} both mean {drug} on {day}")


def _meant(row: AbruptStop | OverdoseDanger, members: Mapping[str, frozenset[str]]) -> Iterator[str]:
    excepted = {drug for name in row.drugs_except for drug in members[name]}
    yield from {drug for name in row.drugs for drug in members[name]} - excepted
