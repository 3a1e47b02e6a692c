"""Whether a client's episode of care is open, by what assessment published: the one reading of all services.

An end stands until it is struck, or until the client is enrolled again at a later moment. It rests on moments alone, so
that the order in which a service hears of them leaves no trace.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar

from careloop.contracts.assessment import EndReason
from careloop.kernel.events import Instant
from careloop.kernel.ids import EventId, FactId


class Dated(Protocol):
    """A fact and when it was true."""

    @property
    def fact_id(self) -> FactId: ...

    @property
    def occurred_at(self) -> datetime: ...


class End(Dated, Protocol):
    """An end of an episode."""

    @property
    def reason(self) -> EndReason: ...


AnEnd = TypeVar("AnEnd", bound=End)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeEndNoted:
    """Assessment said: the client's episode of care ended."""

    evidence: EventId
    fact_id: FactId
    reason: EndReason
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeBegunNoted:
    """Assessment said: the client was enrolled, or their identity was put right."""

    evidence: EventId
    fact_id: FactId
    occurred_at: Instant


EpisodeNoted = EpisodeBegunNoted | EpisodeEndNoted


def standing_end(ends: Iterable[AnEnd], enrolments: Iterable[Dated], struck: frozenset[FactId]) -> AnEnd | None:
    """The end by which the client is in no episode now; None where one is open. A death stands before any other end."""
    moments = _moments(enrolments, struck)
    standing = (end for end in ends if end.fact_id not in struck and all(began <= end.occurred_at for began in moments))
    return max(standing, key=lambda end: (end.reason is EndReason.DECEASED, end.occurred_at), default=None)


def earlier_end(ends: Iterable[End], enrolments: Iterable[Dated], struck: frozenset[FactId]) -> datetime | None:
    """When the episode before the last one ended: what was recorded up to then belongs to an earlier one. None in the
    first episode."""
    moments = _moments(enrolments, struck)
    over = (end.occurred_at for end in ends if end.fact_id not in struck)
    return max((end for end in over if any(began > end for began in moments)), default=None)


@dataclass(frozen=True, slots=True)
class Episodes:
    """How the episodes of one client began and ended, as another service noted it."""

    begun: tuple[EpisodeBegunNoted, ...] = ()
    ends: tuple[EpisodeEndNoted, ...] = ()

    def having(self, noted: EpisodeNoted) -> "Episodes":
        """With one more; the same where it was noted before."""
        if isinstance(noted, EpisodeEndNoted):
            return self if noted in self.ends else replace(self, ends=(*self.ends, noted))
        return self if noted in self.begun else replace(self, begun=(*self.begun, noted))

    def rest_on(self, fact_id: FactId) -> bool:
        """Whether a beginning or an end is that fact."""
        return fact_id in {one.fact_id for one in self.begun} | {one.fact_id for one in self.ends}

    def ended(self, struck: frozenset[FactId]) -> EpisodeEndNoted | None:
        return standing_end(self.ends, self.begun, struck)

    def earlier_end(self, struck: frozenset[FactId]) -> datetime | None:
        return earlier_end(self.ends, self.begun, struck)


def _moments(enrolments: Iterable[Dated], struck: frozenset[FactId]) -> list[datetime]:
    return [enrolled.occurred_at for enrolled in enrolments if enrolled.fact_id not in struck]
