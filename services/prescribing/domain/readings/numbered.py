"""Every reading by its number."""

from collections.abc import Mapping

from msgspec import UNSET, UnsetType

from careloop.kernel.errors import Unavailable
from services.prescribing.domain.readings.first import FIRST
from services.prescribing.domain.readings.reading import Reading
from services.prescribing.domain.readings.second import SECOND

LATEST = SECOND
"""By which this build decides."""
READINGS: Mapping[int, Reading] = {reading.number: reading for reading in (FIRST, SECOND)}


def reading_of(number: int | UnsetType) -> Reading:
    """The reading that a capsule names. Raises Unavailable for one of a newer build."""
    found = FIRST if number is UNSET else READINGS.get(number)
    if found is None:
        raise Unavailable("stored-by-newer", "This was decided by a newer build; ask one of that version.")
    return found
