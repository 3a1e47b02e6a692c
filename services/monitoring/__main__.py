"""The monitoring process, put together."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from careloop.chassis.consuming.noting import NotesConsumer
from careloop.chassis.process.composition import Rooms, compose
from careloop.chassis.process.runtime import Resources, Service, run
from careloop.contracts import monitoring as contract
from careloop.contracts.policy import POLICY
from services.monitoring.application import Monitoring
from services.monitoring.consumers import CONSUMER, NOTES
from services.monitoring.domain.events import TOPICS
from services.monitoring.domain.state import DECIDER
from services.monitoring.grpc_api import MonitoringApi
from services.monitoring.published import PUBLISHED

ROOMS = Rooms(topics=TOPICS, published=PUBLISHED, contracts=contract.TYPES, decider=DECIDER)


@asynccontextmanager
async def build(resources: Resources) -> AsyncIterator[Service]:
    async with compose(resources, ROOMS) as foundation:
        foundation.consume(NotesConsumer(CONSUMER, NOTES, foundation.streams), ("assessment", "prescribing"))
        service = Monitoring(foundation.streams)
        yield foundation.service(MonitoringApi(service, foundation.settings.partitions).add_to)


if __name__ == "__main__":
    sys.exit(run(build, POLICY))
