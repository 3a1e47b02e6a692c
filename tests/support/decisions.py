"""The decisions of every service, with the examples of its commands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from careloop.kernel.decider import Decider
from careloop.kernel.decisions import Decision, Decisions
from careloop.local.settings import SERVICES
from tests.support.controls import controls_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """`asked_for` answer calls, `own` are what the service does of itself.

    `commands` are examples of every command, each possible after those before it and `background`.
    """

    service: str
    decider: Decider[Any, Any]
    asked_for: Decisions[Any, Any]
    own: Mapping[type, Decision[Any, Any, Any]]
    background: Sequence[Any]
    commands: Sequence[Any]
    examples: Sequence[Any]

    @property
    def decisions(self) -> Mapping[type, Decision[Any, Any, Any]]:
        return {**self.asked_for, **self.own}

    def decide(self, command: Any, history: Sequence[Any]) -> list[Any]:
        return self.decisions[type(command)](command, self.decider.fold(history))


def deciding(service: str) -> Deciding:
    decisions = import_module(f"services.{service}.domain.decisions")
    controls = controls_of(service)
    return Deciding(
        service=service,
        decider=import_module(f"services.{service}.domain.state").DECIDER,
        asked_for=decisions.DECISIONS,
        own=getattr(decisions, "OWN_DECISIONS", {}),
        background=controls.background,
        commands=controls.commands,
        examples=controls.examples,
    )


EVERY_SERVICE = [deciding(service) for service in SERVICES]
