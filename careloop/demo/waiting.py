"""Waiting for a condition with a deadline; above all until everything recorded was published, consumed, acted upon."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from careloop.local.settings import SERVICES

SETTLES_WITHIN_SECONDS = 180.0
LOOK_AGAIN_SECONDS = 0.1
Found = TypeVar("Found")

Consumption = tuple[str, str, str]
"""A service, its consumer, and the source it takes from."""


class NotInTime(Exception):
    """What was waited for did not come in time."""


async def until_found(look: Callable[[], Awaitable[Found | None]], within: float, what: str) -> Found:
    """What `look` finds, asked again and again. Raises NotInTime with `what` after so many seconds."""
    give_up_at = asyncio.get_running_loop().time() + within
    while (found := await look()) is None:
        if asyncio.get_running_loop().time() > give_up_at:
            raise NotInTime(f"{what} did not come within {within:g} s")
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return found


class Settled:
    """The moment at which nothing is under way, asked of the tables in one snapshot."""

    def __init__(self, dsn: str, consumptions: frozenset[Consumption]) -> None:
        self._dsn = dsn
        self._consumptions = consumptions

    async def wait(self) -> float:
        """Return when nothing is under way any more; answers how many seconds that took. Raises NotInTime."""
        began = asyncio.get_running_loop().time()
        connection = await asyncpg.connect(self._dsn, timeout=10, command_timeout=10)

        open_last = ""

        async def look() -> bool | None:
            nonlocal open_last
            open_last = await self._open(connection)
            return None if open_last else True

        try:
            await until_found(look, SETTLES_WITHIN_SECONDS, "a moment with nothing under way")
        except NotInTime as late:
            raise NotInTime(f"{late}: {open_last}") from None
        finally:
            await connection.close()
        return asyncio.get_running_loop().time() - began

    async def _open(self, connection: asyncpg.Connection) -> str:
        """What is under way, by service; nothing when nothing is."""
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            published: dict[str, list[int]] = {}
            for service in SERVICES:
                relay = await connection.fetchrow(_RELAY.format(service=service))
                if relay["head"] > relay["position"]:
                    return f"{service} has facts to publish"
                if kinds := await connection.fetchval(_DUE.format(service=service)):
                    return f"{service} has rows due within a minute: {kinds}"
                published[service] = relay["last_published"]
            for service, consumer, source in self._consumptions:
                rows = await connection.fetch(_CONSUMED.format(service=service), consumer, source)
                consumed = {row["partition"]: row["position"] for row in rows}
                if any(consumed.get(number, 0) < last for number, last in enumerate(published[source])):
                    return f"{consumer} of {service} has facts of {source} to read"
        return ""


_RELAY = """select coalesce(r.position, 0) as position, coalesce(r.last_published, '{{}}') as last_published,
    (select coalesce(max(notification_id), 0) from {service}.events) as head
    from (select 1) one left join {service}.relay_checkpoint r on true"""
_DUE = """select string_agg(distinct kind, ', ') from {service}.due
    where done_at is null and due_at < now() + interval '60 seconds'"""
_CONSUMED = "select partition, position from {service}.consumed_positions where consumer = $1 and source = $2"
