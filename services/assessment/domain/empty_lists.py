"""What an empty list must say, and one that nobody took."""

from careloop.kernel.errors import InvalidInput, RuleViolated


def require_said(listed: bool, said_none: bool, list_field: str, flag_field: str) -> None:
    """An empty list may mean "not asked": that there is none must be said, and only when nothing is listed."""
    if listed and said_none:
        sentence = f"{flag_field} may not be set when {list_field} are listed."
        raise InvalidInput("both-some-and-none", sentence, field=flag_field)
    if not listed and not said_none:
        sentence = f"Give {list_field}, or say with {flag_field} that there are none."
        raise InvalidInput("none-not-said", sentence, field=list_field)


def no_list_yet(call: str) -> RuleViolated:
    """An entry alone would say that the rest was asked for and is not there."""
    return RuleViolated("no-list-yet", f"Nobody took the whole list yet: record it with {call}.")
