"""The coordination process, put together."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from careloop.chassis.commands.writes import Writes
from careloop.chassis.process.composition import Rooms, compose
from careloop.chassis.process.runtime import Resources, Service, run, until_stopped
from careloop.contracts import coordination as contract
from careloop.contracts.policy import POLICY
from services.coordination.application import CareViews
from services.coordination.consumers import CareViewConsumer
from services.coordination.domain.decisions import DECISIONS
from services.coordination.domain.events import TOPICS
from services.coordination.domain.state import DECIDER
from services.coordination.domain.view.sections import SECTIONS
from services.coordination.evidence import Evidence, ViewChanges
from services.coordination.grpc_api import CoordinationApi
from services.coordination.reading.frames import JournalFrames
from services.coordination.reading.journal import Journal
from services.coordination.reading.replay import Replay
from services.coordination.reading.views import Views
from services.coordination.rebuilding.process import Rebuilds

ROOMS = Rooms(
    topics=TOPICS,
    contracts=contract.TYPES,
    decider=DECIDER,
    migrations=Path(__file__).parent / "migrations",
)


@asynccontextmanager
async def build(resources: Resources) -> AsyncIterator[Service]:
    async with compose(resources, ROOMS) as foundation, Rebuilds() as rebuilds:
        settings, connections = foundation.settings, foundation.store.connections
        views, journal, changes = Views(connections), Journal(connections), ViewChanges(connections.connect)
        partitions, max_age = settings.partitions, timedelta(seconds=settings.evidence_max_age_seconds)
        inbox = foundation.consume(CareViewConsumer(views, partitions), tuple(SECTIONS))
        heads, holds = foundation.heads, inbox.holds
        evidence = Evidence(
            foundation.store, views, heads, changes, holds=holds, partitions=partitions, max_age=max_age
        )
        api = CoordinationApi(
            Writes(foundation.streams, DECISIONS),
            CareViews(views, journal, Replay(journal, connections), evidence, changes),
            JournalFrames(connections),
            rebuilds,
            partitions=partitions,
            clock=resources.clock,
            longest_wait_seconds=settings.max_deadline_seconds,
            on_call_phone=settings.on_call_phone,
        )
        yield foundation.service(api.add_to, tasks={"view changes": until_stopped(changes.run)})


if __name__ == "__main__":
    sys.exit(run(build, POLICY))
