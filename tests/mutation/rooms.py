"""Which code belongs to which room, and which tests may reach it; all by pattern, so that a new file is in its room."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

NEVER = ("__main__.py", "_pb2")
"""What only processes of their own run: the tests of the whole system see to it, and no change is tried there."""

NOT_ASKED = frozenset({"system", "faults", "bench", "stack", "mutation", "support"})
"""Tests of whole processes or of tools, too slow to be asked about every change."""


@dataclass(frozen=True, slots=True)
class House:
    """A part of the code whose score is told by room."""

    name: str
    folder: str
    tests: frozenset[str] | None
    """The folders below tests/ that may reach it, `.` for the files beside them; None for all that are not too slow."""

    def files(self, root: Path) -> Iterator[str]:
        for path in sorted((root / self.folder).rglob("*.py")):
            if not any(never in path.name for never in NEVER):
                yield path.relative_to(root).as_posix()

    def parts(self, root: Path) -> list[str]:
        """The groups of tests whose reach is looked at, each by its path."""
        folders = {path.name for path in (root / "tests").iterdir() if path.is_dir() and any(path.rglob("test_*.py"))}
        asked = (folders | {"."}) - NOT_ASKED
        return sorted(asked if self.tests is None else asked & self.tests)


HOUSES = {
    house.name: house
    for house in (
        House(
            "services",
            "services",
            frozenset({"assessment", "prescribing", "monitoring", "notifications", "coordination", "contracts", "."}),
        ),
        House("chassis", "careloop/chassis", None),
        House("knowledge", "careloop/knowledge", frozenset({"knowledge", "monitoring", "prescribing"})),
    )
}


def room_of(file: str) -> str:
    """The room that a file's changes count for: `prescribing/domain`, `prescribing/edges`, `chassis/log`, ..."""
    parts = PurePath(file).parts
    if parts[0] == "services":
        return f"{parts[1]}/{'domain' if 'domain' in parts[2:-1] else 'edges'}" if len(parts) > 2 else "services"
    return "/".join(parts[1:-1][:2])
