"""`careloop topics`: the topics in a Kafka that others run."""

import asyncio
from typing import Annotated

import typer

from careloop.cli.calling.client import Home
from careloop.cli.commands.check import broker_of
from careloop.local.settings import BadSetting, stack_settings
from careloop.local.topics import create_topics, read_list

Partitions = Annotated[
    int | None,
    typer.Option(help="Partitions of each event topic; CARELOOP_PARTITIONS, or 6. They never change.", min=1, max=1000),
]
Replicas = Annotated[int | None, typer.Option(help="Replicas of each topic; CARELOOP_REPLICAS, or 1.", min=1, max=9)]


def topics(partitions: Partitions = None, replicas: Replicas = None, home: Home = None) -> None:
    """Make the topics that are missing in the Kafka of CARELOOP_KAFKA_BOOTSTRAP, or of the state folder.

    Those that exist stay as they are.
    Exits 0 when all are there, 1 when one has another number of partitions or the broker refused, 2 for wrong use.
    """
    settings = stack_settings(home=home, partitions=partitions, replicas=replicas)
    broker = broker_of(settings)
    if broker is None:
        raise BadSetting("CARELOOP_KAFKA_BOOTSTRAP: set it to your brokers as host:port")
    wanted = read_list()
    asyncio.run(create_topics(broker, wanted, partitions=settings.partitions, replicas=settings.replicas))
    typer.echo(f"there: {', '.join(topic.name for topic in wanted)}")
