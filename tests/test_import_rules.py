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
STRAY = "STRAY = 1"
CIRCLES = "Nothing imports itself in a circle"


@dataclass(frozen=True, slots=True)
class Violation:
    """A file to write or lengthen, and the name of the contract that must name it."""

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
    Violation(
        "careloop/knowledge/dosing/checker/checking.py",
        "import careloop.knowledge.dosing.planner.planning",
        "The checker of dose plans judges by itself: neither it nor the planner knows the other",
    ),
    Violation(
        "careloop/knowledge/dosing/planner/planning.py",
        "import careloop.knowledge.dosing.checker.checking",
        "The checker of dose plans judges by itself: neither it nor the planner knows the other",
    ),
    Violation("careloop/utils.py", STRAY, "The package has these rooms and no other"),
    Violation(
        "services/prescribing/domain/events.py",
        "import services.assessment.domain.events",
        "There are five services, and they know each other only through contracts",
    ),
    Violation(
        "services/billing/__init__.py",
        STRAY,
        "There are five services, and they know each other only through contracts",
    ),
    Violation(
        "services/prescribing/utils.py",
        STRAY,
        "Every service has the same rooms, and each imports only what lies below it",
    ),
    Violation(
        "services/prescribing/domain/events.py",
        "import services.prescribing.application",
        "Every service has the same rooms, and each imports only what lies below it",
    ),
    *(
        Violation(
            f"services/coordination/{file}",
            f"import services.coordination.{imported}",
            "Every service has the same rooms, and each imports only what lies below it",
        )
        for file, imported in (
            ("domain/state.py", "reading.journal"),
            ("reading/views.py", "projecting.section_cache"),
            ("reading/journal.py", "rebuilding.slots"),
            ("projecting/projection.py", "rebuilding.history"),
            ("rebuilding/slots.py", "projecting.section_change"),
            ("projecting/projection.py", "consumers"),
            ("consumers.py", "grpc_api.answers"),
        )
    ),
    *(
        Violation(
            f"services/coordination/domain/{file}",
            f"import services.coordination.domain.{imported}",
            "Coordination's decisions and its view have these pages and no other, and know nothing of each other",
        )
        for file, imported in (
            ("care_team.py", "view.team"),
            ("view/team.py", "care_team"),
            ("state.py", "messages"),
            ("events.py", "state"),
        )
    ),
    *(
        Violation(
            f"services/coordination/domain/view/{file}",
            f"import services.coordination.domain.view.{imported}",
            "The care view has these pages and no other, each composed of what the sections hold",
        )
        for file, imported in (
            ("intake.py", "care_view"),
            ("orders.py", "medications"),
            ("notices.py", "urgency"),
            ("section_fold.py", "bulk_fold"),
            ("dated_fact.py", "sections"),
        )
    ),
    Violation(
        "services/coordination/domain/helpers.py",
        STRAY,
        "Coordination's decisions and its view have these pages and no other, and know nothing of each other",
    ),
    Violation(
        "services/coordination/domain/view/helpers.py",
        STRAY,
        "The care view has these pages and no other, each composed of what the sections hold",
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
    Violation("careloop/kernel/ids.py", "import careloop.kernel.events", CIRCLES),
    *(
        Violation(f"careloop/{file}", f"import careloop.{imported}", rule)
        for rule, violations in (
            (
                "The chassis has these rooms and no other, and each imports only what lies below it",
                (
                    ("chassis/operations/api.py", "chassis.process.runtime"),
                    ("chassis/calls/server.py", "chassis.operations.ports"),
                    ("chassis/calls/server.py", "chassis.consuming.inbox"),
                    ("chassis/consuming/inbox.py", "chassis.calls.auth"),
                    ("chassis/relay/relay.py", "chassis.consuming.handler"),
                    ("chassis/commands/streams.py", "chassis.relay.heads"),
                    ("chassis/events/codec.py", "chassis.commands.streams"),
                    ("chassis/log/protocol.py", "chassis.events.codec"),
                    ("chassis/logs.py", "chassis.log.protocol"),
                    ("chassis/backoff.py", "chassis.logs"),
                ),
            ),
            (
                "Knowledge has these rooms and no other, and each imports only what lies below it",
                (
                    ("knowledge/screening/screen.py", "knowledge.follow_up.terms"),
                    ("knowledge/screening/screen.py", "knowledge.supply.rules"),
                    ("knowledge/due_dates.py", "knowledge.screening.titration"),
                    ("knowledge/scales/score.py", "knowledge.urgency.triage"),
                    ("knowledge/pack/pack.py", "knowledge.due_dates"),
                    ("knowledge/chart.py", "knowledge.pack.text"),
                ),
            ),
            (
                "The console has these rooms and no other, and each imports only what lies below it",
                (
                    ("cli/commands/status.py", "cli.main"),
                    ("cli/terminal/tables.py", "cli.commands.score"),
                    ("cli/calling/client.py", "cli.terminal.tables"),
                ),
            ),
            (
                "The package has these rooms and no other",
                (("cli/main.py", "demo.people"), ("intake/dates.py", "cli.main"), ("local/ports.py", "intake.dates")),
            ),
            (
                "Intake is pure but for the files it reads",
                (("intake/dates.py", "chassis.logs"), ("intake/dates.py", "local.ports")),
            ),
        )
        for file, imported in violations
    ),
    Violation(
        "careloop/chassis/helpers.py",
        STRAY,
        "The chassis has these rooms and no other, and each imports only what lies below it",
    ),
    Violation(
        "careloop/knowledge/helpers.py",
        STRAY,
        "Knowledge has these rooms and no other, and each imports only what lies below it",
    ),
    Violation(
        "careloop/cli/helpers.py",
        STRAY,
        "The console has these rooms and no other, and each imports only what lies below it",
    ),
    Violation("careloop/intake/dates.py", "import grpc", "Intake is pure but for the files it reads"),
)


