"""A mapping that is never changed and yet grows cheaply: folding n events takes n steps, not n squared."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class PersistentMap(Mapping[Key, Value]):
    """The first so many entries of a table that its successors share, in the order they were added.

    An entry added to the newest of the line goes into the table; one added to an older map, or replaced, into a copy of
    it. So a map never changes for those who hold it. Not for several threads at once.
    """

    __slots__ = ("_size", "_table")

    def __init__(self) -> None:
        self._table: dict[Key, tuple[int, Value]] = {}
        self._size = 0

    def having(self, key: Key, value: Value) -> "PersistentMap[Key, Value]":
        """This map with one more entry, or with another value in the place of the key's present one."""
        grown: PersistentMap[Key, Value] = PersistentMap()
        known = key in self
        newest = self._size == len(self._table)
        # An empty map begins a table of its own: it may be the initial state of every stream.
        grown._table = self._table if newest and self._size and not known else self._copied()
        grown._table[key] = (self._table[key][0] if known else self._size, value)
        grown._size = len(grown._table)
        return grown

    def _copied(self) -> dict[Key, tuple[int, Value]]:
        return dict(islice(self._table.items(), self._size))

    def __getitem__(self, key: Key) -> Value:
        place, value = self._table[key]
        if place >= self._size:
            raise KeyError(key)
        return value

    def __iter__(self) -> Iterator[Key]:
        # A successor may add to the table before the caller has come to the end.
        return iter(list(islice(self._table, self._size)))

    def __len__(self) -> int:
        return self._size

    def __repr__(self) -> str:
        return f"PersistentMap({dict(self)!r})"
