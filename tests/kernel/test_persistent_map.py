"""A growing map behaves as a copied dict would, for everyone who ever held one of its line."""

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.kernel.persistent_map import PersistentMap

STEPS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5), st.integers()), max_size=40)


@given(steps=STEPS)
def test_every_map_of_a_tree_of_maps_is_what_a_copied_dict_would_be(steps: list[tuple[int, int, int]]) -> None:
    maps: list[PersistentMap[int, int]] = [PersistentMap()]
    dicts: list[dict[int, int]] = [{}]
    for origin, key, value in steps:
        place = origin % len(maps)
        maps.append(maps[place].having(key, value))
        dicts.append({**dicts[place], key: value})
    for found, expected in zip(maps, dicts, strict=True):
        assert list(found.items()) == list(expected.items())
        assert len(found) == len(expected)
        assert [key in found for key in range(6)] == [key in expected for key in range(6)]
        assert found == expected


def test_one_who_reads_slowly_sees_nothing_that_came_later() -> None:
    first = PersistentMap[str, int]().having("a", 1).having("b", 2)
    slowly: Iterator[str] = iter(first)
    assert next(slowly) == "a"
    assert list(first.having("c", 3)) == ["a", "b", "c"]
    assert list(slowly) == ["b"]
    with pytest.raises(KeyError):
        first["c"]


def test_growing_to_many_takes_many_steps_and_not_their_square() -> None:
    began = time.process_time()
    grown: PersistentMap[int, int] = PersistentMap()
    for number in range(30_000):
        grown = grown.having(number, number)
    assert len(grown) == 30_000
    # Copied at every step this takes half a minute.
    assert time.process_time() - began < 3
