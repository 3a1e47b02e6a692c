"""What a build of this service stored of one class, read so that a newer build's is not taken for broken."""

import types
from dataclasses import MISSING, fields, is_dataclass, make_dataclass
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from careloop.kernel.errors import CareloopError

T = TypeVar("T")


class StoredByNewer(CareloopError):
    """What is stored has a topic, a version or a code that this build does not know: a newer one stored it, and may
    answer instead. `what` is its topic or type."""

    def __init__(self, what: str) -> None:
        super().__init__("stored-by-newer", "A newer version stored part of this; retry with the same request_id.")
        self.what = what


class StoredForm(Generic[T]):
    """Decodes the JSON of `cls`; `what` names it to those who read a refusal."""

    def __init__(self, what: str, cls: type[T]) -> None:
        self._what = what
        self._cls = cls
        self._decoder = msgspec.json.Decoder(cls)

    def decode(self, stored: bytes | str) -> T:
        """Raises StoredByNewer when nothing but a code is unknown, and msgspec.DecodeError for what no build stores:
        no JSON at all, a field that is missing, or one of another kind."""
        try:
            return self._decoder.decode(stored)
        except msgspec.ValidationError:
            if self._is_whole_but_for_codes(stored):
                raise StoredByNewer(self._what) from None
            raise
        except UnicodeDecodeError:
            raise msgspec.DecodeError("not UTF-8") from None

    def _is_whole_but_for_codes(self, stored: bytes | str) -> bool:
        try:
            self._of_any_code.decode(stored)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        return True

    @cached_property
    def _of_any_code(self) -> msgspec.json.Decoder[Any]:
        return msgspec.json.Decoder(_opened(self._cls))


def _opened(annotation: Any) -> Any:
    """The annotation in which every set of codes takes any code, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return type(next(iter(annotation)).value)
    if isinstance(annotation, type) and is_dataclass(annotation):
        return _opened_dataclass(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is None:
        return annotation
    if origin is Annotated:
        return Annotated[(_opened(arguments[0]), *arguments[1:])]
    parts = tuple(_opened(one) for one in arguments)
    return Union[parts] if origin in (Union, types.UnionType) else origin[parts]  # noqa: UP007 - built at run time


def _opened_dataclass(cls: type) -> type:
    """Its fields, those without a default first; which default the others have does not matter."""
    hints = get_type_hints(cls, include_extras=True)
    needed = [one.name for one in fields(cls) if one.default is MISSING and one.default_factory is MISSING]
    given = [(one.name, _opened(hints[one.name]), None) for one in fields(cls) if one.name not in needed]
    return make_dataclass(cls.__name__, [*((name, _opened(hints[name])) for name in needed), *given])
