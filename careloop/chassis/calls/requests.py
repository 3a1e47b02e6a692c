"""A request's message as the command that it asks for, read by the command's own annotations.

The plan of a class is made once, at import; a class and a message that do not fit are refused then. The marks are those
of `careloop.kernel.reading`. What they cannot say is a hook: a function of the message and the call, given by the
field's name.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from msgspec import UnsetType

from careloop.chassis.calls import reading
from careloop.chassis.calls.call import Call
from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import FactId
from careloop.kernel.reading import Absent, Else, FromCall, Later, Length, Named, OfRequest, Range

Command = TypeVar("Command")

OF_EVERY_WRITE = frozenset({"request_id", "patient_id", "at_least"})
"""Fields of a request that are no part of its command."""
LONGEST_TEXT = 2_000
TIMESTAMP = "google.protobuf.Timestamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What a request comes with. `fact_id` is the same for every repeat of it; one that records nothing has none."""

    call: Call
    fact_id: FactId | None = None


Read = Callable[[Any, Incoming], Any]
"""A field's value, of the message that holds it."""
Hook = Callable[[Any, Call], Any]
Convert = Callable[[Any, Incoming], Any]
"""A value as it stands in the message, as the command's."""


class DoesNotFit(TypeError):
    """A command and its request's message do not say the same; the program is wrong, not the request."""


class RequestReader(Generic[Command]):
    """Reads requests of one message type as commands of one class.

    Raises DoesNotFit when the plan is made: for a field of either side that the other does not have, and for a type
    that nobody knows how to read.
    """

    def __init__(self, command: type[Command], request: type[Message], hooks: Mapping[str, Hook] | None = None) -> None:
        self.command = command
        self._read = _Plan(command, request.DESCRIPTOR, "", dict(hooks or {}), ignored=OF_EVERY_WRITE)

    def read(self, message: Message, incoming: Incoming) -> Command:
        """Raises InvalidInput naming the first field that is not as it must be."""
        found: Command = self._read(message, incoming)
        return found


class _Plan:
    """How a dataclass is read from a message: one reader a field, in the order of the class."""

    def __init__(
        self,
        cls: type,
        message: Any,
        path: str,
        hooks: Mapping[str, Hook],
        ignored: frozenset[str] = frozenset(),
    ) -> None:
        self._cls = cls
        self._message = message
        self._path = path
        self._used: set[str] = set(ignored)
        hints = get_type_hints(cls, include_extras=True)
        readers = ((field, self._reader(field, *_marks(hints[field.name]), hooks)) for field in fields(cls))
        self._readers = [(field.name, read) for field, read in readers if read is not None]
        left_over = {field.name for field in message.fields} - self._used
        if left_over or not {*hooks} <= {field.name for field in fields(cls)}:
            raise DoesNotFit(f"{message.full_name} and {cls.__name__}: nobody reads {sorted(left_over or hooks)}")

    def __call__(self, message: Any, incoming: Incoming) -> Any:
        return self._cls(**{name: read(message, incoming) for name, read in self._readers})

    def _reader(self, field: Any, kind: Any, marks: list[Any], hooks: Mapping[str, Hook]) -> Read | None:
        for mark in marks:
            match mark:
                case FromCall(value=value):
                    return lambda _message, incoming: value(incoming.call)
                case OfRequest():
                    return lambda _message, incoming: incoming.fact_id
                case Later():
                    return None
        if field.name in hooks:
            hook = hooks[field.name]
            self._used.add(field.name)
            return lambda message, incoming: hook(message, incoming.call)
        return self._from_message(field, kind, marks)

    def _from_message(self, field: Any, kind: Any, marks: list[Any]) -> Read:
        name = next((mark.name for mark in marks if isinstance(mark, Named)), field.name)
        described = self._message.fields_by_name.get(name)
        if described is None:
            raise DoesNotFit(f"{self._message.full_name} has no {name}, which {self._cls.__name__} asks for")
        self._used.add(name)
        left_out = _left_out(field, kind, marks)
        path = f"{self._path}{name}"
        convert = _converting(_without_none(kind), described, path, marks, required=left_out is None)
        return _reading(described, convert, left_out, path)


def _marks(hint: Any) -> tuple[Any, list[Any]]:
    """The type, and the marks on it, nested ones included."""
    marks: list[Any] = []
    while get_origin(hint) is Annotated:
        hint, *more = get_args(hint)
        marks += more
    return hint, marks


def _left_out(field: Any, kind: Any, marks: list[Any]) -> Convert | None:
    """What the field is when the request leaves it out; None where it may not."""
    for mark in marks:
        if isinstance(mark, Else):
            value = mark.value
            return lambda _value, incoming: value(incoming.call)
    if _may_be_none(kind):
        return lambda _value, _incoming: None
    if field.default is not MISSING:
        default = field.default
        return lambda _value, _incoming: default
    return None


def _may_be_none(kind: Any) -> bool:
    return get_origin(kind) in {Union, UnionType} and NoneType in get_args(kind)


def _without_none(kind: Any) -> Any:
    """What the value is where it is given: `X | None`, and `X | UnsetType`, as X."""
    if get_origin(kind) not in {Union, UnionType}:
        return kind
    (kind,) = (one for one in get_args(kind) if one not in (NoneType, UnsetType))
    return _marks(kind)[0]


