"""The write path of one service: a command is decided by its table on the newest state, and stored once."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from careloop.chassis.commands.streams import Done, Streams
from careloop.kernel.decisions import Decisions
from careloop.kernel.errors import AlreadyRecorded
from careloop.kernel.events import Event, Request
from careloop.kernel.ids import FactId, PatientId

State = TypeVar("State")
Fact = TypeVar("Fact", bound=Event)


class Writes(Generic[State, Fact]):
    """Every command of `decisions` on the streams of their patients."""

    def __init__(self, streams: Streams[State, Fact], decisions: Decisions[State, Fact]) -> None:
        self.service = streams.service
        self._streams = streams
        self._decisions = decisions

    async def write(
        self, patient_id: PatientId, request: Request, command: Any, *, done: tuple[UUID, ...] = ()
    ) -> Done[Fact]:
        """What was stored, and for a repeat what was stored the first time; `done` are the due rows that this finishes.

        Raises what `Streams.transact` raises, NotAllowed for a caller whom the decisions do not admit, and
        AlreadyRecorded where another command recorded the fact: to answer that one OK would hide that it is not stored.
        """

        decision = self._decisions[type(command)]

        def decide(state: State) -> Sequence[Fact]:
            self._decisions.admit(request, command, state)
            if decision.is_recorded(command, state):
                raise _recorded(command.fact_id)
            return decision(command, state)

        return await self._streams.transact(patient_id, request, decide, done=done)

    async def state(self, patient_id: PatientId) -> State:
        """The newest state; the initial one of a patient of whom nothing is stored."""
        return (await self._streams.load(patient_id)).state


def _recorded(fact_id: FactId) -> AlreadyRecorded:
    sentence = "Another request recorded this fact; use a request_id of your own."
    return AlreadyRecorded("fact-exists", sentence, field="request_id", details={"fact_id": str(fact_id)})
