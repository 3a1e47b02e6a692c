"""What every system under measurement is given: the same patients, the same events, the same order of choice.

Standard library only: programs of other environments import it.
"""

import random
from collections.abc import Iterator
from itertools import accumulate, cycle
from uuid import UUID

TOPIC = "diary.EntryWritten.v1"
TEXT = "slept six hours, less restless than last week, no new side effects; " * 4
PATIENTS = 10_000
_DRAWN = 5_000


def patient(worker: int, number: int) -> UUID:
    """The number-th patient of a worker; workers share none."""
    return UUID(int=((worker + 1) << 64) + number + 1, version=4)


def content(stream: UUID, version: int) -> bytes:
    """The event at this version of a stream: about 400 bytes that follow from the two alone, so it can be checked."""
    return f'{{"text":"{TEXT}","patient":"{stream}","sequence":{version}}}'.encode()


def chosen(patients: int, client: int, clients: int, skew: str) -> Iterator[int]:
    """The patients that one of several clients writes about, for ever; no two clients share one.

    `skew` is `uniform`, or `zipf`: the client's n-th patient is chosen with a weight of 1/n.
    """
    own = range(client, patients, clients)
    drawing = random.Random(client)  # noqa: S311 - a repeatable load, no secret
    if skew == "zipf":
        weights = list(accumulate(1 / rank for rank in range(1, len(own) + 1)))
        return cycle(drawing.choices(own, cum_weights=weights, k=_DRAWN))
    return cycle(drawing.choices(own, k=_DRAWN))
