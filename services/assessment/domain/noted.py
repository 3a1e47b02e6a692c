"""What coordination recorded of a client, as assessment notes it in its own stream; changes of the care team are noted
in the words of `careloop.contracts.care_team`."""

from dataclasses import dataclass

from careloop.kernel.events import Instant
from careloop.kernel.ids import EventId, FactId


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeNoted:
    """Coordination struck one of its facts."""

    fact_id: FactId
    evidence: EventId
    occurred_at: Instant
