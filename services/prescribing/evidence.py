"""How far the evidence of each source has come, as an order's safety check asks for it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from careloop.chassis.consuming.informed import Heads, Informed, SourceStanding
from careloop.chassis.consuming.noted_through import Consumed
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.contracts.prescribing import SourcePosition
from careloop.kernel.ids import PatientId
from careloop.kernel.restating import restating
from services.prescribing.domain.screening import RESTS_ON, Freshness

CONSUMER = "prescribing.evidence"
COURSE_CONSUMER = "prescribing.course"
EPISODES_CONSUMER = "prescribing.episodes"
"""Reads assessment from its beginning for how episodes begin and end: whether an order may be issued."""
COMPARING_CONSUMER = "prescribing.reconciliation"
"""Compares lists with prescriptions; no check rests on what it finds."""
TEAM_CONSUMER = "prescribing.team"
"""Reads coordination from its beginning, also what came before there was such a consumer; no check rests on it."""
CONSUMERS: Mapping[str, Collection[str]] = {
    CONSUMER: RESTS_ON,
    COURSE_CONSUMER: {"assessment"},
    EPISODES_CONSUMER: {"assessment"},
}
"""Who notes the evidence, of which sources. A kind of note that comes later is noted of old facts by one more."""

position = restating(SourcePosition, SourceStanding)


class ConsumedEvidence:
    """Evidence as this service's own consumers have noted it; of what is too old or held back, `Informed` says."""

    def __init__(
        self,
        store: Consumed,
        heads: Heads,
        holds: Callable[[str, int], bool],
        *,
        partitions: int,
        max_age: timedelta,
        patience_seconds: float,
    ) -> None:
        self._informed = Informed(
            store,
            CONSUMERS,
            heads,
            holds,
            partitions=partitions,
            max_age=max_age,
            patience_seconds=patience_seconds,
        )

    async def freshness(self, patient_id: PatientId, at_least: Sequence[ConsistencyToken], now: datetime) -> Freshness:
        """Waits for the tokens, then says how fresh each source is.

        Raises Unavailable when they do not come.
        """
        await self._informed.wait_for(at_least)
        found = await self._informed.of(patient_id, now)
        return Freshness(
            positions=tuple(map(position, found)), stale=frozenset(one.source for one in found if one.stale)
        )
