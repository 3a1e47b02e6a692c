"""The position gate of one (consumer, source, partition): which records come next, which are known, which wait."""

from collections.abc import Iterable

from careloop.chassis.events.envelope import Record

MOST_HELD = 5_000
"""Records held beyond a hole; more are let go, since the source's own log has them."""


class PositionGate:
    """Puts records in order by position and previous position, whatever order and however often they come.

    `last` is the position of the last record passed on. A record whose `previous` is `last` is next; one at or below
    `last` is a duplicate and dropped; one whose `previous` is beyond `last` shows a hole and is held. Anything else
    contradicts what was consumed: `contradiction` is its position, and nothing is passed on any more.
    `let_go` says that records were not held for want of room, so that more than the hole is missing.
    """

    def __init__(self, last: int) -> None:
        self.last = last
        self.contradiction: int | None = None
        self.let_go = False
        self._held: dict[int, Record] = {}

    @property
    def holding(self) -> int:
        """How many records wait beyond a hole."""
        return len(self._held)

    @property
    def hole_ends(self) -> int:
        """The last position that is missing before the first held record; 0 when nothing is held."""
        return self._held[min(self._held)].envelope.previous if self._held else 0

    def admit(self, records: Iterable[Record]) -> list[Record]:
        """The records that come next, in order, held ones included when their turn has come."""
        passed: list[Record] = []
        for record in records:
            if self._is_next(record):
                passed.append(record)
                self._release(passed)
        return passed

    def _is_next(self, record: Record) -> bool:
        envelope = record.envelope
        if envelope.position <= self.last or self.contradiction is not None:
            return False
        if envelope.previous < self.last:
            self.contradiction = envelope.position
            return False
        if envelope.previous > self.last:
            self._hold(record)
            return False
        self.last = envelope.position
        return True

    def _hold(self, record: Record) -> None:
        if len(self._held) < MOST_HELD:
            self._held[record.envelope.position] = record
        else:
            self.let_go = True

    def _release(self, passed: list[Record]) -> None:
        """Pass on what was held and is next now."""
        for position in sorted(self._held):
            record = self._held[position]
            if record.envelope.previous > self.last:
                return
            del self._held[position]
            if self._is_next(record):
                passed.append(record)
