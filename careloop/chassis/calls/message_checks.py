"""What no request may hold, whatever it asks: NULs and their like, overlong texts, overlong lists.

The refusal names the field.
"""

import re
from collections.abc import Iterable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from careloop.chassis.calls.call import Call, required_request_id
from careloop.kernel.errors import InvalidInput, NotAllowed

LONGEST_TEXT = 10_000
LONGEST_LIST = 1_000

# FHIR R4 allows a string the same three: tab, line feed, carriage return.
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f]")


def check_message(message: Message) -> None:
    """Raises InvalidInput naming the field: a `request_id` missing or overlong, or a content refused."""
    if "request_id" in message.DESCRIPTOR.fields_by_name:
        required_request_id(message)
    _check_content(message, "")


def check_own_record(message: Message, call: Call) -> None:
    """A token that speaks for one patient reaches no other. Raises NotAllowed, also where no patient is named."""
    if call.patient is None:
        return
    named = str(getattr(message, "patient_id", ""))
    if named.strip().lower() != str(call.patient):
        raise NotAllowed("not-own-record", "This token reaches its own record only.", field="patient_id")


def _check_content(message: Message, path: str) -> None:
    for field, value in message.ListFields():
        name = f"{path}{field.name}"
        values = _values(field, value)
        if len(values) > LONGEST_LIST:
            raise InvalidInput("list-too-long", f"{name} has at most {LONGEST_LIST} entries.", field=name)
        _check_values(values, name)


def _values(field: FieldDescriptor, value: Any) -> list[Any]:
    if hasattr(value, "items"):
        return [*value.keys(), *value.values()]
    return list(value) if field.is_repeated else [value]


def _check_values(values: Iterable[Any], name: str) -> None:
    for value in values:
        if isinstance(value, Message):
            _check_content(value, f"{name}.")
        elif isinstance(value, str):
            check_text(value, name)


def check_text(text: str, field: str) -> None:
    """Raises InvalidInput naming `field` if it has a NUL or another control character, or over 10,000 characters."""
    if "\0" in text:
        raise InvalidInput("text-with-nul", f"{field} may not hold a NUL character.", field=field)
    if _CONTROL.search(text):
        sentence = f"{field} may hold no control character but tab and line ends."
        raise InvalidInput("text-with-control-character", sentence, field=field)
    if len(text) > LONGEST_TEXT:
        raise InvalidInput("text-too-long", f"{field} has at most {LONGEST_TEXT} characters.", field=field)
