"""Which tests reach which line: each group of tests runs once with coverage, and again when the code changes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import coverage
import pytest

from tests.mutation.asking import QUIETLY, in_child
from tests.mutation.changes import Change
from tests.mutation.plugins import CURRENT_TEST, Chosen, WhoseLines
from tests.mutation.servers import Servers
from tests.mutation.tree import Tree

LONGEST = 600.0


@dataclass(frozen=True)
class Reach:
    """What one group of tests reaches."""

    lines_file: Path
    told_file: Path

    @cached_property
    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.told_file.read_text())
        return told

    def of(self, file: str) -> dict[int, list[str]]:
        data = coverage.CoverageData(str(self.lines_file))
        data.read()
        return data.contexts_by_lineno(f"{self.told['tree']}/{file}")


class Reached:
    """What all groups reach, and how long each test takes; tests that fail without any change are not asked."""

    def __init__(self, parts: Sequence[Reach]) -> None:
        self._parts = parts
        self._known: dict[str, dict[int, set[str]]] = {}
        self.failing = {test for part in parts for test in part.told["failed"]}
        self.served = {test for part in parts for test in part.told["served"]}
        self.seconds = {test: taken for part in parts for test, taken in part.told["seconds"].items()}

    def tests(self, change: Change) -> list[str]:
        """The tests that reach the changed code, the quickest first."""
        if change.file not in self._known:
            self._known[change.file] = self._lines(change.file)
        first, last = change.reached_by
        lines = self._known[change.file]
        found = {test for line in range(first, last + 1) for test in lines.get(line, ())} - self.failing
        return sorted(found & self.seconds.keys(), key=lambda test: (self.seconds[test], test))

    def _lines(self, file: str) -> dict[int, set[str]]:
        merged: dict[int, set[str]] = {}
        for part in self._parts:
            for line, tests in part.of(file).items():
                merged.setdefault(line, set()).update(tests)
        return merged


def look(tree: Tree, part: str, folder: Path, servers: Servers) -> Reach:
    """The reach of one group of tests, looked at again only when the code or these tests changed."""
    beside = "*.py" if part == "." else f"{part}/**/*"
    digest = tree.digest("careloop", "services", "proto", "tests/support", "tests/conftest.py", f"tests/{beside}")
    name = f"{'top' if part == '.' else part}-{digest}"
    found = Reach(folder / f"{name}.coverage", folder / f"{name}.json")
    if not found.told_file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{name.rpartition('-')[0]}-*"):
            old.unlink()
        _measure(tree, part, found, servers.named())
    return found


def _measure(tree: Tree, part: str, found: Reach, environment: dict[str, str]) -> None:
    print(f"looking at what tests/{part} reaches", flush=True)  # noqa: T201
    pattern = "test_*.py" if part == "." else f"{part}/**/test_*.py"
    files = sorted(str(path.relative_to(tree.root)) for path in (tree.root / "tests").glob(pattern))
    told = found.told_file.with_suffix(".new")
    rest = found.lines_file.with_suffix(".processes")
    settings = found.lines_file.with_suffix(".ini")
    include = [f"{tree.root}/careloop/*", f"{tree.root}/services/*"]
    settings.write_text(_SETTINGS.format(data=rest, include="\n    ".join(include), test=f"${{{CURRENT_TEST}}}"))

    def work() -> int:
        measured = coverage.Coverage(str(found.lines_file), include=include, config_file=False)
        measured.erase()
        measured.start()
        code = pytest.main(
            [*QUIETLY, f"--timeout={LONGEST}", *files], plugins=[Chosen(None, told), WhoseLines(measured)]
        )
        measured.stop()
        measured.save()
        return int(code)

    outside = {"COVERAGE_PROCESS_START": str(settings), "PYTHONPATH": str(tree.root / "tests/mutation/in_processes")}
    output = found.lines_file.with_suffix(".txt")
    code = in_child(work, tree.root, output, deadline=10 * LONGEST, environment={**environment, **outside})
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or not told.exists():
        raise RuntimeError(f"the tests could not be run without a change (exit code {code}); see {output}")
    _add(found.lines_file, rest)
    told.write_text(json.dumps({**json.loads(told.read_text()), "tree": str(tree.root)}))
    told.rename(found.told_file)


def _add(lines: Path, rest: Path) -> None:
    total = coverage.CoverageData(str(lines))
    total.read()
    for path in rest.parent.glob(f"{rest.name}.*"):
        more = coverage.CoverageData(str(path))
        try:
            more.read()
            total.update(more)
        except coverage.exceptions.CoverageException:
            pass  # its process was killed while it wrote
        path.unlink()


_SETTINGS = """[run]
data_file = {data}
parallel = true
sigterm = true
context = {test}
include =
    {include}
"""
