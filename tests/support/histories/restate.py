"""Stored examples in the published words."""

from typing import Any

import msgspec


def restate(event: Any, published: Any) -> Any:
    """The published form: by the function that makes it, or by the same field names."""
    if isinstance(published, type):
        return msgspec.convert(msgspec.to_builtins(event), published)
    return published(event)
