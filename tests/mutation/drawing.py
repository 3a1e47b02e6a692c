"""Draw changes by lot, so that the same seed draws the same changes as far as the code is the same."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tests.mutation.changes import Change, changes
from tests.mutation.rooms import House
from tests.mutation.tree import Tree


def drawn(all_of_them: Iterable[Change], count: int, seed: int) -> list[Change]:
    """Each change has a place that its name and the seed decide; the first `count` are drawn.

    A change of the code elsewhere moves nothing, so scores before and after are of nearly the same sample.
    """
    return sorted(all_of_them, key=lambda change: _lot(seed, change))[:count]


def all_changes(house: House, tree: Tree, folder: Path) -> list[Change]:
    """Every change of a house, looked for once for each state of its code."""
    kept = folder / f"{house.name}-{tree.digest(house.folder)}-{_OPERATORS}.json"
    if kept.exists():
        return [
            Change(**{**row, "reached_by": tuple(row["reached_by"])})
            for row in json.loads(kept.read_text(encoding="utf-8"))
        ]
    found = [change for file in house.files(tree.root) for change in changes(file, tree.read(file))]
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps([asdict(change) for change in found]), encoding="utf-8")
    return found


_READ_BY = ("changes.py", "places.py", "left_out.py")
_OPERATORS = hashlib.sha256(b"".join((Path(__file__).parent / name).read_bytes() for name in _READ_BY)).hexdigest()[:8]


def _lot(seed: int, change: Change) -> bytes:
    return hashlib.sha256(f"{seed}:{change.name}".encode()).digest()
