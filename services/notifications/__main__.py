"""The notifications process, put together."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from careloop.chassis.commands.writes import Writes
from careloop.chassis.process.composition import Rooms, compose
from careloop.chassis.process.runtime import Resources, Service, run
from careloop.contracts import notifications as contract
from careloop.contracts.policy import POLICY
from services.notifications.consumers import SOURCES, CauseConsumer
from services.notifications.domain.decisions import DECISIONS
from services.notifications.domain.events import TOPICS
from services.notifications.domain.state import DECIDER
from services.notifications.due import due_rows
from services.notifications.grpc_api import NotificationsApi
from services.notifications.settings import NotificationSettings
from services.notifications.views import InboxIndex, inbox_statements
from services.notifications.waiting import PageAllWaiting, WaitingRecords
from services.notifications.worker import DueWorker

ROOMS = Rooms(
    topics=TOPICS,
    contracts=contract.TYPES,
    decider=DECIDER,
    due=due_rows,
    statements=inbox_statements,
    migrations=Path(__file__).parent / "migrations",
)


@asynccontextmanager
async def build(resources: Resources) -> AsyncIterator[Service]:
    settings = resources.settings
    assert isinstance(settings, NotificationSettings)
    async with compose(resources, ROOMS) as foundation:
        streams, rules = foundation.streams, settings.rules()
        waiting = WaitingRecords(streams, rules, resources.clock)
        foundation.consume(CauseConsumer(streams, rules, resources.clock), SOURCES, while_waiting=waiting.effects)
        worker = DueWorker(streams, settings.sender(), rules, resources.clock, settings.pace())
        api = NotificationsApi(
            Writes(streams, DECISIONS), InboxIndex(foundation.store.connections), settings.partitions
        )
        yield foundation.service(
            api.add_to, tasks={"due": worker.run, "waiting": PageAllWaiting(streams, foundation.parked, waiting).run}
        )


if __name__ == "__main__":
    sys.exit(run(build, POLICY, settings_model=NotificationSettings))