def _reading(described: FieldDescriptor, convert: Convert, left_out: Convert | None, path: str) -> Read:
    """A field with presence is left out when it is not set; any other when it is empty."""
    name = described.name
    if described.is_repeated:
        return lambda message, incoming: convert(getattr(message, name), incoming)
    if left_out is None:
        return _given(described, convert, path)
    otherwise = left_out
    if described.has_presence:
        return lambda message, incoming: (
            convert(getattr(message, name), incoming) if message.HasField(name) else otherwise(None, incoming)
        )
    if described.type == FieldDescriptor.TYPE_BOOL:
        return lambda message, incoming: convert(getattr(message, name), incoming)

    def read(message: Any, incoming: Incoming) -> Any:
        value = getattr(message, name)
        found = convert(value, incoming) if value else ""
        return otherwise(None, incoming) if found == "" else found

    return read


def _given(described: FieldDescriptor, convert: Convert, path: str) -> Read:
    """A value that may not be left out. What is missing in a message of ours is refused by the name of its part."""
    name = described.name
    if not described.has_presence or (described.message_type is not None and not _is_moment(described)):
        return lambda message, incoming: convert(getattr(message, name), incoming)

    def read(message: Any, incoming: Incoming) -> Any:
        if not message.HasField(name):
            raise InvalidInput("field-required", f"{path} is required.", field=path)
        return convert(getattr(message, name), incoming)

    return read


def _is_moment(described: FieldDescriptor) -> bool:
    return described.message_type is not None and described.message_type.full_name == TIMESTAMP


def _converting(kind: Any, described: FieldDescriptor, path: str, marks: list[Any], *, required: bool) -> Convert:
    if described.is_repeated:
        return _each(kind, described, path, marks)
    return _one(kind, described, path, marks, required=required)


def _each(kind: Any, described: FieldDescriptor, path: str, marks: list[Any]) -> Convert:
    if get_origin(kind) is not tuple:
        raise DoesNotFit(f"{path} is a list, and {kind} is none")
    element = get_args(kind)[0]
    inner, more = _marks(element)
    marks = [*more, *marks]
    absent = next((mark.number for mark in marks if isinstance(mark, Absent)), None)
    if _may_be_none(inner) and absent is None:
        raise DoesNotFit(f"{path} may hold what is missing, and no mark says how the request writes that")
    inner = _without_none(inner)

    def converting(place: str) -> Convert:
        return _one(inner, described, place, marks, required=True)

    convert = converting(f"{path}[]")

    def read(values: Any, incoming: Incoming) -> Any:
        try:
            found = [convert(value, incoming) for value in values]
        except InvalidInput:
            # Which one it is matters to this caller only: they are read once more, each by its own name.
            for index, value in enumerate(values):
                converting(f"{path}[{index}]")(value, incoming)
            raise
        return tuple(found) if absent is None else tuple(None if one == absent else one for one in found)

    return read


def _one(kind: Any, described: FieldDescriptor, path: str, marks: list[Any], *, required: bool) -> Convert:  # noqa: PLR0911
    if is_dataclass(kind) and isinstance(kind, type) and described.message_type is not None:
        return _Plan(kind, described.message_type, path + ".", {})
    if _is_moment(described) and kind is datetime:
        return lambda value, incoming: reading.moment(value, given=True, now=incoming.call.now, field=path)
    if described.enum_type is not None:
        return _enumerated(kind, described.enum_type, path)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return lambda value, _incoming: reading.coded(value, kind, path)
    base = getattr(kind, "__supertype__", kind)
    if base is UUID:
        return lambda value, _incoming: reading.uuid(value, path)
    if base is str:
        longest = next((mark.most for mark in marks if isinstance(mark, Length)), LONGEST_TEXT)
        text = reading.text if required else reading.optional_text
        return lambda value, _incoming: text(value, path, longest=longest)
    if kind is date:
        return lambda value, _incoming: reading.day(value, path)
    if kind is Decimal:
        return lambda value, _incoming: reading.amount(value, path)
    if kind is bool:
        return lambda value, _incoming: value
    if kind is int:
        return _whole(path, marks)
    raise DoesNotFit(f"{path}: nobody knows how to read {kind}")


def _whole(path: str, marks: list[Any]) -> Convert:
    for mark in marks:
        if isinstance(mark, Range):
            least, most = mark.least, mark.most
            return lambda value, _incoming: reading.whole(value, path, least=least, most=most)
    return lambda value, _incoming: value


def _enumerated(kind: Any, described: EnumDescriptor, path: str) -> Convert:
    """The codes of a proto enum, by their names: `DOSE_STATUS_TAKEN` is `TAKEN`."""
    unspecified = described.values[0].name
    prefix = unspecified.removesuffix("UNSPECIFIED")
    codes = {value.number: kind[value.name.removeprefix(prefix)] for value in described.values[1:]}
    if len(codes) != len(kind):
        raise DoesNotFit(f"{path}: {described.full_name} and {kind.__name__} have other codes")
    names = [value.name for value in described.values[1:]]
    listed = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]

    def read(value: int, _incoming: Incoming) -> Any:
        found = codes.get(value)
        if found is None:
            raise InvalidInput("not-a-code", f"{path} must be {listed}.", field=path)
        return found

    return read
