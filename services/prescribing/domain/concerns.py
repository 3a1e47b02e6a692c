"""What the standing check raised, and what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from careloop.contracts.prescribing import Alert, Concern
from careloop.kernel.ids import FactId
from services.prescribing.domain.events import ConcernAnswered, ConcernEnded, ConcernsRaised, Standing

Key = tuple[str, frozenset[str]]
"""By what a concern is one concern, on whatever medicine it is found: the rule, and the medicines that it involves."""


def key_of(alert: Alert) -> Key:
    return alert.rule, frozenset(alert.involves)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerns:
    """In the order in which they were stored."""

    raised: tuple[ConcernsRaised, ...] = ()
    answers: tuple[ConcernAnswered, ...] = ()
    ended: frozenset[FactId] = frozenset()

    def having(self, event: Standing) -> "Concerns":
        """With one more event."""
        match event:
            case ConcernsRaised():
                return replace(self, raised=(*self.raised, event))
            case ConcernAnswered():
                return replace(self, answers=(*self.answers, event))
            case ConcernEnded():
                return replace(self, ended=self.ended | {event.concern})

    def standing(self, struck: frozenset[FactId]) -> dict[FactId, tuple[Concern, ConcernsRaised]]:
        """Those that have not ended, open and answered, with what raised each."""
        raised = (one for one in self.raised if one.fact_id not in struck)
        return {one.concern: (one, by) for by in raised for one in by.concerns if one.concern not in self.ended}

    def answer(self, concern: FactId, struck: frozenset[FactId]) -> ConcernAnswered | None:
        given = (one for one in reversed(self.answers) if one.concern == concern and one.fact_id not in struck)
        return next(given, None)

    def settled_by(self, closing: FactId, struck: frozenset[FactId], before: Iterable[FactId] = ()) -> FactId | None:
        """What was raised of which none is open any more once this concern, and those `before`, are closed; None where
        another is, or where this one was not open."""
        standing = self.standing(struck)
        if closing not in standing or self.answer(closing, struck) is not None:
            return None
        raised = standing[closing][1]
        closed = {closing, *before}
        others = (one.concern for one in raised.concerns if one.concern in standing and one.concern not in closed)
        return None if any(self.answer(one, struck) is None for one in others) else raised.fact_id
