"""Whether an example says everything that its class can say, so that no field goes unlooked at."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

NOTHING_SAID: tuple[object, ...] = (None, "", (), 0)


def unsaid(example: Any, path: str = "") -> list[str]:
    """The fields, by their path, that hold nothing: what was dropped on the way would look the same."""
    return list(_unsaid(example, path))


def _unsaid(found: Any, path: str) -> Iterator[str]:
    if is_dataclass(found):
        for field in fields(found):
            yield from _unsaid(getattr(found, field.name), f"{path}.{field.name}".lstrip("."))
    elif isinstance(found, tuple) and found:
        for number, each in enumerate(found):
            yield from _unsaid(each, f"{path}[{number}]")
    elif found in NOTHING_SAID:
        yield path
