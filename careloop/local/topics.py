"""Topics are made from one list, `topics.yaml` beside this module, and never by a client's first use."""

import asyncio
from dataclasses import dataclass
from importlib.resources import files

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

from careloop.chassis.relay.broker_access import BrokerAccess

_ALREADY_EXISTS = 36
KNOWN_WITHIN_SECONDS = 15.0


class PartitionsDiffer(Exception):
    """A topic exists with another number of partitions: patients would change partition and lose their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic of the list; `partitions` is None where the setting decides."""

    name: str
    partitions: int | None
    config: dict[str, str]


def read_list() -> tuple[Topic, ...]:
    """The topics in the order of the file."""
    text = files("careloop.local").joinpath("topics.yaml").read_text(encoding="utf-8")
    entries = yaml.safe_load(text)["topics"]
    return tuple(
        Topic(
            name=entry["name"],
            partitions=entry.get("partitions"),
            config={key: str(value) for key, value in entry["config"].items()},
        )
        for entry in entries
    )


def read_sources() -> dict[str, list[str]]:
    """By service, those whose topics it consumes: `reads.yaml` beside this module."""
    text = files("careloop.local").joinpath("reads.yaml").read_text(encoding="utf-8")
    sources: dict[str, list[str]] = yaml.safe_load(text)
    return sources


async def create_topics(broker: BrokerAccess, topics: tuple[Topic, ...], *, partitions: int, replicas: int) -> None:
    """Make what is missing; raises PartitionsDiffer when a topic that exists has another number of partitions."""
    admin = AIOKafkaAdminClient(**broker.arguments())
    await admin.start()
    try:
        wanted = {topic.name: topic.partitions or partitions for topic in topics}
        answer = await admin.create_topics(
            [NewTopic(topic.name, wanted[topic.name], replicas, topic_configs=topic.config) for topic in topics]
        )
        for name, code, *_ in answer.topic_errors:
            if code not in (0, _ALREADY_EXISTS):
                raise for_code(code)(f"topic {name} could not be made")
        for name, found in (await _partitions(admin, list(wanted))).items():
            _check(name, found, wanted[name])
    finally:
        await admin.close()


async def _partitions(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    """How many each topic has. A broker that has just made a topic may say 0 for a moment: it is asked again, for at
    most `KNOWN_WITHIN_SECONDS`."""
    give_up_at = asyncio.get_running_loop().time() + KNOWN_WITHIN_SECONDS
    while True:
        found = {one["topic"]: len(one["partitions"]) for one in await admin.describe_topics(names)}
        if all(found.values()) or asyncio.get_running_loop().time() > give_up_at:
            return found
        await asyncio.sleep(0.1)


def _check(name: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise PartitionsDiffer(
            f"topic {name} has {found} partitions and {wanted} are wanted; "
            "a topic keeps the number it was made with: set CARELOOP_PARTITIONS to it"
        )
