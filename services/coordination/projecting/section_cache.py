"""The sections that were folded last, so that the next unit folds on without reading them."""

from collections import OrderedDict
from collections.abc import Mapping

from careloop.kernel.ids import PatientId
from services.coordination.reading.stored_section import StoredSection

MOST_BYTES = 64 * 1024 * 1024
"""How much is cached, by the size of the sections as they are stored; in memory they take about four times that."""


class SectionCache:
    """The sections used last, up to `most_bytes`, those of each (source, partition) as of one count of turns."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._sections: OrderedDict[tuple[str, int, PatientId], StoredSection] = OrderedDict()

    def get(self, source: str, partition: int, patient_id: PatientId) -> StoredSection | None:
        key = (source, partition, patient_id)
        found = self._sections.get(key)
        if found is not None:
            self._sections.move_to_end(key)
        return found

    def put(self, source: str, partition: int, sections: Mapping[PatientId, StoredSection]) -> None:
        for patient_id, stored in sections.items():
            key = (source, partition, patient_id)
            self._drop(key)
            self._sections[key] = stored
            self._bytes += stored.cached_size
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._sections)))

    def forget(self, source: str, partition: int) -> None:
        for key in [key for key in self._sections if key[:2] == (source, partition)]:
            self._drop(key)

    def _drop(self, key: tuple[str, int, PatientId]) -> None:
        gone = self._sections.pop(key, None)
        if gone is not None:
            self._bytes -= gone.cached_size
