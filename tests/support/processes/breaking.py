"""Breaking the servers and the processes of a running system."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from careloop.local.settings import SERVICES
from tests.support.checker.ledger import tables
from tests.support.processes.running import System
from tests.support.waiting import until


async def end_server(system: System, name: str, number: signal.Signals) -> None:
    """Send the signal to `postgres` or `kafka`; returns when its process has ended."""
    (server,) = [child for child in system.stack.children if child.name == name]
    server.send(number)
    await until(lambda: server.exit_code is not None)


def processes(system: System) -> dict[str, int]:
    """The process of each service."""
    return {service: system.supervisor.pid(service) for service in SERVICES}


@asynccontextmanager
async def log_held(system: System, service: str) -> AsyncIterator[None]:
    """Meanwhile nobody can append to this service's log: a command waits between its decision and its commit."""
    async with tables(system, service) as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(log_key())")
        yield


async def until_waiting(system: System, commands: int = 1) -> None:
    """Return when so many commands wait for a log. A relay that waits for a quiet moment names the lock itself."""
    async with tables(system) as connection:

        async def waiting() -> bool:
            count = await connection.fetchval(
                """select count(*) from pg_locks join pg_stat_activity using (pid)
                   where locktype = 'advisory' and not granted and query not like '%log_key()%'"""
            )
            return bool(count >= commands)

        await until(waiting)


async def cut_connections(system: System) -> None:
    """End every connection of every service, whatever it is doing."""
    async with tables(system) as connection:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = any($1)", list(SERVICES)
        )