def copied(folder: Path) -> Path:
    """A copy of what the rules read."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


def lint(tree: Path) -> tuple[int, str]:
    """The exit code of the linter, and what it printed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tree), str(tree / "proto"))), "COLUMNS": "400"}
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def faults_of_each_rule(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the linter says under the name of each contract, of a tree with all violations in it at once."""
    tree = copied(tmp_path_factory.mktemp("violated"))
    for violation in VIOLATIONS:
        target = tree / violation.file
        target.parent.mkdir(exist_ok=True)
        with target.open("a") as file:
            file.write(f"\n{violation.line}\n")
    code, printed = lint(tree)
    assert code == 1
    sections = re.split(r"^(.+)\n-{8,}$", printed, flags=re.MULTILINE)
    return dict(zip(sections[1::2], sections[2::2], strict=True))


def test_the_tree_as_it_is_breaks_no_rule(tmp_path: Path) -> None:
    code, printed = lint(copied(tmp_path))
    assert (code, re.findall(r"^(.+) BROKEN", printed, re.MULTILINE)) == (0, [])


def test_every_rule_has_a_violation_planted_for_it() -> None:
    rules = re.findall(r"^name = (.+)$", (ROOT / ".importlinter").read_text(), re.MULTILINE)
    assert {violation.contract for violation in VIOLATIONS} == set(rules)


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda violation: f"{violation.file}: {violation.line}")
def test_a_planted_violation_is_caught(faults_of_each_rule: dict[str, str], violation: Violation) -> None:
    """By the rule that it violates, and by the very import that was planted."""
    module = violation.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    found = faults_of_each_rule[violation.contract]
    if violation.line == STRAY:
        assert f"\n- {module}\n" in found
    elif violation.contract == CIRCLES:
        assert f"\n- .{module.split('.')[-1]} -> .{violation.line.split('.')[-1]} (1 import)\n" in found
    else:
        assert re.search(
            rf"^(- )? *{re.escape(module)} -> {re.escape(violation.line.split()[1])} \(", found, re.MULTILINE
        )


@pytest.mark.parametrize("package", ["careloop", "services"])
def test_every_folder_with_python_in_it_is_a_package(package: str) -> None:
    """The linter does not see a folder without `__init__.py`."""
    folders = {file.parent for file in (ROOT / package).rglob("*.py")}
    above = {parent for folder in folders for parent in folder.parents if parent.is_relative_to(ROOT / package)}
    assert [folder for folder in sorted(folders | above) if not (folder / "__init__.py").exists()] == []
