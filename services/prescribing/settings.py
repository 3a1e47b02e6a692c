"""The settings of the prescribing process."""

from datetime import timedelta

from pydantic import Field

from careloop.chassis.process.settings import ServiceSettings


class PrescribingSettings(ServiceSettings):
    """What prescribing is told besides what every service is."""

    notice_importers: frozenset[str] = frozenset({"careloop-intake"})
    """Subjects of tokens whose facts are imported history, as a JSON list: what they record together is checked
    together."""
    import_window_seconds: int = Field(default=60, ge=1, le=3600)
    """What an importer records of one client within this many seconds is checked once, when as many have passed after
    it."""

    @property
    def import_window(self) -> timedelta:
        return timedelta(seconds=self.import_window_seconds)
