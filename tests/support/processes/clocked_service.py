"""A service on a clock that may be set while it runs: `python -m tests.support.processes.clocked_service SERVICE`.

The clock is `ClockOf(state folder)`; all services of the folder share it. PostgreSQL and Kafka keep the true time.
"""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

from careloop.chassis.process.runtime import run
from careloop.chassis.process.settings import ServiceSettings
from careloop.contracts.policy import POLICY
from services.assessment.settings import AssessmentSettings
from services.notifications.settings import NotificationSettings
from services.prescribing.settings import PrescribingSettings

SETTINGS: dict[str, type[ServiceSettings]] = {
    "assessment": AssessmentSettings,
    "prescribing": PrescribingSettings,
    "notifications": NotificationSettings,
}


class ClockOf:
    """The time, as much ahead (seconds, below 0 behind) as it was last set in this state folder."""

    def __init__(self, home: Path) -> None:
        self._file = home / "clock"

    def __call__(self) -> datetime:
        ahead = float(self._file.read_text()) if self._file.exists() else 0.0
        return datetime.now(UTC) + timedelta(seconds=ahead)

    def set_ahead(self, seconds: float) -> None:
        """Seen at once and whole by every process."""
        new = self._file.with_suffix(".new")
        new.write_text(str(seconds))
        new.rename(self._file)


def command(service: str) -> Sequence[str]:
    """How the supervisor starts it."""
    return [sys.executable, "-m", "tests.support.processes.clocked_service", service]


if __name__ == "__main__":
    name = sys.argv[1]
    build = import_module(f"services.{name}.__main__").build
    clock = ClockOf(Path(os.environ["CARELOOP_HOME"]))
    sys.exit(run(build, POLICY, settings_model=SETTINGS.get(name, ServiceSettings), clock=clock))
