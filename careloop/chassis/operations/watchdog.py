"""Whether a process is stuck or waits: a stuck one ends, so that its supervisor starts another."""

from careloop.chassis.operations.ports import ServiceStatus


class Stuck(Exception):
    """Store and broker answer, something is to be done, and nothing has moved for too long."""


class Watchdog:
    """Shown the status from time to time, and the seconds of a clock that is never set. An outage of store or broker
    is nobody's fault here and starts it afresh."""

    def __init__(self, stuck_after_seconds: float) -> None:
        self._stuck_after = stuck_after_seconds
        self._places: tuple[int, ...] | None = None
        self._since: float | None = None

    def store_away(self) -> None:
        self._places = None

    def observe(self, status: ServiceStatus, now: float) -> None:
        """Raises Stuck when all answered, lag was above 0 and nothing moved for the whole time."""
        places = (status.relayed_position, *(one.consumed_position for one in status.consumers))
        waits = status.broker_connected and _lags(status)
        if not waits or places != self._places or self._since is None:
            self._places = places if waits else None
            self._since = now
        elif now - self._since >= self._stuck_after:
            raise Stuck


def _lags(status: ServiceStatus) -> bool:
    return status.relayed_position < status.head_position or any(one.lag_positions > 0 for one in status.consumers)
