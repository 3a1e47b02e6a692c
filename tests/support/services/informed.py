"""How well assessment is informed of what other services recorded, as a test says it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from careloop.chassis.consuming.informed import SourceStanding
from careloop.chassis.events.consistency_token import ConsistencyToken
from services.assessment.application import Episodes
from services.assessment.consumers import MATTERS_OF


class Sources:
    """Everything has come in, but of the sources that are `behind`."""

    def __init__(self, behind: Collection[str] = ()) -> None:
        self.behind = behind
        self.waited_for: list[ConsistencyToken] = []

    @property
    def sources(self) -> Collection[str]:
        return MATTERS_OF

    async def of(self, _patient_id: UUID, now: datetime) -> Sequence[SourceStanding]:
        return [
            SourceStanding(source=source, partition=0, position=1, fresh_as_of=now, stale=source in self.behind)
            for source in MATTERS_OF
        ]

    async def wait_for(self, at_least: Sequence[ConsistencyToken]) -> None:
        self.waited_for += at_least


def all_known() -> Episodes:
    return Episodes(Sources())
