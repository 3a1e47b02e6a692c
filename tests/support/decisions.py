"""Every decision of a service, found by its form wherever it lives: a public function of a command and a state."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, get_origin, get_type_hints

Decide = Callable[[Any, Any], Sequence[Any]]


def decisions_of(package: str) -> dict[type, Decide]:
    """Each class of command with what decides it. Fails when a command has two decisions."""
    found: dict[type, Decide] = {}
    for module in _modules(package):
        for decide in _functions(module):
            hints = get_type_hints(decide)
            if next(iter(hints)) == "command" and get_origin(hints["return"]) is list:
                assert hints["command"] not in found, hints["command"]
                found[hints["command"]] = decide
    return found


def _modules(package: str) -> Iterator[ModuleType]:
    yield from (import_module(f"{package}.{found.name}") for found in iter_modules(import_module(package).__path__))


def _functions(module: ModuleType) -> Iterator[Decide]:
    for name, found in vars(module).items():
        if inspect.isfunction(found) and found.__module__ == module.__name__ and not name.startswith("_"):
            yield found
