"""How long to wait before something is tried again."""

import random
from collections.abc import Callable
from dataclasses import dataclass

_MOST_DOUBLINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses in seconds that double from `first` to `longest`, however often it fails.

    Where several would wake at the same moment and meet again, each pause is drawn at random between `least` of it and
    all of it; `draw` answers a number between two others.
    """

    first: float
    longest: float
    least: float = 1.0
    draw: Callable[[float, float], float] = random.uniform

    def pause(self, failures: int) -> float:
        """How long to wait after so many failures in a row; the first is 1."""
        whole = min(self.first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), self.longest)
        return self.draw(self.least * whole, whole)
