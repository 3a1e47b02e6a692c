"""The guards before a decision: what each says, and in which order they are passed."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from careloop.kernel.credentials import Credential
from careloop.kernel.decisions import Decisions, Guard, guarded
from careloop.kernel.errors import CareloopError, InvalidInput, NotAllowed, NotKnown
from careloop.kernel.ids import FactId

NOW = datetime(2026, 11, 30, tzinfo=UTC)
NEW, OLD, STRUCK = (FactId(UUID(int=number)) for number in (1, 2, 3))
LICENCE = Credential(kind="psychiatrist", valid_from=NOW - timedelta(days=9), valid_until=NOW)


@dataclass(frozen=True)
class Chart:
    enrolled: bool = True
    recorded: frozenset[FactId] = frozenset({OLD, STRUCK})
    struck: frozenset[FactId] = frozenset({STRUCK})

    def knows(self, fact_id: FactId) -> bool:
        return fact_id in self.recorded


@dataclass(frozen=True)
class Order:
    fact_id: FactId = NEW
    occurred_at: datetime = NOW
    now: datetime = NOW
    credential: Credential | None = LICENCE


class Strike(Order):
    pass


@guarded(Guard.PRESCRIBER, Guard.ENROLLED, Guard.PAST, Guard.REPEAT)
def order(command: Order, chart: Chart) -> list[FactId]:
    """One fact."""
    return [command.fact_id]


@guarded(Guard.STRIKE)
def strike(command: Strike, chart: Chart) -> list[FactId]:
    return [command.fact_id]


DECISIONS: Decisions[Chart, FactId] = Decisions(order, strike)
TOO_EARLY = replace(Order(), occurred_at=NOW + timedelta(microseconds=1))


def test_what_passes_every_guard_is_decided() -> None:
    assert order(Order(), Chart()) == [NEW]


def test_a_repeat_changes_nothing_whatever_the_other_guards_would_say() -> None:
    assert not order(replace(TOO_EARLY, fact_id=OLD, credential=None), Chart(enrolled=False))


@pytest.mark.parametrize(
    ("command", "chart", "error", "slug"),
    [
        (replace(TOO_EARLY, credential=None), Chart(enrolled=False), InvalidInput, "in-the-future"),
        (replace(Order(), credential=None), Chart(enrolled=False), NotKnown, "patient-not-known"),
        (replace(Order(), credential=None), Chart(), NotAllowed, "credential-required"),
        (replace(Order(), occurred_at=NOW - timedelta(days=10)), Chart(), NotAllowed, "credential-not-valid"),
        (Strike(fact_id=NEW), Chart(), NotKnown, "fact-not-known"),
    ],
)
def test_the_first_guard_that_is_not_passed_says_why(
    command: Order, chart: Chart, error: type[CareloopError], slug: str
) -> None:
    with pytest.raises(error) as refused:
        DECISIONS[type(command)](command, chart)
    assert refused.value.slug == slug


def test_a_recorded_fact_is_struck_once() -> None:
    assert strike(Strike(fact_id=OLD), Chart()) == [OLD]
    assert not strike(Strike(fact_id=STRUCK), Chart())


def test_the_table_names_each_command_with_its_decision() -> None:
    assert dict(DECISIONS) == {Order: order, Strike: strike}
    assert DECISIONS[Strike].guards == {Guard.STRIKE}
    assert (order.__name__, order.__doc__) == ("order", "One fact.")


def test_two_decisions_on_one_command_are_refused() -> None:
    with pytest.raises(ValueError, match="one command"):
        Decisions(order, order)
