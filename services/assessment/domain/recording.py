"""What every command that records a fact of a client says, and what an empty list must say."""

from dataclasses import dataclass

from careloop.kernel.errors import InvalidInput
from careloop.kernel.reading import NewFact, Now, Past


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCommand:
    """The fact it makes, when that was true, and the moment of deciding."""

    fact_id: NewFact
    occurred_at: Past
    now: Now


def require_said(listed: bool, said_none: bool, list_field: str, flag_field: str) -> None:
    """An empty list may mean "not asked": that there is none must be said, and only when nothing is listed."""
    if listed and said_none:
        sentence = f"{flag_field} may not be set when {list_field} are listed."
        raise InvalidInput("both-some-and-none", sentence, field=flag_field)
    if not listed and not said_none:
        sentence = f"Give {list_field}, or say with {flag_field} that there are none."
        raise InvalidInput("none-not-said", sentence, field=list_field)
