"""Whether two classes have one JSON form, and whether one JSON text says more than another."""

from dataclasses import fields
from typing import Any

import msgspec
from msgspec import inspect


def form_of(cls: type) -> object:
    """All that decides about the JSON of a dataclass: its fields in their order with kinds, bounds, codes and defaults,
    and never what it, or a class within it, is called. Equal forms write and read the same bytes alike."""
    return _form(inspect.type_info(cls))


def _form(described: Any) -> object:
    match described:
        case inspect.DataclassType():
            in_their_order = tuple(field.name for field in fields(described.cls))
            return inspect.DataclassType, in_their_order, _form(described.fields)
        case inspect.EnumType():
            return inspect.EnumType, frozenset(code.value for code in described.cls)
        case inspect.Type() | inspect.Field():
            return type(described), _form(tuple(getattr(described, name) for name in described.__struct_fields__))
        case tuple():
            return tuple(map(_form, described))
        case _:
            return described


def says_more(one: bytes, other: bytes) -> bool:
    """Whether `one` has a field, at any depth, that `other` does not have. Other values are not looked at."""
    return one != other and _has_more(msgspec.json.decode(one), msgspec.json.decode(other))


def _has_more(one: Any, other: Any) -> bool:
    match one, other:
        case dict(), dict():
            return any(name not in other or _has_more(value, other[name]) for name, value in one.items())
        case list(), list():
            return any(map(_has_more, one, other))
        case _:
            return False
