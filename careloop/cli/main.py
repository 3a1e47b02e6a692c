"""The console script: one line per command; what a command does is in the module it comes from.

Exit codes: 0 done, 1 it failed and standard error says why, 2 wrong use (a command may document more).
"""

import sys
from importlib import import_module

import typer

from careloop.cli.on_demand import group_of

COMMANDS = {
    "up": "careloop.cli.up:up",
    "down": "careloop.cli.up:down",
    "token": "careloop.cli.token:token",
    "generate": "careloop.cli.intake.generate:generate",
    "intake": "careloop.cli.intake.command:intake",
    "status": "careloop.cli.status:status",
    "parked": "careloop.cli.parked:app",
    "caseload": "careloop.cli.care:caseload",
    "view": "careloop.cli.care:view",
    "watch": "careloop.cli.care:watch",
    "rebuild": "careloop.cli.rebuild:rebuild",
    "replay": "careloop.cli.replay:replay",
    "decisions": "careloop.cli.decisions:decisions",
    "replay-decisions": "careloop.cli.replay_decisions:replay_decisions",
    "demo": "careloop.cli.demo.command:demo",
    "screen": "careloop.cli.screen:screen",
    "score": "careloop.cli.score:score",
    "adherence": "careloop.cli.adherence:adherence",
    "knowledge": "careloop.cli.knowledge:app",
    "docs": "careloop.cli.docs:docs",
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
    "careloop.cli.stack.running:AlreadyRunning",
    "careloop.cli.client:CallRefused",
    "careloop.cli.client:NotUp",
    "careloop.cli.demo.command:DemoFailed",
    "careloop.cli.stack.topics:PartitionsDiffer",
    "careloop.cli.rebuild:RebuildCutOff",
    "careloop.cli.stack.supervisor:ServiceFailed",
    "careloop.cli.stack.unavailable:StackUnavailable",
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
