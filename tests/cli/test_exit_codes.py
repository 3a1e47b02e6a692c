"""Every command says in its help what its exit codes mean."""

import re
from collections.abc import Iterator

import typer.main
from typer.core import TyperCommand, TyperGroup

from careloop.cli.main import app


def commands(group: TyperGroup) -> Iterator[TyperCommand]:
    for command in group.commands.values():
        if isinstance(command, TyperGroup):
            yield from commands(command)
        elif isinstance(command, TyperCommand):
            yield command


def test_every_command_documents_its_exit_codes() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    found = list(commands(group))
    assert len(found) > 20
    assert [one.name for one in found if not re.search(r"\bExit(s| code)", one.help or "")] == []
    assert "Exit codes: 0 done" in (group.help or "")
