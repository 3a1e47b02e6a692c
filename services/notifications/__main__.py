"""The notifications process, put together."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from careloop.chassis.commands.seeding import Seeding
from careloop.chassis.commands.writes import Writes
from careloop.chassis.consuming.handler import nothing_at_once
from careloop.chassis.process.composition import Rooms, compose
from careloop.chassis.process.runtime import Resources, Service, run
from careloop.contracts import notifications as contract
from careloop.contracts.policy import POLICY
from services.notifications.consumers import CAUSES, EARLIER, EPISODES, NoticesConsumer
from services.notifications.domain.decisions import DECISIONS
from services.notifications.domain.events import TOPICS
from services.notifications.domain.state import DECIDER
from services.notifications.due import due_rows, hand_overs
from services.notifications.grpc_api import NotificationsApi
from services.notifications.settings import NotificationSettings
from services.notifications.views import InboxIndex, inbox_statements
from services.notifications.waiting import PageAllWaiting, WaitingRecords
from services.notifications.worker import NoticeWork

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
        clock = resources.clock
        waiting = WaitingRecords(streams, rules, clock)
        for listener in (CAUSES, EARLIER, EPISODES):
            consumer = NoticesConsumer(listener, streams, rules, clock)
            while_waiting = waiting.effects if listener is CAUSES else nothing_at_once
            foundation.consume(consumer, listener.sources, while_waiting=while_waiting)
        work = NoticeWork(streams, settings.sender(), rules, clock, settings.notice_send_deadline_seconds)
        foundation.take_up_due(work.handlers, settings.pace())
        api = NotificationsApi(
            Writes(streams, DECISIONS), InboxIndex(foundation.store.connections), settings.partitions
        )
        tasks = {
            "waiting": PageAllWaiting(streams, foundation.parked, waiting).run,
            "seeding": Seeding("hand-overs", streams, hand_overs).work(clock),
        }
        yield foundation.service(api.add_to, tasks=tasks)


if __name__ == "__main__":
    sys.exit(run(build, POLICY, settings_model=NotificationSettings))
