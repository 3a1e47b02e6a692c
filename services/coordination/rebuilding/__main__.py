"""The process that rebuilds: `python -m services.coordination.rebuilding MODE WORKERS [accept-differences]`.

Its settings are coordination's. It reports on standard output and ends when its standard input does;
its log is on standard error.
Exit codes: 0 it ended or was refused, and the last line says which; 1 it failed; 2 the settings are wrong.
"""

import asyncio
import os
import sys

import asyncpg
import structlog

from careloop.chassis.log.connections import Timeouts
from careloop.chassis.logs import Logger, place_of, set_up_logs
from careloop.chassis.process.settings import SettingsInvalid, read_settings
from careloop.kernel.errors import RuleViolated
from services.coordination.rebuilding.lines import Line, Refused
from services.coordination.rebuilding.rebuild import Rebuild
from services.coordination.rebuilding.terms import Mode, Progress, RebuildOutcome
from services.coordination.rebuilding.workers import Database, workers

TAKEN_OVER = "CLB01"


def main(mode: Mode, count: int, accept_differences: bool) -> int:
    try:
        settings = read_settings()
    except SettingsInvalid as wrong:
        print(wrong, file=sys.stderr)  # noqa: T201 - before there is a log
        return 2
    set_up_logs(settings.service)
    timeouts = Timeouts(acquire=settings.pool_timeout_seconds, statement=settings.statement_timeout_seconds)
    database = Database(
        dsn=settings.postgres_dsn,
        schema=settings.service,
        timeouts=timeouts,
        password_file=settings.postgres_password_file,
    )
    try:
        _write(asyncio.run(_ended(database, mode, count, accept_differences)))
    except Exception as error:
        # The server's own words may name a patient.
        log: Logger = structlog.get_logger()
        log.error("rebuild failed", error_type=type(error).__name__, error_at=place_of(error))
        return 1
    return 0


async def _ended(database: Database, mode: Mode, count: int, accept_differences: bool) -> Line:
    try:
        return Line(outcome=await _while_wanted(database, mode, count, accept_differences))
    except RuleViolated as refusal:
        return Line(refused=Refused(slug=refusal.slug, sentence=refusal.sentence))
    except asyncpg.PostgresError as error:
        if error.sqlstate != TAKEN_OVER:
            raise
        return Line(refused=Refused(slug="rebuild-runs", sentence="Another rebuild of the care view took over."))


async def _while_wanted(database: Database, mode: Mode, count: int, accept_differences: bool) -> RebuildOutcome:
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _stop_at_the_end)
    async with Rebuild.alone(database, _report) as rebuild:
        if mode is Mode.ROLL_BACK:
            return await rebuild.roll_back()
        async with workers(count, database) as pool:
            return await rebuild.rebuild(pool, turn=mode is Mode.TURN, accept_differences=accept_differences)


def _stop_at_the_end() -> None:
    """Nobody wants it any more: what it holds ends with it, the live view is as it was."""
    if not os.read(sys.stdin.fileno(), 1):
        os._exit(1)


def _report(progress: Progress) -> None:
    _write(Line(progress=progress))


def _write(line: Line) -> None:
    sys.stdout.buffer.write(line.encode())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(Mode(sys.argv[1]), int(sys.argv[2]), "accept-differences" in sys.argv[3:]))
