"""What the list of dangers must say to make sense, beyond its shape: of a drug it says one thing."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from careloop.knowledge.pack.reading import PackInvalid
from careloop.knowledge.pack.shapes.dangers import OverdoseDanger
from careloop.knowledge.pack.soundness.references import days_of_change

FILE = "overdose-danger.yaml"


def require_one_row(read: Mapping[str, tuple[Any, ...]], members: Mapping[str, frozenset[str]]) -> None:
    """Raises PackInvalid, naming file and rules, for a drug that two rows mean on one day."""
    rows = read.get(FILE, ())
    for day in days_of_change(rows):
        named: dict[str, list[str]] = defaultdict(list)
        for row in (row for row in rows if row.in_force(day)):
            for drug in _meant(row, members):
                named[drug].append(row.id)
        for drug, ids in sorted(named.items()):
            if len(ids) > 1:
                raise PackInvalid(f"{FILE}: {' and '.join(ids)} both mean {drug} on {day}")


def _meant(row: OverdoseDanger, members: Mapping[str, frozenset[str]]) -> frozenset[str]:
    named, excepted = ({drug for name in names for drug in members[name]} for names in (row.drugs, row.drugs_except))
    return frozenset(named - excepted)
