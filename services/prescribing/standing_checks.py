"""The standing check of all clients by another pack: what it would raise, and the rows by which it is raised."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime

from careloop.chassis.commands.seeding import Seeding
from careloop.chassis.commands.streams import Streams
from careloop.kernel.ids import PatientId
from careloop.knowledge.pack.pack import Pack, current_pack
from services.prescribing import due
from services.prescribing.domain.events import Event
from services.prescribing.domain.standing import Found
from services.prescribing.domain.standing_check import would_raise
from services.prescribing.domain.state import PrescriptionChart

PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOfClient:
    """What would be raised of one client, the gravest first."""

    patient_id: PatientId
    concerns: tuple[Found, ...]


class StandingChecks:
    """Raises Unavailable when the store does not answer in time."""

    def __init__(self, streams: Streams[PrescriptionChart, Event]) -> None:
        self._streams = streams

    async def by(self, pack: Pack, now: datetime) -> AsyncGenerator[FoundOfClient]:
        """Each client of whom there are records here, in the order of their ids, with what this pack would raise."""
        after = None
        while page := await self._streams.store.streams(after, PAGE):
            for stream_id in page:
                chart = (await self._streams.load(stream_id)).state
                found = would_raise(chart, now, pack)
                yield FoundOfClient(patient_id=PatientId(stream_id), concerns=tuple(found))
                await asyncio.sleep(0)
            after = page[-1]

    async def raise_by_the_pack_in_use(self, now: datetime) -> int:
        """How many clients a check is due for by this. Cut off and asked again, none is checked twice for one pack."""
        digest = current_pack().reference.digest
        seeding = Seeding(
            f"pack-{digest}", self._streams, lambda _chart, stream: [due.check_of_pack(stream, digest, now)]
        )
        return await seeding.run(now)
