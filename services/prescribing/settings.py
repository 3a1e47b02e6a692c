"""The settings of the prescribing process."""

from careloop.chassis.process.settings import ServiceSettings


class PrescribingSettings(ServiceSettings):
    """What prescribing is told besides what every service is."""

    notice_importers: frozenset[str] = frozenset({"careloop-intake"})
    """Subjects of tokens whose facts are imported history, as a JSON list: what they record together is checked
    together."""
