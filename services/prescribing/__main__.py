"""The prescribing process, put together."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from careloop.chassis.commands.seeding import Seeding
from careloop.chassis.commands.writes import Writes
from careloop.chassis.consuming.noting import NotesConsumer
from careloop.chassis.due.deciding import DueDecisions
from careloop.chassis.process.composition import Rooms, compose
from careloop.chassis.process.runtime import Resources, Service, run
from careloop.contracts import prescribing as contract
from careloop.contracts.policy import POLICY
from careloop.knowledge.pack.pack import current_pack
from careloop.knowledge.screening.birthdays import ages_that_matter
from services.prescribing import due
from services.prescribing.application import Prescribing
from services.prescribing.consumers import COURSE_NOTES, NOTES, TEAM_NOTES, ComparingConsumer, EpisodesConsumer
from services.prescribing.domain.decisions import DECISIONS, OWN_DECISIONS
from services.prescribing.domain.events import TOPICS
from services.prescribing.domain.state import DECIDER
from services.prescribing.evidence import (
    COMPARING_CONSUMER,
    CONSUMER,
    CONSUMERS,
    COURSE_CONSUMER,
    EPISODES_CONSUMER,
    TEAM_CONSUMER,
    ConsumedEvidence,
)
from services.prescribing.grpc_api import PrescribingApi
from services.prescribing.published import RESTATED
from services.prescribing.replay import PastDecisions
from services.prescribing.settings import PrescribingSettings
from services.prescribing.standing_checks import StandingChecks

ROOMS = Rooms(topics=TOPICS, contracts=contract.TYPES, decider=DECIDER, restated=RESTATED, due=due.due_rows)


@asynccontextmanager
async def build(resources: Resources) -> AsyncIterator[Service]:
    current_pack()  # A pack that is not sound stops the start, and no order waits until it is read.
    async with compose(resources, ROOMS) as foundation:
        settings = foundation.settings
        assert isinstance(settings, PrescribingSettings)
        checks = due.rows_of_notes(settings.notice_importers, settings.import_window)
        inboxes = [
            foundation.consume(NotesConsumer(consumer, notes, foundation.streams, checks), sorted(CONSUMERS[consumer]))
            for consumer, notes in ((CONSUMER, NOTES), (COURSE_CONSUMER, COURSE_NOTES))
        ]
        foundation.consume(ComparingConsumer(COMPARING_CONSUMER, foundation.streams), ["assessment"])
        clock = foundation.resources.clock
        episodes = EpisodesConsumer(EPISODES_CONSUMER, foundation.streams, clock, due.resumed)
        inboxes.append(foundation.consume(episodes, sorted(CONSUMERS[EPISODES_CONSUMER])))
        foundation.consume(NotesConsumer(TEAM_CONSUMER, TEAM_NOTES, foundation.streams), ["coordination"])
        evidence = ConsumedEvidence(
            foundation.store,
            foundation.heads,
            lambda source, partition: any(inbox.holds(source, partition) for inbox in inboxes),
            partitions=settings.partitions,
            max_age=timedelta(seconds=settings.evidence_max_age_seconds),
            patience_seconds=settings.statement_timeout_seconds,
        )
        writes = Writes(foundation.streams, DECISIONS)
        decisions = PastDecisions(foundation.store, foundation.streams.codec)
        checking = StandingChecks(foundation.streams)
        api = PrescribingApi(writes, Prescribing(writes, evidence), decisions, checking, settings.partitions)
        rows = DueDecisions(
            foundation.streams,
            OWN_DECISIONS,
            foundation.resources.clock,
            due.ASKED,
            due.WHEN,
        )
        foundation.take_up_due(rows.handlers)
        seeding = Seeding("clocks", foundation.streams, due.clocks)
        ages = "-".join(map(str, ages_that_matter()))
        birthdays = Seeding(f"birthdays-{ages}", foundation.streams, due.birthday_clocks)
        yield foundation.service(api.add_to, tasks={"seeding": seeding.work(clock), "birthdays": birthdays.work(clock)})


if __name__ == "__main__":
    sys.exit(run(build, POLICY, settings_model=PrescribingSettings))
