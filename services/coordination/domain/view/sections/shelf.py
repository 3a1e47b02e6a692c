"""Where a section holds which facts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Where a section holds one type of event, in what form, and how many of the latest (None for all)."""

    field: str
    form: Callable[[Any], Any] = lambda event: event
    latest: int | None = None
