"""What the assessment stream of a client holds: everything is stored and published in the same words."""

from careloop.contracts.assessment import ClinicalFact, Published
from careloop.kernel.events import topics

__all__ = ["TOPICS", "ClinicalFact", "Event"]

Event = Published
TOPICS: dict[str, type[Event]] = topics("assessment", Event)
"""Every stored event by its registered name."""
