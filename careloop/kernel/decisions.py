"""Every command of a service with the decision that answers it, and the guards that stand before it.

A guard is a law that many commands share. It is said once and passed in one order: a repeat changes nothing; what
happened lies in the past; the client is enrolled; the caller is a prescriber; what is struck was recorded.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, Protocol, TypeVar

from careloop.kernel.credentials import require_prescriber
from careloop.kernel.errors import NotKnown, RuleViolated
from careloop.kernel.events import require_past
from careloop.kernel.ids import FactId


class Record(Protocol):
    """What the guards ask of a state."""

    @property
    def enrolled(self) -> bool: ...

    @property
    def struck(self) -> frozenset[FactId]:
        """The facts of this service and of others that were entered in error."""
        ...

    def knows(self, fact_id: FactId) -> bool:
        """Whether this service recorded the fact, struck or not."""
        ...


class Guard(IntEnum):
    """In the order in which they are passed."""

    REPEAT = 1
    """The fact that the command names is recorded: nothing happens."""
    PAST = 2
    """`occurred_at` lies after `now`: InvalidInput `in-the-future`."""
    ENROLLED = 3
    """Nobody enrolled this client: RuleViolated `not-enrolled`."""
    PRESCRIBER = 4
    """The credential is no prescriber's, or not valid at `occurred_at` and `now`: NotAllowed."""
    STRIKE = 5
    """The fact to strike is not recorded here: NotKnown `fact-not-known`; it is struck already: nothing happens."""


State = TypeVar("State", bound=Record)
Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class Decision(Generic[State, Fact]):
    """What a command comes to once it passed its guards."""

    decide: Callable[[Any, State], Sequence[Fact]]
    guards: frozenset[Guard]


def decision(decide: Callable[[Any, State], Sequence[Fact]], *guards: Guard) -> Decision[State, Fact]:
    return Decision(decide, frozenset(guards))


class Decisions(Mapping[type, Decision[State, Fact]], Generic[State, Fact]):
    """All commands of one service."""

    def __init__(self, decisions: Mapping[type, Decision[State, Fact]]) -> None:
        self._decisions = dict(decisions)
        self._passing = {
            command: (tuple(_PASS[guard] for guard in sorted(one.guards)), one.decide)
            for command, one in self._decisions.items()
        }

    def decide(self, command: Any, state: State) -> Sequence[Fact]:
        """The events that the command comes to; none for a repeat. Raises what its guards and its decision raise."""
        guards, decide = self._passing[type(command)]
        for passes in guards:
            if not passes(command, state):
                return ()
        return decide(command, state)

    def __getitem__(self, command: type) -> Decision[State, Fact]:
        return self._decisions[command]

    def __iter__(self) -> Iterator[type]:
        return iter(self._decisions)

    def __len__(self) -> int:
        return len(self._decisions)


def _is_new(command: Any, state: Record) -> bool:
    return not state.knows(command.fact_id)


def _is_past(command: Any, _state: Record) -> bool:
    require_past(command.occurred_at, command.now)
    return True


def _is_enrolled(_command: Any, state: Record) -> bool:
    if not state.enrolled:
        raise RuleViolated("not-enrolled", "This client is not enrolled.", field="patient_id")
    return True


def _is_prescribers(command: Any, _state: Record) -> bool:
    require_prescriber(command.credential, command.occurred_at, command.now)
    return True


def _may_be_struck(command: Any, state: Record) -> bool:
    if not state.knows(command.fact_id):
        raise NotKnown("fact-not-known", "This client has no such fact in this service.", field="fact_id")
    return command.fact_id not in state.struck


_PASS: Mapping[Guard, Callable[[Any, Record], bool]] = {
    Guard.REPEAT: _is_new,
    Guard.PAST: _is_past,
    Guard.ENROLLED: _is_enrolled,
    Guard.PRESCRIBER: _is_prescribers,
    Guard.STRIKE: _may_be_struck,
}
"""Each answers whether to go on; False: the command changes nothing."""
