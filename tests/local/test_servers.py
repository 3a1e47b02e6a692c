"""The session's servers are real, durable, and closed to everyone but the roles that were made."""

import asyncio

import asyncpg
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from careloop.local.local_stack import LocalStack
from careloop.local.settings import SERVICES
from tests.support.stack import KafkaBroker, PostgresDatabase, fresh_database


async def test_each_service_enters_its_own_schema_and_no_other(postgres: PostgresDatabase) -> None:
    for service in SERVICES:
        connection = await asyncpg.connect(postgres.dsn(service))
        try:
            assert await connection.fetchval("select current_schema()") == service
            reachable = await connection.fetch(
                "select nspname from pg_namespace where nspname = any($1) and has_schema_privilege(oid, 'usage')",
                [*SERVICES, "public"],
            )
            assert [row["nspname"] for row in reachable] == [service]
        finally:
            await connection.close()


async def test_a_service_may_not_create_anything(postgres: PostgresDatabase) -> None:
    connection = await asyncpg.connect(postgres.dsn("assessment"))
    try:
        for statement in ("create table t (a int)", "create schema s", "create temporary table t (a int)"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_acknowledged_means_on_disk(postgres: PostgresDatabase) -> None:
    connection = await asyncpg.connect(postgres.admin_dsn)
    try:
        for setting in ("fsync", "synchronous_commit"):
            assert await connection.fetchval("select current_setting($1)", setting) == "on"
        assert await connection.fetchval("select current_setting('server_version_num')::int") >= 180000
        assert await connection.fetchval("show listen_addresses") == "127.0.0.1"
    finally:
        await connection.close()


def test_a_failing_row_is_not_in_the_servers_log(postgres: PostgresDatabase, postgres_server: LocalStack) -> None:
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as connection:
        connection.execute("create table public.secret (word text primary key, n int check (n > 0))")
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("insert into public.secret values ('ajar-lantern', -1)")
    log = (postgres_server.home / "logs" / "postgres.log").read_text()
    assert "violates check constraint" in log
    assert "ajar-lantern" not in log


def test_two_databases_share_nothing_but_the_server(postgres_server: LocalStack) -> None:
    with fresh_database(postgres_server) as one, fresh_database(postgres_server) as other:
        with psycopg.connect(one.admin_dsn, autocommit=True) as connection:
            connection.execute("create table public.only_here (a int)")
        with psycopg.connect(other.admin_dsn) as connection:
            assert connection.execute("select to_regclass('public.only_here')").fetchone() == (None,)


async def test_a_record_sent_is_a_record_read(kafka: KafkaBroker) -> None:
    topic = await kafka.topic("round-trip", partitions=3)
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait(topic, b"value", key=b"key", partition=2)
    finally:
        await producer.stop()
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        record = await asyncio.wait_for(consumer.getone(), timeout=20)
    finally:
        await consumer.stop()
    assert (record.key, record.value, record.partition) == (b"key", b"value", 2)
