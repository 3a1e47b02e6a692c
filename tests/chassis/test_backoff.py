"""Pauses grow, have an end, and are drawn from the source that is passed in."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.chassis.backoff import Backoff


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(first=0.1, longest=0.5)
    assert [backoff.pause(failures) for failures in (1, 2, 3, 4, 5)] == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5])


def test_a_pause_is_drawn_between_its_least_part_and_the_whole() -> None:
    asked: list[tuple[float, float]] = []

    def draw(least: float, most: float) -> float:
        asked.append((least, most))
        return most

    backoff = Backoff(first=0.02, longest=1, least=0.1, draw=draw)
    assert backoff.pause(2) == pytest.approx(0.04)
    assert asked == [pytest.approx((0.004, 0.04))]


def test_the_same_source_gives_the_same_pauses() -> None:
    one, other = (Backoff(first=1, longest=8, least=0.5, draw=Random(7).uniform) for _ in range(2))
    pauses = [one.pause(failures) for failures in range(1, 9)]
    assert pauses == [other.pause(failures) for failures in range(1, 9)]
    assert len(set(pauses)) == len(pauses)


@given(st.integers(1, 10**9), st.integers(0, 10**6))
def test_no_pause_leaves_its_bounds_however_often_it_fails(failures: int, seed: int) -> None:
    backoff = Backoff(first=0.1, longest=5, least=0.5, draw=Random(seed).uniform)
    assert 0.05 <= backoff.pause(failures) <= 5
