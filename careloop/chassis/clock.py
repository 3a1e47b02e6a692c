"""The present moment: the machine's, or that of a local stack whose clock was set ahead.

The clock of a local stack is a file in its state folder that says how far ahead of the machine it is. Services and
console ask it, and every session of the store has it as a setting that the store's functions read, so that what is
recorded, due, fresh or expired stays right while days pass in seconds. It goes forwards only.
"""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

Clock = Callable[[], datetime]
"""The present moment in UTC; passed in, so that tests decide what time it is."""

CLOCK_FILE = "clock.json"
"""Its name in a state folder."""
LONGEST_AHEAD = timedelta(days=36_525)
_FIELD = "ahead_seconds"


class ClockUnusable(Exception):
    """The file of a clock that was set cannot be read; going on with the machine's time would set it back."""


class ClockRefused(Exception):
    """A clock goes forwards only, and not farther than a hundred years."""


def present() -> datetime:
    """What the machine's clock says."""
    return datetime.now(UTC)


class SettableClock:
    """Looks at its file whenever it is asked; no file is not ahead. Raises ClockUnusable for one that says nothing.

    A file that is gone or unreadable once it was read changes nothing: this clock does not go back.
    """

    def __init__(self, file: Path, machine: Clock = present) -> None:
        self._file = file
        self._machine = machine
        self._seen: tuple[int, int] | None = None
        self._ahead = timedelta(0)
        if file.exists():
            self._look(_stamp(file))

    def __call__(self) -> datetime:
        return self._machine() + self.ahead()

    def ahead(self) -> timedelta:
        """How far ahead of the machine it is now."""
        try:
            stamp = _stamp(self._file)
            if stamp != self._seen:
                self._look(stamp)
        except (OSError, ClockUnusable):
            return self._ahead
        return self._ahead

    def move(self, to: datetime) -> None:
        """Set it to this moment, for everyone who asks the file. Raises ClockRefused."""
        self._set(to - self._machine())

    def forward(self, by: timedelta) -> None:
        """Set it ahead by so much more. Raises ClockRefused."""
        self._set(self.ahead() + by)

    def _set(self, ahead: timedelta) -> None:
        if ahead < self.ahead():
            raise ClockRefused(f"the clock stands at {self():%Y-%m-%dT%H:%M:%SZ} and goes forwards only")
        if ahead > LONGEST_AHEAD:
            raise ClockRefused("the clock goes no farther than a hundred years ahead")
        unfinished = self._file.with_suffix(".unfinished")
        unfinished.write_text(json.dumps({_FIELD: ahead.total_seconds()}) + "\n")
        unfinished.chmod(0o600)
        os.replace(unfinished, self._file)
        self._look(_stamp(self._file))

    def _look(self, stamp: tuple[int, int]) -> None:
        try:
            found = timedelta(seconds=float(json.loads(self._file.read_text())[_FIELD]))
        except (OSError, ValueError, KeyError, TypeError, OverflowError) as wrong:
            raise ClockUnusable(f"{self._file} does not say how far ahead the clock is") from wrong
        self._ahead = max(self._ahead, found)
        self._seen = stamp


def clock_of(home: Path) -> SettableClock:
    """The clock of a state folder, as far ahead as it was set; the machine's where it never was."""
    return SettableClock(home / CLOCK_FILE)


def _stamp(file: Path) -> tuple[int, int]:
    """What another content of the file would change."""
    found = file.stat()
    return found.st_mtime_ns, found.st_ino
