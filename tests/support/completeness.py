"""Whether examples say something of every field: of dataclasses, and of messages on the wire."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from msgspec import UNSET


def never_set(*examples: object) -> set[str]:
    """The fields, as `Class.field`, of which none of the examples says anything, nor anything that they hold."""
    known: dict[str, bool] = {}
    for example in examples:
        for name, value in _said(example):
            known[name] = known.get(name, False) or (bool(value) and value is not UNSET)
    return {name for name, said in known.items() if not said}


def _said(example: object) -> Iterator[tuple[str, Any]]:
    if isinstance(example, tuple):
        for one in example:
            yield from _said(one)
    if is_dataclass(example):
        for field in fields(example):
            value = getattr(example, field.name)
            yield f"{type(example).__name__}.{field.name}", value
            yield from _said(value)


def never_sent(*messages: Message) -> set[str]:
    """The fields, as `Message.field`, that none of the messages sends, nor any message within them."""
    known: set[str] = set()
    sent: set[str] = set()
    for message in messages:
        for one in _messages(message):
            name = one.DESCRIPTOR.name
            known |= {f"{name}.{field.name}" for field in one.DESCRIPTOR.fields}
            sent |= {f"{name}.{field.name}" for field, _value in one.ListFields()}
    return known - sent


def _messages(message: Message) -> Iterator[Message]:
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.full_name != "google.protobuf.Timestamp":
            for inner in value if _many(field) else [value]:
                yield from _messages(inner)


def _many(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated)


@dataclass(frozen=True)
class Place:
    """One text or number in a message, by the path that a refusal names it with."""

    steps: tuple[tuple[str, int | None], ...]
    kind: type

    def __str__(self) -> str:
        return ".".join(name if index is None else f"{name}[{index}]" for name, index in self.steps)

    def set_to(self, message: Any, value: Any) -> Any:
        """A copy of the message with this value here."""
        changed = type(message)()
        changed.CopyFrom(message)
        *above, (name, index) = self.steps
        holder = changed
        for step, number in above:
            holder = getattr(holder, step) if number is None else getattr(holder, step)[number]
        if index is None:
            setattr(holder, name, value)
        else:
            getattr(holder, name)[index] = value
        return changed


def places(message: Message, above: tuple[tuple[str, int | None], ...] = ()) -> Iterator[Place]:
    """Every text and whole number that the message sends, in order."""
    for field, value in message.ListFields():
        for index, one in enumerate(value) if _many(field) else [(None, value)]:
            here = (*above, (field.name, index))
            if isinstance(one, Message):
                if one.DESCRIPTOR.full_name != "google.protobuf.Timestamp":
                    yield from places(one, here)
            elif isinstance(one, str | int) and not isinstance(one, bool):
                yield Place(here, type(one))
