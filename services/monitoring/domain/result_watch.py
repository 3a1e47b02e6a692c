"""Results as monitoring follows them: what was noted, and what of it is demanded now."""

from dataclasses import dataclass, replace

from careloop.contracts.monitoring import ResultActionEnded, ResultActionRaised
from careloop.kernel.ids import FactId
from careloop.knowledge.follow_up.result_actions import MeasuredResult
from services.monitoring.domain.noted import ResultsNoted

ResultEvent = ResultsNoted | ResultActionRaised | ResultActionEnded


@dataclass(frozen=True, slots=True)
class ResultWatch:
    """In the order in which it came to be known."""

    noted: tuple[ResultsNoted, ...] = ()
    raised: tuple[ResultActionRaised, ...] = ()
    ended: frozenset[FactId] = frozenset()

    def having(self, event: ResultEvent) -> "ResultWatch":
        match event:
            case ResultsNoted():
                return replace(self, noted=(*self.noted, event))
            case ResultActionRaised():
                return replace(self, raised=(*self.raised, event))
            case ResultActionEnded():
                return replace(self, ended=self.ended | {event.raised})

    def standing(self, struck: frozenset[FactId]) -> list[ResultsNoted]:
        return [one for one in self.noted if one.fact_id not in struck]

    def open(self, struck: frozenset[FactId]) -> list[ResultActionRaised]:
        """What is demanded and was not ended."""
        return [one for one in self.raised if one.fact_id not in self.ended | struck]

    def recording_of(self, results: tuple[MeasuredResult, ...], struck: frozenset[FactId]) -> ResultsNoted | None:
        """The first recording of these results."""
        return next((one for one in self.standing(struck) if set(results) & set(one.results)), None)
