"""The event catalogue: what each service publishes, read from the contract classes and their docstrings."""

import ast
import inspect
import textwrap
import typing
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from enum import Enum
from types import ModuleType
from typing import Any

from careloop.chassis.consuming.subscription import topic_of
from careloop.contracts import assessment, coordination, monitoring, notifications, prescribing, terms

PUBLISHED_LANGUAGE: Mapping[str, Any] = {
    "assessment": assessment,
    "prescribing": prescribing,
    "monitoring": monitoring,
    "notifications": notifications,
    "coordination": coordination,
}
"""The contract module of each service."""

_PREAMBLE = """\
# Events

Written by `make docs` from `careloop/contracts`; change those, not this page.

Every record is one event about one patient. Its key is the patient's id, its value is JSON, and its context stands in
CloudEvents 1.0 headers, which [analyse.md](analyse.md) lists. Instants are ISO 8601 in UTC, days are ISO dates,
decimals and ids are text, lists keep their order. Machine-readable forms are in [asyncapi/](asyncapi/).
"""


def event_catalogue() -> str:
    """The page in Markdown."""
    sections = [_PREAMBLE]
    sections += [_service(service, module) for service, module in PUBLISHED_LANGUAGE.items()]
    shared = [shape for shape in _shapes(PUBLISHED_LANGUAGE.values()) if shape.__module__ == terms.__name__]
    sections.append("## Shapes that several services share\n\n" + "\n".join(_shape(shape) for shape in shared))
    return "\n".join(sections)


def _service(service: str, module: Any) -> str:
    events = "\n".join(_event(wire_type, cls) for wire_type, cls in module.TYPES.items())
    own = "\n".join(_shape(shape) for shape in _shapes([module]) if shape.__module__ == module.__name__)
    return f"## {service}: `{topic_of(service)}`\n\n{events}" + (f"\nShapes of {service}:\n\n{own}" if own else "")


def _event(wire_type: str, cls: type) -> str:
    return f"### `{wire_type}`\n\n{_description(cls)}{_fields(cls)}"


def _shape(cls: type) -> str:
    content = _fields(cls) if is_dataclass(cls) else _values(cls)
    return f"#### {cls.__name__}\n\n{_description(cls)}{content}"


def _values(cls: Any) -> str:
    return ", ".join(f"`{member.value}`" for member in cls) + "\n"


def _description(cls: type) -> str:
    """The docstring that the source has; a dataclass without one is given a signature instead, which says nothing."""
    text = ast.get_docstring(_definition(cls))
    return f"{text}\n\n" if text else ""


def _fields(cls: type) -> str:
    rows = ["| field | type | when absent |", "|---|---|---|"]
    for node in _definition(cls).body:
        if isinstance(node, ast.AnnAssign):
            kind = ast.unparse(node.annotation).replace("|", "\\|")
            default = "" if node.value is None else f"`{ast.unparse(node.value)}`"
            rows.append(f"| `{ast.unparse(node.target)}` | {kind} | {default or 'required'} |")
    return "\n".join(rows) + "\n"


def _definition(cls: type) -> ast.ClassDef:
    parsed = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(parsed, ast.ClassDef)
    return parsed


def _shapes(modules: typing.Iterable[ModuleType | Any]) -> list[type]:
    """The classes that the events' fields are made of, events left out, each once, by name."""
    events = {cls for module in modules for cls in module.TYPES.values()}
    found: set[type] = set()
    for event in events:
        _collect(event, found)
    return sorted(found - events, key=lambda cls: cls.__name__)


def _collect(cls: type, found: set[type]) -> None:
    for part in _parts(typing.get_type_hints(cls).values()):
        if part not in found:
            found.add(part)
            if is_dataclass(part):
                _collect(part, found)


def _parts(hints: typing.Iterable[Any]) -> Iterator[type]:
    for hint in hints:
        if isinstance(hint, type) and (is_dataclass(hint) or issubclass(hint, Enum)):
            yield hint
        yield from _parts(typing.get_args(hint))
