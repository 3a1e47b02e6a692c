"""Following a log: pull, then pull again whenever there may be more."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from threading import Event
from typing import Any

from eventsourcing.persistence import ApplicationRecorder, ListenNotifySubscription

from careloop.chassis.log_listener import LogListener
from careloop.eventsourcing_store.connections import Connections
from careloop.eventsourcing_store.datastore import Datastore

_NO_POSITION = 2**63 - 1
_PULL_ANYWAY_SECONDS = 30.0


class LogSubscription(ListenNotifySubscription[ApplicationRecorder]):
    """The library's pulling, woken by the datastore's one LISTEN connection to this log.

    It pulls after LISTEN took effect, after each reconnect and every 30 seconds besides, so that no event waits for
    a notification that was given before anyone listened.
    """

    def __init__(
        self,
        recorder: ApplicationRecorder,
        datastore: Datastore,
        channel: str,
        *,
        gt: int | None,
        topics: Sequence[str],
    ) -> None:
        self._waking: Future[Any] | None = None
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        waking = _wake_for_ever(datastore.connections, channel, self._has_been_notified)
        self._waking = asyncio.run_coroutine_threadsafe(waking, datastore.loop_thread.loop)
        # The pulling thread may have stopped it meanwhile.
        if self._has_been_stopped:
            self._waking.cancel()

    def stop(self) -> None:
        super().stop()
        if self._waking is not None:
            self._waking.cancel()


async def _wake_for_ever(connections: Connections, channel: str, more: Event) -> None:
    listener: LogListener = connections.listener(channel)
    while True:
        # Between this and the start of waiting the loop does nothing else: what is heard now is heard by either.
        more.set()
        await listener.wait(_NO_POSITION, _PULL_ANYWAY_SECONDS)
