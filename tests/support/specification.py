"""Decisions told as examples: given these facts, when this is decided, then these facts follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pytest

from careloop.kernel.decider import Decider
from careloop.kernel.errors import CareloopError

State = TypeVar("State")
Fact = TypeVar("Fact")
Command = TypeVar("Command")


@dataclass(frozen=True)
class Given(Generic[State, Fact]):
    decider: Decider[State, Fact]
    facts: tuple[Fact, ...]

    def when(self, decide: Callable[[Any, State], Sequence[Fact]], command: object) -> When[State, Fact]:
        return When(self, decide, command)

    @property
    def state(self) -> State:
        return self.decider.fold(self.facts)


@dataclass(frozen=True)
class When(Generic[State, Fact]):
    given: Given[State, Fact]
    decide: Callable[[Any, State], Sequence[Fact]]
    command: object

    @property
    def decided(self) -> list[Fact]:
        return list(self.decide(self.command, self.given.state))

    def then(self, *facts: Fact) -> None:
        assert self.decided == list(facts)

    def then_nothing(self) -> None:
        assert self.decided == []

    def then_refused(self, slug: str) -> CareloopError:
        with pytest.raises(CareloopError) as refusal:
            self.decide(self.command, self.given.state)
        assert refusal.value.slug == slug
        return refusal.value


def given(decider: Decider[State, Fact], *facts: Fact) -> Given[State, Fact]:
    return Given(decider, facts)
