"""Which subscriptions stand still while their source has more, so that they can be started again.

A Kafka client may stall for good after its broker died: its group membership fails without a way back. Another
partition that moves must not hide that.
"""

from careloop.chassis.operations.ports import ConsumerProgress, ServiceStatus

ConsumedPartition = tuple[str, str, int]
ConsumerSource = tuple[str, str]
"""Consumer and source."""


class StalledConsumers:
    """Shown the status from time to time, and the seconds of a clock that is never set. An outage of store or broker
    starts every wait afresh."""

    def __init__(self, after_seconds: float) -> None:
        self._after = after_seconds
        self._since: dict[ConsumedPartition, tuple[int, float]] = {}

    def store_away(self) -> None:
        self._since.clear()

    def observe(self, status: ServiceStatus, now: float) -> frozenset[ConsumerSource]:
        """The subscriptions that lag and have not moved for so long; each is answered once per such wait."""
        if not status.broker_connected:
            self._since.clear()
        standing = frozenset(
            (one.consumer, one.source) for one in status.consumers if status.broker_connected and self._stands(one, now)
        )
        self._since = {place: since for place, since in self._since.items() if place[:2] not in standing}
        return standing

    def _stands(self, progress: ConsumerProgress, now: float) -> bool:
        place = (progress.consumer, progress.source, progress.partition)
        position, since = self._since.get(place, (None, now))
        if not progress.lag_positions:
            self._since.pop(place, None)
            return False
        if position != progress.consumed_position:
            self._since[place] = (progress.consumed_position, now)
            return False
        return now - since >= self._after
