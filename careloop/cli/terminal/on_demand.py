"""Commands that are imported when they are asked for: the offline ones answer without the weight of the others."""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

# Numbers below zero are answers of a scale, out of range, and not options.
_SETTINGS: Mapping[str, dict[str, Any]] = {"score": {"ignore_unknown_options": True}}


class OnDemand(Mapping[str, TyperCommand | TyperGroup]):
    """Commands by name, each `module:attribute` naming a function or a Typer application."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        return _loaded(name, self._places[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _loaded(name: str, place: str) -> TyperCommand | TyperGroup:
    module, _, attribute = place.partition(":")
    found: typer.Typer | Callable[..., None] = getattr(import_module(module), attribute)
    app = found if isinstance(found, typer.Typer) else _alone(name, found)
    command = get_command(app)
    if not isinstance(command, TyperCommand | TyperGroup):
        raise TypeError(f"{place} is no command")
    command.name = name
    return command


def _alone(name: str, command: Callable[..., None]) -> typer.Typer:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name, context_settings=_SETTINGS.get(name))(command)
    return app


def group_of(places: Mapping[str, str]) -> type[TyperGroup]:
    """The class of a group with these commands."""

    class Group(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.commands = OnDemand(places)  # type: ignore[assignment]

    return Group
