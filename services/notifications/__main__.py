"""The notifications process, put together."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from careloop.chassis.composition import Rooms, compose
from careloop.chassis.runtime import Resources, Service, run
from careloop.contracts import notifications as contract
from careloop.contracts.policy import POLICY
from services.notifications.application import Notifications
from services.notifications.consumers import CauseConsumer
from services.notifications.domain.events import TOPICS
from services.notifications.domain.notices import DECIDER
from services.notifications.due import due_rows
from services.notifications.grpc_api import NotificationsApi
from services.notifications.published import PUBLISHED
from services.notifications.settings import NotificationSettings
from services.notifications.views import InboxIndex, inbox_statements
from services.notifications.worker import DueWorker

ROOMS = Rooms(
    topics=TOPICS,
    published=PUBLISHED,
    contracts=contract.TYPES,
    decider=DECIDER,
    due=due_rows,
    statements=inbox_statements,
    migrations=Path(__file__).parent / "migrations",
)
SOURCES = ("assessment", "prescribing", "monitoring", "coordination")


@asynccontextmanager
async def build(resources: Resources) -> AsyncIterator[Service]:
    settings = cast(NotificationSettings, resources.settings)
    async with compose(resources, ROOMS) as foundation:
        rules = settings.rules()
        foundation.consume(CauseConsumer(foundation.streams, rules, resources.clock), SOURCES)
        worker = DueWorker(foundation.streams, settings.sender(), rules, resources.clock, settings.pace())
        service = Notifications(foundation.streams, InboxIndex(foundation.store.sessions))
        api = NotificationsApi(service, settings.partitions)
        yield foundation.service(api.add_to, tasks={"due": worker.run})


if __name__ == "__main__":
    sys.exit(run(build, POLICY, settings_model=NotificationSettings))
