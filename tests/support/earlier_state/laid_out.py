"""A local stack that finds the rows and records of an earlier build, as after `careloop up` of a new version."""

import gzip
import json
from base64 import b64decode
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from careloop.chassis.clock import clock_of
from careloop.chassis.relay.broker_access import BrokerAccess
from careloop.local.local_stack import LocalStack
from careloop.local.schemas import address, admit_roles, create_roles
from careloop.local.settings import DATABASE
from careloop.local.topics import create_topics, read_list

RECORDED = Path(__file__).parents[2] / "system" / "earlier_state"
"""By commit 159c04b; `record.py` beside this module says how."""
LATER = timedelta(days=2)


def patients() -> dict[str, str]:
    """The clients' patient ids by what is remarkable about them."""
    found: dict[str, str] = json.loads((RECORDED / "patients.json").read_text())
    return found


class StackOfEarlier(LocalStack):
    """Prepared as any, on what is there already; its clock is two days ahead, so that what was dated ahead came."""

    async def prepare(self) -> None:
        clock_of(self.home).forward(LATER)
        await self._lay_out_database()
        await self._lay_out_topics()
        await super().prepare()

    async def _lay_out_database(self) -> None:
        server = await asyncpg.connect(self.admin_url)
        try:
            await create_roles(server, lambda _role: self.role_password)
            await server.execute(f'create database "{DATABASE}"')
            await admit_roles(server, DATABASE)
        finally:
            await server.close()
        inside = await asyncpg.connect(address(self.admin_url, database=DATABASE))
        try:
            await inside.execute(gzip.decompress((RECORDED / "database.sql.gz").read_bytes()).decode())
        finally:
            await inside.close()

    async def _lay_out_topics(self) -> None:
        broker = BrokerAccess(self.kafka_address)
        await create_topics(broker, read_list(), partitions=self.settings.partitions, replicas=self.settings.replicas)
        async with AIOKafkaProducer(bootstrap_servers=self.kafka_address) as producer:
            for record in _published():
                await producer.send(
                    record["topic"],
                    json.dumps(record["value"]).encode(),
                    key=b64decode(record["key"]),
                    partition=record["partition"],
                    headers=[(name, value.encode()) for name, value in record["headers"]],
                )


def _published() -> Sequence[dict[str, Any]]:
    lines = gzip.decompress((RECORDED / "topics.jsonl.gz").read_bytes()).splitlines()
    return [json.loads(line) for line in lines]
