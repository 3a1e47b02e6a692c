"""One section as it is stored: a state, the facts that came onto it since, and what the caseload takes from it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from careloop.chassis.events.codec import ENCODER
from careloop.kernel.ids import FactId
from services.coordination.domain.view.bulk_fold import add_all
from services.coordination.domain.view.caseload import headline
from services.coordination.domain.view.dated_fact import DatedFact
from services.coordination.domain.view.sections import Section
from services.coordination.domain.view.standing import standing
from services.coordination.domain.view.urgency import Concern, answered, leading

LEAST_TAIL = 32
"""A state is not written again for fewer facts."""

NOT_RANKED = ""


class Tail(Struct, frozen=True):
    """Facts that came since a state was stored, in their order: those before, and then `facts`. `size` is in bytes, as
    they were published."""

    before: "Tail | None" = None
    facts: Sequence[DatedFact[Any]] = ()
    count: int = 0
    size: int = 0

    def grown(self, facts: Sequence[DatedFact[Any]], size: int) -> "Tail":
        return Tail(self if self.count else None, facts, self.count + len(facts), self.size + size)

    def __iter__(self) -> Iterator[DatedFact[Any]]:
        runs = []
        part: Tail | None = self
        while part is not None:
            runs.append(part.facts)
            part = part.before
        return (fact for run in reversed(runs) for fact in run)


NO_TAIL = Tail()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSection:
    """A section up to `position` of its source: `state`, of `size` bytes where it is stored, and the `tail`.

    `standing` is what of the whole may still matter; `settled` are the risks that the state answers, `answered` those
    that were answered since. `leading` are the leading concerns as they are stored, NOT_RANKED where those may be
    others. `is_of_this_fold` where what is stored is this build's fold.
    """

    state: Section
    size: int = 0
    tail: Tail = NO_TAIL
    standing: Section
    settled: frozenset[FactId] = frozenset()
    answered: frozenset[FactId] = frozenset()
    position: int = 0
    leading: str = NOT_RANKED
    is_of_this_fold: bool = True

    @property
    def whole(self) -> Section:
        return add_all(self.state, list(self.tail)) if self.tail.count else self.state

    @property
    def cached_size(self) -> int:
        return self.size + self.tail.size

    @property
    def ranking(self) -> tuple[str, frozenset[FactId], str]:
        """All that the patient's place in the caseload takes from this section."""
        return self.leading, self.settled | self.answered, headline(self.standing).ended


def nothing(section: Section) -> StoredSection:
    """Of a source that said nothing yet."""
    return StoredSection(state=section, standing=section)


def sealed(section: Section, position: int, size: int) -> StoredSection:
    """A section whose whole is its state."""
    return StoredSection(
        state=section,
        size=size,
        standing=standing(section),
        settled=answered(section),
        position=position,
        leading=as_stored(leading(section)),
    )


def grown(before: StoredSection, facts: Sequence[DatedFact[Any]], size: int, position: int) -> StoredSection:
    """The section with more facts, none of which strikes another, on its tail."""
    now = add_all(before.standing, facts)
    return StoredSection(
        state=before.state,
        size=before.size,
        tail=before.tail.grown(facts, size),
        standing=standing(now),
        settled=before.settled,
        answered=before.answered | answered(now) - before.settled,
        position=position,
        leading=as_stored(leading(now)),
    )


def is_worth_a_state(section: StoredSection) -> bool:
    """Whether its tail is long for its state: written at such times, states cost as much as their events do."""
    return section.tail.count >= LEAST_TAIL and 2 * section.tail.size >= section.size


def as_stored(ahead: Sequence[Concern]) -> str:
    return ENCODER.encode(ahead).decode()


def as_array(facts: frozenset[FactId]) -> str:
    """As PostgreSQL reads an array of them."""
    return "{" + ",".join(sorted(map(str, facts))) + "}"
