"""The settings of the assessment process."""

from careloop.chassis.process.settings import ServiceSettings


class AssessmentSettings(ServiceSettings):
    """What a programme decides about whom it takes."""

    minors: bool = False
    """Clients under 18 may be enrolled. Doses, scales and consent are those of adults all the same."""
