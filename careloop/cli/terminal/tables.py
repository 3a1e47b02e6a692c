"""Tables for people, on standard output."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 140
"""How many columns are used where there is no terminal to ask."""


def console(*, err: bool = False) -> Console:
    """A console that wraps to the terminal; a pipe or file gets wide lines without colour."""
    stream = sys.stderr if err else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else WIDE, highlight=False, soft_wrap=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "none") -> Table:
    """A plain table; a column whose name starts with `>` is set flush right. No rows: one row that says `empty`."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    cells = [[str(cell) for cell in row] for row in rows]
    for row in cells or [[empty]]:
        made.add_row(*(Text(cell) for cell in row))
    return made


def print_json(content: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def when(message: Timestamp, *, given: bool = True) -> str:
    """A moment in UTC to the minute; `-` for none."""
    if not given or not message.seconds:
        return "-"
    return message.ToDatetime(UTC).strftime("%Y-%m-%d %H:%M")


def due_in(message: Timestamp, now: datetime, *, given: bool = True) -> str:
    """How long until it is due, or for how long it has been; `-` for no clock."""
    if not given or not message.seconds:
        return "-"
    left = message.ToDatetime(UTC) - now
    return f"in {span(left)}" if left >= timedelta(0) else f"{span(-left)} over"


def span(length: timedelta) -> str:
    """A duration in the two coarsest units that say something."""
    seconds = int(length.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86400} d"
