"""A resource as plain values, made ready to be read: what FHIR lets stand beside values is taken out, and what forbids
reading on is found."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from careloop.intake.tally import NotUnderstood

_PLAIN = msgspec.json.Decoder(float_hook=Decimal)


def plain(raw: bytes | msgspec.Raw) -> dict[str, Any]:
    """Raises NotUnderstood for what is no JSON object."""
    try:
        found = _without_nulls(_PLAIN.decode(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ArithmeticError):
        raise NotUnderstood("malformed") from None
    if not isinstance(found, dict):
        raise NotUnderstood("malformed")
    return found


def require_plain_meaning(resource: Mapping[str, Any]) -> None:
    """FHIR forbids to read on past what changes the meaning of a resource unless it is known; none is known here.

    Raises NotUnderstood for implicitRules, and for a modifierExtension on any element.
    """
    if resource.get("implicitRules"):
        raise NotUnderstood("implicit-rules")
    if _has_modifier(resource):
        raise NotUnderstood("modifier-extension")


def _without_nulls(value: Any) -> Any:
    """In FHIR's JSON a null in an array holds a place whose content, or why it is absent, stands beside the array."""
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in value if one is not None]
    return value


def _has_modifier(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value.get("modifierExtension")) or any(map(_has_modifier, value.values()))
    return isinstance(value, list) and any(map(_has_modifier, value))
