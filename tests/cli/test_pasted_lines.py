"""The lines that the documentation gives a reader to paste, from a wheel, as a user who is not root, in a bare shell.

Lines that need the running system are refused with one sentence here, and are run against it in
`tests/system/test_demo.py`. Lines that take minutes, or start servers, are parsed.
"""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from careloop.cli.main import app
from tests.support.installing import ROOT, built_wheel, environment, install_into, user_of

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
OFFLINE = {"score", "screen", "adherence", "regimen", "plan", "check-plan", "knowledge", "--version", "--help"}
TAKE_THEIR_TIME = {"up", "demo", "generate", "docs"}


@dataclass(frozen=True)
class Shell:
    """A shell in a folder of its own; `python` is the environment's."""

    folder: Path
    programs: Path

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=self.folder / "home",
            env=environment(self.folder, self.programs),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **user_of(self.folder, self.programs / "python"),  # type: ignore[call-overload]
        )
        return done


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    """With Careloop installed from its wheel, where any user may come."""
    folder = Path(tempfile.mkdtemp(prefix="careloop-installed-", dir="/var/tmp"))
    folder.chmod(0o755)
    shutil.copytree(ROOT / "careloop/knowledge/data", folder / "new-pack")
    try:
        yield Shell(folder, install_into(folder, built_wheel(folder / "wheel")))
    finally:
        shutil.rmtree(folder)


def code_lines(page: Path) -> Iterator[str]:
    """Every line of the page's code blocks, continued lines joined."""
    for block in re.findall(r"^```\w*\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        yield from block.replace("\\\n", " ").splitlines()


def console_lines() -> list[str]:
    called = re.compile(r"(?:^|[|;&(])\s*(?:\S*/)?careloop [a-z-]")
    return [line for page in PAGES for line in code_lines(page) if called.search(line)]


def calls(line: str) -> list[list[str]]:
    """The words after `careloop`, each time that a line calls it."""
    words = shlex.shlex(re.sub(r"[$]\(", " ; ", line).replace(")", " ; "), posix=True, punctuation_chars=True)
    words.whitespace_split = True
    found: list[list[str]] = []
    current: list[str] | None = None
    for word in words:
        if set(word) <= set("|;&<>()"):
            current = None
        elif current is not None:
            current.append(word)
        elif word.rpartition("/")[2] == "careloop":
            current = []
            found.append(current)
    return found


def command_of(line: str) -> str:
    return calls(line)[0][0]


def parse(words: Sequence[str]) -> None:
    """Raises when the console does not take these words; nothing is run."""
    group = typer.main.get_command(app)
    context = group.make_context("careloop", list(words))
    while isinstance(group, TyperGroup):
        name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None, name
        context, group = command.make_context(name, rest, parent=context), command


LINES = console_lines()
OF_THE_SYSTEM = {
    command_of(line): line for line in reversed(LINES) if command_of(line) not in OFFLINE | TAKE_THEIR_TIME
}
"""The first line of each command that asks a service."""


@pytest.mark.parametrize("line", [line for line in LINES if command_of(line) not in OFFLINE])
def test_a_documented_line_is_one_that_the_console_takes(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("here", "new-pack"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for words in calls(line):
        parse(words)


def test_a_line_that_the_console_does_not_take_is_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        parse(calls("careloop replay --sinse 2026-11-01 | head")[0])


@pytest.mark.parametrize("line", [line for line in LINES if command_of(line) in OFFLINE])
def test_an_offline_line_of_the_documentation_answers(shell: Shell, line: str) -> None:
    done = shell.run(line.replace(".venv/bin/", ""))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize("line", OF_THE_SYSTEM.values(), ids=OF_THE_SYSTEM)
def test_without_a_system_a_line_is_refused_in_one_sentence(shell: Shell, line: str) -> None:
    done = shell.run(line)
    assert done.returncode == 1 or "=$(" in line
    assert re.fullmatch(r"careloop: .* `careloop up`.*\n", done.stderr)


def test_the_console_and_the_wire_types_are_those_of_the_wheel(shell: Shell) -> None:
    assert re.fullmatch(r"careloop \d+\.\d+\.\d+\n", shell.run("careloop --version").stdout)
    printing = "import os, care.coordination.v1.coordination_pb2_grpc as wire; print(wire.__file__, os.geteuid())"
    place, user = shell.run(f"python -c '{printing}'").stdout.split()
    assert place.startswith(str(shell.programs.parent))
    assert user != "0"


def test_what_the_local_system_reads_is_in_the_wheel(shell: Shell) -> None:
    printing = (
        "from careloop.local.topics import read_list; from careloop.local.schemas import migrations_of; "
        'print(len(read_list()), *(len(migrations_of(name)) for name in ("coordination", "monitoring")))'
    )
    assert shell.run(f"python -c '{printing}'").stdout.split() == ["6", "2", "1"]


def test_a_reader_who_closes_the_pipe_sees_no_traceback(shell: Shell) -> None:
    done = shell.run("careloop knowledge list | head -1")
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_a_file_that_may_not_be_read_is_named(shell: Shell) -> None:
    hidden = "mkdir state; touch state/addresses.json; chmod 0 state/addresses.json"
    done = shell.run(f"{hidden}; careloop status --home state")
    assert re.fullmatch(r"careloop: \S+/state/addresses.json: Permission denied\n", done.stderr)
    assert done.returncode == 1


def test_a_setting_that_cannot_be_is_named_and_not_repeated(shell: Shell) -> None:
    done = shell.run("CARELOOP_PARTITIONS=secret careloop status")
    assert done.returncode == 2
    assert re.fullmatch(r"careloop: CARELOOP_PARTITIONS: .*\n", done.stderr)
    assert "secret" not in done.stderr


def test_an_editable_install_finds_the_wire_types_from_anywhere(shell: Shell) -> None:
    done = Shell(shell.folder, Path(sys.executable).parent).run("careloop status")
    assert "knows no running system" in done.stderr
