"""Following a log: pull, then pull again whenever there may be more."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future

from eventsourcing.persistence import ApplicationRecorder, ListenNotifySubscription

from careloop.eventsourcing_store.datastore import Datastore


class LogSubscription(ListenNotifySubscription[ApplicationRecorder]):
    """The library's pulling, woken by the datastore's one LISTEN connection to this log.

    It pulls after LISTEN took effect, after each reconnect and every 30 seconds besides, so that no event waits for
    a notification that was given before anyone listened. A closed datastore ends it with an error.
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
        self._following: Future[None] | None = None
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._following = asyncio.run_coroutine_threadsafe(
            datastore.connections.follow(channel, self._has_been_notified), datastore.loop_thread.loop
        )
        # The pulling thread may have stopped it meanwhile.
        if self._has_been_stopped:
            self._following.cancel()

    def stop(self) -> None:
        super().stop()
        if self._following is not None:
            self._following.cancel()
