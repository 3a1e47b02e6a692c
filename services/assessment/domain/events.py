"""What the assessment stream of a client holds: what is recorded here, stored and published in the same words, and what
is noted of other services."""

from careloop.contracts.assessment import ClinicalFact, Published
from careloop.contracts.care_team import TeamNoted
from careloop.kernel.events import topics
from services.assessment.domain.noted import OpenMatter, StrikeNoted

__all__ = ["TOPICS", "ClinicalFact", "Event"]

Event = Published | TeamNoted | OpenMatter | StrikeNoted
TOPICS: dict[str, type[Event]] = topics("assessment", Event)
"""Every stored event by its registered name."""
