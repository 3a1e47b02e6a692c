"""A service with a fault built in: `python -m tests.support.processes.altered_service FAULT SERVICE`."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from careloop.chassis.consuming.handler import Effects, Received
from careloop.chassis.events.envelope import Record
from careloop.chassis.process.runtime import run
from careloop.chassis.relay.producer import Ack, Producer
from careloop.contracts.policy import POLICY
from services.coordination.consumers import CareViewConsumer

POISON_EVERY = 1_000
LOST_EVERY = 50
"""Positions of monitoring's log."""


class Poison:
    """As long as it is in the state folder, coordination cannot handle one event of monitoring in a thousand."""

    def __init__(self, home: Path) -> None:
        self._file = home / "poison"

    def put(self) -> None:
        self._file.touch()

    def take_away(self) -> None:
        self._file.unlink()

    @property
    def tries(self) -> int:
        """How often such an event was handed to the consumer in vain."""
        return self._file.stat().st_size

    def spoils(self, received: Sequence[Received]) -> bool:
        return self._file.exists() and any(
            one.envelope.source == "monitoring" and one.envelope.position % POISON_EVERY == 0 for one in received
        )

    def note_try(self) -> None:
        with self._file.open("a") as file:
            file.write(".")


def poisoned(home: Path) -> None:
    """Coordination's consumer fails as long as there is `Poison`."""
    handle, poison = CareViewConsumer.handle, Poison(home)

    async def failing(self: CareViewConsumer, received: Sequence[Received]) -> Effects:
        if poison.spoils(received):
            poison.note_try()
            raise ValueError("poison")
        return await handle(self, received)

    CareViewConsumer.handle = failing  # type: ignore[method-assign]


def losing(_home: Path) -> None:
    """Every fiftieth position of the log never comes to the topic."""
    accept = Producer.accept

    async def accept_others(self: Producer, runs: Mapping[int, Sequence[Record]]) -> list[Ack]:
        kept = {n: [one for one in run if one.envelope.position % LOST_EVERY] for n, run in runs.items()}
        return await accept(self, kept)

    Producer.accept = accept_others  # type: ignore[method-assign]


FAULTS: dict[str, Callable[[Path], None]] = {"poisoned": poisoned, "losing": losing}


def command(fault: str, service: str) -> Sequence[str]:
    """How its process is started."""
    return [sys.executable, "-m", "tests.support.processes.altered_service", fault, service]


if __name__ == "__main__":
    _program, fault, service = sys.argv
    FAULTS[fault](Path(os.environ["CARELOOP_HOME"]))
    sys.exit(run(import_module(f"services.{service}.__main__").build, POLICY))
