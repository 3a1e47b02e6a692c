"""What a command says of its own fields: marks that the reader of requests follows.

A mark stands in the field's annotation, `Annotated[str, Length(500)]`. It binds the reader of requests and nobody else:
what is stored is read without it, so that a rule may be tightened and old history stays readable.

Without a mark a field is read by its type and default. A text, day, decimal or code without a default is required; one
with a default may be left out and is then that default; `X | None` left out is None, which means unknown. A dataclass
is read field by field, a tuple element by element, and every refusal names its field, such as `items[3].rxcui`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Protocol

from careloop.kernel.credentials import Credential
from careloop.kernel.ids import FactId, PatientId, PersonId


class Call(Protocol):
    """What a verified call says besides its message."""

    @property
    def subject(self) -> PersonId: ...

    @property
    def role(self) -> str: ...

    @property
    def patient(self) -> PatientId | None: ...

    @property
    def credential(self) -> Credential | None: ...

    @property
    def now(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Length:
    """The most characters of a text, or of each text of a list; 2,000 where nothing is said."""

    most: int


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the most of a whole number, or of each of a list; both belong to it."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Named:
    """The field's name in the request, where that is another."""

    name: str


@dataclass(frozen=True, slots=True)
class Absent:
    """The number by which a list says that one of its answers is missing."""

    number: int


@dataclass(frozen=True, slots=True)
class FromCall:
    """Not in the request: what the call says. It may be a value's name, or a function of the call."""

    value: Callable[[Call], object]


@dataclass(frozen=True, slots=True)
class Else:
    """What a field is that the request leaves out."""

    value: Callable[[Call], object]


@dataclass(frozen=True, slots=True)
class OfRequest:
    """Not in the request: the id of the fact that it records, the same for every repeat of the request."""


@dataclass(frozen=True, slots=True)
class Later:
    """Not in the request: the application adds it before the decision. It needs a default."""


def subject(call: Call) -> PersonId:
    return call.subject


def today(call: Call) -> date:
    """The day of the call in UTC."""
    return call.now.date()


NewFact = Annotated[FactId, OfRequest()]
"""The id of the fact that a request records."""
Actor = Annotated[PersonId, FromCall(subject)]
"""Who asks: the subject of the call's token."""
Licence = Annotated[Credential | None, FromCall(lambda call: call.credential)]
"""The credential that the call's token attests."""
Now = Annotated[datetime, FromCall(lambda call: call.now)]
"""When the call arrived: the moment of deciding."""
Past = Annotated[datetime, Else(lambda call: call.now)]
"""A moment from 1900 to now; now where the request leaves it out."""
