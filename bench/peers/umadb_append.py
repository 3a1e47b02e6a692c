"""Appends to UmaDB through its own client, each on the condition that nothing newer is known of the patient."""

from uuid import UUID, uuid4

from umadb import AppendCondition, Client, Event, IntegrityError, Query, QueryItem

from bench import protocol
from bench.closed_loop import Append, waiting_threads
from bench.workload import TOPIC, content, patient


def run(spec: protocol.Spec) -> None:
    client = Client(spec["url"])
    last: dict[UUID, int] = {}

    def append_after(stream: UUID, after: int | None, state: bytes) -> int:
        tag = f"patient:{stream}"
        condition = AppendCondition(Query([QueryItem(tags=[tag])]), after)
        position: int = client.append([Event(TOPIC, state, [tag], uuid4())], condition)
        return position

    def append(stream: UUID, _version: int, state: bytes) -> None:
        last[stream] = append_after(stream, last.get(stream), state)

    def append_of(_client: int) -> Append:
        return append

    protocol.ready()
    tally = waiting_threads(append_of, spec)
    stream = next(iter(last), patient(0, 0))
    try:
        append_after(stream, last[stream] - 1, content(stream, 1_000_000))
        refuses = False
    except IntegrityError:
        refuses = True
    protocol.answer(**tally.figures(), refuses_stale=refuses, **_read_back(client))


def _read_back(client: Client) -> dict[str, int]:
    """Everything that is stored, checked here, since nobody else can read it."""
    versions: dict[str, int] = {}
    position = broken = 0
    for stored in client.read():
        (tag,) = stored.event.tags
        versions[tag] = versions.get(tag, 0) + 1
        position += 1
        expected = content(UUID(tag.removeprefix("patient:")), versions[tag])
        broken += stored.position != position or bytes(stored.event.data) != expected
    return {"stored": position, "broken": broken}


if __name__ == "__main__":
    run(protocol.told())
