"""Rows that ask for one command of the service itself: decided on the newest state, and done in the same write."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

from msgspec.structs import replace

from careloop.chassis.clock import Clock
from careloop.chassis.commands.streams import Streams
from careloop.chassis.commands.writes import Writes
from careloop.chassis.due.worker import Handle
from careloop.chassis.log.protocol import ClaimedDue, DueRow, Unit
from careloop.kernel.decisions import Decisions
from careloop.kernel.events import CommandKind, Event, Request
from careloop.kernel.ids import PatientId, PersonId, derived_id

State = TypeVar("State")
Fact = TypeVar("Fact", bound=Event)

Asks = Callable[[DueRow, datetime], Any]
"""The command that a row asks for, decided at the moment given."""
When = Callable[[DueRow, State], datetime]
"""When a row is due as things stand now: a client who moved has another midnight."""


class DueDecisions(Generic[State, Fact]):
    """`asks` maps the kinds of rows to their commands, `when` the kinds whose time may move to what says it."""

    def __init__(
        self,
        streams: Streams[State, Fact],
        decisions: Decisions[State, Fact],
        clock: Clock,
        asks: Mapping[str, Asks],
        when: Mapping[str, When[State]] | None = None,
    ) -> None:
        self._streams = streams
        self._writes = Writes(streams, decisions)
        self._clock = clock
        self._asks = asks
        self._when = when or {}

    @property
    def handlers(self) -> Mapping[str, Handle]:
        return dict.fromkeys(self._asks, self._decide)

    async def _decide(self, claim: ClaimedDue) -> None:
        row, now = claim.row, self._clock()
        if row.kind in self._when:
            loaded = await self._streams.load(row.stream_id)
            if (at := self._when[row.kind](row, loaded.state)) > now:
                await self._put_off(row, at, now)
                return
        command = self._asks[row.kind](row, now)
        await self._writes.write(PatientId(row.stream_id), self._request(row, now), command, done=(row.due_id,))

    async def _put_off(self, row: DueRow, at: datetime, now: datetime) -> None:
        """The row is done, and one like it is due at the later moment."""
        later = replace(row, due_id=derived_id("due", row.kind, row.due_id, at.isoformat()), due_at=at)
        write = self._streams.write(row.stream_id, self._request(row, now), (), None, done=(row.due_id,))
        await self._streams.store.commit(Unit(writes=(replace(write, due=(later,)),)))

    def _request(self, row: DueRow, now: datetime) -> Request:
        return Request(
            request_id=f"{row.kind}:{row.due_id}",
            kind=CommandKind.DUE,
            actor=PersonId(self._writes.service),
            digest=b"",
            correlation_id=row.due_id,
            now=now,
        )
