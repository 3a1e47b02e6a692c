"""What came of each change, written down at once, so that a run that was ended goes on where it was."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.mutation.changes import Change
from tests.mutation.trying import NOTICED, Outcome, Tried


class Results:
    """A file of one line for each change that was tried, with the state of code and tests that it was tried on."""

    def __init__(self, file: Path, state: str, *, budget: float, keep: bool) -> None:
        self._file = file
        self._state = state
        self._budget = budget
        self._keep = keep
        self._known: dict[str, Tried | None] = {}
        self.read()

    def read(self) -> None:
        """Learn what is in the file, also from other processes.

        What counts is what came of a change with code and tests as they are, unless it survived a smaller budget that
        left tests out; with `keep` also what was noticed before.
        """
        for row in self._rows():
            tried = _tried(row["tried"])
            noticed = tried is not None and tried.outcome in NOTICED
            all_asked = tried is None or noticed or not tried.left_out or row["budget"] >= self._budget
            if (row["state"] == self._state and all_asked) or (self._keep and noticed):
                self._known[row["name"]] = tried
            else:
                self._known.pop(row["name"], None)

    def knows(self, change: Change) -> bool:
        return change.name in self._known

    def of(self, change: Change) -> Tried | None:
        """What came of a change; None where it is not known, or where it was no change."""
        return self._known.get(change.name)

    def add(self, change: Change, tried: Tried | None) -> None:
        self._known[change.name] = tried
        self._file.parent.mkdir(parents=True, exist_ok=True)
        row = {
            "name": change.name,
            "state": self._state,
            "budget": self._budget,
            "tried": asdict(tried) if tried is not None else None,
        }
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def _rows(self) -> Iterator[dict[str, Any]]:
        if not self._file.exists():
            return
        for line in self._file.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue  # a run was killed while it wrote this line


def _tried(row: dict[str, Any] | None) -> Tried | None:
    if row is None:
        return None
    change = dict(row["change"])
    change["reached_by"] = tuple(change["reached_by"])
    return Tried(**{**row, "change": Change(**change), "outcome": Outcome(row["outcome"])})
