"""Ids, moments, refusals and folds: the same for ever, and refused by name."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from careloop.kernel.decider import Decider
from careloop.kernel.errors import CareloopError, InvalidInput
from careloop.kernel.events import require_past
from careloop.kernel.ids import derived_id

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_the_same_parts_give_the_same_id_for_ever() -> None:
    assert derived_id("event", "assessment", "r1", 0) == UUID("522a0791-f209-53c4-b68b-90e0b7546f6e")


def test_other_parts_give_another_id() -> None:
    parts = [("a", "b"), ("b", "a"), ("ab",), ("a", "b", ""), ("a",), ("a", 1), ("a", "1", "")]
    assert len({derived_id(*one) for one in parts}) == len(parts)
    assert derived_id("a", 1) == derived_id("a", "1")


def test_no_part_may_hold_what_separates_them() -> None:
    with pytest.raises(ValueError, match="separator"):
        derived_id("a", "b\x1fc")
    assert derived_id("a", "b\x1ec") != derived_id("a", "bc")


def test_a_fact_may_be_of_this_very_moment_and_of_no_later_one() -> None:
    require_past(NOON, NOON)
    require_past(NOON - timedelta(days=400), NOON)
    later = NOON + timedelta(microseconds=1)
    for field, named in (({}, "occurred_at"), ({"field": "seen_at"}, "seen_at")):
        with pytest.raises(InvalidInput) as refused:
            require_past(later, NOON, **field)
        assert (refused.value.slug, refused.value.field) == ("in-the-future", named)
        assert refused.value.sentence == f"{named} may not lie in the future."


def test_a_refusal_has_a_slug_a_sentence_and_a_field_if_any() -> None:
    refusal = CareloopError("not-now", "Not now.")
    assert (refusal.slug, refusal.sentence, refusal.field, str(refusal)) == ("not-now", "Not now.", "", "not-now")
    assert CareloopError("not-now", "Not now.", field="dose").field == "dose"


ADDING: Decider[tuple[int, ...], int] = Decider(initial=(0,), evolve=lambda state, event: (*state, event))


def test_a_fold_goes_through_the_events_in_their_order() -> None:
    assert ADDING.fold([]) == (0,)
    assert ADDING.fold([1, 2, 3]) == (0, 1, 2, 3)


def test_a_fold_goes_on_from_a_state_whatever_it_is() -> None:
    assert ADDING.fold([3], (7,)) == (7, 3)
    assert ADDING.fold([3], ()) == (3,)
    assert ADDING.fold([], ()) == ()
