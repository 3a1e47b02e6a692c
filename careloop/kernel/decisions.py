"""Every command of a service with the decision that answers it, and the guards that stand before it.

A guard is a law that many commands share. A decision names its guards, and they are passed in one order: a repeat
changes nothing; what happened lies in the past; the client is enrolled, and was born by then; the caller is a
prescriber; what is struck was recorded here.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from enum import IntEnum
from functools import update_wrapper
from typing import Any, Generic, Protocol, TypeVar, get_type_hints

from careloop.kernel.credentials import require_prescriber
from careloop.kernel.days import Span
from careloop.kernel.errors import NotKnown, patient_not_known
from careloop.kernel.events import require_past
from careloop.kernel.ids import FactId


class Record(Protocol):
    """What the guards ask of a state."""

    @property
    def struck(self) -> frozenset[FactId]:
        """The facts of this service and of others that were entered in error."""
        ...

    def knows(self, fact_id: FactId) -> bool:
        """Whether this service recorded the fact, struck or not."""
        ...


class EnrolledRecord(Record, Protocol):
    """What `Guard.ENROLLED` asks of a state besides."""

    @property
    def enrolled(self) -> bool: ...


class BornRecord(Record, Protocol):
    """What `Guard.BORN` asks of a state besides; None is not known."""

    @property
    def birth_date(self) -> date | None: ...


class Guard(IntEnum):
    """In the order in which they are passed."""

    REPEAT = 1
    """The fact that the command names is recorded: nothing happens."""
    PAST = 2
    """`occurred_at` lies after `now`: InvalidInput `in-the-future`."""
    ENROLLED = 3
    """Nobody enrolled this client: NotKnown `patient-not-known`, as of one who does not exist."""
    BORN = 4
    """`occurred_at` lies before the client was born: InvalidInput `before-birth`."""
    PRESCRIBER = 5
    """The credential is no prescriber's, or not valid at `occurred_at` and `now`: NotAllowed."""
    STRIKE = 6
    """The fact to strike is struck already: nothing happens. It is not recorded here: NotKnown `fact-not-known`."""


Command = TypeVar("Command")
State = TypeVar("State")
Fact = TypeVar("Fact")
Passes = Callable[[Any, Any], bool]


class Decision(Generic[Command, State, Fact]):
    """A decision behind its guards: called with a command and a state, it answers the events that follow."""

    __name__: str

    def __init__(self, decide: Callable[[Command, State], list[Fact]], guards: frozenset[Guard]) -> None:
        self.guards = guards
        self._passes = tuple(_PASS[guard] for guard in sorted(guards))
        self._decide = decide
        update_wrapper(self, decide)

    @property
    def command(self) -> type:
        """The class of the commands that it answers: the annotation of its first argument."""
        return next(iter(get_type_hints(self._decide).values()))  # type: ignore[no-any-return]

    def is_recorded(self, command: Command, state: State) -> bool:
        """Whether the fact that the command would record is recorded: the command could only come to nothing."""
        return Guard.REPEAT in self.guards and not _is_new(command, state)  # type: ignore[arg-type]

    def __call__(self, command: Command, state: State) -> list[Fact]:
        """None for a repeat. Raises what its guards and the decision raise; then nothing has happened."""
        for passes in self._passes:
            if not passes(command, state):
                return []
        return self._decide(command, state)


def guarded(
    *guards: Guard,
) -> Callable[[Callable[[Command, State], list[Fact]]], Decision[Command, State, Fact]]:
    """Puts these guards before a decision, in their own order whatever the order here."""
    return lambda decide: Decision(decide, frozenset(guards))


class Decisions(Mapping[type, Decision[Any, State, Fact]], Generic[State, Fact]):
    """All commands of one service. Raises ValueError for two decisions on one command."""

    def __init__(self, *decisions: Decision[Any, State, Fact]) -> None:
        self._by_command = {decision.command: decision for decision in decisions}
        if len(self._by_command) != len(decisions):
            raise ValueError("two decisions answer one command")

    def __getitem__(self, command: type) -> Decision[Any, State, Fact]:
        return self._by_command[command]

    def __iter__(self) -> Iterator[type]:
        return iter(self._by_command)

    def __len__(self) -> int:
        return len(self._by_command)


def _is_new(command: Any, state: Record) -> bool:
    return not state.knows(command.fact_id)


def _is_past(command: Any, _state: Record) -> bool:
    require_past(command.occurred_at, command.now)
    return True


def _is_enrolled(_command: Any, state: EnrolledRecord) -> bool:
    if not state.enrolled:
        raise patient_not_known()
    return True


def _is_born(command: Any, state: BornRecord) -> bool:
    Span(first=state.birth_date).require(command.occurred_at.date(), "occurred_at")
    return True


def _is_prescribers(command: Any, _state: Record) -> bool:
    require_prescriber(command.credential, command.occurred_at, command.now)
    return True


def _may_be_struck(command: Any, state: Record) -> bool:
    if command.fact_id in state.struck:
        return False
    if not state.knows(command.fact_id):
        raise NotKnown("fact-not-known", "There is no such fact in this service.", field="fact_id")
    return True


_PASS: Mapping[Guard, Passes] = {
    Guard.REPEAT: _is_new,
    Guard.PAST: _is_past,
    Guard.ENROLLED: _is_enrolled,
    Guard.BORN: _is_born,
    Guard.PRESCRIBER: _is_prescribers,
    Guard.STRIKE: _may_be_struck,
}
"""Each answers whether to go on; False: the command changes nothing."""
