"""The console script: one line per command; what a command does is in the module it comes from.

Exit codes: 0 done, 1 it failed and standard error says why, 2 wrong use (a command may document more).
"""

import sys
from importlib import import_module

import typer

from careloop.cli.terminal.on_demand import group_of

COMMANDS = {
    "up": "careloop.cli.commands.up:up",
    "down": "careloop.cli.commands.up:down",
    "token": "careloop.cli.commands.token:token",
    "generate": "careloop.cli.commands.generate:generate",
    "intake": "careloop.cli.commands.intake:intake",
    "status": "careloop.cli.commands.status:status",
    "parked": "careloop.cli.commands.parked:app",
    "caseload": "careloop.cli.commands.care:caseload",
    "view": "careloop.cli.commands.care:view",
    "watch": "careloop.cli.commands.care:watch",
    "rebuild": "careloop.cli.commands.rebuild:rebuild",
    "replay": "careloop.cli.commands.replay:replay",
    "decisions": "careloop.cli.commands.decisions:decisions",
    "replay-decisions": "careloop.cli.commands.replay_decisions:replay_decisions",
    "demo": "careloop.demo.command:demo",
    "screen": "careloop.cli.commands.screen:screen",
    "score": "careloop.cli.commands.score:score",
    "adherence": "careloop.cli.commands.adherence:adherence",
    "knowledge": "careloop.cli.commands.knowledge:app",
    "docs": "careloop.cli.commands.docs:docs",
}

app = typer.Typer(
    name="careloop",
    cls=group_of(COMMANDS),
    help="Care coordination for medication management in virtual mental-health intensive outpatient programmes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def console() -> None:
    """Care coordination for medication management in virtual mental-health intensive outpatient programmes."""


_EXPECTED = (
    "careloop.local.running:AlreadyRunning",
    "careloop.cli.calling.client:CallRefused",
    "careloop.cli.calling.client:NotUp",
    "careloop.demo.command:DemoFailed",
    "careloop.local.topics:PartitionsDiffer",
    "careloop.cli.commands.rebuild:RebuildCutOff",
    "careloop.local.supervisor:ServiceFailed",
    "careloop.local.unavailable:StackUnavailable",
    "builtins:TimeoutError",
)


def _is_expected(failure: Exception) -> bool:
    places = (place.split(":") for place in _EXPECTED)
    return isinstance(failure, tuple(getattr(import_module(module), name) for module, name in places))


def main() -> None:
    """Run the command line; an expected failure is one sentence on standard error and exit code 1."""
    try:
        app(prog_name="careloop")
    except Exception as failure:
        if not _is_expected(failure):
            raise
        typer.echo(f"careloop: {failure}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
