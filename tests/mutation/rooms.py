"""Which code belongs to which room, and which tests may reach it; all by pattern, so that a new file is in its room."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

NEVER = ("__main__.py", "_pb2")
"""What only processes of their own run: the tests of the whole system see to it, and no change is tried there."""

NOT_ASKED = frozenset({"system", "faults", "bench", "local", "mutation", "support"})
"""Tests of whole processes or of tools, too slow to be asked about every change."""


@dataclass(frozen=True, slots=True)
class House:
    """A part of the code whose score is told by room."""

    name: str
    folder: str
    without: frozenset[str]
    """The folders below tests/ that hardly reach it; `.` stands for the files beside them."""

    def files(self, root: Path) -> Iterator[str]:
        for path in sorted((root / self.folder).rglob("*.py")):
            if not any(never in path.name for never in NEVER):
                yield path.relative_to(root).as_posix()

    def parts(self, root: Path) -> list[str]:
        """The groups of tests whose reach is looked at, each by its path."""
        folders = {path.name for path in (root / "tests").iterdir() if path.is_dir() and any(path.rglob("test_*.py"))}
        return sorted((folders | {"."}) - NOT_ASKED - self.without)


_OUTER = frozenset({"eventsourcing_store", "kernel", "intake", "cli"})
_SERVICES = frozenset({"assessment", "notifications", "coordination"})

HOUSES = {
    house.name: house
    for house in (
        House("services", "services", _OUTER | {"chassis", "knowledge"}),
        House("chassis", "careloop/chassis", frozenset({"knowledge", "intake"})),
        House("knowledge", "careloop/knowledge", _OUTER | _SERVICES | {"chassis", "contracts", "."}),
    )
}


def room_of(file: str) -> str:
    """The room that a file's changes count for: `prescribing/domain`, `prescribing/edges`, `chassis/log`, ..."""
    parts = PurePath(file).parts
    if parts[0] == "services":
        return f"{parts[1]}/{'domain' if 'domain' in parts[2:-1] else 'edges'}" if len(parts) > 2 else "services"
    return "/".join(parts[1:-1][:2])
