"""One section as it is stored, with what the order of the caseload takes from it."""

from dataclasses import dataclass

from careloop.chassis.events.codec import ENCODER
from services.coordination.domain.view.sections import Section
from services.coordination.domain.view.urgency import answered, concerns

Ranking = tuple[str, str]
"""A section's concerns and what it answers, as they are stored: all that the caseload's order depends on."""
NOT_RANKED: Ranking = ("", "")


@dataclass(frozen=True, slots=True)
class StoredSection:
    """A section, the position of its source that it includes, its ranking and its size as they are stored.

    The ranking is NOT_RANKED where it may be another than the section's.
    """

    section: Section
    position: int = 0
    ranking: Ranking = NOT_RANKED
    size: int = 0


def ranking(section: Section) -> Ranking:
    taken = ",".join(sorted(map(str, answered(section))))
    return ENCODER.encode(concerns(section)).decode(), "{" + taken + "}"
