"""What the commands of every service say alike."""

from dataclasses import dataclass

from careloop.kernel.ids import FactId
from careloop.kernel.reading import Actor, NewFact, Now, Past


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCommand:
    """The fact that it makes, when that was true, and the moment of deciding."""

    fact_id: NewFact
    occurred_at: Past
    now: Now


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkEnteredInError:
    """Strikes the fact `fact_id`, which should never have been recorded."""

    fact_id: FactId
    reason: str
    actor: Actor
    now: Now
