"""The decisions of a service's domain, found in its modules: what a table of them is held against."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from types import ModuleType
from typing import Any

Decision = Callable[[Any, Any], Any]


def decisions_of(domain: ModuleType) -> dict[str, Decision]:
    """Every public function that decides a `command`, by the name of the command's class."""
    found: dict[str, Decision] = {}
    for module in pkgutil.walk_packages(domain.__path__, f"{domain.__name__}."):
        for _, function in inspect.getmembers(importlib.import_module(module.name), inspect.isfunction):
            first = next(iter(inspect.signature(function).parameters.values()), None)
            if first is not None and first.name == "command" and not function.__name__.startswith("_"):
                found[getattr(first.annotation, "__name__", str(first.annotation))] = function
    return found
