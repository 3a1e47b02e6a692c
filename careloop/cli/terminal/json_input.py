"""JSON input against the shape it must have. A refusal names the place and repeats nothing of what stood there."""

import re
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from typing import IO, Any, TypeVar, get_args, get_type_hints

import msgspec
import typer

T = TypeVar("T")
_NEARLY = 0.7
_PLACE = re.compile(r" - at `\$\.?(.*)`$")


class NotAsDescribed(ValueError):
    """The input is not what was asked for; the sentence names the place and repeats nothing of what stood there."""


def read_json(text: bytes, shape: type[T]) -> T:
    """The dataclass that a JSON text holds. Raises NotAsDescribed, also for keys that are not known."""
    try:
        read = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotAsDescribed("the input is not JSON") from None
    _require_known_keys(read, shape, "")
    try:
        return msgspec.convert(read, shape)
    except msgspec.ValidationError as fault:
        raise NotAsDescribed(_without_values(str(fault))) from None


def _without_values(message: str) -> str:
    """The validator's message, less any value it quotes."""
    found = _PLACE.search(message)
    place = found.group(1) if found else ""
    what = _PLACE.sub("", message)
    if what.startswith("Invalid enum value"):
        what = "not one of the allowed values"
    return f"{place or 'the input'}: {what}"


@lru_cache
def _plan(shape: Any) -> tuple[dict[str, type], tuple[str, ...], tuple[str, ...]]:
    """Of a dataclass: the fields that hold further dataclasses, those that hold numbers, and the names of all."""
    parts = {name: _parts(hint) for name, hint in get_type_hints(shape).items()}
    nested = {
        name: part for name, held in parts.items() for part in held if isinstance(part, type) and is_dataclass(part)
    }
    numbers = tuple(name for name, held in parts.items() if int in held or Decimal in held)
    return nested, numbers, tuple(parts)


def _parts(hint: Any) -> list[Any]:
    """The types a hint is made of, optional and repeated ones opened."""
    return [part for one in get_args(hint) for part in _parts(one)] or [hint]


def _require_known_keys(read: object, shape: Any, place: str) -> None:
    """Misspelt keys would read as unknown facts: they are refused."""
    if isinstance(read, list):
        for index, entry in enumerate(read):
            _require_known_keys(entry, shape, f"{place}[{index}]")
    elif isinstance(read, dict):
        nested, _, names = _plan(shape)
        for key in sorted(read.keys() - set(names)):
            raise NotAsDescribed(f"{place or 'the input'}: {_strange_key(key, names)}")
        for key in nested.keys() & read.keys():
            _require_known_keys(read[key], nested[key], f"{place}.{key}".lstrip("."))


def _strange_key(key: str, names: tuple[str, ...]) -> str:
    """Only a key that is nearly one of ours is repeated: another one may be anything, also about a person."""
    near = get_close_matches(key.casefold(), names, 1, _NEARLY)
    if near:
        return f"{key} is not a key; the nearest is {near[0]}"
    return f"a key is none of {', '.join(names)}"


def values(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every entry and every number of an input, with its place."""
    if isinstance(value, tuple):
        for index, entry in enumerate(value):
            yield from values(entry, f"{place}[{index}]")
    elif value is not None:
        shape: Any = type(value)
        nested, numbers, _ = _plan(shape)
        yield place, value
        for name in numbers:
            yield f"{place}.{name}".lstrip("."), getattr(value, name)
        for name in nested:
            yield from values(getattr(value, name), f"{place}.{name}".lstrip("."))


def require_amount(place: str, value: object) -> None:
    """Raises NotAsDescribed for a number that is not finite or below zero."""
    if isinstance(value, Decimal) and not value.is_finite():
        raise NotAsDescribed(f"{place}: not a finite number")
    if isinstance(value, int | Decimal) and value < 0:
        raise NotAsDescribed(f"{place}: may not be negative")


def answer_file(command: str, source: IO[bytes], *, lines: bool, answer: Callable[[bytes], object]) -> int:
    """Writes the answer to one JSON object, or to one a line, and gives the exit code: 2 where any was refused.

    A refused line answers `{"error": ...}` in its place.
    """
    code = 0
    for number, text in enumerate(source if lines else [source.read()], start=1):
        try:
            encoded = msgspec.json.encode(answer(text))
            typer.echo(encoded if lines else msgspec.json.format(encoded, indent=2))
        except NotAsDescribed as fault:
            typer.echo(f"careloop {command}: {f'line {number}: ' if lines else ''}{fault}", err=True)
            code = 2
            if lines:
                typer.echo(msgspec.json.encode({"error": str(fault)}))
    return code
