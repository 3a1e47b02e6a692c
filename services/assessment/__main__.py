"""The assessment process: the only place that knows all of its rooms."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from careloop.chassis.process.composition import Rooms, compose
from careloop.chassis.process.runtime import Resources, Service, run
from careloop.contracts import assessment as contract
from careloop.contracts.policy import POLICY
from services.assessment.application import AssessmentService
from services.assessment.domain.events import TOPICS, Event
from services.assessment.domain.state import DECIDER, Assessment
from services.assessment.grpc_api import AssessmentApi
from services.assessment.published import RESTATED

ROOMS: Rooms[Assessment, Event] = Rooms(topics=TOPICS, contracts=contract.TYPES, decider=DECIDER, restated=RESTATED)


@asynccontextmanager
async def build(resources: Resources) -> AsyncIterator[Service]:
    async with compose(resources, ROOMS) as foundation:
        api = AssessmentApi(AssessmentService(foundation.streams), resources.settings.partitions)
        yield foundation.service(api.add_to)


if __name__ == "__main__":
    sys.exit(run(build, POLICY))
