"""One class's values in the words of another: fields of the same name by value, nested ones too.

Which field comes from where is settled when the function is made, at import: a field that nobody gives, or that has
another type, is refused then. Where a value is made of several, the last that has a field gives it: what was found
stands above what was asked.
"""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from careloop.kernel.events import Private

Target = TypeVar("Target")
Restate = Callable[..., Target]
Sources = type | tuple[type, ...]


class CannotRestate(TypeError):
    """The two classes do not fit; the program is wrong."""


def restating(target: type[Target], source: Sources, *given: str, **named: str) -> Restate[Target]:
    """A function of a `source`, or of one of each of several, that makes a `target`.

    A field of the target is the source's field of that name; with `field="other.name"` it is that one, at any depth.
    The fields in `given` the caller gives by name at every call. What has a default and no source keeps its default.
    """
    return _restating(target, _each(source), frozenset(given), named)


def fact(event: type[Target], command: Sources, *given: str, **named: str) -> Restate[Target]:
    """The event that a command comes to, or a command and what was found on it. As `restating`."""
    return restating(event, command, *given, **named)


def shown(view: type[Target], fact: Sources, *given: str, **named: str) -> Restate[Target]:
    """What is shown of a fact. As `restating`, but for what is private: only what is named is shown of that."""
    return _restating(view, _each(fact), frozenset(given), named, private=False)


def _each(source: Sources) -> tuple[type, ...]:
    return source if isinstance(source, tuple) else (source,)


@dataclass(frozen=True, slots=True)
class _Part:
    """A field of the target: which of the sources gives it, from where, and how."""

    name: str
    place: int
    path: str
    convert: Callable[[Any], Any] | None

    @property
    def text(self) -> str:
        read = f"value_{self.place}.{self.path}"
        return f"{self.name}={read}" if self.convert is None else f"{self.name}=convert_{self.name}({read})"


def _restating(
    target: type, sources: tuple[type, ...], given: frozenset[str], named: dict[str, str], *, private: bool = True
) -> Callable[..., Any]:
    missing = sorted((given | named.keys()) - {field.name for field in fields(target)})
    if missing:
        raise CannotRestate(f"{target.__name__} has no field {', '.join(missing)}")
    hints = get_type_hints(target)
    parts: list[_Part] = []
    for field in fields(target):
        if field.name in given:
            continue
        path = named.get(field.name, field.name)
        place = _place_of(sources, path, private=private or field.name in named)
        if place is not None:
            source = sources[place]
            where = f"{target.__name__}.{field.name} of {source.__name__}.{path}"
            parts.append(_Part(field.name, place, path, _converter(hints[field.name], _type_at(source, path), where)))
        elif field.name in named or (field.default is MISSING and field.default_factory is MISSING):
            names = " and ".join(source.__name__ for source in sources)
            raise CannotRestate(f"{names}: no {path} for {target.__name__}.{field.name}")
    return _written(target, len(sources), parts, sorted(given))


def _written(target: type, sources: int, parts: list[_Part], given: list[str]) -> Callable[..., Any]:
    """The function as a person would write it, so that it costs no more; its text holds names of fields alone."""
    takes = ", ".join([f"value_{place}" for place in range(sources)] + ["/"] + ["*"] * bool(given) + given)
    gives = ", ".join([part.text for part in parts] + [f"{name}={name}" for name in given])
    converters = {f"convert_{part.name}": part.convert for part in parts}
    text = f"lambda {takes}: target({gives})"
    written: Callable[..., Any] = eval(text, {"target": target, **converters})  # noqa: S307
    return written


def _place_of(sources: tuple[type, ...], path: str, *, private: bool) -> int | None:
    """Which of the sources gives the field: the last that has it; None where none has it, or may say it."""
    having = [place for place, source in enumerate(sources) if _type_at(source, path) is not None]
    if not having or (not private and _is_private(sources[having[-1]], path)):
        return None
    return having[-1]


def _type_at(source: Any, path: str) -> Any:
    """The type of a field at any depth; None where there is none."""
    for name in path.split("."):
        found = _plain(source)
        if not is_dataclass(found):
            return None
        source = get_type_hints(found).get(name)
        if source is None:
            return None
    return source


def _is_private(source: type, name: str) -> bool:
    hint = get_type_hints(source, include_extras=True)[name]
    return get_origin(hint) is Annotated and any(isinstance(mark, Private) for mark in get_args(hint)[1:])


def _plain(kind: Any) -> Any:
    """Without marks, and a new name for a type as the type itself."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return getattr(kind, "__supertype__", kind)


def _converter(target: Any, source: Any, place: str) -> Callable[[Any], Any] | None:
    """None where the value goes over as it is."""
    target, source = _plain(target), _plain(source)
    if target == source:
        return None
    if _is_union(target):
        return _of_union(target, source, place)
    if get_origin(target) is tuple and get_origin(source) is tuple:
        one = _converter(get_args(target)[0], get_args(source)[0], place)
        return None if one is None else lambda values: tuple(map(one, values))
    if not isinstance(target, type) or not isinstance(source, type):
        raise CannotRestate(f"{place}: {source} is no {target}")
    if issubclass(source, target):
        return None
    if issubclass(target, Enum) and issubclass(source, Enum):
        return _of_codes(target, source, place)
    if is_dataclass(target) and is_dataclass(source):
        return _restating(target, (source,), frozenset(), {})
    raise CannotRestate(f"{place}: {source.__name__} is no {target.__name__}")


def _of_codes(target: type[Enum], source: type[Enum], place: str) -> Callable[[Any], Any]:
    lacking = {code.value for code in source} - {code.value for code in target}
    if lacking:
        raise CannotRestate(f"{place}: {target.__name__} lacks {', '.join(sorted(lacking))}")
    return lambda code: target(code.value)


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in {Union, UnionType}


def _of_union(target: Any, source: Any, place: str) -> Callable[[Any], Any] | None:
    """Of `X | None`: what is missing stays missing."""
    wanted = [one for one in get_args(target) if one is not type(None)]
    offered = [one for one in (get_args(source) if _is_union(source) else (source,)) if one is not type(None)]
    if len(wanted) != 1 or len(offered) != 1:
        raise CannotRestate(f"{place}: {source} is no {target}")
    one = _converter(wanted[0], offered[0], place)
    return None if one is None else lambda value: None if value is None else one(value)
