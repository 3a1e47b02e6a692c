"""The assessment process: the only place that knows all of its rooms."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from careloop.chassis.commands.writes import Writes
from careloop.chassis.consuming.informed import Informed
from careloop.chassis.consuming.noting import NotesConsumer
from careloop.chassis.due.deciding import DueDecisions
from careloop.chassis.process.composition import Foundation, Rooms, compose
from careloop.chassis.process.runtime import Resources, Service, run
from careloop.contracts import assessment as contract
from careloop.contracts.policy import POLICY
from services.assessment import due
from services.assessment.application import Episodes
from services.assessment.consumers import (
    CONSUMERS,
    MATTERS,
    MATTERS_CONSUMER,
    MATTERS_OF,
    TEAM_CONSUMER,
    TEAM_NOTES,
)
from services.assessment.domain.decisions import DECISIONS, OWN_DECISIONS
from services.assessment.domain.events import TOPICS, Event
from services.assessment.domain.state import DECIDER, Assessment
from services.assessment.grpc_api import AssessmentApi
from services.assessment.settings import AssessmentSettings

ROOMS: Rooms[Assessment, Event] = Rooms(topics=TOPICS, contracts=contract.TYPES, decider=DECIDER, due=due.due_rows)


def episodes(foundation: Foundation[Assessment, Event], holds: Callable[[str, int], bool]) -> Episodes:
    """What decides whether an episode may end; `holds` says of which source and partition records are held back."""
    settings = foundation.settings
    return Episodes(
        Informed(
            foundation.store,
            CONSUMERS,
            foundation.heads,
            holds,
            partitions=settings.partitions,
            max_age=timedelta(seconds=settings.evidence_max_age_seconds),
            patience_seconds=settings.statement_timeout_seconds,
        )
    )


@asynccontextmanager
async def build(resources: Resources) -> AsyncIterator[Service]:
    async with compose(resources, ROOMS) as foundation:
        settings = resources.settings
        assert isinstance(settings, AssessmentSettings)
        foundation.consume(NotesConsumer(TEAM_CONSUMER, TEAM_NOTES, foundation.streams), ("coordination",))
        inbox = foundation.consume(NotesConsumer(MATTERS_CONSUMER, MATTERS, foundation.streams), MATTERS_OF)
        rows = DueDecisions(foundation.streams, OWN_DECISIONS, resources.clock, {due.CARING_CONTACT: due.asked})
        foundation.take_up_due(rows.handlers)
        writes = Writes(foundation.streams, DECISIONS)
        ends = episodes(foundation, inbox.holds)
        api = AssessmentApi(writes, settings.partitions, episodes=ends, minors=settings.minors)
        yield foundation.service(api.add_to)


if __name__ == "__main__":
    sys.exit(run(build, POLICY, settings_model=AssessmentSettings))
