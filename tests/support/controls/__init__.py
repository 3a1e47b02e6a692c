"""Named examples of every event and command, with fixed times and ids; one module per service."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

MORE: Mapping[str, tuple[str, ...]] = {"prescribing": ("dose_plans",)}
"""Examples of a service that have a module of their own, after those of the service's."""


@dataclass(frozen=True, slots=True)
class Controls:
    """All examples of a service: the events before its commands, the commands, and events of every kind."""

    background: tuple[Any, ...]
    commands: tuple[Any, ...]
    examples: tuple[Any, ...]
    published: tuple[Any, ...]


def controls_of(service: str) -> Controls:
    names = (service, *MORE.get(service, ()))
    modules: list[ModuleType] = [import_module(f"tests.support.controls.{name}") for name in names]

    def every(what: str) -> tuple[Any, ...]:
        return tuple(one for module in modules for one in getattr(module, what))

    return Controls(every("BACKGROUND"), every("COMMANDS"), every("EXAMPLES"), every("PUBLISHED_EXAMPLES"))
