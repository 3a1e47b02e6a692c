"""How a care rule is written: state is what past events say, a decision turns a command into new events."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

State = TypeVar("State")
Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class Decider(Generic[State, Fact]):
    """The pure half of an aggregate. `evolve` never refuses and never fails: rules live in decisions."""

    initial: State
    evolve: Callable[[State, Fact], State]

    def fold(self, events: Iterable[Fact], state: State | None = None) -> State:
        """The state after `events`, starting from `state` or from the beginning."""
        current = self.initial if state is None else state
        for event in events:
            current = self.evolve(current, event)
        return current
