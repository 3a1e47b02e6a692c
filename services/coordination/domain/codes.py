"""The words that the care team's facts choose from."""

from enum import StrEnum


class TeamRole(StrEnum):
    """What a person can be in a care team."""

    PSYCHIATRIST = "psychiatrist"
    PSYCHIATRIC_NURSE_PRACTITIONER = "psychiatric-nurse-practitioner"
    THERAPIST = "therapist"
    CARE_MANAGER = "care-manager"
    PHARMACIST = "pharmacist"
