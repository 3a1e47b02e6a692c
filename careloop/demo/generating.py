"""The demo's patients, generated in a thread of their own while the servers start."""

import asyncio
from pathlib import Path

from careloop.cli.commands.generate import GenerationFailed, Population, generated

POPULATION = Population(patients=16, seed=7, date="20260801")


class Generation:
    """Starts at once. `bundles` becomes the folder of the patients, or raises GenerationFailed."""

    def __init__(self, home: Path) -> None:
        self._made = 0
        self._stopped = False
        self.bundles = asyncio.create_task(asyncio.to_thread(generated, home, POPULATION, self._note))

    @property
    def how_far(self) -> str:
        if self.bundles.done():
            return "the patients are there"
        return f"{self._made} of {POPULATION.patients} patients generated (only the first time)"

    def stop(self) -> None:
        """End it where it is; what is unfinished is not used."""
        self._stopped = True
        self.bundles.cancel()

    def _note(self, made: int) -> None:
        if self._stopped:
            raise GenerationFailed("it was asked to stop")
        self._made = made
