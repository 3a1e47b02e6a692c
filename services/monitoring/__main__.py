"""The monitoring process, put together."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from careloop.chassis.commands.writes import Writes
from careloop.chassis.consuming.noting import NotesConsumer
from careloop.chassis.process.composition import Rooms, compose
from careloop.chassis.process.runtime import Resources, Service, run
from careloop.contracts import monitoring as contract
from careloop.contracts.policy import POLICY
from services.monitoring.consumers import (
    CONSUMER,
    NOTES,
    PROFILE_CONSUMER,
    PROFILE_NOTES,
    TEAM_CONSUMER,
    TEAM_NOTES,
    FollowingConsumer,
)
from services.monitoring.domain.decisions import DECISIONS
from services.monitoring.domain.events import TOPICS
from services.monitoring.domain.state import DECIDER
from services.monitoring.grpc_api import MonitoringApi

ROOMS = Rooms(topics=TOPICS, contracts=contract.TYPES, decider=DECIDER)


@asynccontextmanager
async def build(resources: Resources) -> AsyncIterator[Service]:
    async with compose(resources, ROOMS) as foundation:
        foundation.consume(NotesConsumer(CONSUMER, NOTES, foundation.streams), ("assessment", "prescribing"))
        foundation.consume(NotesConsumer(PROFILE_CONSUMER, PROFILE_NOTES, foundation.streams), ("assessment",))
        foundation.consume(NotesConsumer(TEAM_CONSUMER, TEAM_NOTES, foundation.streams), ("coordination",))
        foundation.consume(FollowingConsumer(foundation.streams), ("assessment",))
        writes = Writes(foundation.streams, DECISIONS)
        yield foundation.service(MonitoringApi(writes, foundation.settings.partitions).add_to)


if __name__ == "__main__":
    sys.exit(run(build, POLICY))
