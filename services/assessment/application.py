"""Assessment's use case that waits for something: the end of an episode rests on what other services recorded."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from careloop.chassis.consuming.informed import SourceStanding
from careloop.chassis.events import consistency_token
from careloop.chassis.events.consistency_token import ConsistencyToken
from careloop.kernel.ids import PatientId
from services.assessment.domain.episodes import CloseEpisode


class Sources(Protocol):
    """How well this service is informed of one patient."""

    @property
    def sources(self) -> Collection[str]: ...

    async def of(self, patient_id: UUID, now: datetime) -> Sequence[SourceStanding]: ...

    async def wait_for(self, at_least: Sequence[ConsistencyToken]) -> None:
        """Raises Unavailable when what the tokens name does not come in time."""
        ...


class Episodes:
    """`at_least` names what a closing must have seen: facts of the services that it rests on."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def informed(self, patient_id: PatientId, command: CloseEpisode, at_least: Sequence[str]) -> CloseEpisode:
        """The command with whether all that bears on it has come in."""
        rests_on = {*self._sources.sources, "assessment"}
        await self._sources.wait_for(consistency_token.at_least(at_least, patient_id, rests_on))
        standing = await self._sources.of(patient_id, command.now)
        return replace(command, informed=not any(one.stale for one in standing))
