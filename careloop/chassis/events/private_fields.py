"""What of an event stays in its service: the fields marked Private, at any depth."""

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from careloop.kernel.events import Private

Path = tuple[str, ...]


def private_paths(cls: type) -> list[Path]:
    """The places of private fields, in lists those of every element.

    Raises TypeError for a private field without a default: others could not read the event.
    """
    return list(_paths(cls))


def _paths(cls: type) -> Iterator[Path]:
    hints = get_type_hints(cls, include_extras=True)
    for field in fields(cls):
        if _is_private(hints[field.name]):
            if field.default is MISSING and field.default_factory is MISSING:
                raise TypeError(f"{cls.__name__}.{field.name} is private and has no default")
            yield (field.name,)
            continue
        for inner in _dataclasses(hints[field.name]):
            yield from ((field.name, *path) for path in _paths(inner))


def _is_private(hint: Any) -> bool:
    return get_origin(hint) is Annotated and any(isinstance(mark, Private) for mark in get_args(hint)[1:])


def _dataclasses(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
    for part in get_args(hint):
        yield from _dataclasses(part)


def without_private(cls: type) -> Callable[[Any], bytes] | None:
    """A function that encodes an event of `cls` as the codec does, but for what is private; None where nothing is."""
    paths = private_paths(cls)
    if not paths:
        return None

    def encode(event: Any) -> bytes:
        content = msgspec.to_builtins(event, order="deterministic")
        for path in paths:
            _remove(content, path)
        return msgspec.json.encode(content)

    return encode


def _remove(content: Any, path: Path) -> None:
    match content:
        case list() | tuple():
            for element in content:
                _remove(element, path)
        case dict():
            name, *rest = path
            if not rest:
                content.pop(name, None)
            elif name in content:
                _remove(content[name], tuple(rest))
