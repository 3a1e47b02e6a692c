"""The console script: one line per command; what a command does is in the module it comes from.

Exit codes: 0 done, 1 it failed and standard error says why, 2 wrong use (a command may document more).
"""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from careloop.cli.terminal.on_demand import group_of

COMMANDS = {
    "up": "careloop.cli.commands.up:up",
    "down": "careloop.cli.commands.up:down",
    "clock": "careloop.cli.commands.clock:clock",
    "migrate": "careloop.cli.commands.migrate:migrate",
    "topics": "careloop.cli.commands.topics:topics",
    "keys": "careloop.cli.commands.keys:keys",
    "check": "careloop.cli.commands.check:check",
    "backup": "careloop.cli.commands.backup:backup",
    "support-bundle": "careloop.cli.commands.support_bundle:support_bundle",
    "restore": "careloop.cli.commands.backup:restore",
    "lost-facts": "careloop.cli.commands.lost_facts:lost_facts",
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
    "standing-check": "careloop.cli.commands.standing_check:standing_check",
    "demo": "careloop.demo.command:demo",
    "screen": "careloop.cli.commands.screen:screen",
    "score": "careloop.cli.commands.score:score",
    "adherence": "careloop.cli.commands.adherence:adherence",
    "regimen": "careloop.cli.commands.regimen:regimen",
    "plan": "careloop.cli.commands.dose_plans:plan",
    "check-plan": "careloop.cli.commands.dose_plans:check_plan",
    "knowledge": "careloop.cli.commands.knowledge:app",
    "docs": "careloop.cli.commands.docs:docs",
}

app = typer.Typer(
    name="careloop",
    cls=group_of(COMMANDS),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"careloop {version('careloop')}")
        raise typer.Exit


@app.callback()
def console(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Care coordination for medication management in virtual mental-health intensive outpatient programmes.

    Exit codes: 0 done, 1 it failed and standard error says why, 2 wrong use; a command says what else they mean.
    """


_WRONG_USE = (
    "careloop.local.settings:BadSetting",
    "careloop.chassis.process.settings:SettingsInvalid",
    "careloop.chassis.clock:ClockRefused",
)
_EXPECTED = (
    *_WRONG_USE,
    "careloop.local.running:AlreadyRunning",
    "careloop.local.running:NotUp",
    "careloop.cli.calling.client:CallRefused",
    "careloop.demo.command:DemoFailed",
    "careloop.local.topics:PartitionsDiffer",
    "careloop.local.schemas:MigrationFailed",
    "careloop.local.backups:BackupFailed",
    "aiokafka.errors:KafkaError",
    "careloop.cli.commands.rebuild:RebuildCutOff",
    "careloop.local.supervisor:ServiceFailed",
    "careloop.local.unavailable:StackUnavailable",
    "careloop.chassis.clock:ClockUnusable",
    "builtins:OSError",
)


def _is_one_of(places: Sequence[str], failure: BaseException) -> bool:
    """A failure's class is of a module that is loaded: none is imported only to compare."""
    known = (place.split(":") for place in places)
    return isinstance(
        failure, tuple(getattr(sys.modules[module], name) for module, name in known if module in sys.modules)
    )


def _one(failure: BaseException) -> BaseException:
    """The first failure of a group, where several things were done at once."""
    return _one(failure.exceptions[0]) if isinstance(failure, BaseExceptionGroup) else failure


def _sentence(failure: BaseException) -> str:
    if isinstance(failure, OSError) and failure.filename is not None:
        return f"{failure.filename}: {failure.strerror}"
    return str(failure) or type(failure).__name__


def main() -> None:
    """Run the command line; an expected failure is one sentence on standard error and exit code 1, or 2 for wrong use.

    When nobody reads standard output any more (`| head`), the command ends with exit code 1 and without a word.
    """
    try:
        try:
            app(prog_name="careloop")
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as raised:
        failure = _one(raised)
        if not _is_one_of(_EXPECTED, failure):
            raise
        typer.echo(f"careloop: {_sentence(failure)}", err=True)
        sys.exit(2 if _is_one_of(_WRONG_USE, failure) else 1)


if __name__ == "__main__":
    main()
