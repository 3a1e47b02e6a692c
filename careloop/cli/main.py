"""The console script: one line per command; what a command does is in the module it comes from.

Exit codes: 0 done, 1 it failed and standard error says why, 2 wrong use (a command may document more).
"""

import sys

import typer

from careloop.cli import care, docs, parked, rebuild, replay, score, screen, status, token, up
from careloop.cli.client import CallRefused, NotUp
from careloop.cli.demo import command as demo
from careloop.cli.intake.command import intake
from careloop.cli.intake.generate import generate
from careloop.cli.stack.running import AlreadyRunning
from careloop.cli.stack.supervisor import ServiceFailed
from careloop.cli.stack.topics import PartitionsDiffer
from careloop.cli.stack.unavailable import StackUnavailable

app = typer.Typer(
    name="careloop",
    help="Care coordination for medication management in virtual mental-health intensive outpatient programmes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(up.up)
app.command()(up.down)
app.command()(token.token)
app.command()(generate)
app.command()(intake)
app.command()(status.status)
app.add_typer(parked.app, name="parked")
app.command()(care.caseload)
app.command()(care.view)
app.command()(care.watch)
app.command()(rebuild.rebuild)
app.command()(replay.replay)
app.command()(demo.demo)
app.command()(screen.screen)
app.command(context_settings={"ignore_unknown_options": True})(score.score)
app.command()(docs.docs)

_EXPECTED = (
    AlreadyRunning,
    CallRefused,
    NotUp,
    demo.DemoFailed,
    PartitionsDiffer,
    rebuild.RebuildCutOff,
    ServiceFailed,
    StackUnavailable,
    TimeoutError,
)


def main() -> None:
    """Run the command line; an expected failure is one sentence on standard error and exit code 1."""
    try:
        app(prog_name="careloop")
    except _EXPECTED as failure:
        typer.echo(f"careloop: {failure}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
