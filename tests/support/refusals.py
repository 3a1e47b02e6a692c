"""What a call refuses, for laws over any input: the documented refusal is an answer, anything else is raised."""

from collections.abc import Callable

from careloop.kernel.errors import InvalidInput


def refused_field(call: Callable[[], object]) -> str | None:
    """The field that the call refuses, or None when it answers."""
    try:
        call()
    except InvalidInput as refused:
        return refused.field
    return None
