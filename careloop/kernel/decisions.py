"""Every command of a service with the decision that answers it, and the guards that stand before it.

A guard is a law that many commands share. Before all of them stands one that a decision cannot leave out: who left the
care team writes no more. A decision names its other guards, and they are passed in one order: a repeat changes nothing;
what happened lies in the past; the client is enrolled, and was born by then; the caller is a prescriber; what is struck
was recorded here.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime
from enum import IntEnum
from functools import update_wrapper
from typing import Any, Generic, Protocol, TypeVar, get_type_hints

from careloop.kernel.credentials import require_prescriber
from careloop.kernel.days import Span
from careloop.kernel.errors import NotAllowed, NotKnown, patient_not_known
from careloop.kernel.events import CommandKind, Request, require_past
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


class TeamRecord(Protocol):
    """What a command that somebody asks for asks of a state."""

    def has_left(self, person: str, moment: datetime) -> bool:
        """Whether the person was in the care team and is in it no more. Who never was in it has not left it."""
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


OUTSIDE_THE_TEAM = frozenset({"client", "service", "registrar"})
"""Roles of a token in which nobody is a member of a care team, so that no membership of theirs can have ended."""


class Decisions(Mapping[type, Decision[Any, State, Fact]], Generic[State, Fact]):
    """All commands of one service. What `also_after_leaving` answers may be asked for by those who left the care team
    as well. Raises ValueError for two decisions on one command."""

    def __init__(
        self,
        *decisions: Decision[Any, State, Fact],
        also_after_leaving: Collection[Decision[Any, State, Fact]] = (),
    ) -> None:
        self._by_command = {decision.command: decision for decision in decisions}
        if len(self._by_command) != len(decisions):
            raise ValueError("two decisions answer one command")
        self.also_after_leaving = frozenset(decision.command for decision in also_after_leaving)

    def admit(self, request: Request, command: Any, state: Any) -> None:
        """`state` is a TeamRecord. Raises NotAllowed `not-in-team` where the last membership of who asks has ended."""
        if request.kind is not CommandKind.CALLER or request.role in OUTSIDE_THE_TEAM:
            return
        if type(command) not in self.also_after_leaving and state.has_left(request.actor, request.now):
            raise not_in_team()

    def __getitem__(self, command: type) -> Decision[Any, State, Fact]:
        return self._by_command[command]

    def __iter__(self) -> Iterator[type]:
        return iter(self._by_command)

    def __len__(self) -> int:
        return len(self._by_command)


def not_in_team() -> NotAllowed:
    """The refusal of who left the care team."""
    return NotAllowed("not-in-team", "Your membership of this care team has ended; only its members write here.")


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
