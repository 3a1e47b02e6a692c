"""Reading the fields of a request: what is well formed comes back typed, anything else is refused by its name."""

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from careloop.kernel.errors import InvalidInput
from careloop.kernel.ids import FactId, PatientId

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LARGEST_DECIMAL = Decimal(1_000_000)
FINEST = 6
Code = TypeVar("Code", bound=StrEnum)


def text(value: str, field: str, *, longest: int = 2000) -> str:
    """The text without surrounding space. Raises InvalidInput if there is none, or too much."""
    stripped = value.strip()
    if not stripped:
        raise InvalidInput("field-required", f"{field} is required.", field=field)
    return optional_text(stripped, field, longest=longest)


def optional_text(value: str, field: str, *, longest: int = 2000) -> str:
    if len(value) > longest:
        raise InvalidInput("text-too-long", f"{field} has at most {longest} characters.", field=field)
    return value.strip()


def uuid(value: str, field: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise InvalidInput("not-a-uuid", f"{field} must be a UUID.", field=field) from None


def patient_id(value: str, field: str = "patient_id") -> PatientId:
    return PatientId(uuid(value, field))


def fact_id(value: str, field: str = "fact_id") -> FactId:
    return FactId(uuid(value, field))


def day(value: str, field: str) -> date:
    """An ISO 8601 date from 1900 on."""
    found = optional_day(value, field)
    if found is None:
        raise InvalidInput("field-required", f"{field} is required.", field=field)
    return found


def optional_day(value: str, field: str) -> date | None:
    if not value:
        return None
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise InvalidInput("not-a-date", f"{field} must be a date such as 2026-11-23.", field=field) from None
    if found < EARLIEST.date():
        raise InvalidInput("date-too-early", f"{field} may not lie before 1900.", field=field)
    return found


def amount(value: str, field: str) -> Decimal:
    """A decimal of at least 0, below a million, with at most six places."""
    found = optional_amount(value, field)
    if found is None:
        raise InvalidInput("field-required", f"{field} is required.", field=field)
    return found


def optional_amount(value: str, field: str) -> Decimal | None:
    if not value:
        return None
    # Decimal reads 1_000 and the digits of every script, too.
    if "_" in value or not value.isascii():
        raise _not_an_amount(field)
    try:
        found = Decimal(value)
    except InvalidOperation:
        raise _not_an_amount(field) from None
    exponent = found.as_tuple().exponent
    if not found.is_finite() or not 0 <= found < LARGEST_DECIMAL or not isinstance(exponent, int) or -exponent > FINEST:
        raise _not_an_amount(field)
    return found


def _not_an_amount(field: str) -> InvalidInput:
    sentence = f"{field} must be a decimal from 0 to 999999 with at most {FINEST} places, such as 37.5."
    return InvalidInput("not-an-amount", sentence, field=field)


def whole(value: int, field: str, *, least: int, most: int) -> int:
    """A whole number from `least` to `most`."""
    if not least <= value <= most:
        raise InvalidInput("out-of-range", f"{field} must be from {least} to {most}.", field=field)
    return value


def coded(value: str, codes: type[Code], field: str) -> Code:
    """One of the codes of a list, known to this build even where later ones may add to it.

    Raises InvalidInput that lists them.
    """
    if value not in list(codes):
        raise InvalidInput("not-a-code", f"{field} must be one of: {', '.join(codes)}.", field=field)
    return codes(value)


def moment(value: Timestamp, *, given: bool, now: datetime, field: str = "occurred_at") -> datetime:
    """When it happened: `now` if it was not given. Raises InvalidInput for the future and for before 1900."""
    if not given:
        return now
    try:
        found = value.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidInput("not-a-time", f"{field} is not a moment that a calendar knows.", field=field) from None
    if found > now:
        raise InvalidInput("in-the-future", f"{field} may not lie in the future.", field=field)
    if found < EARLIEST:
        raise InvalidInput("time-too-early", f"{field} may not lie before 1900.", field=field)
    return found


def timestamp(moment: datetime | None) -> Timestamp | None:
    """The moment as a message field; None leaves the field unset."""
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
