"""What is printed as JSON for people and programs: figures as numbers."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec


def plain(value: object) -> Any:
    """The value in lists, objects and numbers; a decimal is a whole number where it is one."""
    return _numbers(msgspec.to_builtins(value, builtin_types=(Decimal, date, datetime)))


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _numbers(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(held) for held in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
