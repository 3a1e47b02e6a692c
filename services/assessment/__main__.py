"""The assessment process: the only place that knows all of its rooms."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from careloop.chassis.commands.writes import Writes
from careloop.chassis.consuming.noting import NotesConsumer
from careloop.chassis.process.composition import Rooms, compose
from careloop.chassis.process.runtime import Resources, Service, run
from careloop.contracts import assessment as contract
from careloop.contracts.policy import POLICY
from services.assessment.consumers import TEAM_CONSUMER, TEAM_NOTES
from services.assessment.domain.decisions import DECISIONS
from services.assessment.domain.events import TOPICS, Event
from services.assessment.domain.state import DECIDER, Assessment
from services.assessment.grpc_api import AssessmentApi
from services.assessment.settings import AssessmentSettings

ROOMS: Rooms[Assessment, Event] = Rooms(topics=TOPICS, contracts=contract.TYPES, decider=DECIDER)


@asynccontextmanager
async def build(resources: Resources) -> AsyncIterator[Service]:
    async with compose(resources, ROOMS) as foundation:
        settings = resources.settings
        assert isinstance(settings, AssessmentSettings)
        foundation.consume(NotesConsumer(TEAM_CONSUMER, TEAM_NOTES, foundation.streams), ("coordination",))
        writes = Writes(foundation.streams, DECISIONS)
        yield foundation.service(AssessmentApi(writes, settings.partitions, minors=settings.minors).add_to)


if __name__ == "__main__":
    sys.exit(run(build, POLICY, settings_model=AssessmentSettings))
