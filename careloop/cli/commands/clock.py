"""`careloop clock`: what time it is in a local system, and setting it ahead."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from careloop.chassis.clock import SettableClock, clock_of
from careloop.cli.calling.client import Home
from careloop.local.settings import stack_settings

_SPAN = re.compile(r"(\d{1,6})(w|d|h|m|s)")
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def span(text: str) -> timedelta:
    """`2w`, `14d`, `36h`, `90m`, `30s`, or several together such as `1d12h`."""
    parts = _SPAN.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise typer.BadParameter("is a time such as 2w, 14d, 36h, 90m or 1d12h")
    return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta(0))


def clock(
    forward: Annotated[
        timedelta | None, typer.Option(parser=span, metavar="TIME", help="Set it ahead by so much, such as 14d or 36h.")
    ] = None,
    to: Annotated[datetime | None, typer.Option(help="Set it ahead to this moment (UTC).", show_default=False)] = None,
    home: Home = None,
) -> None:
    """Print what time it is in a local system; with --forward or --to, set its clock ahead first.

    The services, this console and the store follow at once, whether they run or are started later, so that days can be
    shown in seconds. The clock of a state folder never goes back: a new folder begins at the present.

    Exits 0, 1 when the folder's clock cannot be read, 2 for wrong use and for a moment that is past.
    """
    if forward is not None and to is not None:
        raise typer.BadParameter("give --forward or --to, not both", param_hint="--forward/--to")
    folder = stack_settings(home=home).state_folder
    found = clock_of(folder)
    if forward is not None or to is not None:
        folder.mkdir(parents=True, exist_ok=True)
    if forward is not None:
        found.forward(forward)
    if to is not None:
        found.move(_utc(to))
    typer.echo(_told(found))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _told(found: SettableClock) -> str:
    ahead = found.ahead()
    now = f"{found():%Y-%m-%dT%H:%M:%SZ}"
    return f"{now}, {ahead} ahead of this machine" if ahead else f"{now}, the time of this machine"
