"""JSON input against the shape it must have. A refusal names the place and repeats nothing of what stood there."""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from types import UnionType
from typing import IO, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
import typer

T = TypeVar("T")
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


def _require_known_keys(read: object, shape: Any, place: str) -> None:
    """Misspelt keys would read as unknown facts: they are refused."""
    inner = [part for part in get_args(shape) if part not in (type(None), Ellipsis)]
    if get_origin(shape) in (Union, UnionType):
        _require_known_keys(read, inner[0], place)
    elif get_origin(shape) is tuple and isinstance(read, list):
        for index, entry in enumerate(read):
            _require_known_keys(entry, inner[0], f"{place}[{index}]")
    elif is_dataclass(shape) and isinstance(read, dict):
        known = get_type_hints(shape)
        if not read.keys() <= known.keys():
            raise NotAsDescribed(f"{place or 'the input'}: a key is none of {', '.join(known)}")
        for key, entry in read.items():
            _require_known_keys(entry, known[key], f"{place}.{key}".lstrip("."))


def values(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of an input, with its place."""
    yield place, value
    if isinstance(value, tuple):
        for index, entry in enumerate(value):
            yield from values(entry, f"{place}[{index}]")
    elif is_dataclass(value):
        for part in fields(value):
            yield from values(getattr(value, part.name), f"{place}.{part.name}".lstrip("."))


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
            told = msgspec.json.encode(answer(text))
            typer.echo(told if lines else msgspec.json.format(told, indent=2))
        except NotAsDescribed as fault:
            typer.echo(f"careloop {command}: {f'line {number}: ' if lines else ''}{fault}", err=True)
            code = 2
            if lines:
                typer.echo(msgspec.json.encode({"error": str(fault)}))
    return code
