"""The decisions of every service, with the examples of its commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from careloop.kernel.decider import Decider
from careloop.kernel.decisions import Decisions
from careloop.local.settings import SERVICES


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """`commands` are examples of every command, each possible after those before it and `background`."""

    service: str
    decider: Decider[Any, Any]
    decisions: Decisions[Any, Any]
    background: Sequence[Any]
    commands: Sequence[Any]
    examples: Sequence[Any]

    def decide(self, command: Any, history: Sequence[Any]) -> list[Any]:
        return self.decisions[type(command)](command, self.decider.fold(history))


def deciding(service: str) -> Deciding:
    controls = import_module(f"tests.support.controls.{service}")
    return Deciding(
        service=service,
        decider=import_module(f"services.{service}.domain.state").DECIDER,
        decisions=import_module(f"services.{service}.domain.decisions").DECISIONS,
        background=controls.BACKGROUND,
        commands=controls.COMMANDS,
        examples=controls.EXAMPLES,
    )


EVERY_SERVICE = [deciding(service) for service in SERVICES if find_spec(f"services.{service}.domain.decisions")]
