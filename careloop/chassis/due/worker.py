"""Takes up what is due, row by row. Nothing here is remembered between two rows."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from careloop.chassis.clock import Clock
from careloop.chassis.log.protocol import ClaimedDue, EventStore
from careloop.chassis.logs import place_of
from careloop.kernel.errors import Conflict, Overloaded, Unavailable

BREATH_SECONDS = 0.02
"""Between two looks at what is due, however fast the log grows."""
PRUNED_EVERY_SECONDS = 600.0
PRUNED_AT_ONCE = 5_000

Handle = Callable[[ClaimedDue], Awaitable[None]]
"""Does what one row asks for and finishes it, both in one transaction. It is called again where that did not happen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds. A claimed row is nobody else's for `lease`, which outlasts what one row may take; `poll` is the longest
    between two looks, `at_once` the most rows in hand."""

    lease: float = 60
    poll: float = 0.5
    at_once: int = 20


class DueWorker:
    """Rows of the kinds in `handlers`, the longest due first. They are leased: any number of workers may run."""

    def __init__(
        self, store: EventStore, handlers: Mapping[str, Handle], clock: Clock, pace: Pace | None = None
    ) -> None:
        self._store = store
        self._handlers = handlers
        self._kinds = frozenset(handlers)
        self._clock = clock
        self._pace = pace or Pace()
        self._log = structlog.get_logger()
        self._pruned_at = float("-inf")

    async def run(self, stopping: asyncio.Event) -> None:
        """Until asked to stop, and then to the end of what is in hand. Looks at least every `poll` seconds."""
        waits = False
        while not stopping.is_set():
            try:
                head = await self._store.head()
                if await self.work() == 0:
                    await self._prune()
                    await self._store.wait_for_more(head.position, self._pace.poll)
                waits = False
                await asyncio.sleep(BREATH_SECONDS)
            except Unavailable:
                if not waits:
                    self._log.warning("due rows wait for the store")
                waits = True
                await asyncio.sleep(self._pace.poll)

    async def work(self) -> int:
        """Take up what is due now; answers how many rows were claimed. Rows of one patient are done one after another.

        Raises Unavailable when the store went away meanwhile; what was not finished is claimed again.
        """
        pace = self._pace
        claimed = await self._store.claim_due(self._kinds, self._clock(), pace.lease, pace.at_once)
        by_patient: dict[UUID, list[ClaimedDue]] = {}
        for claim in claimed:
            by_patient.setdefault(claim.row.stream_id, []).append(claim)
        ended = await asyncio.gather(*map(self._in_order, by_patient.values()))
        for away in filter(None, ended):
            raise away
        return len(claimed)

    async def _in_order(self, claims: Sequence[ClaimedDue]) -> Unavailable | None:
        for claim in claims:
            try:
                await self._handlers[claim.row.kind](claim)
            except Unavailable as away:
                return away
            except (Conflict, Overloaded):
                self._log.info("due row again later", kind=claim.row.kind, claims=claim.claims)
            except Exception as failure:
                # One bad row must not stop the others; it is claimed again when its lease ends.
                self._log.error(
                    "due row failed",
                    kind=claim.row.kind,
                    claims=claim.claims,
                    error_type=type(failure).__name__,
                    error_at=place_of(failure),
                )
        return None

    async def _prune(self) -> None:
        """Now and then, while nothing is due: what was done long ago is taken away, some at a time."""
        now = asyncio.get_running_loop().time()
        if now - self._pruned_at < PRUNED_EVERY_SECONDS:
            return
        if await self._store.prune_due(PRUNED_AT_ONCE) < PRUNED_AT_ONCE:
            self._pruned_at = now
