"""Every import rule catches a violation planted for it, and no folder hides from the rules."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("careloop", "services", "proto")


@dataclass(frozen=True, slots=True)
class Violation:
    """A file to write or lengthen, and the name of the contract that must break."""

    file: str
    line: str
    contract: str


VIOLATIONS = (
    Violation(
        "careloop/kernel/decider.py",
        "import careloop.contracts",
        "Services and the console stand on contracts, chassis and knowledge, which stand on the kernel",
    ),
    Violation(
        "careloop/chassis/events/codec.py",
        "import services.assessment",
        "Services and the console stand on contracts, chassis and knowledge, which stand on the kernel",
    ),
    Violation(
        "careloop/cli/main.py",
        "import services.prescribing.domain.events",
        "Services and the console stand on contracts, chassis and knowledge, which stand on the kernel",
    ),
    Violation("careloop/utils.py", "STRAY = 1", "The package has these rooms and no other"),
    Violation(
        "services/prescribing/domain/events.py",
        "import services.assessment.domain.events",
        "There are five services, and they know each other only through contracts",
    ),
    Violation(
        "services/billing/__init__.py",
        "STRAY = 1",
        "There are five services, and they know each other only through contracts",
    ),
    Violation(
        "services/prescribing/utils.py",
        "STRAY = 1",
        "Every service has the same rooms, and each imports only what lies below it",
    ),
    Violation(
        "services/prescribing/domain/events.py",
        "import services.prescribing.application",
        "Every service has the same rooms, and each imports only what lies below it",
    ),
    Violation("services/assessment/domain/events.py", "import asyncio", "Decisions and knowledge are pure"),
    Violation(
        "services/assessment/domain/events.py",
        "import careloop.chassis.events.codec",
        "Decisions and knowledge are pure",
    ),
    Violation("careloop/kernel/ids.py", "import grpc", "Decisions and knowledge are pure"),
    Violation("careloop/knowledge/__init__.py", "import structlog", "Decisions and knowledge are pure"),
    Violation(
        "services/prescribing/domain/events.py",
        "import care.operations.v1.operations_pb2",
        "Wire types stay at the edge",
    ),
    Violation(
        "careloop/chassis/events/codec.py", "import care.operations.v1.operations_pb2", "Wire types stay at the edge"
    ),
    Violation(
        "services/prescribing/application.py",
        "import careloop.eventsourcing_store",
        "Services and the console stand on contracts, chassis and knowledge, which stand on the kernel",
    ),
    Violation(
        "careloop/cli/main.py", "import careloop.eventsourcing_store", "The package has these rooms and no other"
    ),
    Violation(
        "careloop/eventsourcing_store/names.py",
        "import careloop.contracts",
        "The door for the eventsourcing library stands on the chassis and the kernel alone",
    ),
    Violation("careloop/kernel/ids.py", "import careloop.kernel.events", "Nothing imports itself in a circle"),
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the rules read, to plant violations in."""
    copy = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", copy)
    return copy


def lint(tree: Path) -> tuple[int, list[str]]:
    """The exit code of the linter, and the names of the contracts it found broken."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tree), str(tree / "proto"))), "COLUMNS": "200"}
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--cache-dir", str(tree / "cache")]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, re.findall(r"^(.+) BROKEN(?: \(.*\))?$", done.stdout, re.MULTILINE)


def test_the_tree_as_it_is_breaks_no_rule(tree: Path) -> None:
    assert lint(tree) == (0, [])


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda violation: f"{violation.file}: {violation.line}")
def test_a_planted_violation_is_caught(tree: Path, violation: Violation) -> None:
    target = tree / violation.file
    before = target.read_text() if target.exists() else None
    target.parent.mkdir(exist_ok=True)
    target.write_text(f"{before or ''}\n{violation.line}\n")
    try:
        code, broken = lint(tree)
    finally:
        if before is not None:
            target.write_text(before)
        else:
            target.unlink()
            if not any(target.parent.iterdir()):
                target.parent.rmdir()
    assert code == 1
    assert violation.contract in broken


@pytest.mark.parametrize("package", ["careloop", "services"])
def test_every_folder_with_python_in_it_is_a_package(package: str) -> None:
    """The linter does not see a folder without `__init__.py`."""
    folders = {file.parent for file in (ROOT / package).rglob("*.py")}
    above = {parent for folder in folders for parent in folder.parents if parent.is_relative_to(ROOT / package)}
    assert [folder for folder in sorted(folders | above) if not (folder / "__init__.py").exists()] == []
