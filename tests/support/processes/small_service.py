"""A whole service process without a store: run by the runtime's tests, which tell it by its arguments how to fail."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from care.operations.v1.operations_pb2_grpc import add_OperationsServiceServicer_to_server

from careloop.chassis.operations.ports import ServiceStatus
from careloop.chassis.process.runtime import Resources, Service, Work, run, until_stopped
from careloop.kernel.errors import Unavailable
from tests.support.services.served import POLICY, Answers


class Failure(Exception):
    pass


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


class Figures:
    """A log that is `behind` positions ahead of its relay."""

    def __init__(self, behind: int) -> None:
        self._behind = behind

    async def status(self) -> ServiceStatus:
        return ServiceStatus(
            service="assessment",
            head_position=self._behind,
            head_recorded_at=None,
            relayed_position=0,
            unrelayed_since=None,
            broker_connected=True,
        )


async def finishes(stopping: asyncio.Event) -> None:
    await stopping.wait()
    await asyncio.sleep(0.05)
    say("task finished")


async def looks_back(stopping: asyncio.Event) -> None:
    await stopping.wait()
    say(f"asked to stop {'after' if Path(FOLDER, 'may-finish').exists() else 'before'} the last call")


async def fails(_stopping: asyncio.Event) -> None:
    await asyncio.sleep(0.2)
    raise Failure("Jane Canary")


async def returns(_stopping: asyncio.Event) -> None:
    await asyncio.sleep(0.2)


async def never_stops(_stopping: asyncio.Event) -> None:
    await asyncio.Event().wait()


async def forever() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        say("cancelled")


WORKS: dict[str, Work] = {
    "finishes": finishes,
    "looks-back": looks_back,
    "fails": fails,
    "returns": returns,
    "never-stops": never_stops,
    "forever": until_stopped(forever),
}
FOLDER, *ASKED = sys.argv[1:]


async def waits(_request: object) -> None:
    Path(FOLDER, "begun").touch()
    while not Path(FOLDER, "may-finish").exists():
        await asyncio.sleep(0.01)


async def ready() -> bool:
    if Path(FOLDER, "store-away").exists():
        raise Unavailable("store-unavailable", "The store did not answer.")
    return True


@asynccontextmanager
async def build(resources: Resources) -> AsyncIterator[Service]:
    answers = Answers(unary=waits)
    try:
        yield Service(
            servicers=[lambda server: add_OperationsServiceServicer_to_server(answers, server)],
            ready=ready,
            status=Figures(behind=7 if "stuck" in ASKED else 0),
            tasks={name: WORKS[name] for name in ASKED if name in WORKS},
        )
    finally:
        say("closed")


if __name__ == "__main__":
    sys.exit(run(build, POLICY))
