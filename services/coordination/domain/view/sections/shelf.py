"""Where a section holds which facts, as its annotations say."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from careloop.contracts.terms import EnteredInError

Section = TypeVar("Section")


def as_it_is(event: Any) -> Any:
    return event


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Where a section holds one type of event, in which form, and how many of the latest (None for all)."""

    field: str
    holds: type
    form: Callable[[Any], Any] = as_it_is
    latest: int | None = None


STRUCK = Shelf(field="struck", holds=EnteredInError)
"""What was entered in error; every section has it."""


@dataclass(frozen=True, slots=True)
class Latest:
    """No more than the latest so many stay on this shelf."""

    most: int


@dataclass(frozen=True, slots=True)
class FormOf:
    """This shelf holds a form of its own of the published `event`, as `form` makes it."""

    event: type
    form: Callable[[Any], Any]


def shelved(section: type[Section]) -> type[Section]:
    """Gives a section its `shelves`: each of its fields holds the facts of one published type."""
    cls: Any = section
    hints = get_type_hints(cls, include_extras=True)
    cls.shelves = dict(_shelf(field.name, hints[field.name]) for field in fields(cls) if field.name != STRUCK.field)
    return section


def _shelf(field: str, hint: Any) -> tuple[type, Shelf]:
    marks: list[Any] = []
    if get_origin(hint) is Annotated:
        hint, *marks = get_args(hint)
    (holds,) = get_args(get_args(hint)[0])
    latest = next((mark.most for mark in marks if isinstance(mark, Latest)), None)
    of = next((mark for mark in marks if isinstance(mark, FormOf)), FormOf(holds, as_it_is))
    return of.event, Shelf(field=field, holds=holds, form=of.form, latest=latest)
