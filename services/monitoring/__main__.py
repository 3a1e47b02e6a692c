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
    DEPARTMENT_CONSUMER,
    DEPARTMENT_NOTES,
    DOSES_CONSUMER,
    DOSES_NOTES,
    NOTES,
    PROFILE_CONSUMER,
    PROFILE_NOTES,
    TEAM_CONSUMER,
    TEAM_NOTES,
    following,
)
from services.monitoring.domain.decisions import DECISIONS
from services.monitoring.domain.events import TOPICS
from services.monitoring.domain.state import DECIDER
from services.monitoring.grpc_api import MonitoringApi

ROOMS = Rooms(topics=TOPICS, contracts=contract.TYPES, decider=DECIDER)


@asynccontextmanager
async def build(resources: Resources) -> AsyncIterator[Service]:
    async with compose(resources, ROOMS) as foundation:
        settings, streams = foundation.settings, foundation.streams
        foundation.consume(NotesConsumer(CONSUMER, NOTES, streams), ("assessment", "prescribing"))
        foundation.consume(NotesConsumer(PROFILE_CONSUMER, PROFILE_NOTES, streams), ("assessment",))
        foundation.consume(NotesConsumer(DEPARTMENT_CONSUMER, DEPARTMENT_NOTES, streams), ("assessment",))
        foundation.consume(NotesConsumer(TEAM_CONSUMER, TEAM_NOTES, streams), ("coordination",))
        foundation.consume(NotesConsumer(DOSES_CONSUMER, DOSES_NOTES, streams), ("prescribing",))
        risks, results = following(streams)
        foundation.consume(risks, ("assessment",))
        foundation.consume(results, ("assessment", "prescribing"))
        api = MonitoringApi(Writes(streams, DECISIONS), settings.partitions, on_call_phone=settings.on_call_phone)
        yield foundation.service(api.add_to)


if __name__ == "__main__":
    sys.exit(run(build, POLICY))
